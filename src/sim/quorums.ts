/** What a quorum is, counted once more and apart from the code that is watched. */

import { QuorumMaj } from '../config/quorumMaj.ts';
import { QuorumOracleMaj } from '../config/quorumOracleMaj.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { Sid } from '../wire/ids.ts';

/** Whether these servers are a quorum. Of groups and weights, the configuration's own arithmetic is believed. */
export function isQuorum(verifier: QuorumVerifier, sids: readonly Sid[]): boolean {
  if (!(verifier instanceof QuorumMaj)) return verifier.containsQuorum(new Set(sids));
  const voters = [...verifier.votingMembers.keys()].filter((sid) => sids.includes(sid));
  // Of two the oracle may let one go on.
  if (verifier instanceof QuorumOracleMaj) return voters.length > 0;
  return voters.length > verifier.votingMembers.size / 2;
}
