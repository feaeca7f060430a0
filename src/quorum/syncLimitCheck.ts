/** Watches how long a learner leaves a proposal without an ACK (`LearnerHandler.SyncLimitCheck`). Pure. */

import type { Zxid } from '../wire/ids.ts';

interface Sent {
  readonly zxid: Zxid;
  readonly timeMs: number;
}

/** Two marks are enough: the oldest proposal without an answer, and the latest one, which becomes the next mark. */
export class SyncLimitCheck {
  #started = false;
  #current: Sent | null = null;
  #next: Sent | null = null;

  /** Called when the learner has acknowledged NEWLEADER: what was sent before is not held against it. */
  start(): void {
    this.#started = true;
  }

  proposalSent(zxid: Zxid, nowMs: number): void {
    if (!this.#started) return;
    if (this.#current === null) this.#current = { zxid, timeMs: nowMs };
    else this.#next = { zxid, timeMs: nowMs };
  }

  acked(zxid: Zxid): void {
    if (this.#current?.zxid === zxid) {
      this.#current = this.#next;
      this.#next = null;
    } else if (this.#next?.zxid === zxid) {
      this.#next = null;
    }
  }

  /** False: a proposal has gone without an ACK for `limitMs`. */
  isWithin(limitMs: number, nowMs: number): boolean {
    return this.#current === null || nowMs - this.#current.timeMs < limitMs;
  }
}
