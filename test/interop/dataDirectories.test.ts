/** A data directory that one kind wrote is opened by the other, goes on there, and is opened by the first again. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectNoComplaints } from './frame/apacheLog.ts';
import { newClient, withClient } from './frame/client.ts';
import { mixedEnsemble } from './frame/ensemble.ts';
import { furnish } from './frame/furnish.ts';
import { until } from './frame/patience.ts';
import type { Kind, ServerProcess } from './frame/serverProcess.ts';
import { expectTree, treeOf } from './frame/tree.ts';

const OTHER: Readonly<Record<Kind, Kind>> = { apache: 'tabkeeper', tabkeeper: 'apache' };
const COMMON = 'extendedTypesEnabled=true';
const SNAP_COUNT = 50;
const MANY_COUNT = 4 * SNAP_COUNT;

const ENDINGS = {
  'a clean stop': (server: ServerProcess) => server.stop(),
  'kill -9': (server: ServerProcess) => server.kill(),
} as const;

const CONTENTS = {
  'a log': { config: [], hasSnapshots: false },
  'snapshots and logs': { config: [`snapCount=${SNAP_COUNT}`], hasSnapshots: true },
} as const;

for (const writer of ['apache', 'tabkeeper'] as const) {
  for (const [ending, end] of Object.entries(ENDINGS)) {
    for (const [contents, { config, hasSnapshots }] of Object.entries(CONTENTS)) {
      test(`${contents} of ${writer} after ${ending} open in ${OTHER[writer]}, and back`, async () => {
        const ensemble = await mixedEnsemble({ 1: writer }, { config: [COMMON, ...config] });
        const server = ensemble.server(1);
        await standsAlone(server);
        // It lives on through every change, and so do its ephemeral nodes. Its only server has four names, because
        // 3.8.0 leaves a client that comes while it starts without an answer: each name has a quarter of the time.
        const owner = newClient(Array.from({ length: 4 }, () => server.clientAddress));
        await furnish(owner, '/first');
        await writeMany(server, '/many');
        if (hasSnapshots) await until('there are snapshots', () => snapshotCount(server) > 1);

        const first = await treeOf(server);
        await end(server);
        server.start(OTHER[writer]);
        await standsAlone(server);
        await expectTree(server, first);

        await owner.connected();
        await furnish(owner, '/second');
        await writeMany(server, '/more');
        const second = await treeOf(server);
        expect(second.size).toBeGreaterThan(first.size);
        await end(server);
        server.start(writer);
        await standsAlone(server);
        await expectTree(server, second);
        await owner.connected();
        await owner.create('/still-the-same-session');
        expectNoComplaints(ensemble.servers);
      });
    }
  }
}

const standsAlone = (server: ServerProcess): Promise<true> =>
  until('it serves alone', async () => {
    if (!server.running) throw new Error(`server ${server.sid} has ended`);
    return (await server.mode()) === 'standalone';
  });

const snapshotCount = (server: ServerProcess): number =>
  readdirSync(join(server.dataDir, 'version-2')).filter((name) => name.startsWith('snapshot.'))
    .length;

async function writeMany(server: ServerProcess, parent: string): Promise<void> {
  await withClient([server.clientAddress], async (client) => {
    await client.create(parent);
    for (let i = 0; i < MANY_COUNT; i++) await client.create(`${parent}/${i}`, `${i}`);
  });
}
