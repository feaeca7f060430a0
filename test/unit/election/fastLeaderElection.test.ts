/** One server's election against scripted peers: what it says to what it hears, under virtual time. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { QuorumVerifier } from '../../../src/config/quorumVerifier.ts';
import type { ElectionChannel, MessageReceiver } from '../../../src/election/electionChannel.ts';
import {
  FastLeaderElection,
  FINALIZE_WAIT_MS,
  type ElectionConfig,
} from '../../../src/election/fastLeaderElection.ts';
import type { ElectionEvent } from '../../../src/ports/probe.ts';
import { SimClock, SimTime } from '../../../src/sim/simClock.ts';
import { SimRandom } from '../../../src/sim/simRandom.ts';
import {
  decodeNotification,
  encodeNotification,
  type Notification,
} from '../../../src/wire/electionMessages.ts';
import { epoch, sid, zxid, type Sid } from '../../../src/wire/ids.ts';
import { ElectingPeer, verifierOf } from './electingPeer.ts';

const CONFIG: ElectionConfig = {
  minNotificationIntervalMs: 200,
  maxNotificationIntervalMs: 60_000,
  finalizeEarly: true,
  observerElectionDelayMs: 200,
};

interface Said {
  readonly to: number;
  readonly state: string;
  readonly leader: number;
  readonly round: number;
}

/** Peers played by the test: keeps what was said and brings back what was said to ourselves. */
class ScriptedChannel implements ElectionChannel {
  readonly said: (Said & { readonly notification: Notification })[] = [];
  delivered = true;
  connectAllCount = 0;
  electionEndedCount = 0;
  halted = false;
  readonly gone = new Set<Sid>();
  receiver: MessageReceiver | null = null;
  readonly #clock: SimClock;
  readonly #self: Sid;

  constructor(clock: SimClock, self: Sid) {
    this.#clock = clock;
    this.#self = self;
  }

  start(receiver: MessageReceiver): void {
    this.receiver = receiver;
  }

  toSend(to: Sid, message: Uint8Array): void {
    if (to === this.#self) {
      this.#clock.soon(() => void this.receiver?.received(to, message));
      return;
    }
    const notification = decodeNotification(message);
    this.said.push({
      to: Number(to),
      state: notification.state,
      leader: Number(notification.leader),
      round: Number(notification.electionEpoch),
      notification,
    });
  }

  haveDelivered = (): boolean => this.delivered;
  connectAll = (): void => void this.connectAllCount++;
  halt = (): void => void (this.halted = true);
  electionEnded = (): void => void this.electionEndedCount++;
  hasLost = (from: Sid): boolean => this.gone.has(from);

  /** What was said since the last call, in short. */
  take(): Said[] {
    return this.said
      .splice(0)
      .map(({ to, state, leader, round }) => ({ to, state, leader, round }));
  }
}

class Stage {
  readonly time = new SimTime();
  readonly clock = new SimClock(this.time);
  readonly peer: ElectingPeer;
  readonly channel: ScriptedChannel;
  readonly election: FastLeaderElection;
  readonly events: ElectionEvent[] = [];

  constructor(self: number, verifier: QuorumVerifier, config: Partial<ElectionConfig> = {}) {
    this.peer = new ElectingPeer(self, verifier);
    this.channel = new ScriptedChannel(this.clock, this.peer.sid);
    const probe = {
      watches: () => true,
      emit: (event: { readonly topic: string }) => {
        if (event.topic === 'election') this.events.push(event as ElectionEvent);
      },
    };
    const world = { clock: this.clock, random: new SimRandom(1), probe };
    this.election = new FastLeaderElection(world, this.peer, this.channel, {
      ...CONFIG,
      ...config,
    });
    this.election.start();
  }

  /** Begins an election and lets the vote for ourselves come back. */
  look(): this {
    this.peer.state = 'LOOKING';
    this.election.lookForLeader(this.peer.done);
    this.time.runFor(0);
    return this;
  }

  hear(from: number, said: Partial<Notification> = {}): string | null {
    const { receiver } = this.channel;
    if (receiver === null) throw new Error('not started');
    const answer = receiver.received(sid(from), encodeNotification({ ...vote(from), ...said }));
    this.time.runFor(0);
    return answer;
  }

  lose(from: number): void {
    this.channel.gone.add(sid(from));
    this.channel.receiver?.lost(sid(from));
    this.time.runFor(0);
  }

  ignored(): string[] {
    return this.events.flatMap((event) => (event.type === 'ignored' ? [event.reason] : []));
  }
}

