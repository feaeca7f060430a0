/** What a server votes for, the order of votes and when two of them are the same (`Vote`, `totalOrderPredicate`). */

import type { ServerState, VoteView } from '../ports/probe.ts';
import { epoch, sid, zxid, type Epoch, type Sid, type Zxid } from '../wire/ids.ts';

/** `Long.MIN_VALUE`: what a server that may not vote proposes, as leader, as zxid and as epoch. */
const NOTHING = -(2n ** 63n);

export interface Proposal {
  /** The proposed leader. */
  readonly id: Sid;
  /** The last transaction that leader has logged. */
  readonly zxid: Zxid;
  /** That leader's `currentEpoch`. */
  readonly peerEpoch: Epoch;
}

export interface Vote extends Proposal {
  /** Of the notification it came in; 0 for votes of our own. */
  readonly version: number;
  /** The round of the election it was cast in (the logical clock). */
  readonly electionEpoch: bigint;
  /** Of the server that cast it. */
  readonly state: ServerState;
}

/** The proposal of a server that may not vote: an observer learns the outcome and sways nobody. */
export const NO_PROPOSAL: Proposal = {
  id: sid(NOTHING),
  zxid: zxid(NOTHING),
  peerEpoch: epoch(NOTHING),
};

/** A zxid of -1 says that this server's history is not to be trusted: it neither elects nor is elected. */
export const SUSPECT_ZXID: Zxid = zxid(-1n);

export const ownVote = (proposal: Proposal, electionEpoch: bigint): Vote => ({
  version: 0,
  id: proposal.id,
  zxid: proposal.zxid,
  electionEpoch,
  peerEpoch: proposal.peerEpoch,
  state: 'LOOKING',
});

/**
 * Whether two votes are for the same leader. While either voter is looking, everything must agree. Between servers that
 * have a leader, zxid and round are passed over, since they differ for one and the same leader by when each server
 * joined it; and the epoch too if only one of the two is of the version 0 that reports it differently.
 */
export function sameVote(a: Vote, b: Vote): boolean {
  if (a.id !== b.id) return false;
  if (a.state === 'LOOKING' || b.state === 'LOOKING') {
    return a.zxid === b.zxid && a.electionEpoch === b.electionEpoch && a.peerEpoch === b.peerEpoch;
  }
  return a.version > 0 === b.version > 0 ? a.peerEpoch === b.peerEpoch : true;
}

/** The field by which `candidate` beats `current`, or null if it does not. Weights are the caller's business. */
export function winsBy(
  candidate: Proposal,
  current: Proposal,
): 'peerEpoch' | 'zxid' | 'sid' | null {
  if (candidate.peerEpoch !== current.peerEpoch) {
    return candidate.peerEpoch > current.peerEpoch ? 'peerEpoch' : null;
  }
  if (candidate.zxid !== current.zxid) return candidate.zxid > current.zxid ? 'zxid' : null;
  return candidate.id > current.id ? 'sid' : null;
}

export const sameProposal = (a: Proposal, b: Proposal): boolean =>
  a.id === b.id && a.zxid === b.zxid && a.peerEpoch === b.peerEpoch;

export const voteView = ({ id, zxid: logged, peerEpoch }: Proposal): VoteView => ({
  leader: id,
  zxid: logged,
  peerEpoch,
});
