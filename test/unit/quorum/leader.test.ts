import { describe, expect, test } from 'vitest';
import type { Vote } from '../../../src/election/vote.ts';
import { epoch, sid as asSid, zxid as asZxid } from '../../../src/wire/ids.ts';
import {
  decodeInt,
  encodeForwardedRequest,
  encodeRevalidate,
} from '../../../src/wire/learnerPayloads.ts';
import { sessionId } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';
import { toBytes } from '../../../src/wire/jute.ts';
import { decodeTxn } from '../../../src/wire/txns.ts';
import { describe as causeText, RoleBench, zxidOf, type ScriptedServer } from './roleBench.ts';

/** Server 3 leads a three-server ensemble (with observer 4); the test plays the others. */
function leading(prepare: (bench: RoleBench) => void = () => {}, config = {}): RoleBench {
  const bench = new RoleBench({ sid: 3, observers: 1, config }).boot();
  prepare(bench);
  return bench.lead();
}

/** The conversation of a follower with the same history, up to UPTODATE. */
function joined(
  bench: RoleBench,
  sid: number,
  epoch: number,
  lastZxid = zxidOf(0, 0),
): ScriptedServer {
  const follower = bench
    .scripted(sid)
    .dial(3)
    .info(epoch - 1);
  follower.expect(PacketType.LEADERINFO);
  follower.ackEpoch(epoch - 1, lastZxid).expect(PacketType.DIFF);
  follower.expect(PacketType.NEWLEADER);
  follower.send(PacketType.ACK, zxidOf(epoch, 0)).expect(PacketType.UPTODATE);
  return follower.send(PacketType.ACK, zxidOf(epoch, 0));
}

/** What a server that looks votes for. */
const vote = (leader: number, round: bigint): Vote => ({
  version: 2,
  id: asSid(leader),
  zxid: zxidOf(0, 0),
  peerEpoch: epoch(0),
  electionEpoch: round,
  state: 'LOOKING',
});

/** A client's createSession, forwarded by its server: the simplest write there is. */
const createSession = (id: bigint): Uint8Array =>
  encodeForwardedRequest({
    sessionId: sessionId(id),
    cxid: 0,
    type: OpCode.createSession,
    payload: toBytes((writer) => writer.int(4_000)),
  });

const write = (follower: ScriptedServer, id: bigint): ScriptedServer =>
  follower.send(PacketType.REQUEST, asZxid(-1n), createSession(id));

