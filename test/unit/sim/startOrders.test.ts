import { describe, expect, test, vi } from 'vitest';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { sid } from '../../../src/wire/ids.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

/** Between two starts: within one election, and after it is over. */
const GAPS_MS = [0, 30, 700] as const;

function nth(order: readonly number[], index: number): number {
  const server = order[index];
  if (server === undefined) throw new RangeError(`the order has no place ${index}`);
  return server;
}

async function startInOrder(order: readonly number[], gapMs: number): Promise<Ensemble> {
  const ensemble = new Ensemble({
    seed: 100 * gapMs + nth(order, 0),
    participantCount: order.length,
  });
  for (const server of order) {
    ensemble.start(server);
    await ensemble.simulation.sleep(gapMs);
  }
  return ensemble;
}

/** All serve under one leader, a write at one is read at all. */
async function checkWhole(ensemble: Ensemble): Promise<void> {
  await ensemble.untilServing(...ensemble.sids);
  const writer = await ensemble.connect(1);
  await ensemble.simulation.settle(writer.create('/a', new Uint8Array([1, 2, 3])));
  const tree = await ensemble.checkTreesEqual();
  expect([...(tree.get('/a')?.data ?? [])]).toEqual([1, 2, 3]);
  expect(ensemble.invariants.checkCount).toBeGreaterThan(20);
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}

describe.each(GAPS_MS)('three servers, %i ms between starts', (gapMs) => {
  test.each(permutations([1, 2, 3]).map((order) => [order.join(' '), order] as const))(
    'in the order %s',
    async (_name, order) => {
      const ensemble = await startInOrder(order, gapMs);
      await checkWhole(ensemble);
      // Who starts with everything else equal is led by the highest sid that was there in time.
      if (gapMs === 0) expect(ensemble.leader()).toBe(sid(3));
      if (gapMs === 700)
        expect(ensemble.leader()).toBe(sid(Math.max(nth(order, 0), nth(order, 1))));
    },
  );
});

describe.each([0, 150])('five servers, %i ms between starts', (gapMs) => {
  const pairs = permutations([1, 2, 3, 4, 5]).filter((order) => {
    const others = order.slice(2);
    return others.join() === others.toSorted().join();
  });
  test.each(pairs.map((order) => [order.slice(0, 2).join(', then '), order] as const))(
    'first %s, then the others',
    async (_name, order) => {
      const ensemble = await startInOrder(order, gapMs);
      await checkWhole(ensemble);
    },
  );
});

test('three servers that start together do not wait where no better vote can come', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const ensemble = new Ensemble({ seed, participantCount: 3 });
    ensemble.startAll();
    await ensemble.untilServing(...ensemble.sids);
    // ZooKeeper would take more than its 200 ms of waiting for a better vote.
    expect(ensemble.simulation.time.nowMs, `seed ${seed}`).toBeLessThan(180);
  }
});

test('one server of three waits for a second one and refuses clients meanwhile', async () => {
  const ensemble = new Ensemble({ seed: 5, participantCount: 3 });
  ensemble.start(1);
  await ensemble.simulation.sleep(20_000);
  expect(ensemble.status(1)?.state).toBe('LOOKING');
  expect(ensemble.serving(1)).toBe(false);
  ensemble.start(2);
  expect(await ensemble.untilQuorum()).toBe(sid(2));
});

test('who was elected by a voter that then found a better one does not wait for it in vain', async () => {
  let deposedCount = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const ensemble = new Ensemble({ seed, participantCount: 3 });
    const { network } = ensemble.simulation;
    // A busy server 2 hears late what the others have settled.
    network.setLatency('server-2', 'server-3', [120, 270]);
    network.setLatency('server-3', 'server-2', [120, 270]);
    network.setLatency('server-1', 'server-2', [1, 120]);
    ensemble.simulation.subscribe(['peer'], ({ event }) => {
      if (event.topic !== 'peer' || event.type !== 'state') return;
      if (event.cause.kind !== 'epochNotAgreed') return;
      expect(event.cause.reason, `seed ${seed}`).toContain('after all');
      deposedCount += 1;
    });
    ensemble.start(1, 2);
    await ensemble.simulation.sleep((7 * seed) % 260);
    ensemble.start(3);
    await ensemble.untilServing(...ensemble.sids);
  }
  expect(deposedCount).toBeGreaterThan(0);
});

test('two runs of one seed are the same run', async () => {
  const run = async () => {
    const ensemble = new Ensemble({ seed: 77, participantCount: 3 });
    const told: string[] = [];
    ensemble.simulation.subscribe(['peer', 'election', 'zab', 'packet', 'storage'], (record) => {
      told.push(
        `${record.timeMs} ${record.sid} ${JSON.stringify(record.event, (_key, value: unknown) =>
          typeof value === 'bigint' ? String(value) : value,
        )}`,
      );
    });
    ensemble.startAll();
    await checkWhole(ensemble);
    return told;
  };
  const first = await run();
  expect(first.length).toBeGreaterThan(100);
  expect(await run()).toEqual(first);
});