/** A looking server's vote for `leader` in round 1, with nothing logged. */
const vote = (leader: number): Notification => ({
  version: 2,
  state: 'LOOKING',
  leader: sid(leader),
  zxid: zxid(0n),
  electionEpoch: 1n,
  peerEpoch: epoch(0),
  config: verifierOf(3).toString(),
});

const following = (leader: number, round = 1, of = 0): Partial<Notification> => ({
  state: 'FOLLOWING',
  leader: sid(leader),
  electionEpoch: BigInt(round),
  peerEpoch: epoch(of),
});
const leading = (leader: number, round = 1, of = 0): Partial<Notification> => ({
  ...following(leader, round, of),
  state: 'LEADING',
});

describe('a server that begins to look', () => {
  it('votes for itself in a new round and tells all voters, with its configuration', () => {
    const stage = new Stage(2, verifierOf(4, [4]));
    stage.peer.logged = zxid(0x100000007n);
    stage.peer.epoch = epoch(1);
    stage.look();
    const [first] = stage.channel.said;
    expect(first?.notification).toEqual({
      version: 2,
      state: 'LOOKING',
      leader: 2n,
      zxid: 0x100000007n,
      electionEpoch: 1n,
      peerEpoch: 1n,
      config: stage.peer.verifier.toString(),
    });
    expect(stage.channel.take().map(({ to }) => to)).toEqual([1, 3]);
    expect(stage.events.map(({ type }) => type)).toContain('roundStarted');
  });

  it('proposes nothing if it only observes, and tells the voters that', () => {
    const stage = new Stage(4, verifierOf(4, [4])).look();
    const minimum = -(2n ** 63n);
    expect(stage.channel.said[0]?.notification).toMatchObject({
      leader: minimum,
      zxid: minimum,
      peerEpoch: minimum,
      electionEpoch: 1n,
    });
    expect(stage.channel.take().map(({ to }) => to)).toEqual([1, 2, 3]);
  });

  it('elects itself when it is the only voter', () => {
    const stage = new Stage(1, verifierOf(1)).look();
    expect(stage.peer.outcome).toMatchObject({
      state: 'LEADING',
      kind: 'elected',
      supporters: [1n],
    });
  });

  it('takes part with what it heard while it was not ready yet', () => {
    const stage = new Stage(1, verifierOf(3));
    stage.hear(2, { ...vote(2) });
    stage.hear(3, { leader: sid(3) });
    stage.look();
    stage.time.runFor(0);
    expect(stage.channel.take().filter(({ leader }) => leader === 3)).toHaveLength(2);
  });
});

