/** Work that takes long enough to be watched: how far it is, and a way to end it early. */

export interface LongWork {
  /** How many of the things it works on are done, and of how many if that is known only now; called often. */
  progress(doneCount: number, totalCount?: number): void;
  readonly signal: AbortSignal;
}

/** So many requests are under way at a time: enough to hide the way to the server, too few to crowd others out. */
const REQUESTS_AT_A_TIME = 64;

/** Does `task` for each of these; ends with the first error, or when the work is cancelled. */
export async function eachOf<T>(
  items: readonly T[],
  work: LongWork,
  task: (item: T) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += REQUESTS_AT_A_TIME) {
    work.signal.throwIfAborted();
    await Promise.all(items.slice(at, at + REQUESTS_AT_A_TIME).map(task));
    work.progress(Math.min(items.length, at + REQUESTS_AT_A_TIME));
  }
}
