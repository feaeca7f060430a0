/**
 * Where rows of the sequence stand: each server a lane, time downwards, either to scale or in order with every row its
 * own line. Only rows on the screen are ever asked for. Pure.
 */

import { flight, indexAt, type Row } from '../../narration/eventStore.ts';

export type Spacing = 'order' | 'time';

export interface Lanes {
  readonly sids: readonly number[];
  /** The middle of the lane. */
  x(sid: number): number;
}

/** `left`: room for the times. */
export function lanesOf(sids: readonly number[], width: number, left: number): Lanes {
  const step = (width - left) / Math.max(1, sids.length);
  const places = new Map(sids.map((sid, index) => [sid, left + step * (index + 0.5)]));
  return { sids, x: (sid) => places.get(sid) ?? left };
}

export interface Ends {
  readonly y: number;
  /** Where an arrow ends; the same for a mark. */
  readonly endY: number;
}

/** A browser lets no element be taller. */
const MAX_HEIGHT = 8_000_000;
/** What really takes no time is drawn with a slope, so that an arrow looks like one. */
const SLOPE = 0.45;
/** An arrow that began this many rows above the screen is not drawn: none takes so long in a healthy room. */
const LOOK_BACK_COUNT = 200;

export class SequenceLayout {
  readonly #rows: readonly Row[];
  readonly #spacing: Spacing;
  readonly #line: number;
  readonly #pixelsPerMs: number;
  readonly #startMs: number;

  /** `line`: the height of a row in order. `pixelsPerMs`: the scale of time. */
  constructor(rows: readonly Row[], spacing: Spacing, line: number, pixelsPerMs: number) {
    this.#rows = rows;
    this.#spacing = spacing;
    this.#line = line;
    this.#startMs = rows[0]?.atMs ?? 0;
    const spanMs = (rows.at(-1)?.atMs ?? 0) - this.#startMs;
    this.#pixelsPerMs = Math.min(pixelsPerMs, MAX_HEIGHT / Math.max(1, spanMs));
  }

  get height(): number {
    const last = this.#rows.length - 1;
    if (last < 0) return 0;
    const { endY } = this.ends(last);
    return endY + this.#line;
  }

  /** The scale that is really used. */
  get pixelsPerMs(): number {
    return this.#pixelsPerMs;
  }

  ends(index: number): Ends {
    const row = this.#rows[index];
    if (row === undefined) return { y: 0, endY: 0 };
    if (this.#spacing === 'order') {
      const y = (index + 0.5) * this.#line;
      return { y, endY: row.type === 'message' ? y + SLOPE * this.#line : y };
    }
    if (row.type === 'mark') {
      const y = this.#atTime(row.atMs);
      return { y, endY: y };
    }
    const { sentMs, receivedMs } = flight(row);
    return { y: this.#atTime(sentMs), endY: this.#atTime(receivedMs ?? sentMs) };
  }

  /** The rows that may touch the screen, from the first to one past the last. */
  visible(top: number, height: number): { readonly from: number; readonly to: number } {
    const from = Math.max(
      0,
      this.#firstAt(top) - (this.#spacing === 'order' ? 1 : LOOK_BACK_COUNT),
    );
    const to = Math.min(this.#rows.length, this.#firstAt(top + height) + 1);
    return { from, to };
  }

  /** The row nearest to a height, or -1. */
  nearest(y: number): number {
    const at = this.#firstAt(y);
    let best = -1;
    let distance = this.#line;
    for (let index = Math.max(0, at - 20); index < Math.min(this.#rows.length, at + 20); index++) {
      const { y: startY, endY } = this.ends(index);
      const away = y < startY ? startY - y : y > endY ? y - endY : 0;
      if (away < distance) {
        distance = away;
        best = index;
      }
    }
    return best;
  }

  #atTime(timeMs: number): number {
    return this.#line * 0.5 + Math.max(0, timeMs - this.#startMs) * this.#pixelsPerMs;
  }

  #firstAt(y: number): number {
    if (this.#spacing === 'order') {
      return Math.max(0, Math.min(this.#rows.length, Math.floor(y / this.#line)));
    }
    return indexAt(this.#rows, this.#startMs + (y - this.#line * 0.5) / this.#pixelsPerMs);
  }
}