describe('a vote', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage(2, verifierOf(3)).look();
    stage.channel.take();
  });

  it('that is better is taken on and told to all', () => {
    stage.hear(3);
    expect(stage.channel.take()).toEqual([
      { to: 1, state: 'LOOKING', leader: 3, round: 1 },
      { to: 3, state: 'LOOKING', leader: 3, round: 1 },
    ]);
    expect(stage.events.find(({ type }) => type === 'voteChanged')).toMatchObject({
      from: 3n,
      decidedBy: 'sid',
      oldVote: { leader: 2n },
      vote: { leader: 3n },
    });
  });

  it('that is worse changes nothing and is not answered', () => {
    stage.hear(1);
    expect(stage.channel.take()).toEqual([]);
  });

  it('that is worse and comes a second time is answered: ours has not arrived', () => {
    stage.hear(1);
    stage.hear(1);
    expect(stage.channel.take()).toEqual([{ to: 1, state: 'LOOKING', leader: 2, round: 1 }]);
  });

  it('that is worse is answered once if its server had a leader when it heard ours', () => {
    stage.hear(1, { state: 'FOLLOWING', leader: sid(3), electionEpoch: 0n });
    stage.hear(1);
    expect(stage.channel.take()).toEqual([{ to: 1, state: 'LOOKING', leader: 2, round: 1 }]);
  });

  it('like ours that comes a second time is not answered', () => {
    const alone = new Stage(2, verifierOf(5)).look();
    alone.hear(1, { leader: sid(2) });
    alone.channel.take();
    alone.hear(1, { leader: sid(2) });
    expect(alone.channel.take()).toEqual([]);
  });

  it('of a later round is answered by joining that round with the better of both votes', () => {
    stage.hear(1, { electionEpoch: 5n });
    expect(stage.channel.take().map(({ to, leader, round }) => [to, leader, round])).toEqual([
      [1, 2, 5],
      [3, 2, 5],
    ]);
    stage.hear(1, { electionEpoch: 7n, zxid: zxid(9n) });
    expect(stage.channel.take().map(({ leader, round }) => [leader, round])).toEqual([
      [1, 7],
      [1, 7],
    ]);
    expect(stage.events.filter(({ type }) => type === 'roundAdopted')).toMatchObject([
      { oldRound: 1n, round: 5n },
      { oldRound: 5n, round: 7n },
    ]);
  });

  it('of an earlier round is answered at once with ours and counts for nothing', () => {
    stage.hear(1, { electionEpoch: 4n });
    stage.channel.take();
    stage.hear(3, { electionEpoch: 3n, zxid: zxid(99n) });
    stage.time.runFor(FINALIZE_WAIT_MS / 2);
    expect(stage.channel.take()).toEqual([{ to: 3, state: 'LOOKING', leader: 2, round: 4 }]);
    expect(stage.peer.outcome).toBeUndefined();
    expect(stage.ignored()).toEqual(['it is in round 3, we are in 4']);
  });

  it('counts together with those of its own round only', () => {
    const stage = new Stage(2, verifierOf(5)).look();
    stage.hear(1, { leader: sid(5), electionEpoch: 1n });
    stage.hear(3, { leader: sid(5), electionEpoch: 2n });
    stage.hear(4, { leader: sid(5), electionEpoch: 3n });
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome).toBeUndefined();
    stage.hear(1, { leader: sid(5), electionEpoch: 3n });
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', vote: { id: 5n } });
  });

  it('for a server that may not vote counts for nothing', () => {
    stage.hear(3, { leader: sid(9), zxid: zxid(99n) });
    expect(stage.ignored()).toEqual(['it votes for server 9, which may not vote']);
    expect(stage.channel.take()).toEqual([]);
  });

  it('in a round nobody can have reached is passed over', () => {
    stage.hear(3, { electionEpoch: 2n ** 63n - 1n });
    expect(stage.election.logicalClock).toBe(1n);
    expect(stage.ignored()[0]).toMatch(/^nobody can be in round/);
  });

  it('for a history that is not to be trusted counts for nothing', () => {
    stage.hear(3, { zxid: zxid(-1n) });
    expect(stage.channel.take()).toEqual([]);
    expect(stage.ignored()[0]).toMatch(/history of whom it votes for/);
  });
});

describe('a server whose own history is not to be trusted', () => {
  it('elects nobody, but joins a leader that reigns', () => {
    const stage = new Stage(1, verifierOf(3));
    stage.peer.logged = zxid(-1n);
    stage.look();
    stage.hear(2, { leader: sid(3) });
    stage.hear(3);
    stage.time.runFor(10_000);
    expect(stage.peer.outcome).toBeUndefined();
    stage.hear(2, following(3));
    stage.hear(3, leading(3));
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', vote: { id: 3n } });
  });

  it('does not help a leader that has too few voters', () => {
    const stage = new Stage(1, verifierOf(5));
    stage.peer.logged = zxid(-1n);
    stage.look();
    stage.hear(3, following(4));
    stage.hear(4, leading(4));
    stage.time.runFor(10_000);
    expect(stage.peer.outcome).toBeUndefined();
    expect(stage.channel.said.every(({ leader }) => leader === 1)).toBe(true);
  });

  it('asks for a leader in its time, however often the others elect one meanwhile', () => {
    const stage = new Stage(1, verifierOf(3));
    stage.peer.logged = zxid(-1n);
    stage.look();
    stage.channel.take();
    for (let election = 0; election < 4; election++) {
      stage.hear(2, { leader: sid(3) });
      stage.time.runFor(150);
    }
    expect(stage.channel.take().map(({ to, state }) => [to, state])).toContainEqual([3, 'LOOKING']);
  });
});

describe('a server without weight', () => {
  it('never leads, however much it has logged', () => {
    const groups = ['group.1=1:2:3', 'weight.3=0'];
    const stage = new Stage(1, verifierOf(3, [], ...groups)).look();
    stage.channel.take();
    stage.hear(3, { zxid: zxid(0x500000000n), peerEpoch: epoch(9) });
    expect(stage.channel.take()).toEqual([]);
    stage.hear(2);
    stage.hear(3, { leader: sid(2) });
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome).toMatchObject({ vote: { id: 2n } });
  });
});

