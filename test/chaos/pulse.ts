/**
 * How quick the machine is at the moment, told by how soon a page with nothing in it answers. Bounds are counted in its
 * time: tabs that are kept waiting for a processor take longer for everything, which is no fault of what is tested.
 */

import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 200;
/** A machine that is at nobody else's disposal answers sooner, by far. */
const QUICK_ANSWER_MS = 40;
/** However slow the machine is, time goes on: what never happens is found out at last. */
const SLOWEST_PACE = 0.2;

export class Pulse {
  readonly #ask: () => Promise<unknown>;
  readonly #answersMs: number[] = [];
  #nowMs = 0;
  #stopped = false;

  /** `ask` is answered as soon as the machine can; it rejects where nobody is there to answer. */
  constructor(ask: () => Promise<unknown>) {
    this.#ask = ask;
    void this.#beat();
  }

  /** The time that has gone by as a quick machine would count it. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How long answers took, from the quickest to the slowest. */
  get answersMs(): readonly number[] {
    return [...this.#answersMs].sort((left, right) => left - right);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #beat(): Promise<void> {
    while (!this.#stopped) {
      const beganMs = performance.now();
      const answered = await this.#ask().then(
        () => true,
        () => false,
      );
      const tookMs = performance.now() - beganMs;
      if (answered) this.#answersMs.push(tookMs);
      await sleep(INTERVAL_MS);
      this.#nowMs += (performance.now() - beganMs) * paceOf(tookMs);
    }
  }
}

/** Of a machine that answers after so long, with 1 for a quick one. */
export function paceOf(answerMs: number): number {
  return Math.min(1, Math.max(SLOWEST_PACE, QUICK_ANSWER_MS / Math.max(1, answerMs)));
}
