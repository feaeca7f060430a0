/** The small ports of a Worker's world: its clock and chance. */

import type { Clock, Timer } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { SoonQueue } from './soonQueue.ts';

/** Timers of a Worker: not throttled when the tab is hidden. */
export class WorkerClock implements Clock {
  readonly #soon = new SoonQueue();

  now(): number {
    return performance.now();
  }

  wallTime(): number {
    return Date.now();
  }

  after(delayMs: number, task: () => void): Timer {
    const handle = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(handle) };
  }

  soon(task: () => void): Timer {
    return this.#soon.add(task);
  }
}

const POOL_BYTES = 4096;

/** `crypto.getRandomValues`, which also pages without a secure context have. */
export class CryptoRandom implements Random {
  readonly #pool = new Uint8Array(POOL_BYTES);
  readonly #view = new DataView(this.#pool.buffer);
  #used = POOL_BYTES;

  uint32(): number {
    if (this.#used + 4 > POOL_BYTES) {
      crypto.getRandomValues(this.#pool);
      this.#used = 0;
    }
    const value = this.#view.getUint32(this.#used);
    this.#used += 4;
    return value;
  }

  bytes(length: number): Uint8Array {
    return crypto.getRandomValues(new Uint8Array(length));
  }
}
