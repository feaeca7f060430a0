/** Dials that wait for a link to come up, each for its own time and no longer. */

import type { Clock, Timer } from '../ports/clock.ts';
import type { Port } from '../ports/network.ts';
import type { PendingPipe } from './pendingPipe.ts';

const MAX_WAITING_DIAL_COUNT = 64;

interface WaitingDial {
  readonly port: Port;
  readonly pipe: PendingPipe;
  readonly timer: Timer;
}

export class WaitingDials {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #waiting = new Set<WaitingDial>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  add(port: Port, pipe: PendingPipe): void {
    if (this.#waiting.size >= MAX_WAITING_DIAL_COUNT) {
      this.#clock.soon(() => pipe.fail('too many dials wait for this link'));
      return;
    }
    const timer = this.#clock.after(this.#timeoutMs, () => {
      this.#waiting.delete(dial);
      pipe.fail(`no link came up within ${this.#timeoutMs / 1000} s`);
    });
    const dial = { port, pipe, timer };
    this.#waiting.add(dial);
  }

  /** All of them, which wait no longer. */
  take(): readonly WaitingDial[] {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { timer } of waiting) timer.cancel();
    return waiting;
  }
}
