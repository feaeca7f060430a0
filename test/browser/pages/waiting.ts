/** Real time in a page, for the acceptance harnesses. */

const DEADLINE_MS = 10_000;
/** Longer than any one hop of the way takes on a loaded machine. */
const SETTLED_MS = 80;

export const pause = (durationMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, durationMs));

export async function until(condition: () => boolean, what: string): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > DEADLINE_MS) throw new Error(`waited in vain for ${what}`);
    await pause(1);
  }
}

export const settle = (): Promise<void> => pause(SETTLED_MS);
