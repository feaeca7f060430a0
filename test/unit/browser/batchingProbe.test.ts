import { describe, expect, it } from 'vitest';
import { BatchingProbe } from '../../../src/browser/batchingProbe.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { sid } from '../../../src/wire/ids.ts';
import { applied } from './appliedEvent.ts';

/** A probe whose batches leave when the test says so. */
class Told {
  nowMs = 0;
  toldCount = 0;
  missedCount = 0;
  #emittedCount = 0;
  readonly probe: BatchingProbe;

  constructor() {
    const clock: Clock = {
      now: () => this.nowMs,
      wallTime: () => this.nowMs,
      after: () => ({ cancel: () => undefined }),
      soon: () => ({ cancel: () => undefined }),
    };
    this.probe = new BatchingProbe(sid(1), clock, (records, missedCount) => {
      this.toldCount += records.length;
      this.missedCount += missedCount;
    });
  }

  /** So many transactions, evenly over a second; answers how many of them were told. */
  second(count: number): number {
    const before = this.toldCount;
    for (let index = 0; index < count; index++) {
      this.probe.emit(applied(++this.#emittedCount));
      this.nowMs += 1_000 / count;
    }
    this.probe.flush();
    return this.toldCount - before;
  }
}

describe('what leaves a Worker of a flood', () => {
  it('is about as much as is wanted, and the rest is counted', () => {
    const told = new Told();
    told.probe.watch(['txn'], 200);
    const count = told.second(2_000) + told.second(2_000);
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThanOrEqual(500);
    told.probe.emit({ topic: 'peer', type: 'warning', message: 'done' });
    told.probe.flush();
    expect(told.toldCount - 1 + told.missedCount).toBe(4_000);
  });

  it('is all of it while that is no more than is wanted', () => {
    const told = new Told();
    told.probe.watch(['txn'], 20_000);
    expect(told.second(2_000)).toBe(2_000);
  });

  it('is more from when more is wanted', () => {
    const told = new Told();
    told.probe.watch(['txn'], 200);
    const before = told.second(2_000);
    told.probe.watch(['txn'], 20_000);
    expect(told.second(2_000)).toBe(2_000);
    told.probe.watch(['txn'], 200);
    expect(told.second(2_000)).toBeLessThan(2 * before);
  });
});
