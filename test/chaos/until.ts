/** Waits for what cannot be waited for as an event, and for nothing without end. */

import { withinTime } from '../browser/harness/withinTime.ts';

const POLL_MS = 50;
/** A frozen tab does not answer at all. */
const ANSWER_WAIT_MS = 20_000;

/** Whatever has a time; bounds are best counted in that of a {@link Pulse}. */
export interface Stopwatch {
  readonly nowMs: number;
}

/** The time as it goes by. */
const WALL: Stopwatch = {
  get nowMs() {
    return performance.now();
  },
};

/**
 * Asks again and again until `condition` holds; a tab that cannot be asked does not fulfil it, nor one that does not
 * answer.
 */
export async function until(
  what: string,
  withinMs: number,
  condition: () => Promise<boolean> | boolean,
  stopwatch: Stopwatch = WALL,
): Promise<void> {
  const beganMs = stopwatch.nowMs;
  for (;;) {
    const asked = Promise.resolve(condition()).catch(() => false);
    const held = await withinTime(ANSWER_WAIT_MS, asked, false);
    if (held) return;
    if (stopwatch.nowMs - beganMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
