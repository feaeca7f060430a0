/**
 * What a person does who changes roles, groups or weights without reconfiguration: stops the whole ensemble, sees that
 * all have the same, and starts it with another list. Quorums of the new list need not meet those of the old one.
 */

import type { Ensemble } from '../ensemble.ts';
import type { Fault } from './fault.ts';

/** All have stopped in good order by then, or the list stays as it is. */
const STOP_LIMIT_MS = 600;

/** False if not all serve. `mayGoOn`: nothing has come in between. */
export function reformMembers(
  ensemble: Ensemble,
  { roles, memberLines }: Fault & { kind: 'reform' },
  mayGoOn: () => boolean,
  note: (what: string) => void,
): boolean {
  const leader = ensemble.leader();
  if (leader === null) return false;
  if (!ensemble.sids.every((sid) => sid === leader || ensemble.serving(sid))) return false;
  const voted = new Set(ensemble.verifier.votingMembers.keys());
  for (const sid of ensemble.sids) ensemble.requestStop(sid);
  ensemble.simulation.time.schedule(STOP_LIMIT_MS, () => {
    if (!mayGoOn()) return;
    if (ensemble.running.length === 0 && ensemble.invariants.allInStep) {
      ensemble.reform(roles, memberLines);
      note(`members: ${memberLines.length > 0 ? 'groups' : 'the majority'}`);
      if (memberLines.some((line) => line.startsWith('weight'))) note('members: a weight of 0');
      const votes = ensemble.verifier.votingMembers;
      if (ensemble.sids.some((sid) => votes.has(sid) && !voted.has(sid))) {
        note('members: an observer votes');
      }
      if (ensemble.sids.some((sid) => !votes.has(sid) && voted.has(sid))) {
        note('members: a voter observes');
      }
    } else note('members: not in step');
    for (const sid of ensemble.sids) if (!ensemble.running.includes(sid)) ensemble.start(sid);
  });
  return true;
}
