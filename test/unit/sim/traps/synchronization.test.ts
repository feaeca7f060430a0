/** A follower between the first packet of its synchronisation and the first client that it serves. */

import { expect, vi } from 'vitest';
import type { Ensemble } from '../../../../src/sim/ensemble.ts';
import { counterOf, makeZxid, sid, zxid, type Sid } from '../../../../src/wire/ids.ts';
import { PacketType } from '../../../../src/wire/quorumPackets.ts';
import { countOf, dieWithTail, fill, fillAt, losePowerAt, once, running } from './scene.ts';
import { trap } from './trap.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const MISSED_COUNT = 30;

/** Server 1 has missed some writes and is down; `snapshots`: it is sent a SNAP when it comes back. */
async function behind(seed: number, snapshots: boolean) {
  const stage = await running({
    seed,
    participantCount: 3,
    config: snapshots ? { forceSnapshotSync: true } : {},
  });
  const { ensemble, leader } = stage;
  expect(leader).toBe(sid(3));
  await fillAt(ensemble, 3, '/before-', 5);
  ensemble.crash(1);
  await fillAt(ensemble, 3, '/missed-', MISSED_COUNT);
  const committed = ensemble.invariants.committed.at(-1);
  if (committed === undefined) throw new Error('something is committed');
  return { ...stage, disk: ensemble.invariants.history(sid(1)), committed };
}

const acknowledgesEpoch =
  (ensemble: Ensemble, leader: Sid) =>
  (event: { topic: string; type?: string; packetType?: number; zxid?: bigint }): boolean => {
    const { epoch } = ensemble.status(leader) ?? {};
    if (epoch === undefined || event.topic !== 'packet' || event.type !== 'sent') return false;
    return event.packetType === PacketType.ACK && event.zxid === makeZxid(epoch, 0n);
  };

trap(
  'a snapshot that was sent is on disk before its epoch is acknowledged (ZOOKEEPER-2872)',
  ['SNAP is installed in memory only'],
  async () => {
    const { ensemble, leader, disk, committed, lastSync } = await behind(11, true);
    const crashed = once(ensemble, 1, acknowledgesEpoch(ensemble, leader), () => {
      ensemble.crash(1, 'silent');
    });
    ensemble.machine(1).disk.configure({ unflushed: 'lost' });
    ensemble.start(1);
    await ensemble.until(crashed, 'server 1 has acknowledged and lost power');
    expect(lastSync(1)?.sync).toBe('SNAP');
    expect(disk.holds(committed)).toBe(true);
  },
);

trap(
  'a snapshot whose sender was lost counts only for what of it is on disk (ZOOKEEPER-3642)',
  ['SNAP is installed in memory only, and memory is kept'],
  async () => {
    const { ensemble, committed, disk } = await behind(12, true);
    const lost = once(
      ensemble,
      1,
      (event) =>
        event.topic === 'packet' &&
        event.type === 'received' &&
        event.packetType === PacketType.NEWLEADER,
      () => ensemble.simulation.network.reset('server-1', 'server-3'),
    );
    ensemble.start(1);
    await ensemble.untilServing(...ensemble.sids);
    expect(lost()).toBe(true);
    // In the next synchronisation it says where it is; it serves, so that all of that has to be on its disk.
    expect(disk.holds(committed)).toBe(true);
    await fillAt(ensemble, 3, '/later-', 5);
    for (const server of ensemble.sids) ensemble.crash(server, 'silent');
    ensemble.startAll();
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/missed-')).toBe(MISSED_COUNT);
  },
);

trap(
  'the transactions of a DIFF are on disk when their epoch is acknowledged (ZOOKEEPER-3911)',
  ['transactions of a DIFF are applied and not logged'],
  async () => {
    const { ensemble, leader, disk, committed, lastSync } = await behind(13, false);
    const crashed = once(ensemble, 1, acknowledgesEpoch(ensemble, leader), () => {
      ensemble.crash(1, 'silent');
    });
    ensemble.machine(1).disk.configure({ unflushed: 'lost' });
    ensemble.start(1);
    await ensemble.until(crashed, 'server 1 has acknowledged and lost power');
    expect(lastSync(1)?.sync).toBe('DIFF');
    expect(disk.holds(committed)).toBe(true);
  },
);

trap(
  'currentEpoch comes to disk after the history it vouches for (ZOOKEEPER-4643)',
  ['currentEpoch is written before the history it vouches for'],
  async () => {
    const { ensemble, leader, others } = await running({ seed: 14, participantCount: 3 });
    ensemble.crash(1);
    await fillAt(ensemble, leader, '/missed-', MISSED_COUNT);
    // A new reign, whose epoch server 1 does not have yet.
    ensemble.crash(leader);
    ensemble.start(leader);
    await ensemble.untilServing(leader, others[1] ?? 2);
    const committed = ensemble.invariants.committed.at(-1);
    if (committed === undefined) throw new Error('something is committed');
    const disk = ensemble.invariants.history(sid(1));
    const { epoch } = ensemble.status(leader) ?? {};
    const struck = losePowerAt(
      ensemble,
      1,
      ({ when, operation, name }) =>
        when === 'after' && operation === 'replace' && name.startsWith('currentEpoch'),
    );
    ensemble.start(1);
    await ensemble.until(struck, 'power is lost as the epoch is written');
    expect(disk.currentEpoch === epoch).toBe(disk.holds(committed));
    ensemble.machine(1).disk.stepping = null;
    ensemble.start(1);
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/missed-')).toBe(MISSED_COUNT);
  },
);

