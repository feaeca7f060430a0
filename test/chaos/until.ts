/** Waits for what cannot be waited for as an event, and for nothing without end. */

import { withinTime } from '../browser/harness/withinTime.ts';

const POLL_MS = 50;
/** A frozen tab does not answer at all. */
const ANSWER_WAIT_MS = 20_000;

/**
 * Asks again and again until `condition` holds; a tab that cannot be asked does not fulfil it, nor one that does not
 * answer. Answers how long it took.
 */
export async function until(
  what: string,
  withinMs: number,
  condition: () => Promise<boolean> | boolean,
): Promise<number> {
  const beganMs = performance.now();
  for (;;) {
    const asked = Promise.resolve(condition()).catch(() => false);
    const held = await withinTime(ANSWER_WAIT_MS, asked, false);
    const tookMs = performance.now() - beganMs;
    if (held) return tookMs;
    if (tookMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
