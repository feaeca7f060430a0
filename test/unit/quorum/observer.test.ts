import { describe, expect, test } from 'vitest';
import { sid } from '../../../src/wire/ids.ts';
import { decodeInt, encodeActivatedInform } from '../../../src/wire/learnerPayloads.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';
import { createTxn, nodeOf, RoleBench, zxidOf, type ScriptedServer } from './roleBench.ts';

/** Server 4 observes server 2, which the test plays; up to UPTODATE if `epoch` is given. */
function observing(syncEnabled = true): { bench: RoleBench; leader: ScriptedServer } {
  const bench = new RoleBench({ sid: 4, observers: 1, config: { syncEnabled } }).boot();
  const leader = bench.scripted(2).listen();
  bench.observe(2);
  return { bench, leader };
}

function synced(syncEnabled = true) {
  const { bench, leader } = observing(syncEnabled);
  leader.expect(PacketType.OBSERVERINFO);
  leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
  leader.send(PacketType.DIFF, zxidOf(1, 1)).propose(zxidOf(1, 1)).commit(zxidOf(1, 1));
  leader.newLeader(1).expect(PacketType.ACK);
  leader.upToDate().expect(PacketType.ACK);
  bench.until(() => bench.peer.serving !== null, 'it serves');
  return { bench, leader };
}

const inform = (leader: ScriptedServer, counter: number): ScriptedServer =>
  leader.send(PacketType.INFORM, zxidOf(1, counter), createTxn(zxidOf(1, counter)));

const hasNode = (bench: RoleBench, counter: number): boolean =>
  bench.peer.db.tree.getNode(nodeOf(zxidOf(1, counter))) !== null;

describe('an observer', () => {
  test('registers as one, accepts the epoch on disk and takes over the history before it says so', () => {
    const { bench, leader } = observing();
    leader.expect(PacketType.OBSERVERINFO);
    const ack = leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    expect(decodeInt(ack.data ?? new Uint8Array())).toBe(0);
    expect(bench.epochOnDisk('acceptedEpoch')).toBe(1);
    leader.send(PacketType.DIFF, zxidOf(1, 1)).propose(zxidOf(1, 1)).commit(zxidOf(1, 1));
    leader.newLeader(1);
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 0));
    expect(bench.epochOnDisk('currentEpoch')).toBe(1);
    expect(bench.peer.db.lastDurableZxid).toBe(zxidOf(1, 1));
  });

  test('applies what it is informed of and acknowledges nothing', () => {
    const { bench, leader } = synced();
    inform(leader, 2);
    bench.until(() => hasNode(bench, 2), 'it is applied');
    leader.expectSilence(200);
    bench.reboot();
    expect(hasNode(bench, 2)).toBe(true);
  });

  test('without a log of its own forgets it with the process', () => {
    const { bench, leader } = synced(false);
    inform(leader, 2);
    bench.until(() => hasNode(bench, 2), 'it is applied');
    expect(bench.eventsOf('appended')).toEqual([]);
    bench.reboot();
    expect(hasNode(bench, 1)).toBe(false);
    expect(hasNode(bench, 2)).toBe(false);
  });

  test('what comes between NEWLEADER and UPTODATE is applied when it starts', () => {
    const { bench, leader } = observing();
    leader.expect(PacketType.OBSERVERINFO);
    leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    leader.send(PacketType.DIFF, zxidOf(0, 0)).newLeader(1).expect(PacketType.ACK);
    inform(leader, 1).expectSilence(100);
    expect(hasNode(bench, 1)).toBe(false);
    leader.upToDate().expect(PacketType.ACK);
    bench.until(() => hasNode(bench, 1), 'it is applied');
  });

  test('takes SNAP, and then until UPTODATE proposals with their commits as well as what it is informed of', () => {
    const { bench, leader } = observing();
    leader.expect(PacketType.OBSERVERINFO);
    leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    leader.snapshot(1, 2).newLeader(1);
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 0));
    expect(bench.epochOnDisk('currentEpoch')).toBe(1);
    expect(bench.peer.db.lastDurableZxid).toBe(zxidOf(1, 2));
    leader.propose(zxidOf(1, 3)).commit(zxidOf(1, 3));
    inform(leader, 4).expectSilence(50);
    leader.upToDate();
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 0));
    bench.until(() => hasNode(bench, 4), 'it is applied');
    expect([1, 2, 3].every((counter) => hasNode(bench, counter))).toBe(true);
    leader.expectSilence(200);
    bench.reboot();
    expect(bench.peer.db.tree.lastProcessedZxid).toBe(zxidOf(1, 4));
    expect([1, 2, 3, 4].every((counter) => hasNode(bench, counter))).toBe(true);
  });

  test('passes over proposals and commits, and over what it has been told before', () => {
    const { bench, leader } = synced();
    leader.propose(zxidOf(1, 2)).commit(zxidOf(1, 2));
    inform(leader, 1).expectSilence(100);
    inform(leader, 2);
    bench.until(() => hasNode(bench, 2), 'it is applied');
    expect(bench.ended).toBeNull();
  });

  test('takes a reconfiguration as a transaction, and says that its own configuration stays', () => {
    const { bench, leader } = synced();
    const data = encodeActivatedInform({ designatedLeader: sid(2), txn: createTxn(zxidOf(1, 2)) });
    leader.send(PacketType.INFORMANDACTIVATE, zxidOf(1, 2), data);
    bench.until(() => hasNode(bench, 2), 'it is applied');
    expect(bench.eventsOf('warning')[0]?.message).toContain('0x100000002');
  });

  test('leaves a leader that leaves something out', () => {
    const { bench, leader } = synced();
    inform(leader, 3);
    bench.until(() => bench.ended !== null, 'it leaves');
    expect(hasNode(bench, 3)).toBe(false);
  });
});