trap(
  'an epoch is acknowledged after the flush of its history, not before (ZOOKEEPER-4646)',
  ['NEWLEADER is acknowledged before its history is flushed'],
  async () => {
    const { ensemble, leader, disk, committed } = await behind(15, false);
    const acknowledged = once(ensemble, 1, acknowledgesEpoch(ensemble, leader), () => {
      expect(disk.holds(committed)).toBe(true);
    });
    ensemble.machine(1).disk.configure({ flushMs: [20, 20] });
    ensemble.start(1);
    await ensemble.untilServing(...ensemble.sids);
    expect(acknowledged()).toBe(true);
  },
);

trap(
  'no proposal is acknowledged before NEWLEADER is (ZOOKEEPER-4685)',
  ['a proposal is acknowledged before NEWLEADER is'],
  async () => {
    const { ensemble } = await behind(16, false);
    const acknowledged: bigint[] = [];
    ensemble.simulation.subscribe(['packet'], ({ sid: from, event }) => {
      if (from !== sid(1) || event.topic !== 'packet' || event.type !== 'sent') return;
      if (event.packetType === PacketType.ACK) acknowledged.push(event.zxid);
    });
    await writeWhileOneJoins(ensemble);
    await ensemble.simulation.sleep(200);
    expect(counterOf(zxid(acknowledged[0] ?? -1n))).toBe(0n);
    expect(acknowledged.length).toBeGreaterThan(2);
  },
);

/** Server 1 joins with a slow disk, so that many proposals and commits come between its NEWLEADER and its UPTODATE. */
async function writeWhileOneJoins(ensemble: Ensemble): Promise<void> {
  const client = await ensemble.connect(3);
  ensemble.machine(1).disk.configure({ flushMs: [15, 15] });
  ensemble.start(1);
  for (let round = 0; !ensemble.serving(1); round++) {
    await fill(ensemble, client, `/meanwhile-${round}-`, 3);
  }
  await ensemble.untilServing(...ensemble.sids);
}

trap(
  'what is committed between NEWLEADER and UPTODATE is applied, in order (ZOOKEEPER-3023, 4394)',
  ['a commit between NEWLEADER and UPTODATE is lost'],
  async () => {
    const { ensemble } = await behind(17, false);
    await writeWhileOneJoins(ensemble);
    expect(countOf(await ensemble.checkTreesEqual(), '/meanwhile-')).toBeGreaterThan(3);
  },
);

trap(
  'what is proposed between NEWLEADER and UPTODATE is logged behind what came before (ZOOKEEPER-4785)',
  ['what is proposed between NEWLEADER and UPTODATE is never logged'],
  async () => {
    const { ensemble } = await behind(18, false);
    await writeWhileOneJoins(ensemble);
    await ensemble.checkTreesEqual();
    await ensemble.simulation.sleep(200);
    // Its disk alone has all of it.
    const disk = ensemble.invariants.history(sid(1));
    for (const committed of ensemble.invariants.committed) expect(disk.holds(committed)).toBe(true);
    ensemble.crash(1, 'silent');
    ensemble.start(1);
    await ensemble.untilServing(...ensemble.sids);
    await ensemble.checkTreesEqual();
  },
);

trap(
  'a leader hands on what it got by DIFF itself (ZOOKEEPER-4925)',
  ['transactions of a DIFF are left out of the committed log'],
  async () => {
    const { ensemble, leader, lastSync } = await running({ seed: 19, participantCount: 5 });
    expect(leader).toBe(sid(5));
    await fillAt(ensemble, 4, '/before-', 5);
    await ensemble.simulation.sleep(50);
    ensemble.crash(1);
    ensemble.crash(5);
    await ensemble.untilServing(2, 3, 4);
    await fillAt(ensemble, 4, '/missed-', MISSED_COUNT);
    ensemble.start(5);
    await ensemble.untilServing(2, 3, 4, 5);
    expect(lastSync(5)?.sync).toBe('DIFF');
    ensemble.crash(4);
    await ensemble.untilServing(2, 3, 5);
    expect(ensemble.leader()).toBe(sid(5));
    ensemble.start(1);
    await ensemble.untilServing(1, 2, 3, 5);
    expect(lastSync(1)?.proposalCount).toBeGreaterThanOrEqual(MISSED_COUNT);
    expect(countOf(await ensemble.checkTreesEqual(), '/missed-')).toBe(MISSED_COUNT);
  },
);

trap(
  'a TRUNC whose sender was lost leaves memory as the disk is (ZOOKEEPER-5094)',
  ['memory is ahead of the disk after a TRUNC'],
  async () => {
    const { ensemble, leader, others, lastSync } = await running({ seed: 20, participantCount: 3 });
    await fillAt(ensemble, leader, '/kept-', 5);
    await dieWithTail(ensemble, leader, 4);
    await ensemble.untilServing(...others);
    const newLeader = await ensemble.untilQuorum();
    const lost = once(
      ensemble,
      leader,
      (event) => event.topic === 'storage' && event.type === 'truncated',
      () => {
        ensemble.simulation.network.reset(`server-${leader}`, `server-${newLeader}`);
      },
    );
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(lost()).toBe(true);
    expect(lastSync(leader)?.sync).toBe('DIFF');
    await fillAt(ensemble, newLeader, '/later-', 5);
    await ensemble.simulation.sleep(100);
    ensemble.crash(leader, 'silent');
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    const tree = await ensemble.checkTreesEqual();
    expect([countOf(tree, '/later-'), countOf(tree, '/lost-')]).toEqual([5, 0]);
  },
);
