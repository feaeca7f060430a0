import { describe, expect, it, vi } from 'vitest';
import { FrameBudget, Lateness } from '../../../src/ui/frameBudget.ts';

const IN_TIME_MS = 16;
const LATE_MS = 100;

const frames = (lateness: Lateness, waitedMs: number, count: number, tookMs = 5): void => {
  for (let frame = 0; frame < count; frame++) lateness.drew({ waitedMs, tookMs });
};

describe('what may be drawn', () => {
  it('is all of it while frames come in time, and when one of them is late', () => {
    const lateness = new Lateness();
    frames(lateness, IN_TIME_MS, 100);
    frames(lateness, LATE_MS, 1);
    frames(lateness, IN_TIME_MS, 100);
    expect(lateness.isShort).toBe(false);
    expect(lateness.allowance.flightStepMs).toBe(0);
  });

  it('is less of everything with every few frames that are late, and never nothing', () => {
    const lateness = new Lateness();
    let before = lateness.allowance;
    for (let step = 0; step < 3; step++) {
      frames(lateness, LATE_MS, 3);
      const { allowance } = lateness;
      expect(lateness.isShort).toBe(true);
      expect(allowance.flightCount).toBeLessThan(before.flightCount);
      expect(allowance.beatMs).toBeGreaterThan(before.beatMs);
      expect(allowance.eventsPerSecondCount).toBeLessThan(before.eventsPerSecondCount);
      before = allowance;
    }
    frames(lateness, LATE_MS, 100);
    expect(lateness.allowance).toBe(before);
    expect(before.flightCount).toBeGreaterThan(0);
  });

  it('is less where frames come in time but take so long that there are half as many of them', () => {
    const lateness = new Lateness();
    frames(lateness, 2 * IN_TIME_MS, 100, 2 * IN_TIME_MS);
    const least = lateness.allowance;
    frames(lateness, LATE_MS, 100);
    expect(lateness.allowance).toBe(least);
  });

  it('is more again when frames come in time, and is tried less often where that did not do', () => {
    const lateness = new Lateness();
    frames(lateness, LATE_MS, 3);
    const first = framesUntilMore(lateness);
    frames(lateness, LATE_MS, 3);
    const second = framesUntilMore(lateness);
    expect(first).toBeGreaterThan(20);
    expect(second).toBeGreaterThan(first);
  });

  it('is all of it again soon after a moment in which everything was late', () => {
    const lateness = new Lateness();
    frames(lateness, LATE_MS, 20);
    frames(lateness, IN_TIME_MS, 150);
    expect(lateness.isShort).toBe(false);
  });

  function framesUntilMore(lateness: Lateness): number {
    for (let count = 1; count < 1_000; count++) {
      frames(lateness, IN_TIME_MS, 1);
      if (!lateness.isShort) return count;
    }
    throw new Error('never');
  }
});

/** Frames that come when the test says, each drawing taking as long as it says. */
class Screen {
  nowMs = 1_000;
  readonly #tasks: (() => void)[] = [];
  readonly #behind: (() => void)[] = [];
  /** Style, layout and paint of every frame. */
  renderMs = 0;
  #timers: { readonly atMs: number; readonly task: () => void }[] = [];
  readonly budget = new FrameBudget({
    now: () => this.nowMs,
    after: (delayMs, task) => void this.#timers.push({ atMs: this.nowMs + delayMs, task }),
    next: (task) => void this.#tasks.push(task),
    drawn: (task) => void this.#behind.push(task),
    draw: (drawing) => drawing(),
  });

  /** Lets time go by, and then a frame. */
  frameAfter(delayMs: number): void {
    this.nowMs += delayMs;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
    for (const { task } of due) task();
    for (const task of this.#tasks.splice(0)) task();
    this.nowMs += this.renderMs;
    for (const task of this.#behind.splice(0)) task();
  }

  drawing(tookMs: number) {
    return vi.fn(() => void (this.nowMs += tookMs));
  }
}

describe('drawings', () => {
  it('are done together in the next frame, each once', () => {
    const screen = new Screen();
    const [one, other] = [screen.drawing(1), screen.drawing(1)];
    for (const drawing of [one, other, one]) screen.budget.draw(drawing);
    expect(one).not.toHaveBeenCalled();
    screen.frameAfter(10);
    expect(one).toHaveBeenCalledOnce();
    expect(other).toHaveBeenCalledOnce();
  });

  it('wait for the next beat where one has just been', () => {
    const screen = new Screen();
    screen.budget.draw(screen.drawing(1));
    screen.frameAfter(10);
    const next = screen.drawing(1);
    screen.budget.draw(next);
    screen.frameAfter(10);
    expect(next).not.toHaveBeenCalled();
    screen.frameAfter(screen.budget.allowance.beatMs);
    expect(next).toHaveBeenCalledOnce();
  });

  it('that take too long leave the rest of them to the next frame, in their order', () => {
    const screen = new Screen();
    const [slow, second, third] = [screen.drawing(10), screen.drawing(10), screen.drawing(1)];
    for (const drawing of [slow, second, third]) screen.budget.draw(drawing);
    screen.frameAfter(10);
    expect(slow).toHaveBeenCalledOnce();
    expect(second).not.toHaveBeenCalled();
    screen.budget.draw(slow);
    screen.frameAfter(10);
    expect(second).toHaveBeenCalledOnce();
    screen.frameAfter(10);
    expect(third).toHaveBeenCalledOnce();
    screen.frameAfter(10);
    expect(slow).toHaveBeenCalledTimes(2);
  });

  it('are told of another allowance at once and when it changes', () => {
    const screen = new Screen();
    const told: number[] = [];
    const stop = screen.budget.onChange(({ beatMs }) => told.push(beatMs));
    const lateBeats = (count: number): void => {
      for (let beat = 0; beat < count; beat++) {
        screen.nowMs += 1_000;
        screen.budget.draw(screen.drawing(1));
        screen.frameAfter(200);
      }
    };
    lateBeats(3);
    expect(told).toHaveLength(2);
    stop();
    lateBeats(3);
    expect(told).toHaveLength(2);
  });

  it('are fewer where what the browser makes of them takes long, though they themselves do not', () => {
    const screen = new Screen();
    const before = screen.budget.allowance;
    screen.renderMs = 30;
    for (let beat = 0; beat < 3; beat++) {
      screen.budget.draw(screen.drawing(1));
      screen.frameAfter(16);
      screen.nowMs += 1_000;
    }
    expect(screen.budget.allowance.beatMs).toBeGreaterThan(before.beatMs);
  });
});
