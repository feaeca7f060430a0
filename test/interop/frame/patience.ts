/** Waiting for a condition with one generous limit, so that a busy machine makes tests slower and not red. */

import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 25;

/**
 * Resolves with the first answer that is neither null nor false. Rejects after two minutes, naming `what` was waited for;
 * rejects at once when `look` throws.
 */
export async function until<T>(
  what: string,
  look: () => T | null | false | Promise<T | null | false>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const answer = await look();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}