describe('once a quorum votes as we do', () => {
  it('we wait 200 ms for a better vote and then lead', () => {
    const stage = new Stage(3, verifierOf(3)).look();
    stage.time.runFor(50);
    stage.hear(1, { leader: sid(3) });
    expect(stage.events.at(-1)).toMatchObject({
      type: 'quorumOfVotes',
      supporters: [1n, 3n],
      finalizeWaitMs: FINALIZE_WAIT_MS,
    });
    stage.time.runFor(FINALIZE_WAIT_MS - 1);
    expect(stage.peer.outcome).toBeUndefined();
    stage.time.runFor(1);
    expect(stage.peer.outcome).toMatchObject({
      state: 'LEADING',
      kind: 'elected',
      supporters: [1n, 3n],
      tookMs: 250,
      vote: { id: 3n, zxid: 0n, electionEpoch: 1n, peerEpoch: 0n },
    });
  });

  it('anything that is no better begins the wait anew', () => {
    const stage = new Stage(3, verifierOf(5)).look();
    stage.hear(1, { leader: sid(3) });
    stage.hear(2, { leader: sid(3) });
    stage.time.runFor(150);
    stage.hear(4, { leader: sid(1), electionEpoch: 1n });
    stage.time.runFor(150);
    expect(stage.peer.outcome).toBeUndefined();
    stage.time.runFor(50);
    expect(stage.peer.outcome?.state).toBe('LEADING');
  });

  it('a better vote opens the question again', () => {
    const stage = new Stage(2, verifierOf(3)).look();
    stage.hear(1, { leader: sid(2) });
    stage.time.runFor(150);
    stage.hear(3);
    stage.time.runFor(100);
    expect(stage.peer.outcome).toBeUndefined();
    stage.time.runFor(100);
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', vote: { id: 3n } });
  });

  it('a better vote of an earlier round cannot hold us up', () => {
    const stage = new Stage(2, verifierOf(3));
    stage.look();
    stage.hear(1, { leader: sid(2), electionEpoch: 2n });
    stage.hear(3, { electionEpoch: 1n, zxid: zxid(77n) });
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome?.state).toBe('LEADING');
  });

  it('what servers with a leader say is dropped, as in ZooKeeper', () => {
    const stage = new Stage(3, verifierOf(5)).look();
    stage.hear(1, { leader: sid(3) });
    stage.hear(2, { leader: sid(3) });
    for (const from of [1, 2, 4]) stage.hear(from, following(1));
    stage.hear(1, leading(1));
    expect(stage.peer.outcome).toBeUndefined();
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome).toMatchObject({ state: 'LEADING', kind: 'elected' });
  });

  it('we do not wait at all when every voter votes as we do', () => {
    const stage = new Stage(3, verifierOf(4, [4])).look();
    stage.hear(1, { leader: sid(3) });
    expect(stage.peer.outcome).toBeUndefined();
    stage.hear(2, { leader: sid(3) });
    expect(stage.peer.outcome).toMatchObject({
      state: 'LEADING',
      supporters: [1n, 2n, 3n],
      tookMs: 0,
    });
  });

  it('we do not wait for a voter whose connection has ended', () => {
    const stage = new Stage(2, verifierOf(3));
    stage.lose(3);
    stage.look().hear(1, { leader: sid(2) });
    expect(stage.peer.outcome).toMatchObject({ state: 'LEADING', tookMs: 0 });
  });

  it('we stop waiting when the connection of the last one ends', () => {
    const stage = new Stage(2, verifierOf(3)).look();
    stage.hear(1, { leader: sid(2) });
    stage.time.runFor(FINALIZE_WAIT_MS / 2);
    expect(stage.peer.outcome).toBeUndefined();
    stage.lose(3);
    expect(stage.peer.outcome).toMatchObject({ state: 'LEADING', tookMs: FINALIZE_WAIT_MS / 2 });
  });

  it('we wait for a voter that is connected, and for one that never was', () => {
    const stage = new Stage(2, verifierOf(5));
    stage.lose(5);
    stage.look();
    for (const from of [1, 3]) stage.hear(from, { leader: sid(3) });
    stage.time.runFor(FINALIZE_WAIT_MS - 1);
    expect(stage.peer.outcome).toBeUndefined();
  });

  it('we wait all the same when the candidate itself is gone', () => {
    const stage = new Stage(1, verifierOf(5)).look();
    for (const from of [5, 4, 3]) stage.hear(from, { leader: sid(5) });
    for (const gone of [5, 2]) stage.lose(gone);
    stage.time.runFor(FINALIZE_WAIT_MS - 1);
    expect(stage.peer.outcome).toBeUndefined();
  });

  it('we wait all the same when those that are left are no quorum by themselves', () => {
    const stage = new Stage(4, verifierOf(5)).look();
    for (const from of [1, 2]) stage.hear(from, { leader: sid(4) });
    for (const gone of [2, 5, 3]) stage.lose(gone);
    stage.time.runFor(FINALIZE_WAIT_MS - 1);
    expect(stage.peer.outcome).toBeUndefined();
    stage.time.runFor(1);
    expect(stage.peer.outcome?.state).toBe('LEADING');
  });

  it('we wait all the same where the configuration says so', () => {
    const stage = new Stage(3, verifierOf(3), { finalizeEarly: false }).look();
    for (const from of [1, 2]) stage.hear(from, { leader: sid(3) });
    stage.time.runFor(FINALIZE_WAIT_MS - 1);
    expect(stage.peer.outcome).toBeUndefined();
    stage.time.runFor(1);
    expect(stage.peer.outcome?.state).toBe('LEADING');
  });
});

