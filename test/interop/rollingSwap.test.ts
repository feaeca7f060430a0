/** An ensemble changes its kind server by server, each on the data directory that it has, while clients go on writing. */

import { expect, test } from 'vitest';
import { newClient } from './frame/client.ts';
import { mixedEnsemble } from './frame/ensemble.ts';
import { furnish } from './frame/furnish.ts';
import { RecordedLoad } from './frame/load.ts';
import { expectAllWell } from './frame/lookBack.ts';
import type { Kind } from './frame/serverProcess.ts';

const OTHER: Readonly<Record<Kind, Kind>> = { apache: 'tabkeeper', tabkeeper: 'apache' };
const BUSY_COUNT = 100;

for (const before of ['apache', 'tabkeeper'] as const) {
  test(`an ensemble of ${before} is replaced server by server by ${OTHER[before]}, and back`, async () => {
    const ensemble = await mixedEnsemble(
      { 1: before, 2: before, 3: before },
      { config: ['extendedTypesEnabled=true', 'snapCount=500'] },
    );
    await ensemble.waitForServing();
    const owner = newClient(ensemble.addresses(), { sessionTimeoutMs: 120_000 });
    await owner.connected();
    const { sessionId } = owner;
    await furnish(owner, '/before');
    for (const kind of [OTHER[before], before]) {
      const load = new RecordedLoad(ensemble.servers.map(() => ensemble.addresses()));
      await load.acknowledge(BUSY_COUNT);
      for (const server of ensemble.servers) {
        await server.stop();
        await load.acknowledge(BUSY_COUNT);
        server.start(kind);
        await ensemble.waitForServing();
        await load.acknowledge(BUSY_COUNT);
      }
      await load.stop();
      expect(ensemble.servers.map((server) => server.kind)).toEqual([kind, kind, kind]);
      await expectAllWell(ensemble, load);
    }
    await owner.connected();
    expect(owner.sessionId).toBe(sessionId);
    await owner.close();
    await expectAllWell(ensemble);
  });
}
