/**
 * A server while it leads: agrees on a new epoch with a quorum, brings learners to its history, and then proposes,
 * counts and commits until it steps down (`Leader`). The quorum's arithmetic is here, one learner's talk in
 * `LearnerHandler`, the order of proposals in `Broadcast`.
 */

import { assert } from '../base/assert.ts';
import { QuorumOracleMaj } from '../config/quorumOracleMaj.ts';
import type { ElectionOutcome } from '../election/electionPeer.ts';
import { SyncedLearnerTracker } from '../election/syncedLearnerTracker.ts';
import { winsBy, type Vote } from '../election/vote.ts';
import type { Clock } from '../ports/clock.ts';
import type { Probe, StateCause } from '../ports/probe.ts';
import type { Request } from '../server/request.ts';
import type { MonitorValue } from '../server/zooKeeperServer.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import {
  counterOf,
  epoch as asEpoch,
  makeZxid,
  zxid as asZxid,
  type Epoch,
  type SessionId,
  type Sid,
  type Zxid,
} from '../wire/ids.ts';
import { PacketType, type QuorumPacket } from '../wire/quorumPackets.ts';
import { Broadcast, outgoing, type BroadcastAudience } from './broadcast.ts';
import { lastSeenConfigBytes } from './configNode.ts';
import { LeaderZooKeeperServer } from './leaderZooKeeperServer.ts';
import { acceptLearners } from './learnerCnxAcceptor.ts';
import type { LearnerHandler } from './learnerHandler.ts';
import { learnerLimitsOf, type LearnerLimits, type LearnerMaster } from './learnerMaster.ts';
import { LearnerSyncThrottler } from './learnerSyncThrottler.ts';
import type { Role, RoleEnded, RolePeer } from './role.ts';
import { RoleScope } from './roleScope.ts';
import { SendBatch } from './sendBatch.ts';
import { isMoreRecentThan, NO_ACK, type StateSummary } from './stateSummary.ts';

/** The counter's last value is never used: it forces an election (ZOOKEEPER-1277). */
const LAST_COUNTER = 0xffffffffn;

type Phase =
  /** Until a quorum of voters, this server among them, has said which epochs they know. */
  | {
      readonly kind: 'collectingEpochs';
      readonly connecting: Set<Sid>;
      readonly waiting: Set<LearnerHandler>;
      readonly sinceMs: number;
      epoch: Epoch;
    }
  /** The new epoch is fixed; nobody hears of it before it is on this server's disk. */
  | { readonly kind: 'acceptingEpoch'; readonly waiting: Set<LearnerHandler> }
  /** Until a quorum has accepted it. */
  | {
      readonly kind: 'collectingEpochAcks';
      readonly electing: Set<Sid>;
      readonly waiting: Set<LearnerHandler>;
    }
  /** Until a quorum has this server's history. */
  | {
      readonly kind: 'synchronizing';
      readonly acks: SyncedLearnerTracker;
      readonly waiting: Set<LearnerHandler>;
    }
  | { readonly kind: 'broadcast'; readonly sinceMs: number }
  | { readonly kind: 'ended' };

export class Leader implements Role, LearnerMaster, BroadcastAudience {
  readonly sid: Sid;
  readonly scope: RoleScope;
  readonly clock: Clock;
  readonly probe: Probe;
  readonly batch = new SendBatch();
  readonly limits: LearnerLimits;
  readonly throttler: LearnerSyncThrottler;
  readonly observersOnly = false;
  readonly #peer: RolePeer;
  readonly #vote: Vote;
  /** Those by whose votes this server leads, until they vote for a better one. */
  readonly #supporters: Set<Sid>;
  readonly #ended: RoleEnded;
  readonly #zk: LeaderZooKeeperServer;
  readonly #learners = new Set<LearnerHandler>();
  readonly #forwardingFollowers = new Set<LearnerHandler>();
  readonly #observingLearners = new Set<LearnerHandler>();
  readonly #proposalSizes = { last: -1, min: -1, max: -1 };
  #phase: Phase;
  #summary: StateSummary;
  #newLeaderZxid: Zxid = asZxid(0n);
  #broadcast: Broadcast | null = null;
  #tick = 0;