describe('a server that hears of a leader', () => {
  it('joins it once a quorum and the leader itself say so, in their round', () => {
    const stage = new Stage(1, verifierOf(3)).look();
    stage.hear(2, following(3, 7, 4));
    expect(stage.peer.outcome).toBeUndefined();
    stage.hear(3, leading(3, 7, 4));
    expect(stage.peer.outcome).toMatchObject({
      state: 'FOLLOWING',
      kind: 'joined',
      supporters: [2n, 3n],
      vote: { id: 3n, peerEpoch: 4n, electionEpoch: 7n },
    });
    expect(stage.election.logicalClock).toBe(7n);
  });

  it('does not believe those who follow without the leader’s own word', () => {
    const stage = new Stage(1, verifierOf(5)).look();
    for (const from of [2, 3, 4]) stage.hear(from, following(5, 7, 4));
    stage.hear(5, following(4, 7, 4));
    stage.hear(4, following(5, 7, 4));
    stage.time.runFor(5_000);
    expect(stage.peer.outcome).toBeUndefined();
  });

  it('does not believe one that claims to lead without a quorum behind it', () => {
    const stage = new Stage(1, verifierOf(3)).look();
    stage.hear(3, leading(3, 7, 4));
    stage.time.runFor(5_000);
    expect(stage.peer.outcome).toBeUndefined();
    // It goes by the votes of those who look, and the fraud is one of them when it has given up.
    stage.hear(2, { leader: sid(2), zxid: zxid(9n) });
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', vote: { id: 2n } });
  });

  it('joins servers of two versions that name different epochs for one reign', () => {
    const stage = new Stage(3, verifierOf(5)).look();
    for (const from of [1, 2]) stage.hear(from, { ...following(5, 10, 23), version: 0 });
    stage.hear(4, following(5, 10, 24));
    expect(stage.peer.outcome).toBeUndefined();
    stage.hear(5, leading(5, 10, 24));
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', vote: { id: 5n } });
  });

  it('leads at the word of one follower whose vote was lost, if the two are a quorum', () => {
    const stage = new Stage(2, verifierOf(3)).look();
    stage.hear(1);
    expect(stage.channel.electionEndedCount).toBe(0);
    stage.hear(1, following(2));
    expect(stage.peer.outcome?.state).toBe('LEADING');
    expect(stage.channel.electionEndedCount).toBe(1);
  });

  it('takes them for one leader though zxids and rounds differ, but not when epochs do', () => {
    const stage = new Stage(1, verifierOf(5)).look();
    stage.hear(5, { ...leading(5, 3, 2), zxid: zxid(0x100000000n) });
    stage.hear(2, { ...following(5, 9, 1) });
    stage.hear(3, { ...following(5, 8, 2), zxid: zxid(0x1n) });
    expect(stage.peer.outcome).toBeUndefined();
    stage.hear(4, { ...following(5, 2, 2) });
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', supporters: [3n, 4n, 5n] });
  });

  it('passes over epochs between old and new versions', () => {
    const stage = new Stage(1, verifierOf(3)).look();
    stage.hear(3, leading(3, 5, 2));
    stage.hear(2, { ...following(3, 6, 1), version: 0 });
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', supporters: [2n, 3n] });
  });

  it('joins within its own round, together with votes of servers that look', () => {
    const stage = new Stage(2, verifierOf(3)).look();
    stage.hear(3, leading(3));
    expect(stage.peer.outcome).toBeUndefined();
    stage.hear(1, following(3));
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', kind: 'joined' });
  });

  it('passes over epochs within its own round, where there is but one leader', () => {
    const stage = new Stage(1, verifierOf(3)).look();
    stage.hear(3, leading(3, 1, 2));
    stage.hear(2, following(3, 1, 1));
    expect(stage.peer.outcome).toMatchObject({ state: 'FOLLOWING', supporters: [2n, 3n] });
  });

  it('does not become leader by what others remember of an earlier round', () => {
    const stage = new Stage(3, verifierOf(3)).look();
    stage.hear(1, following(3, 9, 4));
    stage.hear(2, following(3, 9, 4));
    stage.time.runFor(1_000);
    expect(stage.peer.outcome).toBeUndefined();
  });

  it('leads by that word once, and not again in its next round when it is said again', () => {
    const stage = new Stage(3, verifierOf(3)).look();
    for (const from of [1, 2]) stage.hear(from, following(3));
    expect(stage.peer.outcome?.state).toBe('LEADING');
    stage.look();
    expect(stage.election.logicalClock).toBe(2n);
    for (const from of [1, 2]) stage.hear(from, following(3));
    stage.time.runFor(5_000);
    expect(stage.peer.outcomes).toHaveLength(1);
  });

  it('leads on if they follow it in this very round', () => {
    const stage = new Stage(3, verifierOf(3)).look();
    stage.hear(1, following(3));
    stage.hear(2, following(3));
    expect(stage.peer.outcome?.state).toBe('LEADING');
  });

  it('votes for it if it is better and nobody tells of a quorum behind it for a while', () => {
    const stage = new Stage(1, verifierOf(5)).look();
    stage.hear(3, following(4));
    stage.hear(4, leading(4));
    stage.channel.take();
    stage.time.runFor(CONFIG.minNotificationIntervalMs);
    const told = { state: 'LOOKING', leader: 4, round: 1 };
    expect(stage.channel.take()).toEqual([2, 3, 4, 5].map((to) => ({ to, ...told })));
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome).toMatchObject({
      state: 'FOLLOWING',
      kind: 'elected',
      supporters: [1n, 3n, 4n],
      vote: { id: 4n },
    });
  });

  it('votes for no leader that is worse, nor of another round, nor by what others say of it', () => {
    const worse = new Stage(5, verifierOf(5)).look();
    worse.hear(4, leading(4));
    const other = new Stage(1, verifierOf(5)).look();
    other.hear(4, leading(4, 7));
    const hearsay = new Stage(1, verifierOf(5)).look();
    hearsay.hear(3, following(4));
    hearsay.hear(2, leading(4));
    for (const stage of [worse, other, hearsay]) {
      stage.time.runFor(5_000);
      expect(stage.peer.outcome).toBeUndefined();
      expect(stage.channel.said.every(({ leader }) => leader === Number(stage.peer.sid))).toBe(
        true,
      );
    }
  });

  it('observes it where it may not vote', () => {
    const stage = new Stage(4, verifierOf(4, [4])).look();
    stage.hear(2, following(3, 7, 4));
    stage.hear(3, leading(3, 7, 4));
    expect(stage.peer.outcome).toMatchObject({ state: 'OBSERVING', vote: { id: 3n } });
  });

  it('is not moved by an observer’s word', () => {
    const stage = new Stage(1, verifierOf(3)).look();
    stage.channel.take();
    stage.hear(2, { ...leading(2), state: 'OBSERVING' });
    expect(stage.ignored()[0]).toMatch(/observes/);
    expect(stage.channel.take()).toEqual([]);
  });
});

