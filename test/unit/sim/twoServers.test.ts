import { describe, expect, test, vi } from 'vitest';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';
import { sid, type Sid } from '../../../src/wire/ids.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const NO_DATA = new Uint8Array();
/** Longer than it takes to notice that the other is gone, and to give up on it. */
const LONG_MS = 5_000;

/** Two servers that follow one another, and an oracle that says yes to `word.to`. */
async function running(seed: number) {
  const word: { to: Sid | null } = { to: null };
  const ensemble = new Ensemble({
    seed,
    participantCount: 2,
    oracle: (server) => server === word.to,
  });
  ensemble.startAll();
  await ensemble.untilServing(1, 2);
  const leader = await ensemble.untilQuorum();
  const follower = leader === 1n ? sid(2) : sid(1);
  return { ensemble, simulation: ensemble.simulation, word, leader, follower };
}

describe('two servers with an oracle', () => {
  test('the leader does not go on alone without the oracle’s word', async () => {
    const { ensemble, simulation, leader, follower } = await running(1);
    ensemble.crash(follower);
    await ensemble.until(() => !ensemble.serving(leader), 'the leader steps down');
    await simulation.sleep(LONG_MS);
    expect(ensemble.status(leader)?.state).toBe('LOOKING');
    ensemble.start(follower);
    await ensemble.untilServing(1, 2);
  });

  test('with it the leader goes on, and so do the writes that waited for the other', async () => {
    const { ensemble, simulation, word, leader, follower } = await running(2);
    const client = await ensemble.connect(leader);
    word.to = leader;
    ensemble.crash(follower);
    const writes = Array.from({ length: 5 }, (_, index) => client.create(`/w-${index}`, NO_DATA));
    await simulation.settle(Promise.all(writes));
    await simulation.sleep(LONG_MS);
    expect(ensemble.status(leader)).toMatchObject({ state: 'LEADING', epoch: 1n, serving: true });
    ensemble.start(follower);
    await ensemble.untilServing(1, 2);
    expect((await ensemble.checkTreesEqual()).has('/w-4')).toBe(true);
  });

  test('once the other is back both are needed again, whatever the oracle says', async () => {
    const { ensemble, simulation, word, leader, follower } = await running(3);
    word.to = leader;
    ensemble.crash(follower);
    const client = await ensemble.connect(leader);
    await simulation.settle(client.create('/alone', NO_DATA));
    ensemble.start(follower);
    await ensemble.untilServing(1, 2);
    word.to = null;
    ensemble.crash(follower);
    const lost = await simulation.settle(
      client.create('/nobody-says-so', NO_DATA).then(
        () => ErrorCode.Ok,
        (error: unknown) => (error instanceof KeeperError ? error.code : ErrorCode.SystemError),
      ),
    );
    expect(lost).toBe(ErrorCode.ConnectionLoss);
  });

  test('the follower takes over when the oracle says so, perhaps later, and the old leader follows it', async () => {
    const { ensemble, simulation, word, leader, follower } = await running(4);
    const client = await ensemble.connect(leader);
    await simulation.settle(client.create('/before', NO_DATA));
    ensemble.crash(leader);
    await simulation.sleep(LONG_MS);
    expect(ensemble.serving(follower)).toBe(false);
    word.to = follower;
    await ensemble.until(() => ensemble.leader() === follower, 'the follower leads');
    const other = await ensemble.connect(follower);
    await simulation.settle(other.create('/after', NO_DATA));
    ensemble.start(leader);
    await ensemble.untilServing(1, 2);
    expect(ensemble.leader()).toBe(follower);
    const tree = await ensemble.checkTreesEqual();
    expect(tree.has('/before') && tree.has('/after')).toBe(true);
  });

  test('a leader whose word is taken away steps down', async () => {
    const { ensemble, word, leader, follower } = await running(5);
    word.to = leader;
    ensemble.crash(follower);
    const client = await ensemble.connect(leader);
    await ensemble.simulation.settle(client.create('/alone', NO_DATA));
    word.to = null;
    await ensemble.until(() => !ensemble.serving(leader), 'the leader steps down');
  });
});
