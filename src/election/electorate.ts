/** Who takes part in an election and what their votes weigh, by the peer's configurations of the moment. */

import { QuorumOracleMaj } from '../config/quorumOracleMaj.ts';
import type { Sid } from '../wire/ids.ts';
import type { ElectionPeer } from './electionPeer.ts';
import { SyncedLearnerTracker } from './syncedLearnerTracker.ts';
import { NO_PROPOSAL, sameVote, winsBy, type Proposal, type Vote } from './vote.ts';

export class Electorate {
  readonly #peer: ElectionPeer;

  constructor(peer: ElectionPeer) {
    this.#peer = peer;
  }

  /** Those who vote in the configuration in force or in the last seen one (`getCurrentAndNextConfigVoters`). */
  voters(): ReadonlySet<Sid> {
    return new Set([
      ...this.#peer.quorumVerifier().votingMembers.keys(),
      ...(this.#peer.lastSeenQuorumVerifier()?.votingMembers.keys() ?? []),
    ]);
  }

  /** `validVoter` */
  isVoter(sid: Sid): boolean {
    return (
      this.#peer.quorumVerifier().votingMembers.has(sid) ||
      this.#peer.lastSeenQuorumVerifier()?.votingMembers.has(sid) === true
    );
  }

  /** Where two servers have somebody outside who decides when one of them is left; null elsewhere. */
  oracle(): QuorumOracleMaj | null {
    const verifier = this.#peer.quorumVerifier();
    return verifier instanceof QuorumOracleMaj ? verifier : null;
  }

  /** What a server becomes that does not lead. */
  learningState(): 'FOLLOWING' | 'OBSERVING' {
    return this.#peer.learnerType() === 'participant' ? 'FOLLOWING' : 'OBSERVING';
  }

  /** `totalOrderPredicate`: a server without weight never leads. */
  beats(candidate: Proposal, current: Proposal): boolean {
    return (
      this.#peer.quorumVerifier().weight(candidate.id) > 0 && winsBy(candidate, current) !== null
    );
  }

  /** A server that may not vote proposes nothing; it only learns. */
  initialProposal(): Proposal {
    const { sid } = this.#peer;
    if (this.#peer.learnerType() === 'observer') return NO_PROPOSAL;
    const votes = this.#peer.quorumVerifier().votingMembers.has(sid);
    return {
      id: votes ? sid : NO_PROPOSAL.id,
      zxid: this.#peer.lastLoggedZxid(),
      peerEpoch: this.#peer.currentEpoch(),
    };
  }

  /** Those whose votes are for the same leader as `vote`. */
  trackerOf(votes: ReadonlyMap<Sid, Vote>, vote: Vote): SyncedLearnerTracker {
    const tracker = SyncedLearnerTracker.of(
      this.#peer.quorumVerifier(),
      this.#peer.lastSeenQuorumVerifier(),
    );
    for (const [sid, cast] of votes) if (sameVote(vote, cast)) tracker.addAck(sid);
    return tracker;
  }
}