describe('an observer', () => {
  it('learns the outcome from votes alone and sways nobody', () => {
    const stage = new Stage(4, verifierOf(4, [4])).look();
    stage.hear(1, { leader: sid(3) });
    stage.hear(2, { leader: sid(3) });
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome).toMatchObject({
      state: 'OBSERVING',
      supporters: [1n, 2n],
      vote: { id: 3n },
    });
  });

  it('that lost its leader lets the voters go first', () => {
    const stage = new Stage(4, verifierOf(4, [4])).look();
    stage.hear(2, following(3));
    stage.hear(3, leading(3));
    expect(stage.peer.outcome?.state).toBe('OBSERVING');
    stage.channel.take();
    stage.look();
    expect(stage.channel.take()).toEqual([]);
    stage.hear(2, { leader: sid(2) });
    stage.time.runFor(CONFIG.observerElectionDelayMs);
    expect(stage.channel.take().length).toBeGreaterThan(0);
    expect(stage.election.logicalClock).toBeGreaterThan(1n);
  });
});

describe('an observer that looks', () => {
  it('asks voters and answers none of them: they would answer it in turn', () => {
    const stage = new Stage(4, verifierOf(4, [4])).look();
    stage.hear(3);
    stage.hear(1);
    stage.channel.take();
    stage.hear(1);
    stage.hear(1, { electionEpoch: 0n });
    expect(stage.channel.take()).toEqual([]);
  });
});

