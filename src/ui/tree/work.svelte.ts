/** One long work at a time, as a page shows it: what it is, how far, and whether somebody has asked for its end. */

import type { LongWork } from './longWork.ts';

export interface RunningWork {
  readonly says: string;
  readonly doneCount: number;
  /** Null while nobody knows. */
  readonly totalCount: number | null;
}

export class WorkState {
  running: RunningWork | null = $state.raw(null);
  #abort: AbortController | null = null;

  /** Runs `task`; what it throws is the caller's. */
  async run<T>(
    says: string,
    totalCount: number | null,
    task: (work: LongWork) => Promise<T>,
  ): Promise<T> {
    this.cancel();
    const abort = new AbortController();
    this.#abort = abort;
    this.running = { says, doneCount: 0, totalCount };
    try {
      return await task({
        signal: abort.signal,
        progress: (doneCount, known) => {
          if (this.#abort !== abort) return;
          this.running = { says, doneCount, totalCount: known ?? totalCount };
        },
      });
    } finally {
      if (this.#abort === abort) {
        this.#abort = null;
        this.running = null;
      }
    }
  }

  cancel(): void {
    this.#abort?.abort();
  }
}

/** Whether that is why a work failed: somebody has asked for its end. */
export const isCancelled = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';
