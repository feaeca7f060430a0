/** Which messages are drawn on their way, and how many are not: no more than an eye can tell apart. Pure. */

import type { MessageRow } from '../../narration/eventStore.ts';

/** What really takes a fraction of a millisecond is drawn this long. */
export const FLIGHT_MS = 600;
const MAX_FLIGHT_COUNT = 40;
const NOTE_WINDOW_MS = 1_000;

export interface Flight {
  readonly row: MessageRow;
  readonly startMs: number;
}

export interface Drawn {
  readonly shownCount: number;
  readonly allCount: number;
}

export class Flights {
  #flights: Flight[] = [];
  /** How many were drawn of how many, frame by frame, for a second. */
  #told: { readonly atMs: number; readonly shownCount: number; readonly allCount: number }[] = [];

  /** At a frame: what has come since the last one, and how many others were never told of. */
  frame(fresh: readonly MessageRow[], untoldCount: number, nowMs: number): readonly Flight[] {
    this.#flights = this.#flights.filter(({ startMs }) => nowMs - startMs < FLIGHT_MS);
    const free = MAX_FLIGHT_COUNT - this.#flights.length;
    const step = Math.max(1, fresh.length / Math.max(1, free));
    let shownCount = 0;
    for (let at = 0; shownCount < free && Math.floor(at) < fresh.length; at += step) {
      const row = fresh[Math.floor(at)];
      if (row === undefined) break;
      this.#flights.push({ row, startMs: nowMs });
      shownCount++;
    }
    const allCount = fresh.length + untoldCount;
    if (allCount > 0) this.#told.push({ atMs: nowMs, shownCount, allCount });
    this.#told = this.#told.filter(({ atMs }) => nowMs - atMs < NOTE_WINDOW_MS);
    return this.#flights;
  }

  /** Of the last second. */
  get drawn(): Drawn {
    let shownCount = 0;
    let allCount = 0;
    for (const each of this.#told) {
      shownCount += each.shownCount;
      allCount += each.allCount;
    }
    return { shownCount, allCount };
  }
}
