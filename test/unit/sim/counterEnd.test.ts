import { expect, test, vi } from 'vitest';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { KeeperError } from '../../../src/wire/errorCodes.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

/**
 * The leader refuses the write for which there is no zxid any more, and ends. A SYNC that the same client sent behind that
 * write was still answered, so the client got the answers to its requests in another order than it sent them.
 */
test('a leader whose zxids are used up answers no SYNC past the write it refused', async () => {
  const ensemble = new Ensemble({
    seed: 1,
    participantCount: 3,
    config: { initialZxidCounter: 0xffff_fff0n },
  });
  ensemble.startAll();
  await ensemble.untilServing();
  const leader = await ensemble.untilQuorum();
  const follower = ensemble.sids.find((sid) => sid !== leader) ?? leader;
  const client = await ensemble.connect(follower);
  // The client throws for an answer out of order.
  const outcomes: string[] = [];
  const told = (what: string) =>
    [
      () => void outcomes.push(`${what} done`),
      (error: unknown) => {
        if (!(error instanceof KeeperError)) throw error;
        outcomes.push(`${what} unknown`);
      },
    ] as const;
  for (let index = 0; outcomes.at(-1) !== 'sync unknown'; index++) {
    const write = client.create(`/n${index}`, new Uint8Array(3)).then(...told('write'));
    const sync = client.sync('/').then(...told('sync'));
    await ensemble.simulation.settle(Promise.all([write, sync]));
  }
  expect(outcomes.slice(-4)).toEqual(['write done', 'sync done', 'write unknown', 'sync unknown']);
  await ensemble.untilServing(...ensemble.sids);
  await ensemble.checkTreesEqual();
});
