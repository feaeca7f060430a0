/**
 * Whom an observer may follow instead of the leader: every voter, at the port that followers keep for observers, in an
 * order of this server's own, so that a fleet of observers spreads (`QuorumPeer.nextObserverMaster`).
 */

import { joinHostPort } from '../config/hostPort.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { Random } from '../ports/random.ts';
import type { LeaderAddress } from './learnerConnector.ts';

export class ObserverMasters {
  readonly #masters: readonly LeaderAddress[];
  #next = 0;

  constructor(verifier: QuorumVerifier, port: number, random: Random) {
    const masters = [...verifier.votingMembers.values()].map(({ sid, endpoints }) => ({
      sid,
      address: joinHostPort(endpoints[0].host, port),
    }));
    this.#masters = shuffled(masters, random);
  }

  /** Null where this server does not observe, or observers are not wanted elsewhere than with the leader. */
  static of(config: PeerConfig, verifier: QuorumVerifier, random: Random): ObserverMasters | null {
    if (config.observerMasterPort === 0 || config.learnerType !== 'observer') return null;
    return new ObserverMasters(verifier, config.observerMasterPort, random);
  }

  /** The next one to try; `tiring`: all have been tried since the last time it was so. */
  next(): { readonly master: LeaderAddress; readonly tiring: boolean } | null {
    const tiring = this.#next >= this.#masters.length;
    if (tiring) this.#next = 0;
    const master = this.#masters[this.#next];
    if (master === undefined) return null;
    this.#next += 1;
    return { master, tiring };
  }
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const order = items.map((item) => ({ item, key: random.uint32() }));
  return order.sort((left, right) => left.key - right.key).map(({ item }) => item);
}