describe('discovery and synchronisation', () => {
  test('the conversation with a follower, and what is on disk after each step', () => {
    const bench = leading();
    const follower = bench.scripted(1).dial(3).info(0);
    const info = follower.expect(PacketType.LEADERINFO);
    expect(info.zxid).toBe(zxidOf(1, 0));
    expect(decodeInt(info.data ?? new Uint8Array())).toBe(0x10000);
    expect(bench.epochOnDisk('acceptedEpoch')).toBe(1);
    expect(bench.epochOnDisk('currentEpoch')).toBe(0);
    follower.ackEpoch(0, zxidOf(0, 0));
    expect(follower.expect(PacketType.DIFF).zxid).toBe(zxidOf(0, 0));
    const newLeader = follower.expect(PacketType.NEWLEADER);
    expect(newLeader.zxid).toBe(zxidOf(1, 0));
    expect(new TextDecoder().decode(newLeader.data ?? undefined)).toBe(bench.verifier.toString());
    follower.send(PacketType.ACK, zxidOf(1, 0));
    expect(follower.expect(PacketType.UPTODATE).zxid).toBe(-1n);
    expect(bench.epochOnDisk('currentEpoch')).toBe(1);
    expect(bench.peer.serving?.lastProcessedZxid).toBe(zxidOf(1, 0));
    expect(bench.peer.electionEpochs).toEqual([1n]);
  });

  test('the new epoch is behind every epoch that anybody has accepted', () => {
    const bench = leading((it) => void it.history(2, 1));
    bench.scripted(4).dial(3).info(9, 'observer');
    const follower = bench.scripted(1).dial(3);
    bench.simulation.time.runFor(20);
    follower.info(5);
    expect(follower.expect(PacketType.LEADERINFO).zxid).toBe(zxidOf(10, 0));
  });

  test('observers do not count: not for the epoch, nor for its ACK, nor for NEWLEADER (seed 10.3, ZOOKEEPER-2959)', () => {
    const bench = leading();
    const observer = bench.scripted(4).dial(3).info(0, 'observer').expectSilence(100);
    const follower = bench.scripted(1).dial(3).info(0);
    follower.expect(PacketType.LEADERINFO);
    observer.expect(PacketType.LEADERINFO);
    observer.ackEpoch(0, zxidOf(0, 0)).expectSilence(100);
    follower.ackEpoch(0, zxidOf(0, 0)).expect(PacketType.DIFF);
    observer.expect(PacketType.DIFF);
    observer.expect(PacketType.NEWLEADER);
    observer.send(PacketType.ACK, zxidOf(1, 0)).expectSilence(100);
    expect(bench.peer.serving).toBeNull();
    follower.expect(PacketType.NEWLEADER);
    follower.send(PacketType.ACK, zxidOf(1, 0)).expect(PacketType.UPTODATE);
    observer.expect(PacketType.UPTODATE);
  });

  test('a follower with the same history as a leader after a restart gets no needless snapshot', () => {
    const bench = leading((it) => void it.history(1, 2));
    const follower = bench.scripted(1).dial(3).info(1);
    expect(follower.expect(PacketType.LEADERINFO).zxid).toBe(zxidOf(2, 0));
    expect(bench.epochOnDisk('acceptedEpoch')).toBe(2);
    expect(bench.epochOnDisk('currentEpoch')).toBe(1);
    follower.ackEpoch(1, zxidOf(1, 2));
    expect(follower.expect(PacketType.DIFF).zxid).toBe(zxidOf(1, 2));
  });

  test('a follower that is gone before its ACKEPOCH counts no more, and the epoch does not become current', () => {
    const bench = leading();
    const follower = bench.scripted(1).dial(3).info(0);
    expect(follower.expect(PacketType.LEADERINFO).zxid).toBe(zxidOf(1, 0));
    follower.hangUp();
    bench.until(() => bench.ended !== null, 'it gives up');
    expect(bench.ended?.kind).toBe('epochNotAgreed');
    expect(bench.epochOnDisk('acceptedEpoch')).toBe(1);
    expect(bench.epochOnDisk('currentEpoch')).toBe(0);
  });

  test('a follower that keeps its ACKEPOCH to itself leaves the epoch without effect', () => {
    const bench = leading();
    bench.scripted(1).dial(3).info(0).expect(PacketType.LEADERINFO);
    bench.until(() => bench.ended !== null, 'it gives up');
    expect(bench.ended?.kind).toBe('epochNotAgreed');
    expect(bench.epochOnDisk('acceptedEpoch')).toBe(1);
    expect(bench.epochOnDisk('currentEpoch')).toBe(0);
  });

  test('what a follower had accepted counts, though it is gone before there is a quorum', () => {
    const bench = new RoleBench({ sid: 5, participants: 5 }).boot().lead();
    const gone = bench.scripted(1).dial(5).info(8).expectSilence(50);
    gone.hangUp();
    bench.simulation.time.runFor(50);
    const follower = bench.scripted(2).dial(5).info(3);
    expect(follower.expect(PacketType.LEADERINFO).zxid).toBe(zxidOf(9, 0));
  });

  test('a quorum of followers is none as long as the leader’s own disk has not answered', () => {
    const bench = leading();
    const { disk } = bench.machine;
    const followers = [1, 2].map((sid) => bench.scripted(sid).dial(3));
    bench.simulation.time.runFor(20);
    disk.stall();
    for (const follower of followers) follower.info(0).expectSilence(100);
    disk.release();
    for (const follower of followers) follower.expect(PacketType.LEADERINFO);
    disk.stall();
    for (const follower of followers) {
      follower.ackEpoch(0, zxidOf(0, 0)).expect(PacketType.DIFF);
      follower.expect(PacketType.NEWLEADER);
      follower.send(PacketType.ACK, zxidOf(1, 0)).expectSilence(100);
    }
    expect(bench.peer.serving).toBeNull();
    expect(bench.epochOnDisk('currentEpoch')).toBe(0);
    disk.release();
    for (const follower of followers) follower.expect(PacketType.UPTODATE);
    expect(bench.epochOnDisk('currentEpoch')).toBe(1);
  });

  test('a leader far behind the epochs of its followers leads the one after them', () => {
    const bench = leading();
    const follower = bench.scripted(1).dial(3).info(20);
    expect(follower.expect(PacketType.LEADERINFO).zxid).toBe(zxidOf(21, 0));
    follower.ackEpoch(0, zxidOf(0, 0)).expect(PacketType.DIFF);
    expect(follower.expect(PacketType.NEWLEADER).zxid).toBe(zxidOf(21, 0));
    follower.send(PacketType.ACK, zxidOf(21, 0)).expect(PacketType.UPTODATE);
    expect(bench.epochOnDisk('currentEpoch')).toBe(21);
    expect(bench.peer.serving?.lastProcessedZxid).toBe(zxidOf(21, 0));
  });

  test('an ACKEPOCH of -1 does not count', () => {
    const bench = leading();
    const follower = bench.scripted(1).dial(3).info(0);
    follower.expect(PacketType.LEADERINFO);
    follower.ackEpoch(-1, zxidOf(0, 0)).expectSilence(300);
    bench.until(() => bench.ended !== null, 'it gives up');
    expect(bench.ended?.kind).toBe('epochNotAgreed');
  });

  test('nor does a server that may have lost its disk', () => {
    const bench = leading();
    const follower = bench.scripted(1).dial(3).info(0);
    follower.expect(PacketType.LEADERINFO);
    follower.ackEpoch(0, asZxid(-1n)).expectSilence(300);
  });

  test('a follower with more history is sent away', () => {
    const bench = leading();
    const follower = bench.scripted(1).dial(3).info(0);
    follower.expect(PacketType.LEADERINFO);
    follower.ackEpoch(0, zxidOf(0, 5)).expectClosed();
    const [dropped] = bench.eventsOf('learnerDropped');
    expect(dropped?.reason).toContain('more history');
  });

  test('gives up without a quorum after initLimit ticks', () => {
    const bench = leading();
    bench.until(() => bench.ended !== null, 'it gives up');
    expect(bench.simulation.time.nowMs).toBeGreaterThan(1_000);
    expect(bench.ended && causeText(bench.ended)).toContain('epochs of a quorum');
  });

  describe('leader.maxTimeToWaitForEpoch', () => {
    const voterLooks = (bench: RoleBench, sid: bigint): void => {
      bench.leader.reportLookingSid(asSid(sid), vote(Number(sid), 1n));
      bench.simulation.time.runFor(20);
    };

    test('a voter that looks again after that time ends the wait for its epoch', () => {
      const bench = leading(() => {}, { maxTimeToWaitForEpochMs: 300 });
      bench.simulation.time.runFor(250);
      voterLooks(bench, 1n);
      expect(bench.ended).toBeNull();
      bench.simulation.time.runFor(100);
      voterLooks(bench, 1n);
      expect(bench.ended && causeText(bench.ended)).toContain('server 1 looks for a leader again');
    });

    test('someone without a vote ends nothing', () => {
      const bench = leading(() => {}, { maxTimeToWaitForEpochMs: 300 });
      bench.simulation.time.runFor(350);
      voterLooks(bench, 4n);
      voterLooks(bench, 9n);
      expect(bench.ended).toBeNull();
    });

    test('nor does a voter once a quorum has said its epochs', () => {
      const bench = leading(() => {}, { maxTimeToWaitForEpochMs: 300 });
      const follower = bench.scripted(1).dial(3).info(0);
      follower.expect(PacketType.LEADERINFO);
      bench.simulation.time.runFor(350);
      voterLooks(bench, 2n);
      expect(bench.ended).toBeNull();
    });

    test('is off unless it is set', () => {
      const bench = leading();
      bench.simulation.time.runFor(900);
      voterLooks(bench, 1n);
      expect(bench.ended).toBeNull();
    });
  });

  test('an ACK of a proposal before that of NEWLEADER is no reason to hang up (ZOOKEEPER-4685)', () => {
    const bench = leading();
    const follower = bench.scripted(1).dial(3).info(0);
    follower.expect(PacketType.LEADERINFO);
    follower.ackEpoch(0, zxidOf(0, 0)).expect(PacketType.DIFF);
    follower.expect(PacketType.NEWLEADER);
    follower.send(PacketType.ACK, zxidOf(0, 7)).expectSilence(50);
    expect(bench.peer.serving).toBeNull();
    follower.send(PacketType.ACK, zxidOf(1, 0)).expect(PacketType.UPTODATE);
  });

  test('NEWLEADER comes behind the snapshot and what was forwarded meanwhile (ZOOKEEPER-3104, 3589)', () => {
    const bench = leading((it) => void it.history(1, 3), { forceSnapshotSync: true });
    const follower = bench.scripted(1).dial(3).info(1);
    follower.expect(PacketType.LEADERINFO);
    follower.ackEpoch(0, zxidOf(0, 0)).expect(PacketType.SNAP);
    bench.until(
      () => bench.sent.some(({ packetType }) => packetType === PacketType.NEWLEADER),
      'NEWLEADER is sent',
    );
    const types = bench.sent.map(({ packetType }) => packetType);
    expect(types.indexOf(PacketType.SNAP)).toBeLessThan(types.indexOf(PacketType.NEWLEADER));
    const snap = bench.sent.find(({ packetType }) => packetType === PacketType.SNAP);
    const newLeader = bench.sent.find(({ packetType }) => packetType === PacketType.NEWLEADER);
    // Between the two packets lies the tree.
    expect((newLeader?.offsetBytes ?? 0) - (snap?.offsetBytes ?? 0)).toBeGreaterThan(300);
  });

  test('a long DIFF goes out in slices, in order and before NEWLEADER: other events have their turns', () => {
    const bench = leading((it) => void it.history(1, 2_000), { commitLogCount: 3_000 });
    const late = bench.scripted(1).dial(3).info(1);
    late.expect(PacketType.LEADERINFO);
    late.ackEpoch(1, zxidOf(1, 1));
    const { time } = bench.simulation;
    let mostInOneEvent = 0;
    for (;;) {
      const before = bench.sent.length;
      if (before > 0 && bench.sent.at(-1)?.packetType === PacketType.NEWLEADER) break;
      time.step();
      mostInOneEvent = Math.max(mostInOneEvent, bench.sent.length - before);
    }
    expect(mostInOneEvent).toBeLessThan(1_100);
    const types = bench.sent.map(({ packetType }) => packetType);
    const first = types.indexOf(PacketType.DIFF);
    expect(types.slice(first + 1, -1)).toEqual(
      Array.from({ length: 1_999 }, () => [PacketType.PROPOSAL, PacketType.COMMIT]).flat(),
    );
    expect(late.expect(PacketType.DIFF).zxid).toBe(zxidOf(1, 2_000));
  });

  test.each([
    [
      'something else than FOLLOWERINFO',
      (it: ScriptedServer) => it.send(PacketType.ACK, zxidOf(0, 0)),
    ],
    [
      'FOLLOWERINFO without a sid',
      (it: ScriptedServer) => it.send(PacketType.FOLLOWERINFO, zxidOf(0, 0)),
    ],
    [
      'a FOLLOWERINFO too short',
      (it: ScriptedServer) => it.send(PacketType.FOLLOWERINFO, zxidOf(0, 0), new Uint8Array(3)),
    ],
    [
      'no packet at all',
      (it: ScriptedServer) => it.sendBytes(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')),
    ],
    [
      'a packet of 1 GB',
      (it: ScriptedServer) =>
        it.sendBytes(new Uint8Array([0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0])),
    ],
  ])('%s closes that connection and nothing else', (_what, send) => {
    const bench = leading();
    const stranger = bench.scripted(2).dial(3);
    bench.simulation.time.runFor(20);
    send(stranger).expectClosed();
    expect(bench.ended).toBeNull();
    joined(bench, 1, 1);
  });
});

describe('broadcast', () => {
  test('a write is proposed, committed once a quorum has it, and applied', () => {
    const bench = leading();
    const follower = joined(bench, 1, 1);
    write(follower, 77n);
    const proposal = follower.expect(PacketType.PROPOSAL);
    expect(proposal.zxid).toBe(zxidOf(1, 1));
    expect(decodeTxn(proposal.data ?? new Uint8Array()).header).toMatchObject({ clientId: 77n });
    follower.expectSilence(100);
    expect(bench.peer.db.tree.lastProcessedZxid).toBe(zxidOf(1, 0));
    follower.send(PacketType.ACK, zxidOf(1, 1));
    expect(follower.expect(PacketType.COMMIT).zxid).toBe(zxidOf(1, 1));
    expect(bench.peer.db.tree.lastProcessedZxid).toBe(zxidOf(1, 1));
  });

  test('an observer hears INFORM with the same bytes, and its ACK counts for nothing', () => {
    const bench = leading();
    const follower = joined(bench, 1, 1);
    const observer = bench.scripted(4).dial(3).info(0, 'observer');
    observer.expect(PacketType.LEADERINFO);
    observer.ackEpoch(-1, zxidOf(1, 0)).expect(PacketType.DIFF);
    observer.expect(PacketType.NEWLEADER);
    observer.send(PacketType.ACK, zxidOf(1, 0)).expect(PacketType.UPTODATE);
    write(follower, 77n);
    const proposal = follower.expect(PacketType.PROPOSAL);
    observer.send(PacketType.ACK, zxidOf(1, 1)).expectSilence(50);
    follower.send(PacketType.ACK, zxidOf(1, 1));
    const inform = observer.expect(PacketType.INFORM);
    expect(inform.data).toEqual(proposal.data);
  });

  test('commits go out in the order of the proposals, whatever the order of the ACKs', () => {
    const bench = leading();
    const follower = joined(bench, 1, 1);
    write(follower, 1n);
    write(follower, 2n);
    follower.expect(PacketType.PROPOSAL);
    follower.expect(PacketType.PROPOSAL);
    follower.send(PacketType.ACK, zxidOf(1, 2)).expectSilence(50);
    follower.send(PacketType.ACK, zxidOf(1, 1));
    expect(follower.expect(PacketType.COMMIT).zxid).toBe(zxidOf(1, 1));
    expect(follower.expect(PacketType.COMMIT).zxid).toBe(zxidOf(1, 2));
  });

  test('a follower that joins while a proposal is outstanding gets it behind its DIFF', () => {
    const bench = leading();
    const first = joined(bench, 1, 1);
    write(first, 1n);
    first.expect(PacketType.PROPOSAL);
    const second = bench.scripted(2).dial(3).info(1);
    second.expect(PacketType.LEADERINFO);
    second.ackEpoch(-1, zxidOf(1, 0)).expect(PacketType.DIFF);
    expect(second.expect(PacketType.PROPOSAL).zxid).toBe(zxidOf(1, 1));
    second.expect(PacketType.NEWLEADER);
    first.send(PacketType.ACK, zxidOf(1, 1)).expect(PacketType.COMMIT);
    expect(second.expect(PacketType.COMMIT).zxid).toBe(zxidOf(1, 1));
    second.send(PacketType.ACK, zxidOf(1, 0)).expect(PacketType.UPTODATE);
  });

  test('a SYNC is answered at once when nothing is outstanding, else behind the last proposal', () => {
    const bench = leading();
    const follower = joined(bench, 1, 1);
    const sync = encodeForwardedRequest({
      sessionId: sessionId(7n),
      cxid: 3,
      type: OpCode.sync,
      payload: toBytes((writer) => writer.string('/')),
    });
    expect(follower.send(PacketType.REQUEST, asZxid(-1n), sync).expect(PacketType.SYNC).zxid).toBe(
      0n,
    );
    write(follower, 1n).expect(PacketType.PROPOSAL);
    follower.send(PacketType.REQUEST, asZxid(-1n), sync).expectSilence(50);
    follower.send(PacketType.ACK, zxidOf(1, 1)).expect(PacketType.COMMIT);
    follower.expect(PacketType.SYNC);
  });

  test('REVALIDATE is answered by whether the session lives', () => {
    const bench = leading();
    const follower = joined(bench, 1, 1);
    write(follower, 5n).expect(PacketType.PROPOSAL);
    follower.send(PacketType.ACK, zxidOf(1, 1)).expect(PacketType.COMMIT);
    const ask = (id: bigint): Uint8Array | null =>
      follower
        .send(
          PacketType.REVALIDATE,
          asZxid(-1n),
          encodeRevalidate({ sessionId: sessionId(id), timeoutMs: 4_000 }),
        )
        .expect(PacketType.REVALIDATE).data;
    expect(ask(5n)).toEqual(new Uint8Array([0, 0, 0, 0, 0, 0, 0, 5, 1]));
    expect(ask(6n)).toEqual(new Uint8Array([0, 0, 0, 0, 0, 0, 0, 6, 0]));
  });

  test('pings twice a tick with the last zxid proposed', () => {
    const bench = leading();
    const follower = joined(bench, 1, 1);
    const startMs = bench.simulation.time.nowMs;
    expect(follower.expect(PacketType.PING).zxid).toBe(zxidOf(1, 0));
    follower.expect(PacketType.PING);
    expect(bench.simulation.time.nowMs - startMs).toBeLessThan(120);
  });

  test('steps down when a quorum is silent for syncLimit ticks, and says who was left', () => {
    const bench = leading();
    joined(bench, 1, 1);
    bench.until(() => bench.ended !== null, 'it steps down');
    expect(bench.ended).toMatchObject({ kind: 'steppedDown', synced: [3n], voterCount: 3 });
  });

  test('steps down when its followers hang up', () => {
    const bench = leading();
    joined(bench, 1, 1).hangUp();
    const startMs = bench.simulation.time.nowMs;
    bench.until(() => bench.ended !== null, 'it steps down');
    expect(bench.simulation.time.nowMs - startMs).toBeLessThan(250);
  });

  test('a learner that leaves a proposal without its ACK is dropped after syncLimit ticks', () => {
    const bench = leading();
    const slow = joined(bench, 1, 1);
    const follower = bench.scripted(2).dial(3).info(1);
    follower.expect(PacketType.LEADERINFO);
    follower.ackEpoch(-1, zxidOf(1, 0)).expect(PacketType.DIFF);
    follower.expect(PacketType.NEWLEADER);
    follower.send(PacketType.ACK, zxidOf(1, 0)).expect(PacketType.UPTODATE);
    write(slow, 1n).expect(PacketType.PROPOSAL);
    follower.expect(PacketType.PROPOSAL);
    follower.send(PacketType.ACK, zxidOf(1, 1));
    for (let answered = 0; answered < 20 && slow.closedBecause === null; answered++) {
      slow.send(PacketType.PING, zxidOf(1, 1), new Uint8Array(0));
      follower.send(PacketType.PING, zxidOf(1, 1), new Uint8Array(0));
      bench.simulation.time.runFor(50);
    }
    slow.expectClosed();
    expect(bench.eventsOf('learnerDropped')[0]?.reason).toContain('without its ACK');
    expect(bench.ended).toBeNull();
  });

  test('the last counter of an epoch is never used: it forces an election (ZOOKEEPER-1277)', () => {
    const bench = leading(() => {}, { initialZxidCounter: 0xfffffffdn });
    const follower = joined(bench, 1, 1);
    write(follower, 1n);
    expect(follower.expect(PacketType.PROPOSAL).zxid).toBe(zxidOf(1, 0xfffffffe));
    follower.send(PacketType.ACK, zxidOf(1, 0xfffffffe)).expect(PacketType.COMMIT);
    write(follower, 2n);
    bench.until(() => bench.ended !== null, 'it steps down');
    expect(bench.ended).toEqual({ kind: 'counterExhausted', zxid: zxidOf(1, 0xffffffff) });
    follower.expectSilence(50);
  });

  test('stopping in good order says goodbye to learners first, and leaves nothing behind', () => {
    const bench = leading();
    const follower = joined(bench, 1, 1);
    write(follower, 1n).expect(PacketType.PROPOSAL);
    bench.stop();
    expect(follower.expectClosed()).toBe('ended');
    bench.simulation.time.runFor(3_000);
    expect(bench.ended).toBeNull();
    expect(bench.eventsOf('committed')).toEqual([]);
  });
});

describe('a voter changes its vote while its leader still waits for epochs', () => {
  /** Server 2 leads by the votes of 1, 2 and 3. */
  const elected = (): RoleBench => new RoleBench({ sid: 2 }).boot().lead();

  test('when the votes that are left are no quorum it looks again, and does not wait for the limit', () => {
    const bench = elected();
    bench.leader.reportLookingSid(asSid(1), vote(3, 1n));
    bench.simulation.time.runFor(1);
    expect(bench.ended).toBeNull();
    bench.leader.reportLookingSid(asSid(3), vote(3, 2n));
    bench.until(() => bench.ended !== null, 'the reign has ended');
    expect(bench.ended && causeText(bench.ended)).toBe(
      'epochNotAgreed: server 3 votes for server 3 after all, so that no quorum elects this one',
    );
    bench.stop();
  });

  test('a vote that is no better, or of an earlier round, changes nothing', () => {
    const bench = elected();
    for (const from of [1, 3]) {
      bench.leader.reportLookingSid(asSid(from), vote(1, 2n));
      bench.leader.reportLookingSid(asSid(from), vote(2, 1n));
      bench.leader.reportLookingSid(asSid(from), vote(3, 0n));
    }
    bench.simulation.time.runFor(1);
    expect(bench.ended).toBeNull();
    bench.stop();
  });
});
