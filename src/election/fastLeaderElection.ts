/**
 * Finds out who leads: servers tell each other their votes until a quorum votes for the same one, or learn from those
 * that have a leader who it is. It tells its peer the outcome and does nothing about it. To look is a state here and
 * not a loop, so that every message and every timer is one call.
 */

import { assert } from '../base/assert.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import type { Timer } from '../ports/clock.ts';
import type { World } from '../ports/world.ts';
import type { Notification } from '../wire/electionMessages.ts';
import type { Sid } from '../wire/ids.ts';
import type { ElectionChannel, MessageReceiver } from './electionChannel.ts';
import type { ElectionOutcome, ElectionPeer, LeaderElection } from './electionPeer.ts';
import { Electorate } from './electorate.ts';
import { Messenger, type Received } from './messenger.ts';
import type { SyncedLearnerTracker } from './syncedLearnerTracker.ts';
import {
  NO_PROPOSAL,
  ownVote,
  sameProposal,
  sameVote,
  SUSPECT_ZXID,
  voteView,
  winsBy,
  type Proposal,
  type Vote,
} from './vote.ts';

/** How long to wait for a better vote once a quorum agrees (`FastLeaderElection.finalizeWait`). */
export const FINALIZE_WAIT_MS = 200;
/** Rounds count elections, so that nobody can be in such a one; adopting it would soon end in an overflow. */
const ROUND_LIMIT = 2n ** 62n;

export type ElectionConfig = Pick<
  PeerConfig,
  | 'minNotificationIntervalMs'
  | 'maxNotificationIntervalMs'
  | 'finalizeEarly'
  | 'observerElectionDelayMs'
>;

type Done = (outcome: ElectionOutcome) => void;

/** One election, from the begin of its round to its outcome. */
interface Election {
  readonly done: Done;
  readonly startedMs: number;
  /** Votes of this round, by voter. */
  readonly recvset: Map<Sid, Vote>;
  /** Votes of servers that have a leader, of any round, by voter. */
  readonly outOfElection: Map<Sid, Vote>;
  /** How long to wait for the next notification before we tell ours again. */
  notTimeoutMs: number;
}

/** What came while no election ran, the last of each voter. */
type Waiting = Map<Sid, Received>;

type State =
  | { readonly kind: 'stopped' }
  /** No election runs. What comes while the peer looks already waits for the one that will. */
  | { readonly kind: 'idle'; readonly waiting: Waiting }
  /** An observer that lost its leader lets the voters go first. */
  | { readonly kind: 'delayed'; readonly waiting: Waiting; readonly timer: Timer }
  /** `timer`: no notification came in time. */
  | { readonly kind: 'looking'; readonly election: Election; readonly timer: Timer }
  /** A quorum votes as we do. `timer`: no better vote came. */
  | { readonly kind: 'finalizing'; readonly election: Election; readonly timer: Timer };

export class FastLeaderElection implements LeaderElection, MessageReceiver {
  readonly #world: Pick<World, 'clock' | 'random' | 'probe'>;
  readonly #peer: ElectionPeer;
  readonly #channel: ElectionChannel;
  readonly #config: ElectionConfig;
  readonly #messenger: Messenger;
  readonly #electorate: Electorate;
  #state: State = { kind: 'stopped' };
  #logicalClock = 0n;
  #proposal: Proposal = NO_PROPOSAL;
  /** The last election made this server somebody's observer. */
  #observed = false;

  constructor(
    world: Pick<World, 'clock' | 'random' | 'probe'>,
    peer: ElectionPeer,
    channel: ElectionChannel,
    config: ElectionConfig,
  ) {
    this.#world = world;
    this.#peer = peer;
    this.#channel = channel;
    this.#config = config;
    this.#messenger = new Messenger(world.probe, peer, channel);
    this.#electorate = new Electorate(peer);
  }

  get logicalClock(): bigint {
    return this.#logicalClock;
  }

