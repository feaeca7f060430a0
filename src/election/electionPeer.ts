/** What the election asks of the server it elects for, so that it need not know `QuorumPeer`. Interfaces only. */

import type { LearnerType } from '../config/quorumServer.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { ServerState } from '../ports/probe.ts';
import type { Epoch, Sid, Zxid } from '../wire/ids.ts';
import type { Vote } from './vote.ts';

export interface ElectionPeer {
  readonly sid: Sid;
  learnerType(): LearnerType;
  serverState(): ServerState;
  /** The configuration in force. */
  quorumVerifier(): QuorumVerifier;
  /** The newest configuration heard of, perhaps not yet in force; null if there never was another. */
  lastSeenQuorumVerifier(): QuorumVerifier | null;
  /**
   * The last transaction this server has *durably* logged; asked whenever it proposes itself.
   * `SUSPECT_ZXID` (-1) if its history is not to be trusted: then it only learns who leads.
   */
  lastLoggedZxid(): Zxid;
  /** What the `currentEpoch` file says. */
  currentEpoch(): Epoch;
  /**
   * The vote this server stands by, told to whoever looks while it does not: the outcome of its last election with
   * `peerEpoch` brought up to date once the epoch is agreed (`updateElectionVote`). Null before it ever had one.
   */
  currentVote(): Vote | null;
  /**
   * A looking server heard of a newer configuration. True if the peer has taken it on and begun (or will begin) a new
   * election of its own accord: the message that brought it is then put aside. False where reconfiguration is off.
   */
  configReceived(verifier: QuorumVerifier, from: Sid): boolean;
  /** A voter told us that it looks while we do not, and what it votes for. Only `Leader` minds (`reportLookingSid`). */
  lookingPeer(sid: Sid, vote: Vote): void;
  /** The election port cannot be listened on: without it this server can take no part and has to stop. */
  electionPortFailed(reason: string): void;
}

/** How an election ended. */
export interface ElectionOutcome {
  readonly vote: Vote;
  /** What this server has to be now. */
  readonly state: 'FOLLOWING' | 'LEADING' | 'OBSERVING';
  /** Whether a leader was elected by this round's votes, or one that reigned already was found. */
  readonly kind: 'elected' | 'joined';
  /** Whose votes it rests on, in ascending order. */
  readonly supporters: readonly Sid[];
  readonly tookMs: number;
}

/** The part of `FastLeaderElection` that a `QuorumPeer` uses. */
export interface LeaderElection {
  /** Listens on the election port. From now on peers that look are answered. */
  start(): void;
  /**
   * Begins an election; the peer's state must be LOOKING. `done` is called once, never inside this call, unless
   * `cancel` or `shutdown` comes first. It sets the peer's state and current vote, and may
   * begin the next election before it returns.
   */
  lookForLeader(done: (outcome: ElectionOutcome) => void): void;
  /** Gives up the election that runs, if any; peers are still answered. */
  cancel(): void;
  /** Closes everything; nothing is called afterwards. */
  shutdown(): void;
  /** The round of the running election or the last one (`getLogicalClock`). */
  readonly logicalClock: bigint;
}
