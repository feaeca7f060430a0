/** Which server to try next, and after what pause (`StaticHostProvider`): every client in an order of its own. */

import type { Address } from '../ports/network.ts';
import type { Random } from '../ports/random.ts';

/** Even without a pause a client does not dial in a tight loop. */
const MIN_RECONNECT_PAUSE_MS = 10;
const UINT32_RANGE = 0x1_0000_0000;

export interface NextHost {
  readonly address: Address;
  readonly pauseMs: number;
}

export class HostProvider {
  readonly #addresses: Address[];
  readonly #random: Random;
  readonly #maxPauseMs: number;
  #triedCount = 0;
  #everConnected = false;

  /** Throws if there are no addresses. */
  constructor(addresses: readonly Address[], random: Random, maxPauseMs: number) {
    if (addresses.length === 0)
      throw new Error('a client needs the address of at least one server');
    this.#addresses = shuffled(addresses, random);
    this.#random = random;
    this.#maxPauseMs = maxPauseMs;
  }

  get count(): number {
    return this.#addresses.length;
  }

  /**
   * At first each server is tried at once. Later a random pause keeps the clients of a server that went away from
   * coming back all together.
   */
  next(): NextHost {
    const firstRound = !this.#everConnected && this.#triedCount < this.#addresses.length;
    const address = this.#addresses[this.#triedCount % this.#addresses.length] ?? '';
    this.#triedCount++;
    return { address, pauseMs: firstRound ? 0 : this.#pauseMs() };
  }

  /** A session is open. */
  connected(): void {
    this.#everConnected = true;
  }

  #pauseMs(): number {
    const share = this.#random.uint32() / UINT32_RANGE;
    return Math.max(MIN_RECONNECT_PAUSE_MS, share * this.#maxPauseMs);
  }
}

function shuffled(addresses: readonly Address[], random: Random): Address[] {
  return addresses
    .map((address) => ({ address, key: random.uint32() }))
    .sort((a, b) => a.key - b.key)
    .map(({ address }) => address);
}