  constructor(
    peer: RolePeer,
    { vote, supporters }: Pick<ElectionOutcome, 'vote' | 'supporters'>,
    ended: RoleEnded,
  ) {
    this.sid = peer.sid;
    this.#peer = peer;
    this.#vote = vote;
    this.#supporters = new Set(supporters);
    this.#ended = ended;
    this.scope = new RoleScope(peer.world, (error) => {
      peer.diskFailed(error);
    });
    this.clock = this.scope.world.clock;
    this.probe = peer.world.probe;
    this.limits = learnerLimitsOf(peer.config);
    this.throttler = new LearnerSyncThrottler(peer.config);
    this.#zk = new LeaderZooKeeperServer(peer, this, this.scope);
    this.#summary = { currentEpoch: peer.epochs.currentEpoch, lastZxid: peer.lastLoggedZxid() };
    this.#phase = {
      kind: 'collectingEpochs',
      connecting: new Set(),
      waiting: new Set(),
      sinceMs: this.clock.now(),
      epoch: asEpoch(-1),
    };
  }

  start(): void {
    this.#peer.setZabState('DISCOVERY');
    this.#zk.loadData();
    this.#listen();
    this.#giveUpAfter(
      this.limits.initTimeoutMs,
      'collectingEpochs',
      'waiting for the epochs of a quorum',
    );
    this.#noteEpoch(this.sid, this.#peer.epochs.acceptedEpoch);
  }

  stop(reason: string, stopped: () => void): void {
    this.#phase = { kind: 'ended' };
    // What a reign knew of its followers says nothing about the next.
    this.#oracle()?.updateNeedOracle(0);
    // Learners first: they look for another leader while this one clears up.
    for (const learner of [...this.#learners]) learner.close(reason);
    let open = 2;
    const part = (): void => {
      open -= 1;
      if (open > 0) return;
      this.#peer.fastForward(this.#unapplied());
      stopped();
    };
    this.#zk.shutdown(part);
    this.scope.close(part);
  }

  /** Proposals that were never committed are in this server's log all the same. */
  *#unapplied(): Iterable<Request> {
    if (this.#broadcast === null) return;
    for (const { request } of this.#broadcast.outstanding) yield request;
  }

  #end(cause: StateCause): void {
    if (this.#phase.kind === 'ended') return;
    this.#phase = { kind: 'ended' };
    this.clock.soon(() => {
      this.#ended(cause);
    });
  }

  #listen(): void {
    const me = this.#peer.quorumVerifier().allMembers.get(this.sid);
    if (me === undefined) {
      this.#end({ kind: 'epochNotAgreed', reason: 'this server is no member of its own ensemble' });
      return;
    }
    acceptLearners(this, this.#peer.config, me, me.endpoints[0].quorumPort, {
      accepted: (handler) => {
        this.#learners.add(handler);
      },
      failed: (reason) => {
        this.#end({ kind: 'epochNotAgreed', reason });
      },
    });
  }

  /** A phase before broadcast that lasts too long ends the reign. */
  #giveUpAfter(limitMs: number, kind: Phase['kind'], what: string): void {
    this.clock.after(limitMs, () => {
      if (this.#phase.kind !== kind) return;
      this.#end({ kind: 'epochNotAgreed', reason: `${what} took more than ${limitMs} ms` });
    });
  }

  /**
   * A voter looks again while this server waits for the epochs of a quorum. Where the configuration says how long to bear
   * with that, it is not waited for any longer. In any case, one that votes for a better server will not come; when those
   * that are left are no quorum, to wait on is in vain.
   */
  reportLookingSid(sid: Sid, vote: Vote): void {
    const phase = this.#phase;
    if (phase.kind !== 'collectingEpochs' || !this.#isVoter(sid)) return;
    const { maxTimeToWaitForEpochMs } = this.#peer.config;
    const waitedMs = this.clock.now() - phase.sinceMs;
    if (this.#haveVotesGone(sid, vote)) {
      const reason = `server ${sid} votes for server ${vote.id} after all, so that no quorum elects this one`;
      this.#end({ kind: 'epochNotAgreed', reason });
    } else if (maxTimeToWaitForEpochMs >= 0 && waitedMs > maxTimeToWaitForEpochMs) {
      const reason = `server ${sid} looks for a leader again, and no quorum has followed within ${Math.floor(waitedMs)} ms`;
      this.#end({ kind: 'epochNotAgreed', reason });
    }
  }

  #haveVotesGone(sid: Sid, vote: Vote): boolean {
    const verifier = this.#peer.quorumVerifier();
    const isBetter = verifier.weight(vote.id) > 0 && winsBy(vote, this.#vote) !== null;
    if (vote.electionEpoch < this.#vote.electionEpoch || !isBetter) return false;
    return this.#supporters.delete(sid) && !verifier.containsQuorum(this.#supporters);
  }

  getEpochToPropose(handler: LearnerHandler, acceptedEpoch: Epoch): void {
    const phase = this.#phase;
    switch (phase.kind) {
      case 'collectingEpochs':
        phase.waiting.add(handler);
        this.#noteEpoch(handler.sid, acceptedEpoch);
        return;
      case 'acceptingEpoch':
        phase.waiting.add(handler);
        return;
      case 'collectingEpochAcks':
      case 'synchronizing':
      case 'broadcast':
        handler.epochProposed();
        return;
      case 'ended':
        return;
    }
  }

  /** Every epoch that anybody accepted is behind the new one; only voters make the quorum that fixes it. */
  #noteEpoch(sid: Sid, acceptedEpoch: Epoch): void {
    const phase = this.#phase;
    if (phase.kind !== 'collectingEpochs') return;
    if (acceptedEpoch >= phase.epoch) phase.epoch = asEpoch(acceptedEpoch + 1n);
    if (this.#isVoter(sid)) phase.connecting.add(sid);
    if (!phase.connecting.has(this.sid)) return;
    if (!this.#peer.quorumVerifier().containsQuorum(phase.connecting)) return;
    this.#acceptEpoch(phase.epoch, phase.connecting, phase.waiting);
  }

  #acceptEpoch(epoch: Epoch, supporters: ReadonlySet<Sid>, waiting: Set<LearnerHandler>): void {
    this.#phase = { kind: 'acceptingEpoch', waiting };
    if (this.probe.watches('zab')) {
      this.probe.emit({
        topic: 'zab',
        type: 'epochProposed',
        epoch,
        supporters: sorted(supporters),
      });
    }
    this.#peer.epochs.setAcceptedEpoch(
      epoch,
      this.scope.answer(() => {
        if (this.#phase.kind === 'acceptingEpoch') this.#proposeEpoch(epoch, waiting);
      }),
    );
  }

  #proposeEpoch(epoch: Epoch, waiting: ReadonlySet<LearnerHandler>): void {
    this.#newLeaderZxid = makeZxid(epoch, 0n);
    this.#zk.hzxid = this.#newLeaderZxid;
    this.#broadcast = new Broadcast(this, this.probe, this.#newLeaderZxid);
    this.#phase = { kind: 'collectingEpochAcks', electing: new Set(), waiting: new Set() };
    this.#giveUpAfter(
      this.limits.initTimeoutMs,
      'collectingEpochAcks',
      'waiting for a quorum to accept the epoch',
    );
    for (const handler of waiting) handler.epochProposed();
    this.#noteEpochAck(this.sid, this.#summary);
  }

  waitForEpochAck(handler: LearnerHandler, summary: StateSummary): string | null {
    const phase = this.#phase;
    switch (phase.kind) {
      case 'collectingEpochAcks':
        if (summary.currentEpoch !== NO_ACK && isMoreRecentThan(summary, this.#summary)) {
          return 'it has more history than its leader';
        }
        phase.waiting.add(handler);
        this.#noteEpochAck(handler.sid, summary);
        return null;
      case 'synchronizing':
      case 'broadcast':
        handler.epochAgreed();
        return null;
      case 'collectingEpochs':
      case 'acceptingEpoch':
      case 'ended':
        return 'its leader has not proposed an epoch';
    }
  }

  /** An answer of -1 was given for this epoch before and does not count, nor does a history that may be lost. */
  #noteEpochAck(sid: Sid, summary: StateSummary): void {
    const phase = this.#phase;
    if (phase.kind !== 'collectingEpochAcks') return;
    const counts = summary.currentEpoch !== NO_ACK && summary.lastZxid !== SUSPECT_HISTORY;
    if (counts && this.#isVoter(sid)) phase.electing.add(sid);
    if (!phase.electing.has(this.sid)) return;
    if (!this.#peer.quorumVerifier().containsQuorum(phase.electing)) return;
    this.#synchronize(phase.electing, phase.waiting);
  }

  #synchronize(supporters: ReadonlySet<Sid>, waiting: ReadonlySet<LearnerHandler>): void {
    const epoch = this.#epoch;
    if (this.probe.watches('zab')) {
      this.probe.emit({ topic: 'zab', type: 'epochAcked', epoch, supporters: sorted(supporters) });
    }
    this.#phase = { kind: 'synchronizing', acks: this.newTracker(), waiting: new Set() };
    this.#giveUpAfter(
      this.limits.initTimeoutMs,
      'synchronizing',
      'bringing a quorum to the history of this reign',
    );
    this.#peer.epochs.setCurrentEpoch(
      epoch,
      this.scope.answer(() => {
        this.#peer.setZabState('SYNCHRONIZATION');
        this.#noteNewLeaderAck(this.sid);
      }),
    );
    for (const handler of waiting) handler.epochAgreed();
  }

  waitForNewLeaderAck(handler: LearnerHandler): void {
    const phase = this.#phase;
    if (phase.kind === 'broadcast') {
      handler.leaderEstablished();
    } else if (phase.kind === 'synchronizing') {
      phase.waiting.add(handler);
      this.#noteNewLeaderAck(handler.sid);
    }
  }

  #noteNewLeaderAck(sid: Sid): void {
    const phase = this.#phase;
    if (phase.kind !== 'synchronizing' || !phase.acks.addAck(sid)) return;
    const supporters = phase.acks.supporters();
    if (this.probe.watches('zab')) {
      this.probe.emit({ topic: 'zab', type: 'newLeaderAcked', learner: sid, supporters });
    }
    // Without its own epoch on disk this server's vote for itself is not worth counting on.
    if (!supporters.includes(this.sid) || !phase.acks.hasAllQuorums()) return;
    this.#establish(supporters, phase.waiting);
  }

  #establish(supporters: readonly Sid[], waiting: ReadonlySet<LearnerHandler>): void {
    const { config } = this.#peer;
    this.#phase = { kind: 'broadcast', sinceMs: this.clock.now() };
    this.#zk.startup();
    this.#peer.updateElectionVote(this.#epoch);
    this.db.tree.lastProcessedZxid = this.#newLeaderZxid;
    if (config.initialZxidCounter !== null) {
      this.#zk.hzxid = makeZxid(this.#epoch, config.initialZxidCounter);
    }
    this.#peer.setZabState('BROADCAST');
    if (this.probe.watches('zab')) {
      this.probe.emit({ topic: 'zab', type: 'established', epoch: this.#epoch, supporters });
    }
    if (config.leaderServes) this.#peer.serve(this.#zk);
    for (const handler of waiting) handler.leaderEstablished();
    this.#scheduleTick(false);
  }

  startForwarding(handler: LearnerHandler, lastQueuedZxid: Zxid): void {
    const broadcast = this.#currentBroadcast;
    const isFollower = handler.learnerType === 'participant';
    if (isFollower) {
      // What still comes over an older connection was said of the log that is now cut.
      for (const other of [...this.#learners]) {
        if (other !== handler && other.sid === handler.sid) other.close('it has connected anew');
      }
      broadcast.forgetAcks(handler.sid, lastQueuedZxid);
    }
    if (broadcast.lastProposed > lastQueuedZxid) {
      for (const { zxid, txnBytes } of broadcast.toBeApplied) {
        if (zxid <= lastQueuedZxid) continue;
        handler.queuePacket(outgoing(PacketType.PROPOSAL, zxid, txnBytes));
        handler.queuePacket(outgoing(PacketType.COMMIT, zxid, null));
      }
      if (isFollower) {
        for (const { zxid, txnBytes } of broadcast.outstanding) {
          if (zxid <= lastQueuedZxid) continue;
          handler.queuePacket(outgoing(PacketType.PROPOSAL, zxid, txnBytes));
        }
      }
    }
    (isFollower ? this.#forwardingFollowers : this.#observingLearners).add(handler);
    this.#oracle()?.updateNeedOracle(this.#forwardingFollowers.size);
  }

  /** False if the transaction may not be proposed any more: the counter is used up, or the reign is over. */
  propose(request: Request): boolean {
    if (this.#phase.kind !== 'broadcast') return false;
    if (counterOf(request.zxid) === LAST_COUNTER) {
      this.#end({ kind: 'counterExhausted', zxid: request.zxid });
      return false;
    }
    const size = request.txnBytes?.length ?? 0;
    const sizes = this.#proposalSizes;
    sizes.last = size;
    sizes.min = sizes.min < 0 ? size : Math.min(sizes.min, size);
    sizes.max = Math.max(sizes.max, size);
    this.#currentBroadcast.propose(request);
    return true;
  }

  processAck(sid: Sid, zxid: Zxid): void {
    if (this.#phase.kind === 'broadcast') this.#currentBroadcast.processAck(sid, zxid);
  }

  applied(zxid: Zxid): void {
    this.#currentBroadcast.applied(zxid);
  }

  /** A leader at its end answers none: it may have refused a write that its asker sent before (counterExhausted). */
  processSync(handler: LearnerHandler): void {
    if (this.#phase.kind !== 'broadcast') return;
    this.#currentBroadcast.processSync(() => {
      handler.queuePacket(outgoing(PacketType.SYNC, asZxid(0n), null));
    });
  }

  touch(sessionId: SessionId, timeoutMs: number): void {
    if (this.#zk.isRunning()) this.#zk.sessionTracker.touchSession(sessionId, timeoutMs);
  }

  revalidateSession(
    handler: LearnerHandler,
    sessionId: SessionId,
    timeoutMs: number,
    answer: (valid: boolean) => void,
  ): void {
    const valid =
      this.#zk.isRunning() && this.#zk.sessionTracker.touchSession(sessionId, timeoutMs);
    if (valid) this.#zk.setOwner(sessionId, handler);
    answer(valid);
  }

  submitLearnerRequest(request: Request): void {
    this.#zk.submitLearnerRequest(request);
  }

  /** Two half ticks make a tick: learners are pinged at each, the quorum is checked at every other. */
  #scheduleTick(fullTick: boolean): void {
    this.clock.after(this.#peer.config.tickTimeMs / 2, () => {
      if (this.#phase.kind !== 'broadcast') return;
      if (fullTick) {
        this.#tick += 1;
        if (!this.#checkQuorum()) return;
      }
      this.batch.run(() => {
        for (const learner of [...this.#learners]) learner.ping();
      });
      this.#scheduleTick(!fullTick);
    });
  }

  #checkQuorum(): boolean {
    const tracker = this.newTracker();
    tracker.addAck(this.sid);
    for (const learner of this.#learners) if (learner.synced) tracker.addAck(learner.sid);
    const synced = tracker.supporters();
    const voterCount = this.#peer.quorumVerifier().votingMembers.size;
    if (this.probe.watches('zab')) {
      this.probe.emit({ topic: 'zab', type: 'pingCheck', synced, voterCount });
    }
    if (tracker.hasAllQuorums() || this.#oracleLetsGoOn()) return true;
    this.#end({
      kind: 'steppedDown',
      reason: `only ${synced.length} of ${voterCount} voters are in sync`,
      synced,
      voterCount,
      syncLimitTicks: this.limits.syncLimitTicks,
      tickTimeMs: this.#peer.config.tickTimeMs,
    });
    return false;
  }

  /** The only follower is gone, and the oracle says that this server goes on: what waited for that follower is committed. */
  #oracleLetsGoOn(): boolean {
    const oracle = this.#oracle();
    if (oracle === null) return false;
    oracle.updateNeedOracle(this.#forwardingFollowers.size);
    if (!oracle.needOracle || !oracle.askOracle()) return false;
    this.#currentBroadcast.commitWhatCan();
    return true;
  }

  #oracle(): QuorumOracleMaj | null {
    const verifier = this.#peer.quorumVerifier();
    return verifier instanceof QuorumOracleMaj ? verifier : null;
  }

  sendToFollowers(packet: QuorumPacket): void {
    for (const learner of this.#forwardingFollowers) learner.queuePacket(packet);
  }

  sendToObservers(packet: QuorumPacket): void {
    for (const learner of this.#observingLearners) learner.queuePacket(packet);
  }

  hasObservers(): boolean {
    return this.#observingLearners.size > 0;
  }

  commit(request: Request): void {
    this.#zk.commit(request);
  }

  newTracker(): SyncedLearnerTracker {
    return SyncedLearnerTracker.of(
      this.#peer.quorumVerifier(),
      this.#peer.lastSeenQuorumVerifier(),
    );
  }

  learnerClosed(handler: LearnerHandler): void {
    this.#learners.delete(handler);
    this.#forwardingFollowers.delete(handler);
    this.#observingLearners.delete(handler);
    if ('waiting' in this.#phase) this.#phase.waiting.delete(handler);
  }

  get db(): ZKDatabase {
    return this.#peer.db;
  }

  get tick(): number {
    return this.#tick;
  }

  get newLeaderZxid(): Zxid {
    return this.#newLeaderZxid;
  }

  get lastProposed(): Zxid {
    return this.#currentBroadcast.lastProposed;
  }

  get configVersion(): bigint {
    return this.#peer.quorumVerifier().version;
  }

  configBytes(): Uint8Array {
    return lastSeenConfigBytes(this.#peer);
  }

  #isVoter(sid: Sid): boolean {
    return this.#peer.quorumVerifier().votingMembers.has(sid);
  }

  get proposalSizes(): { readonly last: number; readonly min: number; readonly max: number } {
    return this.#proposalSizes;
  }

  monitorValues(): readonly MonitorValue[] {
    const phase = this.#phase;
    const uptimeMs = phase.kind === 'broadcast' ? this.clock.now() - phase.sinceMs : 0;
    const nonVoting = [...this.#forwardingFollowers].filter(
      (learner) => !this.#isVoter(learner.sid),
    );
    return [
      ['learners', String(this.#learners.size)],
      ['synced_followers', String(this.#forwardingFollowers.size)],
      ['synced_non_voting_followers', String(nonVoting.length)],
      ['synced_observers', String(this.#observingLearners.size)],
      ['pending_syncs', String(this.#currentBroadcast.pendingSyncCount)],
      ['leader_uptime', String(Math.floor(uptimeMs))],
      ['last_proposal_size', String(this.#proposalSizes.last)],
      ['max_proposal_size', String(this.#proposalSizes.max)],
      ['min_proposal_size', String(this.#proposalSizes.min)],
    ];
  }

  get #epoch(): Epoch {
    return asEpoch(this.#newLeaderZxid >> 32n);
  }

  get #currentBroadcast(): Broadcast {
    assert(this.#broadcast !== null, 'proposals come after the epoch is fixed');
    return this.#broadcast;
  }
}

/** ACKEPOCH's zxid when the learner's disk may have been lost. */
const SUSPECT_HISTORY = asZxid(-1n);

const sorted = (sids: ReadonlySet<Sid>): readonly Sid[] =>
  [...sids].sort((a, b) => (a < b ? -1 : 1));