  start(): void {
    assert(this.#state.kind === 'stopped', 'the election has been started already');
    this.#state = { kind: 'idle', waiting: new Map() };
    this.#channel.start(this);
  }

  lookForLeader(done: Done): void {
    const state = this.#state;
    assert(state.kind === 'idle', `an election begins when none runs, not while ${state.kind}`);
    assert(this.#peer.serverState() === 'LOOKING', 'only a looking server elects');
    const { waiting } = state;
    if (!this.#observed) return this.#begin(done, waiting);
    this.#observed = false;
    const delayMs =
      (this.#config.observerElectionDelayMs * this.#world.random.uint32()) / UINT32_COUNT;
    const timer = this.#world.clock.after(delayMs, () => this.#begin(done, waiting));
    this.#state = { kind: 'delayed', waiting, timer };
  }

  cancel(): void {
    if (this.#state.kind === 'stopped' || this.#state.kind === 'idle') return;
    this.#state.timer.cancel();
    this.#state = { kind: 'idle', waiting: new Map() };
  }

  shutdown(): void {
    this.cancel();
    this.#state = { kind: 'stopped' };
    this.#channel.halt();
  }

  received(from: Sid, message: Uint8Array): string | null {
    if (this.#state.kind === 'stopped') return null;
    const received = this.#messenger.read(from, message);
    if (typeof received === 'string') return received;
    const looking = this.#peer.serverState() === 'LOOKING';
    const newer = this.#messenger.newerConfig(received);
    if (newer !== null && looking && this.#peer.configReceived(newer, from)) return null;
    if (!this.#electorate.isVoter(from)) this.#answerNonVoter(from);
    else if (looking) this.#receivedLooking(received);
    else if (received.notification.state === 'LOOKING') this.#answerLooking(received);
    return null;
  }

  lost(): void {
    const election = this.#election();
    if (election === null) return;
    // Not within the very call that found out: it may be in the middle of telling our vote.
    this.#world.clock.soon(() => {
      const state = this.#state;
      if (state.kind !== 'finalizing' || state.election !== election) return;
      if (this.#everybodyAgrees(election)) this.#elect(election);
    });
  }

  // Answers.

  /** A server without a vote asks: it is told what we hold true now and asked nothing. */
  #answerNonVoter(to: Sid): void {
    if (this.#election() !== null) {
      return this.#messenger.send([to], this.#proposal, this.#logicalClock, 'LOOKING');
    }
    const vote = this.#peer.currentVote();
    const state = this.#peer.serverState();
    if (vote === null || state === 'LOOKING') {
      return this.#messenger.ignored(to, 'it may not vote, and there is nothing to tell it yet');
    }
    this.#messenger.send([to], vote, this.#logicalClock, state);
  }

  /** A voter looks while we have a leader: it is told who. */
  #answerLooking({ from, notification }: Received): void {
    this.#peer.lookingPeer(from, ownVote(proposalOf(notification), notification.electionEpoch));
    const vote = this.#peer.currentVote();
    assert(vote !== null, 'a server that does not look has a vote');
    this.#messenger.send([from], vote, vote.electionEpoch, this.#peer.serverState());
  }

  // While the peer looks.

  #receivedLooking(received: Received): void {
    if (this.#state.kind === 'idle' || this.#state.kind === 'delayed') {
      this.#state.waiting.set(received.from, received);
      return;
    }
    const { from, notification } = received;
    if (notification.state === 'LOOKING' && notification.electionEpoch < this.#logicalClock) {
      this.#tellVoter(from);
    }
    this.#process(received);
  }

  #begin(done: Done, waiting: Waiting): void {
    this.#logicalClock++;
    this.#proposal = this.#electorate.initialProposal();
    const election: Election = {
      done,
      startedMs: this.#world.clock.now(),
      recvset: new Map(),
      outOfElection: new Map(),
      notTimeoutMs: this.#config.minNotificationIntervalMs,
    };
    this.#look(election);
    const { probe } = this.#world;
    if (probe.watches('election')) {
      const vote = voteView(this.#proposal);
      probe.emit({ topic: 'election', type: 'roundStarted', round: this.#logicalClock, vote });
    }
    this.#broadcast();
    for (const received of waiting.values()) {
      this.#world.clock.soon(() => {
        if (this.#election() === election) this.#receivedLooking(received);
      });
    }
  }

  #process(received: Received): void {
    const { from, notification } = received;
    const state = this.#state;
    assert(state.kind === 'looking' || state.kind === 'finalizing', 'an election runs');
    const { election } = state;
    const counts = this.#checkCounts(received);
    if (state.kind === 'finalizing') {
      state.timer.cancel();
      if (!counts || !this.#beatsProposal(notification)) {
        // As in ZooKeeper the wait begins anew and what was said is dropped, but for one more vote like ours.
        if (counts) this.#countSameVote(election, from, notification);
        return this.#finalize(election);
      }
    }
    // What means nothing does not put off asking again: a server without a trusted history would never ask for a leader
    // while the others elect one more often than it waits (ZooKeeper's waits anew each time).
    if (!counts) return;
    this.#look(election);
    switch (notification.state) {
      case 'LOOKING':
        return this.#processVote(election, from, notification);
      case 'FOLLOWING':
      case 'LEADING':
        return this.#processOutcome(election, from, notification);
      case 'OBSERVING':
        return this.#messenger.ignored(from, 'it observes, so that its vote means nothing');
    }
  }

  /** Whether a notification may have any effect on the running election; says why if not. */
  #checkCounts({ from, notification }: Received): boolean {
    const ignore = (reason: string): false => {
      this.#messenger.ignored(from, reason);
      return false;
    };
    if (!this.#electorate.isVoter(notification.leader)) {
      return ignore(`it votes for server ${notification.leader}, which may not vote`);
    }
    if (notification.electionEpoch >= ROUND_LIMIT) {
      return ignore(`nobody can be in round ${notification.electionEpoch}`);
    }
    if (notification.state !== 'LOOKING') return true;
    if (this.#electsNobody()) {
      return ignore('our own history is not to be trusted, so that we elect nobody');
    }
    if (notification.zxid === SUSPECT_ZXID) {
      return ignore('the history of whom it votes for is not to be trusted');
    }
    if (notification.electionEpoch < this.#logicalClock) {
      return ignore(
        `it is in round ${notification.electionEpoch}, we are in ${this.#logicalClock}`,
      );
    }
    return true;
  }

  /** What this server had promised may be lost with its disk: it waits for a leader that others elect. */
  #electsNobody(): boolean {
    return this.#electorate.initialProposal().zxid === SUSPECT_ZXID;
  }

  /** The vote of a server that looks too, in our round or a later one. */
  #processVote(election: Election, from: Sid, notification: Notification): void {
    if (notification.electionEpoch > this.#logicalClock) {
      this.#adoptRound(election, from, notification);
    } else if (this.#beatsProposal(notification)) {
      this.#changeProposal(from, proposalOf(notification), null);
      this.#broadcast();
    } else {
      this.#answerUnheard(election, from, notification);
    }
    election.recvset.set(from, ownVote(proposalOf(notification), notification.electionEpoch));
    this.#checkQuorum(election);
  }

  /**
   * Who says once more what is worse than our vote has never heard ours. It is told at once: ZooKeeper waits until it
   * has heard nothing for a while, which never comes if the other one repeats itself a little more often than that.
   */
  #answerUnheard(election: Election, from: Sid, notification: Notification): void {
    const theirs = proposalOf(notification);
    const known = election.recvset.get(from);
    // Who told us of its leader in this election heard our vote before it began to look, and has it no more.
    const unheard =
      known === undefined
        ? election.outOfElection.has(from)
        : sameVote(known, ownVote(theirs, this.#logicalClock));
    if (!unheard) return;
    // Of two votes for servers without weight neither is better: their voters would answer each other for ever.
    if (!this.#electorate.beats(this.#proposal, theirs)) return;
    this.#tellVoter(from);
  }

  /**
   * What a server without a vote says counts for nobody, and every voter answers it: they would tell each other the same
   * for as long as both look, as they do in ZooKeeper.
   */
  #tellVoter(to: Sid): void {
    if (!this.#electorate.isVoter(this.#peer.sid)) return;
    this.#messenger.send([to], this.#proposal, this.#logicalClock, 'LOOKING');
  }

  #adoptRound(election: Election, from: Sid, notification: Notification): void {
    const oldRound = this.#logicalClock;
    this.#logicalClock = notification.electionEpoch;
    election.recvset.clear();
    const { probe } = this.#world;
    if (probe.watches('election')) {
      const round = this.#logicalClock;
      probe.emit({ topic: 'election', type: 'roundAdopted', from, oldRound, round });
    }
    const theirs = proposalOf(notification);
    const ours = this.#electorate.initialProposal();
    this.#changeProposal(from, this.#electorate.beats(theirs, ours) ? theirs : ours, 'round');
    this.#broadcast();
  }

  /** The vote of a server that has a leader: who reigns already is joined and not elected anew. */
  #processOutcome(election: Election, from: Sid, notification: Notification): void {
    const vote: Vote = {
      ...ownVote(proposalOf(notification), notification.electionEpoch),
      version: notification.version,
      state: notification.state,
    };
    if (notification.electionEpoch === this.#logicalClock) {
      election.recvset.set(from, { ...vote, version: 0 });
      if (this.#joinIfAgreed(election, election.recvset, vote)) return;
    }
    election.outOfElection.set(from, vote);
    if (this.#joinIfAgreed(election, election.outOfElection, vote)) return;
    if (notification.state === 'LEADING' && this.#oracleSaysToFollow()) {
      const tracker = this.#electorate.trackerOf(election.outOfElection, vote);
      this.#decide(election, vote, 'joined', tracker);
      return;
    }
    this.#checkQuorum(election);
  }

  #joinIfAgreed(election: Election, votes: ReadonlyMap<Sid, Vote>, vote: Vote): boolean {
    const tracker = this.#electorate.trackerOf(votes, vote);
    if (!tracker.hasAllQuorums() || !this.#checkLeader(votes, vote)) return false;
    this.#logicalClock = vote.electionEpoch;
    this.#decide(election, vote, 'joined', tracker);
    return true;
  }

  /** The oracle's word is for one of the two: where it is not for us, it is for the one that leads already. */
  #oracleSaysToFollow(): boolean {
    const oracle = this.#electorate.oracle();
    return oracle !== null && oracle.needOracle && !oracle.askOracle();
  }

  /** A leader is believed only by its own word: those who follow it may not know yet that it is gone. */
  #checkLeader(votes: ReadonlyMap<Sid, Vote>, vote: Vote): boolean {
    if (vote.id === this.#peer.sid) return vote.electionEpoch === this.#logicalClock;
    return votes.get(vote.id)?.state === 'LEADING';
  }

  /** Begins to finalize, or ends the election at once, if enough vote as we do in this round. */
  #checkQuorum(election: Election): void {
    const tracker = this.#electorate.trackerOf(election.recvset, this.#ownVote());
    if (!tracker.hasAllQuorums()) return;
    const { probe } = this.#world;
    if (probe.watches('election')) {
      probe.emit({
        topic: 'election',
        type: 'quorumOfVotes',
        vote: voteView(this.#proposal),
        supporters: tracker.supporters(),
        finalizeWaitMs: this.#everybodyAgrees(election) ? 0 : FINALIZE_WAIT_MS,
      });
    }
    this.#finalize(election);
  }

  /** Waits for a better vote unless there can be none. */
  #finalize(election: Election): void {
    if (this.#state.kind === 'looking') this.#state.timer.cancel();
    if (this.#everybodyAgrees(election)) return this.#elect(election);
    const timer = this.#world.clock.after(FINALIZE_WAIT_MS, () => this.#elect(election));
    this.#state = { kind: 'finalizing', election, timer };
  }

  /**
   * The wait is for a vote that is still under way and better than ours. Within a round a server changes its vote only
   * for a better one that it was told of; when every voter votes as we do in this round, all that any of them could
   * tell is this very vote, so that no better one can come and to wait is in vain. A voter whose connection has ended,
   * as the old leader's has, tells nothing more; one that was not connected before may be starting, and is waited for.
   * Those that are left have to be a quorum by themselves, with their candidate among them.
   */
  #everybodyAgrees(election: Election): boolean {
    if (!this.#config.finalizeEarly) return false;
    const voters = [...this.#electorate.voters()];
    const lost = new Set(voters.filter((sid) => this.#channel.hasLost(sid)));
    if (lost.has(this.#proposal.id)) return false;
    const present = new Map([...election.recvset].filter(([sid]) => !lost.has(sid)));
    const tracker = this.#electorate.trackerOf(present, this.#ownVote());
    return tracker.hasAllQuorums() && tracker.hasEveryVoter(lost);
  }

  #countSameVote(election: Election, from: Sid, notification: Notification): void {
    const vote = ownVote(proposalOf(notification), notification.electionEpoch);
    // Who follows by the same vote of the same round has decided while we wait: it will not vote for another either.
    const decided = notification.state === 'LOOKING' || notification.state === 'FOLLOWING';
    if (decided && sameVote(vote, this.#ownVote())) {
      election.recvset.set(from, vote);
    }
  }

  #elect(election: Election): void {
    const tracker = this.#electorate.trackerOf(election.recvset, this.#ownVote());
    this.#decide(election, this.#ownVote(), 'elected', tracker);
  }

  #decide(
    election: Election,
    vote: Vote,
    kind: ElectionOutcome['kind'],
    tracker: SyncedLearnerTracker,
  ): void {
    this.cancel();
    this.#channel.electionEnded();
    const state = vote.id === this.#peer.sid ? 'LEADING' : this.#electorate.learningState();
    this.#observed = state === 'OBSERVING';
    const supporters = tracker.supporters();
    const tookMs = this.#world.clock.now() - election.startedMs;
    const { probe } = this.#world;
    if (probe.watches('election')) {
      probe.emit({
        topic: 'election',
        type: 'decided',
        vote: voteView(vote),
        state,
        supporters,
        tookMs,
      });
    }
    const own = ownVote(vote, vote.electionEpoch);
    election.done({ vote: own, state, kind, supporters, tookMs });
  }

  /** Goes on looking, waiting the full time for the next notification. */
  #look(election: Election): void {
    if (this.#state.kind === 'looking') this.#state.timer.cancel();
    const timer = this.#world.clock.after(election.notTimeoutMs, () => this.#timedOut(election));
    this.#state = { kind: 'looking', election, timer };
  }

  #timedOut(election: Election): void {
    this.#voteForLoneLeader(election);
    const action = this.#channel.haveDelivered() ? 'resend' : 'connectAll';
    if (action === 'resend') this.#broadcast();
    else this.#channel.connectAll();
    const { maxNotificationIntervalMs } = this.#config;
    election.notTimeoutMs = Math.min(election.notTimeoutMs * 2, maxNotificationIntervalMs);
    const { probe } = this.#world;
    if (probe.watches('election')) {
      const nextWaitMs = election.notTimeoutMs;
      probe.emit({ topic: 'election', type: 'timedOut', nextWaitMs, action });
    }
    if (this.#oracleHasSpoken(election)) this.#elect(election);
    else this.#look(election);
  }

  /**
   * One leads in this round and is better than whom we vote for, but lost a voter before it had followers enough: it
   * needs ours. We would have voted for it, had we looked when it did. ZooKeeper looks on until that leader gives up.
   */
  #voteForLoneLeader({ recvset }: Election): void {
    if (this.#electsNobody()) return;
    for (const [from, vote] of recvset) {
      if (vote.state !== 'LEADING' || vote.id !== from) continue;
      if (this.#electorate.beats(vote, this.#proposal)) this.#changeProposal(from, vote, null);
    }
  }

  /** The oracle may have given this server the word since it was last asked. */
  #oracleHasSpoken({ recvset }: Election): boolean {
    if (this.#electorate.oracle() === null) return false;
    return this.#electorate.trackerOf(recvset, this.#ownVote()).hasAllQuorums();
  }

  // Votes.

  #changeProposal(from: Sid, proposal: Proposal, cause: 'round' | null): void {
    const old = this.#proposal;
    this.#proposal = proposal;
    const { probe } = this.#world;
    if (sameProposal(old, proposal) || !probe.watches('election')) return;
    probe.emit({
      topic: 'election',
      type: 'voteChanged',
      from,
      oldVote: voteView(old),
      vote: voteView(proposal),
      decidedBy: winsBy(proposal, old) ?? cause ?? 'round',
    });
  }

  #beatsProposal(notification: Notification): boolean {
    return this.#electorate.beats(proposalOf(notification), this.#proposal);
  }

  #ownVote(): Vote {
    return ownVote(this.#proposal, this.#logicalClock);
  }

  #broadcast(): void {
    this.#messenger.send(this.#electorate.voters(), this.#proposal, this.#logicalClock, 'LOOKING');
  }

  #election(): Election | null {
    const state = this.#state;
    return state.kind === 'looking' || state.kind === 'finalizing' ? state.election : null;
  }
}

/** How many values `Random.uint32` has. */
const UINT32_COUNT = 2 ** 32;

const proposalOf = (notification: Notification): Proposal => ({
  id: notification.leader,
  zxid: notification.zxid,
  peerEpoch: notification.peerEpoch,
});
