/** The probe of a Worker: it sends to the page in batches, and of a flood only what somebody can take. */

import type { Clock, Timer } from '../ports/clock.ts';
import type { Probe, ProbeEvent, ProbeRecord, ProbeTopic } from '../ports/probe.ts';
import { FREQUENT_TOPICS, Thinning } from '../narration/thinning.ts';
import type { Sid } from '../wire/ids.ts';

/** A batch waits at most this long: less than a frame, so that a picture is never a frame late. */
const BATCH_MS = 15;
/** What comes with every write waits longer: each batch wakes threads of every tab, and nobody sees such things singly. */
const FREQUENT_BATCH_MS = 100;
/** A page that cannot keep up misses the oldest, and is told how many. */
const MAX_BATCH_COUNT = 10_000;

export class BatchingProbe implements Probe {
  readonly #sid: Sid;
  readonly #clock: Clock;
  readonly #send: (records: ProbeRecord[], missedCount: number) => void;
  #watched: ReadonlySet<ProbeTopic> = new Set();
  #records: ProbeRecord[] = [];
  #missedCount = 0;
  #eventsPerSecondCount = 0;
  #thinning = new Thinning(0);
  #sequence = 0;
  /** When what waits is sent. */
  #flushMs = Infinity;
  #flushing: Timer | null = null;

  constructor(sid: Sid, clock: Clock, send: (records: ProbeRecord[], missedCount: number) => void) {
    this.#sid = sid;
    this.#clock = clock;
    this.#send = send;
  }

  /** Of what comes with every write or read about so many events a second are worth their way to the page. */
  watch(topics: readonly ProbeTopic[], eventsPerSecondCount: number): void {
    this.#watched = new Set(topics);
    if (eventsPerSecondCount === this.#eventsPerSecondCount) return;
    this.#eventsPerSecondCount = eventsPerSecondCount;
    this.#thinning = new Thinning(eventsPerSecondCount);
  }

  watches(topic: ProbeTopic): boolean {
    return this.#watched.has(topic);
  }

  emit(event: ProbeEvent): void {
    const nowMs = this.#clock.now();
    if (!this.#thinning.keeps(event, nowMs)) {
      this.#sequence++;
      this.#missedCount++;
      return;
    }
    if (this.#records.length >= MAX_BATCH_COUNT) {
      this.#records.shift();
      this.#missedCount++;
    }
    this.#records.push({
      sid: this.#sid,
      timeMs: performance.timeOrigin + nowMs,
      wallTimeMs: this.#clock.wallTime(),
      sequence: ++this.#sequence,
      event,
    });
    this.#flushWithin(FREQUENT_TOPICS.has(event.topic) ? FREQUENT_BATCH_MS : BATCH_MS, nowMs);
  }

  #flushWithin(delayMs: number, nowMs: number): void {
    if (nowMs + delayMs >= this.#flushMs) return;
    this.#flushing?.cancel();
    this.#flushMs = nowMs + delayMs;
    this.#flushing = this.#clock.after(delayMs, () => this.flush());
  }

  flush(): void {
    this.#flushing?.cancel();
    this.#flushing = null;
    this.#flushMs = Infinity;
    if (this.#records.length === 0) return;
    this.#send(this.#records, this.#missedCount);
    this.#records = [];
    this.#missedCount = 0;
  }
}
