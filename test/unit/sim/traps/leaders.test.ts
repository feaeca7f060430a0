/** Reigns that end: by their counter, by a pause, by a follower that has another leader already. */

import { expect, vi } from 'vitest';
import { Ensemble } from '../../../../src/sim/ensemble.ts';
import { counterOf, sid } from '../../../../src/wire/ids.ts';
import { countOf, fill, fillAt, outcomeOf, running } from './scene.ts';
import { trap } from './trap.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

trap(
  'a reign ends before its counter rolls over into the epoch (ZOOKEEPER-1277)',
  ['a leader goes on when its counter is used up'],
  async () => {
    const { ensemble, leader } = await running({
      seed: 31,
      participantCount: 3,
      config: { initialZxidCounter: 0xffff_fff0n },
    });
    const { epoch } = ensemble.status(leader) ?? {};
    for (let count = 0; ensemble.status(leader)?.epoch === epoch; count++) {
      // Whichever of the two takes the last zxid, opening a session or writing, is not answered.
      const attempt = ensemble
        .connect(leader)
        .then((client) => client.create(`/n-${count}`, new Uint8Array()));
      await ensemble.simulation.settle(outcomeOf(attempt));
      await ensemble.untilServing(...ensemble.sids);
    }
    expect(ensemble.invariants.committed.every((zxid) => counterOf(zxid) > 0n)).toBe(true);
    await ensemble.checkTreesEqual();
  },
);

trap(
  'an old leader that wakes from a long pause acknowledges nothing, and follows',
  ['a write is committed without a quorum', 'a leader without a quorum goes on'],
  async () => {
    const { ensemble, leader, others } = await running({ seed: 33, participantCount: 3 });
    const client = await ensemble.connect(leader, 600_000);
    await fill(ensemble, client, '/before-', 5);
    ensemble.machine(leader).freeze();
    const late = outcomeOf(client.create('/late', new Uint8Array()));
    await ensemble.until(
      () =>
        others.every((other) => ensemble.serving(other)) &&
        ensemble.status(others[0] ?? 1)?.epoch !== ensemble.status(leader)?.epoch,
      'the others have another reign',
    );
    await fillAt(ensemble, others[0] ?? 1, '/meanwhile-', 5);
    ensemble.machine(leader).thaw();
    expect(await ensemble.simulation.settle(late)).toBe('unknown');
    await ensemble.untilServing(...ensemble.sids);
    expect(ensemble.leader()).not.toBe(leader);
    const tree = await ensemble.checkTreesEqual();
    expect([countOf(tree, '/meanwhile-'), tree.has('/late')]).toEqual([5, false]);
  },
);

/**
 * A follower acknowledges a proposal, loses its connection, and comes back to the same leader, which cuts it back to what
 * is committed and sends the proposal again. In between the proposal is on the follower's disk no more: what it
 * acknowledged before may not count, or a commit would rest on fewer disks than a quorum.
 */
trap(
  'an acknowledgement given before a resynchronisation does not count after it',
  ['an acknowledgement from before a resynchronisation still counts'],
  async () => {
    const ensemble = new Ensemble({ seed: 1, participantCount: 5 });
    const { network } = ensemble.simulation;
    ensemble.startAll();
    await ensemble.untilServing(...ensemble.sids);
    expect(ensemble.leader()).toBe(sid(5));
    const client = await ensemble.connect(5);
    await ensemble.simulation.settle(client.create('/a', new Uint8Array()));
    await ensemble.simulation.sleep(50);

    // The next proposal reaches server 1 only.
    for (const other of [2, 3, 4]) network.block('server-5', `server-${other}`);
    const writing = outcomeOf(client.create('/b', new Uint8Array()));
    const first = ensemble.invariants.history(sid(1));
    const proposed = first.lastZxid + 1n;
    await ensemble.until(() => first.lastZxid === proposed, 'server 1 has logged it');
    await ensemble.simulation.sleep(20);

    // Server 1 comes back while the others still sit out their silence.
    network.reset('server-5', 'server-1');
    await ensemble.until(() => first.lastZxid < proposed, 'server 1 is cut back');
    ensemble.machine(1).disk.stall();
    // One more acknowledgement: with that of server 1 it would be a quorum.
    network.unblock('server-5', 'server-4');
    await ensemble.simulation.sleep(50);

    // The two that have it are lost for good; of the others none knows it.
    expect(ensemble.invariants.committed).not.toContain(proposed);
    ensemble.crash(5, 'silent');
    ensemble.crash(4, 'silent');
    ensemble.machine(1).disk.release();
    client.disconnect();
    network.heal();
    expect(await ensemble.simulation.settle(writing)).toBe('unknown');
    await ensemble.untilServing(1, 2, 3);
    await ensemble.checkTreesEqual();
  },
);

/** Only the follower hears of the leader's last proposals: one is being flushed when that leader dies, one waits. */
async function diesInMidFlush(seed: number) {
  const { ensemble, leader, others } = await running({ seed, participantCount: 5 });
  const [follower = sid(1), other = sid(2)] = others;
  await fillAt(ensemble, leader, '/kept-', 3);
  const client = await ensemble.connect(leader, 600_000);
  await ensemble.simulation.sleep(50);
  const { network } = ensemble.simulation;
  for (const one of others) {
    if (one !== follower) network.block(`server-${leader}`, `server-${one}`);
  }
  ensemble.machine(follower).disk.stall();
  const lost = outcomeOf(client.create('/lost-1', new Uint8Array()));
  await ensemble.simulation.sleep(30);
  const waiting = outcomeOf(client.create('/lost-2', new Uint8Array()));
  await ensemble.simulation.sleep(30);
  ensemble.crash(leader, 'silent');
  client.disconnect();
  network.heal();
  const rest = others.filter((one) => one !== follower);
  await ensemble.untilServing(...rest);
  await fillAt(ensemble, other, '/later-', 5);
  ensemble.machine(follower).disk.release();
  expect(await ensemble.simulation.settle(Promise.all([lost, waiting]))).toEqual([
    'unknown',
    'unknown',
  ]);
  await ensemble.untilServing(...others);
  // Whatever is late has come by then.
  await ensemble.simulation.sleep(3_000);
  return { ensemble, follower };
}

/**
 * What is proposed is given to the log at once, in order, and the next role's first write waits behind the last one's at
 * the disk: so nothing of a role that has ended can come into the log of the next.
 */
trap(
  'a follower that loses its leader in mid-flush follows another when all is written (ZOOKEEPER-4712)',
  ['what is queued behind a flush is logged later, also when its role has ended'],
  async () => {
    const { ensemble, follower } = await diesInMidFlush(32);
    for (let round = 0; round < 2; round++) {
      const tree = await ensemble.checkTreesEqual();
      expect([countOf(tree, '/later-'), countOf(tree, '/lost-')]).toEqual([5, 0]);
      ensemble.crash(follower, 'silent');
      ensemble.start(follower);
      await ensemble.untilServing();
    }
  },
);
