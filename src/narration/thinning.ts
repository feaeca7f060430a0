/**
 * Which of a flood of events are told: whole transactions, picked by their number, so that all servers pick the same ones
 * and both ends of a message are told or neither. What comes seldom is always told. Pure.
 */

import type { ProbeEvent, ProbeTopic } from '../ports/probe.ts';
import { counterOf } from '../wire/ids.ts';
import { PacketType } from '../wire/quorumPackets.ts';

/** What comes with every single write or read, and is only told to who asks for it. */
export const FREQUENT_TOPICS: ReadonlySet<ProbeTopic> = new Set(['packet', 'txn', 'request']);

const OF_ONE_TRANSACTION: ReadonlySet<number> = new Set([
  PacketType.REQUEST,
  PacketType.PROPOSAL,
  PacketType.ACK,
  PacketType.COMMIT,
  PacketType.INFORM,
]);

/** The rate is judged so often. */
const WINDOW_MS = 250;
/** One transaction in this many at least is told. */
const LARGEST_STEP = 4096n;

/** The number that an event is picked by; null: it is always told. */
function numberOf(event: ProbeEvent): bigint | null {
  switch (event.topic) {
    case 'packet':
      return OF_ONE_TRANSACTION.has(event.packetType) ? counterOf(event.zxid) : null;
    case 'txn':
      return counterOf(event.zxid);
    case 'request':
      return event.type === 'watchFired' ? null : BigInt(event.xid >>> 0);
    default:
      return null;
  }
}

export class Thinning {
  readonly #windowCount: number;
  /** One in this many, a power of two: what one server picks at a large step, another picks at any smaller one. */
  #step = 1n;
  #windowEndMs = 0;
  #count = 0;

  constructor(perSecondCount: number) {
    this.#windowCount = (perSecondCount * WINDOW_MS) / 1000;
  }

  keeps(event: ProbeEvent, nowMs: number): boolean {
    const number = numberOf(event);
    if (number === null) return true;
    if (nowMs >= this.#windowEndMs) this.#newWindow(nowMs);
    if (number % this.#step !== 0n) return false;
    this.#count++;
    // The flood has only begun: no need to wait for the window's end.
    if (this.#count >= this.#windowCount && this.#step < LARGEST_STEP) {
      this.#step *= 2n;
      this.#count /= 2;
    }
    return true;
  }

  #newWindow(nowMs: number): void {
    const calm = this.#count < this.#windowCount / 4 || nowMs > this.#windowEndMs + WINDOW_MS;
    if (calm && this.#step > 1n) this.#step /= 2n;
    this.#windowEndMs = nowMs + WINDOW_MS;
    this.#count = 0;
  }
}
