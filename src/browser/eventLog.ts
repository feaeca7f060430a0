/** The last probe events of this tab, its server's and its room's in one order, for whoever looks now or later. */

import type { ProbeRecord, ProbeTopic, RoomEvent } from '../ports/probe.ts';
import type { Sid } from '../wire/ids.ts';

/** The oldest go first. */
const EVENTS_KEPT_COUNT = 2_000;

export class EventLog {
  readonly #records: ProbeRecord[] = [];
  readonly #listeners = new Set<(records: readonly ProbeRecord[]) => void>();
  /** Hears of all that is told, whoever in the room asked for it. */
  #sharing: ((records: readonly ProbeRecord[], missedCount: number) => void) | null = null;
  /** What this page asked for. */
  wanted: ReadonlySet<ProbeTopic> = new Set();
  #sequence = 0;

  get records(): readonly ProbeRecord[] {
    return this.#records;
  }

  /** What the Worker sent; `missedCount` events before them were lost. */
  add(records: readonly ProbeRecord[], missedCount: number): void {
    this.#sequence += missedCount;
    const all = records.map((record) => ({ ...record, sequence: ++this.#sequence }));
    this.#sharing?.(all, missedCount);
    const kept = all.filter(({ event }) => this.wanted.has(event.topic));
    this.#records.push(...kept);
    if (this.#records.length > EVENTS_KEPT_COUNT) {
      this.#records.splice(0, this.#records.length - EVENTS_KEPT_COUNT);
    }
    for (const listener of this.#listeners) listener(kept);
  }

  addRoomEvent(sid: Sid, event: RoomEvent): void {
    const timeMs = performance.timeOrigin + performance.now();
    const record = { sid, timeMs, wallTimeMs: Date.now(), sequence: 0, event };
    this.add([record], 0);
  }

  /** From now on everything goes there too, beginning with what is kept. */
  shareWith(sharing: (records: readonly ProbeRecord[], missedCount: number) => void): void {
    sharing([...this.#records], 0);
    this.#sharing = sharing;
  }

  /** Gives all that is kept at once, then every batch as it comes. Returns how to stop it. */
  listen(listener: (records: readonly ProbeRecord[]) => void): () => void {
    if (this.#records.length > 0) listener([...this.#records]);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
