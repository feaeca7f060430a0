import { describe, expect, test } from 'vitest';
import { SNAPSHOT_NEEDED } from '../../../src/quorum/stateSummary.ts';
import { epoch, sessionId, zxid as asZxid } from '../../../src/wire/ids.ts';
import { decodeInt, decodeLearnerInfo } from '../../../src/wire/learnerPayloads.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';
import { encodeTxn } from '../../../src/wire/txns.ts';
import {
  describe as causeText,
  nodeOf,
  RoleBench,
  zxidOf,
  type ScriptedServer,
} from './roleBench.ts';

/** Server 1 follows server 2, which the test plays. */
function following(prepare: (bench: RoleBench) => void = () => {}): {
  bench: RoleBench;
  leader: ScriptedServer;
} {
  const bench = new RoleBench({ sid: 1 }).boot();
  prepare(bench);
  const leader = bench.scripted(2).listen();
  bench.follow(2);
  return { bench, leader };
}

/** As {@link following}, up to the moment the follower is in sync with epoch `newEpoch` by an empty DIFF. */
function synced(newEpoch = 1) {
  const { bench, leader } = following();
  leader.expect(PacketType.FOLLOWERINFO);
  leader.leaderInfo(newEpoch).expect(PacketType.ACKEPOCH);
  leader.send(PacketType.DIFF, zxidOf(0, 0)).newLeader(newEpoch).expect(PacketType.ACK);
  leader.upToDate().expect(PacketType.ACK);
  bench.until(() => bench.peer.serving !== null, 'it serves');
  return { bench, leader };
}

const hasNode = (bench: RoleBench, ...[zxid]: [ReturnType<typeof zxidOf>]): boolean =>
  bench.peer.db.tree.getNode(nodeOf(zxid)) !== null;

describe('registration', () => {
  test('says who it is and which epoch it has accepted', () => {
    const { leader } = following((bench) => void bench.history(3, 2));
    const info = leader.expect(PacketType.FOLLOWERINFO);
    expect(info.zxid).toBe(zxidOf(3, 0));
    expect(decodeLearnerInfo(info.data ?? new Uint8Array())).toEqual({
      serverid: 1n,
      protocolVersion: 0x10000,
      configVersion: 0n,
    });
  });

  test('has the new epoch on disk before it acknowledges it', () => {
    const { bench, leader } = following((it) => void it.history(3, 2));
    leader.expect(PacketType.FOLLOWERINFO);
    expect(bench.epochOnDisk('acceptedEpoch')).toBe(3);
    const ack = leader.leaderInfo(5).expect(PacketType.ACKEPOCH);
    expect(bench.epochOnDisk('acceptedEpoch')).toBe(5);
    expect(bench.epochOnDisk('currentEpoch')).toBe(3);
    expect(ack.zxid).toBe(zxidOf(3, 2));
    expect(decodeInt(ack.data ?? new Uint8Array())).toBe(3);
  });

  test('acknowledges an epoch it has accepted before with -1', () => {
    const { leader } = following((bench) => void bench.history(3, 2));
    leader.expect(PacketType.FOLLOWERINFO);
    const ack = leader.leaderInfo(3).expect(PacketType.ACKEPOCH);
    expect(decodeInt(ack.data ?? new Uint8Array())).toBe(-1);
  });

  test('leaves a leader whose epoch is older than the one it accepted', () => {
    const { bench, leader } = following((it) => void it.history(3, 2));
    leader.expect(PacketType.FOLLOWERINFO);
    leader.leaderInfo(2);
    bench.until(() => bench.ended !== null, 'it leaves');
    expect(bench.epochOnDisk('acceptedEpoch')).toBe(3);
  });

  test('tries five times to connect, then gives up', () => {
    const bench = new RoleBench({ sid: 1 }).boot();
    bench.scripted(2);
    bench.follow(2);
    bench.until(() => bench.ended !== null, 'it gives up');
    expect(bench.ended && causeText(bench.ended)).toContain('5 tries');
  });
});

