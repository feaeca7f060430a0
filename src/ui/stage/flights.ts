/** Which messages are drawn on their way, and how many are not: no more than an eye can tell apart. Pure. */

import type { MessageRow } from '../../narration/eventStore.ts';

/** What really takes a fraction of a millisecond is drawn this long. */
export const FLIGHT_MS = 600;
const NOTE_WINDOW_MS = 1_000;

export interface Flight {
  readonly row: MessageRow;
  /** Those that came together start one after another, as they were sent. */
  readonly startMs: number;
  /** Those that do not move by themselves stand for so long at each of a few places on their way. */
  readonly standsMs: number | null;
}

/** What may be drawn of them. */
export interface Sky {
  /** On their way at once. */
  readonly flightCount: number;
  /** The time for which they came together. */
  readonly beatMs: number;
  /** They move once in so long; not more often than what else is drawn: with that. */
  readonly flightStepMs: number;
}

export interface Drawn {
  readonly shownCount: number;
  readonly allCount: number;
}

/** How far on its way one stands that does not move by itself. */
export function standsAt({ startMs, standsMs }: Flight, nowMs: number): number | null {
  if (standsMs === null) return null;
  const placeCount = Math.ceil(FLIGHT_MS / standsMs);
  const place = Math.min(placeCount - 1, Math.round((nowMs - startMs) / standsMs));
  return (place + 0.5) / placeCount;
}

export class Flights {
  #flights: Flight[] = [];
  /** How many were drawn of how many, frame by frame, for a second. */
  #told: { readonly atMs: number; readonly shownCount: number; readonly allCount: number }[] = [];

  /** What has come since it was last asked, and how many others were never told of. */
  frame(
    fresh: readonly MessageRow[],
    untoldCount: number,
    nowMs: number,
    { flightCount, beatMs, flightStepMs }: Sky,
  ): readonly Flight[] {
    this.#flights = this.#flights.filter(({ startMs }) => nowMs - startMs < FLIGHT_MS);
    const free = Math.max(0, flightCount - this.#flights.length);
    // Of a flood as many set out in each beat as come in, so that they do not all fly in one swarm.
    const share = Math.ceil((flightCount * beatMs) / FLIGHT_MS);
    const most = fresh.length <= free ? free : Math.min(free, share);
    const step = Math.max(1, fresh.length / Math.max(1, most));
    const firstMs = fresh.reduce((least, { atMs }) => Math.min(least, atMs), Infinity);
    let shownCount = 0;
    for (let at = 0; shownCount < most && Math.floor(at) < fresh.length; at += step) {
      const row = fresh[Math.floor(at)];
      if (row === undefined) break;
      this.#flights.push(
        flightStepMs < beatMs
          ? { row, startMs: nowMs + Math.min(row.atMs - firstMs, beatMs), standsMs: null }
          : { row, startMs: nowMs, standsMs: beatMs },
      );
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
