/**
 * Counts who agrees, against every configuration that has a say: the one in force and, while a reconfiguration is
 * under way, the next one too (`SyncedLearnerTracker`).
 */

import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { Sid } from '../wire/ids.ts';

export class SyncedLearnerTracker {
  readonly #verifiers: readonly QuorumVerifier[];
  readonly #acks = new Set<Sid>();

  constructor(verifiers: readonly QuorumVerifier[]) {
    this.#verifiers = verifiers;
  }

  /** For the configuration in force, and the last seen one if that is newer. */
  static of(current: QuorumVerifier, lastSeen: QuorumVerifier | null): SyncedLearnerTracker {
    const both = lastSeen !== null && lastSeen.version > current.version;
    return new SyncedLearnerTracker(both ? [current, lastSeen] : [current]);
  }

  /** False if the server votes in none of the configurations, so that its word counts for nothing. */
  addAck(sid: Sid): boolean {
    const counts = this.#verifiers.some((verifier) => verifier.votingMembers.has(sid));
    if (counts) this.#acks.add(sid);
    return counts;
  }

  /** It agrees no more. */
  removeAck(sid: Sid): void {
    this.#acks.delete(sid);
  }

  hasAllQuorums(): boolean {
    return this.#verifiers.every((verifier) => verifier.containsQuorum(this.#acks));
  }

  /** Whether every voter of every configuration is among the acks, but for those that are `absent`. */
  hasEveryVoter(absent: ReadonlySet<Sid>): boolean {
    return this.#verifiers.every((verifier) =>
      [...verifier.votingMembers.keys()].every((sid) => this.#acks.has(sid) || absent.has(sid)),
    );
  }

  /** Those who agree and vote, in ascending order. */
  supporters(): readonly Sid[] {
    return [...this.#acks].sort((a, b) => (a < b ? -1 : 1));
  }
}
