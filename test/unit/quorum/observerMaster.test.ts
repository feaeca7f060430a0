import { describe, expect, test } from 'vitest';
import { sessionId, sid, zxid as asZxid, type Zxid } from '../../../src/wire/ids.ts';
import { toBytes } from '../../../src/wire/jute.ts';
import {
  decodeActivatedInform,
  decodeForwardedRequest,
  decodeRevalidate,
  decodeRevalidateAnswer,
  decodeSessionTouches,
  encodeDesignatedLeader,
  encodeForwardedRequest,
  encodeRevalidate,
  encodeRevalidateAnswer,
  encodeSessionTouches,
} from '../../../src/wire/learnerPayloads.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';
import { createTxn, RoleBench, zxidOf, type ScriptedServer } from './roleBench.ts';

const OBSERVER_MASTER_PORT = 2_191;
const NO_BYTES = new Uint8Array(0);

/** Server 1 follows server 2, takes observers, and waits for UPTODATE; the test plays all others. */
function awaitingUpToDate(config = {}): { bench: RoleBench; leader: ScriptedServer } {
  const bench = new RoleBench({
    sid: 1,
    observers: 2,
    config: { observerMasterPort: OBSERVER_MASTER_PORT, ...config },
  });
  bench.boot().history(1, 3);
  const leader = bench.scripted(2).listen();
  bench.follow(2);
  leader.expect(PacketType.FOLLOWERINFO);
  leader.leaderInfo(2).expect(PacketType.ACKEPOCH);
  leader.send(PacketType.DIFF, zxidOf(1, 3)).newLeader(2).expect(PacketType.ACK);
  return { bench, leader };
}

/** As {@link awaitingUpToDate}, in broadcast, with (2,1) committed. */
function following(config = {}): { bench: RoleBench; leader: ScriptedServer } {
  const { bench, leader } = awaitingUpToDate(config);
  leader.upToDate().expect(PacketType.ACK);
  commit(leader, zxidOf(2, 1));
  bench.until(() => bench.peer.db.tree.lastProcessedZxid === zxidOf(2, 1), 'it is applied');
  return { bench, leader };
}

function commit(leader: ScriptedServer, zxid: Zxid): void {
  leader.propose(zxid).expect(PacketType.ACK);
  leader.commit(zxid);
}

/** An observer that has registered and is at `lastZxid`. */
function registered(bench: RoleBench, number: number, lastZxid: Zxid): ScriptedServer {
  const observer = bench.scripted(number).dialAddress(`server-1:${OBSERVER_MASTER_PORT}`);
  expect(observer.info(1, 'observer').expect(PacketType.LEADERINFO).zxid).toBe(zxidOf(2, 0));
  return observer.ackEpoch(1, lastZxid);
}

/** An observer in sync. */
function observing(bench: RoleBench, number = 4): ScriptedServer {
  const observer = registered(bench, number, bench.peer.db.tree.lastProcessedZxid);
  observer.expect(PacketType.DIFF);
  observer.expect(PacketType.NEWLEADER);
  observer.send(PacketType.ACK, zxidOf(2, 0)).expect(PacketType.UPTODATE);
  return observer.send(PacketType.ACK, zxidOf(2, 0));
}

