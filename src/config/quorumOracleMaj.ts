/**
 * A majority, but where there are only two voters and the other is gone, somebody outside of the ensemble may say that
 * this one goes on alone (`QuorumOracleMaj`). Any two quorums share a voter only as far as that somebody never says yes
 * to both.
 */

import type { Sid } from '../wire/ids.ts';
import { QuorumMaj } from './quorumMaj.ts';

/** Who decides between two servers, as one of them hears it. */
export interface Oracle {
  /** Its word at this moment: this server may go on alone. */
  grants(): boolean;
}

/** Two voters are the most for whom an oracle is asked. */
const ORACLE_VOTER_COUNT = 2;

export class QuorumOracleMaj extends QuorumMaj {
  readonly #oracle: Oracle;
  #needOracle = true;

  constructor(members: QuorumMaj, oracle: Oracle) {
    super(members.allMembers.values(), members.version);
    this.#oracle = oracle;
  }

  /** No other voter follows, as far as is known: what the oracle says matters. */
  get needOracle(): boolean {
    return this.#needOracle;
  }

  askOracle(): boolean {
    return this.#oracle.grants();
  }

  /** A leader has this many followers now. */
  updateNeedOracle(followerCount: number): void {
    this.#needOracle = followerCount === 0 && this.votingMembers.size === ORACLE_VOTER_COUNT;
  }

  override containsQuorum(acks: ReadonlySet<Sid>): boolean {
    if (super.containsQuorum(acks)) return true;
    if (this.votingMembers.size > ORACLE_VOTER_COUNT || !this.#needOracle) return false;
    return [...acks].some((sid) => this.votingMembers.has(sid)) && this.askOracle();
  }
}
