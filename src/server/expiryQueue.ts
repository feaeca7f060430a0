/**
 * Things that expire, in buckets of one interval: an element goes at the first multiple of the interval after its time
 * is up, so that touching it costs nothing while it stays in its bucket (`ExpiryQueue`).
 */

import type { Clock, Timer } from '../ports/clock.ts';

export class ExpiryQueue<T> {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #expired: (elements: ReadonlySet<T>) => void;
  readonly #expiryTimes = new Map<T, number>();
  readonly #buckets = new Map<number, Set<T>>();
  #nextExpirationMs: number;
  #timer: Timer | null = null;
  #running = false;

  /** `expired` is told of each bucket whose time has come, from a timer of `clock`, once {@link start}ed. */
  constructor(clock: Clock, intervalMs: number, expired: (elements: ReadonlySet<T>) => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#expired = expired;
    this.#nextExpirationMs = this.#roundUp(clock.now());
  }

  get size(): number {
    return this.#expiryTimes.size;
  }

  start(): void {
    this.#running = true;
    this.#schedule();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Adds the element, or gives it `timeoutMs` from now again. */
  update(element: T, timeoutMs: number): void {
    const expiryMs = this.#roundUp(this.#clock.now() + timeoutMs);
    const previousMs = this.#expiryTimes.get(element);
    if (previousMs === expiryMs) return;
    if (previousMs !== undefined) this.#leaveBucket(element, previousMs);
    this.#expiryTimes.set(element, expiryMs);
    const bucket = this.#buckets.get(expiryMs);
    if (bucket === undefined) this.#buckets.set(expiryMs, new Set([element]));
    else bucket.add(element);
    this.#schedule();
  }

  remove(element: T): void {
    const expiryMs = this.#expiryTimes.get(element);
    if (expiryMs === undefined) return;
    this.#expiryTimes.delete(element);
    this.#leaveBucket(element, expiryMs);
  }

  /** The buckets by time of `Clock.now()`, soonest first. */
  buckets(): readonly (readonly [expiryMs: number, elements: ReadonlySet<T>])[] {
    return [...this.#buckets].sort(([left], [right]) => left - right);
  }

  #roundUp(timeMs: number): number {
    return (Math.floor(timeMs / this.#intervalMs) + 1) * this.#intervalMs;
  }

  #leaveBucket(element: T, expiryMs: number): void {
    const bucket = this.#buckets.get(expiryMs);
    bucket?.delete(element);
    if (bucket?.size === 0) this.#buckets.delete(expiryMs);
  }

  #schedule(): void {
    if (!this.#running || this.#timer !== null || this.#expiryTimes.size === 0) return;
    const nowMs = this.#clock.now();
    // Buckets that were empty all along need no visit.
    while (this.#nextExpirationMs <= nowMs && !this.#buckets.has(this.#nextExpirationMs)) {
      this.#nextExpirationMs += this.#intervalMs;
    }
    this.#timer = this.#clock.after(Math.max(0, this.#nextExpirationMs - nowMs), () => {
      this.#timer = null;
      this.#expireDue();
    });
  }

  #expireDue(): void {
    while (this.#running && this.#nextExpirationMs <= this.#clock.now()) {
      const bucket = this.#buckets.get(this.#nextExpirationMs);
      this.#buckets.delete(this.#nextExpirationMs);
      this.#nextExpirationMs += this.#intervalMs;
      if (bucket === undefined) continue;
      for (const element of bucket) this.#expiryTimes.delete(element);
      this.#expired(bucket);
    }
    this.#schedule();
  }
}
