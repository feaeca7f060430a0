/** Looks at a directory again and again, so seldom that its server hardly notices. */

/** A look takes a moment in which the server's writes wait, so it is done for a fiftieth of the time. */
const PAUSE_FACTOR = 50;
const MIN_PAUSE_MS = 1_000;
/** On a busy machine a look takes long without anybody's writes waiting for it. */
const MAX_PAUSE_MS = 10_000;

/** Begins with a look at once, unless `later`; returns how to stop. `look` does not reject. */
export function pacedLooks(look: () => Promise<void>, later = false): () => void {
  let timer = 0;
  let watching = true;
  const lookAndPause = async (): Promise<void> => {
    const startMs = performance.now();
    await look();
    const tookMs = performance.now() - startMs;
    if (watching) pause(Math.min(Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * tookMs), MAX_PAUSE_MS));
  };
  const pause = (ms: number): void => {
    timer = window.setTimeout(() => void lookAndPause(), ms);
  };
  if (later) pause(MIN_PAUSE_MS);
  else void lookAndPause();
  return () => {
    watching = false;
    window.clearTimeout(timer);
  };
}