describe('synchronisation', () => {
  test('writes the history, then the epoch, then acknowledges NEWLEADER (ZOOKEEPER-3911, 4643, 4646, 4785)', () => {
    const { bench, leader } = following();
    leader.expect(PacketType.FOLLOWERINFO);
    leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    const zxids = [zxidOf(1, 1), zxidOf(1, 2), zxidOf(1, 3)];
    leader.send(PacketType.DIFF, zxidOf(1, 3));
    for (const zxid of zxids) leader.propose(zxid).commit(zxid);
    leader.newLeader(1);
    const ack = leader.expect(PacketType.ACK);
    expect(ack.zxid).toBe(zxidOf(1, 0));
    expect(bench.peer.db.lastDurableZxid).toBe(zxidOf(1, 3));
    expect(bench.epochOnDisk('currentEpoch')).toBe(1);
    const order = bench.events
      .map((event) => event.type)
      .filter((type) => type === 'appended' || type === 'flushed' || type === 'epochWritten');
    expect(order.slice(-5)).toEqual([
      'appended',
      'appended',
      'appended',
      'flushed',
      'epochWritten',
    ]);
    expect(zxids.every((zxid) => hasNode(bench, zxid))).toBe(true);
  });

  test('keeps proposals that are not committed aside until UPTODATE (ZOOKEEPER-4394, 4685)', () => {
    const { bench, leader } = following();
    leader.expect(PacketType.FOLLOWERINFO);
    leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    leader.send(PacketType.DIFF, zxidOf(1, 1)).propose(zxidOf(1, 1)).commit(zxidOf(1, 1));
    leader.propose(zxidOf(1, 2)).newLeader(1);
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 0));
    // A COMMIT between NEWLEADER and UPTODATE.
    leader.commit(zxidOf(1, 2)).propose(zxidOf(1, 3)).expectSilence(200);
    expect(bench.peer.db.lastAppendedZxid).toBe(zxidOf(1, 1));
    leader.upToDate();
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 0));
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 2));
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 3));
    expect(hasNode(bench, zxidOf(1, 2))).toBe(true);
    expect(hasNode(bench, zxidOf(1, 3))).toBe(false);
    leader.commit(zxidOf(1, 3));
    bench.until(() => hasNode(bench, zxidOf(1, 3)), 'the commit is applied');
  });

  test('tells the election of the new epoch once it is up to date', () => {
    const { bench } = synced(4);
    expect(bench.peer.electionEpochs).toEqual([epoch(4)]);
    expect(bench.peer.zabState()).toBe('BROADCAST');
  });

  test('takes no snapshot for a DIFF', () => {
    const { bench } = synced();
    expect(bench.eventsOf('snapshotStarted').length).toBeLessThanOrEqual(1);
  });

  test('SNAP becomes memory and disk before NEWLEADER is acknowledged, and the history goes on from there', () => {
    const { bench, leader } = following();
    leader.expect(PacketType.FOLLOWERINFO);
    const ack = leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    expect([ack.zxid, decodeInt(ack.data ?? new Uint8Array())]).toEqual([zxidOf(0, 0), 0]);
    leader.snapshot(1, 3).expectSilence(100);
    expect(bench.epochOnDisk('currentEpoch')).toBe(0);
    leader.newLeader(1);
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 0));
    expect(bench.epochOnDisk('currentEpoch')).toBe(1);
    expect(bench.peer.db.lastDurableZxid).toBe(zxidOf(1, 3));
    expect(hasNode(bench, zxidOf(1, 3))).toBe(true);

    leader.propose(zxidOf(1, 4)).expectSilence(50);
    expect(hasNode(bench, zxidOf(1, 4))).toBe(false);
    leader.commit(zxidOf(1, 4)).upToDate();
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 0));
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 4));
    expect(hasNode(bench, zxidOf(1, 4))).toBe(true);
    bench.reboot();
    expect(bench.peer.db.tree.lastProcessedZxid).toBe(zxidOf(1, 4));
    expect([1, 2, 3, 4].every((counter) => hasNode(bench, zxidOf(1, counter)))).toBe(true);
  });

  test('may be told all of it in one breath: DIFF, a session, NEWLEADER and UPTODATE', () => {
    const { bench, leader } = following();
    leader.expect(PacketType.FOLLOWERINFO);
    leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    const [id, zxid] = [sessionId(0x333n), zxidOf(1, 1)];
    const session = encodeTxn({
      header: { clientId: id, cxid: 0, zxid, time: 1_000, type: OpCode.createSession },
      txn: { type: OpCode.createSession, timeOut: 30_000 },
      digest: null,
    });
    leader.send(PacketType.DIFF, zxid).send(PacketType.PROPOSAL, zxid, session).commit(zxid);
    leader.newLeader(1).upToDate();
    for (let answer = 0; answer < 2; answer++) {
      expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 0));
    }
    expect(bench.peer.serving?.lastProcessedZxid).toBe(zxid);
    expect(bench.peer.db.sessionsWithTimeouts.get(id)).toBe(30_000);
    bench.reboot();
    expect(bench.peer.db.sessionsWithTimeouts.get(id)).toBe(30_000);
    expect(bench.epochOnDisk('currentEpoch')).toBe(1);
  });

  test('TRUNC cuts what was never committed, and the history goes on from there', () => {
    const { bench, leader } = following((it) => void it.history(1, 5));
    leader.expect(PacketType.FOLLOWERINFO);
    leader.leaderInfo(2).expect(PacketType.ACKEPOCH);
    leader.send(PacketType.TRUNC, zxidOf(1, 3)).propose(zxidOf(2, 1)).commit(zxidOf(2, 1));
    leader.newLeader(2).expect(PacketType.ACK);
    expect(hasNode(bench, zxidOf(1, 3))).toBe(true);
    expect(hasNode(bench, zxidOf(1, 4))).toBe(false);
    bench.reboot();
    expect(bench.peer.db.tree.lastProcessedZxid).toBe(zxidOf(2, 1));
    expect(hasNode(bench, zxidOf(1, 5))).toBe(false);
    expect(hasNode(bench, zxidOf(2, 1))).toBe(true);
  });

  describe('a TRUNC that cannot be done', () => {
    /** The follower has all of a lost leader's history, and cannot cut it back to what the new leader has of it. */
    function refused() {
      const { bench, leader } = following((it) => void it.history(2, 2));
      leader.expect(PacketType.FOLLOWERINFO);
      leader.leaderInfo(3).expect(PacketType.ACKEPOCH);
      leader.send(PacketType.TRUNC, zxidOf(1, 7));
      bench.until(() => bench.ended !== null, 'it leaves');
      bench.stop();
      return { bench, leader };
    }

    test('changes nothing, and brings the server back for a snapshot, which takes the place of what it had', () => {
      const { bench, leader } = refused();
      expect(bench.peer.failure).toBeNull();
      expect(hasNode(bench, zxidOf(2, 2))).toBe(true);

      bench.follow(2, 3);
      leader.expect(PacketType.FOLLOWERINFO);
      const ack = leader.leaderInfo(4).expect(PacketType.ACKEPOCH);
      expect(ack.zxid).toBe(SNAPSHOT_NEEDED);
      expect(decodeInt(ack.data ?? new Uint8Array())).toBe(2);
      expect(bench.peer.db.lastDurableZxid).toBe(zxidOf(2, 2));
      leader.snapshot(1, 7).newLeader(4).expect(PacketType.ACK);
      bench.reboot();
      expect(bench.peer.db.lastDurableZxid).toBe(zxidOf(1, 7));
      expect(hasNode(bench, zxidOf(2, 2))).toBe(false);
      expect(bench.epochOnDisk('currentEpoch')).toBe(4);
    });

    test('does not keep the server from telling the truth to a leader that may have to step down for it', () => {
      const { bench, leader } = refused();
      bench.follow(2, 2);
      leader.expect(PacketType.FOLLOWERINFO);
      expect(leader.leaderInfo(4).expect(PacketType.ACKEPOCH).zxid).toBe(zxidOf(2, 2));
      leader.send(PacketType.DIFF, zxidOf(2, 2)).newLeader(4).expect(PacketType.ACK);
      leader.hangUp();
      bench.until(() => bench.ended !== null, 'it leaves');
      bench.stop();

      bench.follow(2, 5);
      leader.expect(PacketType.FOLLOWERINFO);
      expect(leader.leaderInfo(6).expect(PacketType.ACKEPOCH).zxid).toBe(zxidOf(2, 2));
    });

    test('is made good by the same leader, which has the epoch acknowledged already', () => {
      const { bench, leader } = refused();
      bench.follow(2, 2);
      leader.expect(PacketType.FOLLOWERINFO);
      const ack = leader.leaderInfo(3).expect(PacketType.ACKEPOCH);
      expect(decodeInt(ack.data ?? new Uint8Array())).toBe(-1);
      expect(ack.zxid).toBe(SNAPSHOT_NEEDED);
    });

    test('makes the server take nothing but a snapshot', () => {
      const { bench, leader } = refused();
      bench.follow(2, 3);
      leader.expect(PacketType.FOLLOWERINFO);
      leader.leaderInfo(4).expect(PacketType.ACKEPOCH);
      leader.send(PacketType.DIFF, zxidOf(1, 7)).newLeader(4);
      bench.until(() => bench.ended !== null, 'it leaves');
      expect(bench.ended && causeText(bench.ended)).toContain('DIFF where SNAP was asked for');
      expect(hasNode(bench, zxidOf(2, 2))).toBe(true);
    });
  });

  test('memory is rebuilt when the leader is lost before NEWLEADER (ZOOKEEPER-3642, 5094)', () => {
    const { bench, leader } = following();
    leader.expect(PacketType.FOLLOWERINFO);
    leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    leader.send(PacketType.DIFF, zxidOf(1, 1)).propose(zxidOf(1, 1)).commit(zxidOf(1, 1));
    bench.until(() => hasNode(bench, zxidOf(1, 1)), 'it is applied');
    leader.hangUp();
    bench.until(() => bench.ended !== null, 'it leaves');
    expect(bench.peer.memoryIsStale).toBe(true);
    expect(bench.epochOnDisk('currentEpoch')).toBe(0);
  });

  test.each([
    ['NEWLEADER of another epoch', (it: ScriptedServer) => it.newLeader(9)],
    ['a hole in the history', (it: ScriptedServer) => it.propose(zxidOf(1, 1), zxidOf(1, 3))],
    [
      'a COMMIT of what is not next',
      (it: ScriptedServer) => it.propose(zxidOf(1, 1)).commit(zxidOf(1, 2)),
    ],
    ['a COMMIT without a proposal', (it: ScriptedServer) => it.commit(zxidOf(1, 1))],
    ['UPTODATE before NEWLEADER', (it: ScriptedServer) => it.upToDate()],
    [
      'a proposal that is no transaction',
      (it: ScriptedServer) => it.send(PacketType.PROPOSAL, zxidOf(1, 1), new Uint8Array([1, 2, 3])),
    ],
    [
      'bytes that are no packet',
      (it: ScriptedServer) => it.sendBytes(new Uint8Array(32).fill(0x7f)),
    ],
  ])('%s makes it leave the leader, and nothing is acknowledged', (_what, send) => {
    const { bench, leader } = following();
    leader.expect(PacketType.FOLLOWERINFO);
    leader.leaderInfo(1).expect(PacketType.ACKEPOCH);
    leader.send(PacketType.DIFF, zxidOf(0, 0));
    send(leader);
    bench.until(() => bench.ended !== null, 'it leaves');
    expect(bench.ended?.kind).toBe('leaderLost');
    expect(bench.epochOnDisk('currentEpoch')).toBe(0);
    leader.expectSilence(500);
    expect(bench.peer.failure).toBeNull();
  });

  test('the power may go at any moment of the synchronisation: it starts again by itself', () => {
    for (let afterMs = 0; afterMs < 12; afterMs += 0.25) {
      const { bench, leader } = following((it) => void it.history(1, 2));
      leader.expect(PacketType.FOLLOWERINFO);
      leader.leaderInfo(3).expect(PacketType.ACKEPOCH);
      leader.send(PacketType.DIFF, zxidOf(2, 2));
      for (const zxid of [zxidOf(2, 1), zxidOf(2, 2)]) leader.propose(zxid).commit(zxid);
      leader.newLeader(3);
      bench.simulation.time.runFor(afterMs);
      bench.reboot();
      const { db, epochs } = bench.peer;
      expect(epochs.acceptedEpoch).toBe(3n);
      expect([1n, 3n]).toContain(epochs.currentEpoch);
      if (epochs.currentEpoch === 3n) expect(db.lastDurableZxid).toBe(zxidOf(2, 2));
      expect(db.tree.lastProcessedZxid).toBe(db.lastDurableZxid);
    }
  });
});

