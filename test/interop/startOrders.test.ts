import { expect, test } from 'vitest';
import { withClient } from './frame/client.ts';
import { type MixedEnsemble, mixedEnsemble } from './frame/ensemble.ts';
import { expectAllWell } from './frame/lookBack.ts';
import type { Kind } from './frame/serverProcess.ts';

const ORDERS = [
  [1, 2, 3],
  [1, 3, 2],
  [2, 1, 3],
  [2, 3, 1],
  [3, 1, 2],
  [3, 2, 1],
];
const A: Kind = 'apache';
const T: Kind = 'tabkeeper';
const MIXTURES: readonly (readonly [Kind, Kind, Kind])[] = [
  [A, A, T],
  [A, T, A],
  [T, A, A],
  [A, T, T],
  [T, A, T],
  [T, T, A],
];

async function writeEverywhere(ensemble: MixedEnsemble, name: string): Promise<void> {
  for (const { sid, clientAddress } of ensemble.servers) {
    await withClient([clientAddress], async (client) => {
      await client.create(`/${name}-${sid}`, `by way of server ${sid}`);
      await client.setData('/', `${name} ${sid}`);
    });
  }
}

for (const [one, two, three] of MIXTURES) {
  test(`${one}, ${two} and ${three} make an ensemble, in whatever order they start`, async () => {
    const kinds = { 1: one, 2: two, 3: three };
    const ensemble = await mixedEnsemble(kinds, { startOrder: [] });
    for (const order of ORDERS) {
      const leader = await ensemble.gather(order);
      // Equal histories: of the first two to meet the higher number leads.
      expect(leader.sid).toBe(Math.max(...order.slice(0, 2)));
      await writeEverywhere(ensemble, order.join(''));
      await expectAllWell(ensemble);
      await ensemble.stopAll();
    }
  });
}