describe('when nobody says anything', () => {
  it('the vote is told again after 200 ms, 400 ms and so on, at most after 60 s', () => {
    const stage = new Stage(1, verifierOf(3)).look();
    stage.time.runFor(200_000);
    const waits = stage.events.flatMap((event) =>
      event.type === 'timedOut' ? [event.nextWaitMs] : [],
    );
    expect(waits).toEqual([400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
    // The vote to ourselves comes back each time and begins the wait anew, at the same instant.
    expect(stage.channel.take()).toHaveLength(2 * (1 + waits.length));
  });

  it('it connects to everybody instead while no message at all got out', () => {
    const stage = new Stage(1, verifierOf(3)).look();
    stage.channel.take();
    stage.channel.delivered = false;
    stage.time.runFor(200);
    expect(stage.channel.connectAllCount).toBe(1);
    expect(stage.channel.take()).toEqual([]);
    expect(stage.events.at(-1)).toMatchObject({ type: 'timedOut', action: 'connectAll' });
  });
});

describe('a server that does not look', () => {
  const settled = (): Stage => {
    const stage = new Stage(2, verifierOf(4, [4])).look();
    stage.hear(1, following(3, 5, 1));
    stage.hear(3, leading(3, 5, 1));
    stage.channel.take();
    return stage;
  };

  it('tells voters that look whom it follows, in the round of that election', () => {
    const stage = settled();
    stage.hear(1, { electionEpoch: 9n, zxid: zxid(99n) });
    expect(stage.channel.take()).toEqual([{ to: 1, state: 'FOLLOWING', leader: 3, round: 5 }]);
    expect(stage.peer.lookers).toEqual([1n]);
  });

  it('tells the epoch that its peer has agreed on since', () => {
    const stage = settled();
    if (stage.peer.vote !== null) stage.peer.vote = { ...stage.peer.vote, peerEpoch: epoch(2) };
    stage.hear(1);
    expect(stage.channel.said[0]?.notification.peerEpoch).toBe(2n);
  });

  it('has no answer for those who do not look', () => {
    const stage = settled();
    stage.hear(1, following(3));
    stage.hear(3, leading(3));
    expect(stage.channel.take()).toEqual([]);
  });

  it('tells servers without a vote whom it follows, whatever they say', () => {
    const stage = settled();
    stage.hear(4, { leader: sid(-(2n ** 63n)) });
    stage.hear(77, following(1));
    expect(stage.channel.take()).toEqual([
      { to: 4, state: 'FOLLOWING', leader: 3, round: 5 },
      { to: 77, state: 'FOLLOWING', leader: 3, round: 5 },
    ]);
  });

  it('has nothing to tell before its first election', () => {
    const stage = new Stage(2, verifierOf(4, [4]));
    expect(stage.hear(4)).toBeNull();
    expect(stage.channel.take()).toEqual([]);
  });
});

describe('a server without a vote that asks while we look', () => {
  it('is told the vote of this round', () => {
    const stage = new Stage(2, verifierOf(4, [4])).look();
    stage.hear(3);
    stage.channel.take();
    stage.hear(4, { leader: sid(-(2n ** 63n)) });
    expect(stage.channel.take()).toEqual([{ to: 4, state: 'LOOKING', leader: 3, round: 1 }]);
  });
});

describe('a message that no server sends', () => {
  const raw = (bytes: Uint8Array): string | null | undefined => {
    const stage = new Stage(2, verifierOf(3)).look();
    stage.channel.take();
    const answer = stage.channel.receiver?.received(sid(1), bytes);
    // Whatever it was, the election goes on.
    stage.hear(3);
    expect(stage.channel.take().map(({ leader }) => leader)).toEqual([3, 3]);
    return answer;
  };
  const whole = encodeNotification(vote(1));
  const withConfigLength = (length: number): Uint8Array => {
    const bytes = whole.slice();
    new DataView(bytes.buffer).setInt32(40, length);
    return bytes;
  };

  it.each([
    ['shorter than any version', whole.slice(0, 27)],
    ['of which only the beginning came', whole.slice(0, 12)],
    ['between two versions in length', whole.slice(0, 30)],
    ['cut in its configuration', whole.slice(0, 60)],
    ['of negative configuration length', withConfigLength(-123)],
    ['of a configuration length that is more than there is', withConfigLength(10_000)],
    ['of too large a configuration length', withConfigLength(2 ** 31 - 1)],
    ['of no known state', Uint8Array.from(whole, (byte, i) => (i === 3 ? 9 : byte))],
  ])('%s is answered with a reason to close its connection', (_what, bytes) => {
    expect(raw(bytes)).toEqual(expect.any(String));
  });

  it('of the two old formats is understood', () => {
    const stage = new Stage(2, verifierOf(3)).look();
    const hear = (bytes: Uint8Array) => stage.channel.receiver?.received(sid(3), bytes);
    expect(hear(encodeNotification(vote(3)).slice(0, 28))).toBeNull();
    expect(hear(encodeNotification(vote(3)).slice(0, 40))).toBeNull();
    expect(stage.channel.said.at(-1)?.leader).toBe(3);
  });

  it('with a configuration nobody can read still counts as a vote', () => {
    const stage = new Stage(2, verifierOf(3)).look();
    stage.channel.take();
    expect(stage.hear(3, { config: 'server.1=nonsense' })).toBeNull();
    expect(stage.channel.take().map(({ leader }) => leader)).toEqual([3, 3]);
    expect(stage.ignored()[0]).toMatch(/configuration cannot be read/);
  });
});

describe('a newer configuration', () => {
  const newer = verifierOf(3, [], 'version=100000003').toString();

  it('is handed to the peer, and its message put aside if the peer takes it', () => {
    const stage = new Stage(2, verifierOf(3)).look();
    stage.channel.take();
    stage.peer.takesConfig = true;
    stage.hear(3, { config: newer });
    expect(stage.peer.configs).toEqual([0x100000003n]);
    expect(stage.channel.take()).toEqual([]);
    stage.peer.takesConfig = false;
    stage.hear(3, { config: newer });
    expect(stage.channel.take()).toHaveLength(2);
  });

  it('is of no interest while we have a leader', () => {
    const stage = new Stage(2, verifierOf(3)).look();
    stage.hear(1, following(3));
    stage.hear(3, leading(3));
    stage.hear(3, { config: newer });
    expect(stage.peer.configs).toEqual([]);
  });

  it('adds its voters to those who are asked and must agree', () => {
    const stage = new Stage(1, verifierOf(3));
    stage.peer.lastSeen = verifierOf(5, [], 'version=100000003');
    stage.look();
    expect(stage.channel.take().map(({ to }) => to)).toEqual([2, 3, 4, 5]);
    stage.hear(5, { zxid: zxid(9n) });
    stage.hear(2, { leader: sid(5), zxid: zxid(9n) });
    stage.time.runFor(FINALIZE_WAIT_MS);
    expect(stage.peer.outcome).toMatchObject({ supporters: [1n, 2n, 5n], vote: { id: 5n } });
  });
});

describe('an election', () => {
  it('that is cancelled has no outcome, and peers are still answered', () => {
    const stage = new Stage(3, verifierOf(3)).look();
    stage.hear(1, { leader: sid(3) });
    stage.election.cancel();
    stage.time.runFor(60_000);
    expect(stage.peer.outcome).toBeUndefined();
    stage.look();
    expect(stage.election.logicalClock).toBe(2n);
    stage.election.shutdown();
    stage.time.runFor(60_000);
    expect(stage.peer.outcome).toBeUndefined();
    expect(stage.channel.halted).toBe(true);
    expect(stage.time.nextEventMs()).toBe(Infinity);
  });

  it('may be followed by the next before its outcome has been dealt with', () => {
    const stage = new Stage(1, verifierOf(1));
    const rounds: bigint[] = [];
    const lost = (): void => {
      rounds.push(stage.election.logicalClock);
      if (rounds.length < 3) stage.election.lookForLeader(lost);
    };
    stage.election.lookForLeader(lost);
    stage.time.runFor(0);
    expect(rounds).toEqual([1n, 2n, 3n]);
  });

  it('begins only when none runs', () => {
    const stage = new Stage(3, verifierOf(3)).look();
    expect(() => stage.look()).toThrow(/not while looking/);
  });
});