describe('broadcast', () => {
  test('acknowledges a proposal once it is on disk, and applies it when it is committed', () => {
    const { bench, leader } = synced();
    leader.propose(zxidOf(1, 1));
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 1));
    expect(bench.peer.db.lastDurableZxid).toBe(zxidOf(1, 1));
    expect(hasNode(bench, zxidOf(1, 1))).toBe(false);
    leader.commit(zxidOf(1, 1));
    bench.until(() => hasNode(bench, zxidOf(1, 1)), 'it is applied');
  });

  test('passes over a proposal it has seen', () => {
    const { leader } = synced();
    leader.propose(zxidOf(1, 1)).expect(PacketType.ACK);
    leader.propose(zxidOf(1, 1)).expectSilence(100);
    leader.propose(zxidOf(1, 2));
    expect(leader.expect(PacketType.ACK).zxid).toBe(zxidOf(1, 2));
  });

  test.each([
    ['a missing proposal', (it: ScriptedServer) => it.propose(zxidOf(1, 2))],
    [
      'a COMMIT that is not next',
      (it: ScriptedServer) => it.propose(zxidOf(1, 1), zxidOf(1, 2)).commit(zxidOf(1, 2)),
    ],
    ['an INFORM', (it: ScriptedServer) => it.send(PacketType.INFORM, zxidOf(1, 1))],
    ['a SYNC nobody asked for', (it: ScriptedServer) => it.send(PacketType.SYNC, asZxid(0n))],
    [
      'an answer about a session nobody asked about',
      (it: ScriptedServer) => it.send(PacketType.REVALIDATE, asZxid(-1n), new Uint8Array(9)),
    ],
  ])('%s makes it look for a leader', (_what, send) => {
    const { bench, leader } = synced();
    send(leader);
    bench.until(() => bench.ended !== null, 'it leaves');
    expect(bench.ended).toMatchObject({ kind: 'leaderLost', leader: 2n });
  });

  test('answers a PING with the same zxid and the sessions touched, an empty buffer if none', () => {
    const { leader } = synced();
    leader.send(PacketType.PING, zxidOf(1, 0));
    const pong = leader.expect(PacketType.PING);
    expect(pong.zxid).toBe(zxidOf(1, 0));
    expect(pong.data).toEqual(new Uint8Array(0));
  });

  test('leaves a leader that is silent for syncLimit ticks', () => {
    const { bench } = synced();
    const { nowMs } = bench.simulation.time;
    bench.until(() => bench.ended !== null, 'it leaves');
    expect(bench.simulation.time.nowMs - nowMs).toBeGreaterThan(450);
    expect(bench.simulation.time.nowMs - nowMs).toBeLessThan(600);
    expect(bench.ended && causeText(bench.ended)).toContain('500 ms');
  });

  test('stops with nothing left: no timer, no socket, no write', () => {
    const { bench, leader } = synced();
    leader.propose(zxidOf(1, 1));
    bench.stop();
    expect(leader.expectClosed()).toBe('ended');
    const appended = bench.eventsOf('appended').length;
    bench.simulation.time.runFor(2_000);
    expect(bench.eventsOf('appended').length).toBe(appended);
    expect(bench.ended).toBeNull();
  });
});