describe('a follower that takes observers', () => {
  test('brings one to what it has committed, and informs it as it commits', () => {
    const { bench, leader } = following();
    leader.propose(zxidOf(2, 2)).expect(PacketType.ACK);
    const observer = registered(bench, 4, zxidOf(1, 2));
    expect(observer.expect(PacketType.DIFF).zxid).toBe(zxidOf(2, 1));
    for (const zxid of [zxidOf(1, 3), zxidOf(2, 1)]) {
      expect(observer.expect(PacketType.PROPOSAL).zxid).toBe(zxid);
      expect(observer.expect(PacketType.COMMIT).zxid).toBe(zxid);
    }
    const newLeader = observer.expect(PacketType.NEWLEADER);
    expect(newLeader.zxid).toBe(zxidOf(2, 0));
    expect(new TextDecoder().decode(newLeader.data ?? NO_BYTES)).toBe(bench.verifier.toString());
    observer.send(PacketType.ACK, zxidOf(2, 0)).expect(PacketType.UPTODATE);
    observer.send(PacketType.ACK, zxidOf(2, 0)).expectSilence(100);
    leader.commit(zxidOf(2, 2));
    const inform = observer.expect(PacketType.INFORM);
    expect(inform.zxid).toBe(zxidOf(2, 2));
    expect(inform.data).toEqual(createTxn(zxidOf(2, 2)));
  });

  test('informs of proposals that were pending when it began to take observers (ZOOKEEPER-5088)', () => {
    const { bench, leader } = awaitingUpToDate();
    leader.propose(zxidOf(2, 1), zxidOf(2, 2)).upToDate();
    for (let acks = 0; acks < 3; acks++) leader.expect(PacketType.ACK);
    const observer = observing(bench);
    leader.commit(zxidOf(2, 1), zxidOf(2, 2));
    expect(observer.expect(PacketType.INFORM).zxid).toBe(zxidOf(2, 1));
    expect(observer.expect(PacketType.INFORM).zxid).toBe(zxidOf(2, 2));
  });

  test('refuses a follower', () => {
    const { bench } = following();
    const stranger = bench.scripted(3).dialAddress(`server-1:${OBSERVER_MASTER_PORT}`).info(1);
    stranger.expectClosed();
    expect(bench.ended).toBeNull();
  });

  test('takes nobody before it is up to date, nor without a port', () => {
    const { bench } = awaitingUpToDate();
    bench.scripted(4).dialAddress(`server-1:${OBSERVER_MASTER_PORT}`).expectClosed();
    const { bench: closed } = following({ observerMasterPort: 0 });
    closed.scripted(4).dialAddress(`server-1:${OBSERVER_MASTER_PORT}`).expectClosed();
  });

  test('lets an observer that has seen a later commit wait for it, and cuts nothing', () => {
    const { bench, leader } = following();
    const observer = registered(bench, 4, zxidOf(2, 2)).expectSilence(50);
    commit(leader, zxidOf(2, 2));
    expect(observer.expect(PacketType.DIFF).zxid).toBe(zxidOf(2, 2));
    observer.expect(PacketType.NEWLEADER);
    expect(bench.eventsOf('syncChosen').map(({ sync }) => sync)).toEqual(['DIFF']);
  });

  test('but no longer than initLimit ticks', () => {
    const { bench, leader } = following();
    const observer = registered(bench, 4, zxidOf(2, 9));
    const startMs = bench.simulation.time.nowMs;
    while (observer.closedBecause === null && bench.simulation.time.nowMs - startMs < 3_000) {
      leader.send(PacketType.PING, zxidOf(2, 1));
      bench.simulation.time.runFor(50);
    }
    expect(observer.closedBecause).not.toBeNull();
    expect(bench.simulation.time.nowMs - startMs).toBeGreaterThan(900);
  });

  test('cuts back what an older reign never committed', () => {
    const { bench, leader } = awaitingUpToDate();
    leader.upToDate().expect(PacketType.ACK);
    const observer = registered(bench, 4, zxidOf(1, 5));
    expect(observer.expect(PacketType.TRUNC).zxid).toBe(zxidOf(1, 3));
    expect(observer.expect(PacketType.NEWLEADER).zxid).toBe(zxidOf(2, 0));
  });

  test('tells the leader of the sessions that observers heard from', () => {
    const { bench, leader } = following();
    const observer = observing(bench);
    const touches = [{ sessionId: sessionId(9n), timeoutMs: 4_000 }];
    observer.expect(PacketType.PING);
    observer.send(PacketType.PING, zxidOf(2, 1), encodeSessionTouches(touches));
    bench.simulation.time.runFor(10);
    const pong = leader.send(PacketType.PING, zxidOf(2, 1)).expect(PacketType.PING);
    expect(decodeSessionTouches(pong.data ?? NO_BYTES)).toEqual(touches);
  });

  test('pings its observers twice a tick, and drops one that is silent for syncLimit ticks', () => {
    const { bench, leader } = following();
    const observer = observing(bench);
    const startMs = bench.simulation.time.nowMs;
    observer.expect(PacketType.PING);
    observer.expect(PacketType.PING);
    expect(bench.simulation.time.nowMs - startMs).toBeLessThan(120);
    while (observer.closedBecause === null && bench.simulation.time.nowMs - startMs < 3_000) {
      leader.send(PacketType.PING, zxidOf(2, 1));
      bench.simulation.time.runFor(50);
    }
    expect(observer.closedBecause).not.toBeNull();
    expect(bench.ended).toBeNull();
  });

  test('passes REVALIDATE on, and each answer to whom it belongs', () => {
    const { bench, leader } = following();
    const observers = [observing(bench, 4), observing(bench, 5)];
    const questions = [7n, 8n].map((id) => ({ sessionId: sessionId(id), timeoutMs: 4_000 }));
    for (const [index, question] of questions.entries()) {
      observers[index]?.send(PacketType.REVALIDATE, asZxid(-1n), encodeRevalidate(question));
      const asked = leader.expect(PacketType.REVALIDATE);
      expect(decodeRevalidate(asked.data ?? NO_BYTES)).toEqual(question);
    }
    for (const [index, { sessionId: id }] of questions.entries()) {
      const answer = { sessionId: id, valid: index === 0 };
      leader.send(PacketType.REVALIDATE, asZxid(-1n), encodeRevalidateAnswer(answer));
      const told = observers[index]?.expect(PacketType.REVALIDATE);
      expect(decodeRevalidateAnswer(told?.data ?? NO_BYTES)).toEqual(answer);
    }
    // Only the session that lives is one the leader hears of again.
    const pong = leader.send(PacketType.PING, zxidOf(2, 1)).expect(PacketType.PING);
    expect(decodeSessionTouches(pong.data ?? NO_BYTES)).toEqual([questions[0]]);
  });

  test('passes requests on, and a SYNC back behind what was committed before it', () => {
    const { bench, leader } = following();
    const observer = observing(bench);
    const path = toBytes((writer) => writer.string('/'));
    const request = { sessionId: sessionId(9n), cxid: 3, type: OpCode.sync, payload: path };
    observer.send(PacketType.REQUEST, asZxid(-1n), encodeForwardedRequest(request));
    const forwarded = leader.expect(PacketType.REQUEST);
    expect(decodeForwardedRequest(forwarded.data ?? NO_BYTES)).toEqual(request);
    commit(leader, zxidOf(2, 2));
    leader.send(PacketType.SYNC, asZxid(0n));
    expect(observer.expect(PacketType.INFORM).zxid).toBe(zxidOf(2, 2));
    expect(observer.expect(PacketType.SYNC).zxid).toBe(0n);
  });

  test('tells of a reconfiguration together with the leader that goes on', () => {
    const { bench, leader } = following();
    const observer = observing(bench);
    leader.propose(zxidOf(2, 2)).expect(PacketType.ACK);
    leader.send(PacketType.COMMITANDACTIVATE, zxidOf(2, 2), encodeDesignatedLeader(sid(2)));
    const inform = observer.expect(PacketType.INFORMANDACTIVATE);
    expect(decodeActivatedInform(inform.data ?? NO_BYTES)).toEqual({
      designatedLeader: 2n,
      txn: createTxn(zxidOf(2, 2)),
    });
  });

  test('sends them away when it has lost its leader, and leaves nothing behind', () => {
    const { bench, leader } = following();
    const observer = observing(bench);
    leader.hangUp();
    bench.until(() => bench.ended !== null, 'it has lost its leader');
    bench.stop();
    expect(observer.expectClosed()).toBe('ended');
    bench.scripted(5).dialAddress(`server-1:${OBSERVER_MASTER_PORT}`).expectClosed();
  });

  test('follows all the same when its port for observers is taken, and warns of it', () => {
    const { bench, leader } = awaitingUpToDate();
    bench.peer.world.network.listen(
      'quorum',
      `server-1:${OBSERVER_MASTER_PORT}`,
      () => leader,
      () => undefined,
    );
    leader.upToDate().expect(PacketType.ACK);
    commit(leader, zxidOf(2, 1));
    bench.until(() => bench.peer.db.tree.lastProcessedZxid === zxidOf(2, 1), 'it is applied');
    expect(bench.eventsOf('warning')[0]?.message).toContain('already in use');
    expect(bench.ended).toBeNull();
  });
});
