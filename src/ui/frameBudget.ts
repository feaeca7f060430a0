/**
 * How much the live views may draw, decided in this one place. They draw together, a few times a second and for a few
 * milliseconds of a frame; where frames come late they draw less and less often, since the server beside them goes first.
 */

import { flushSync } from 'svelte';

export interface Allowance {
  /** Between two beats: what is made of text changes no more often. */
  readonly beatMs: number;
  /** Messages that may be on their way at once. */
  readonly flightCount: number;
  /** They move once in so long; 0: with every frame. As long as a beat: with all else, and nothing is drawn between two. */
  readonly flightStepMs: number;
  /** Events of what comes with every write that are worth hearing, of each server. */
  readonly eventsPerSecondCount: number;
}

/** From a machine with time to spare to one without any. */
const LEVELS: readonly [Allowance, ...Allowance[]] = [
  { beatMs: 100, flightCount: 40, flightStepMs: 0, eventsPerSecondCount: 2_000 },
  { beatMs: 125, flightCount: 20, flightStepMs: 50, eventsPerSecondCount: 1_000 },
  { beatMs: 200, flightCount: 10, flightStepMs: 200, eventsPerSecondCount: 400 },
  { beatMs: 400, flightCount: 5, flightStepMs: 400, eventsPerSecondCount: 200 },
];

/** A frame is never further away than 17 ms where there are 60 of them a second, or 34 where there are 30. */
const LATE_MS = 40;
/**
 * Nor does one with all that is drawn in it take longer, where the processor is free. Where it is not, frames still come 30
 * times a second while each of them keeps the servers waiting.
 */
const LONG_MS = 20;
/** So many late ones among so many are no chance. */
const WINDOW_COUNT = 8;
const TOO_MANY_COUNT = 3;
/** So many in time, and more may be tried; twice as many each time that it did not do. */
const CALM_COUNT = 40;
const MAX_CALM_COUNT = 640;

/** How a frame went in which something was drawn. */
export interface Frame {
  /** From asking for it until it came. */
  readonly waitedMs: number;
  /** From then until all of it was drawn. */
  readonly tookMs: number;
}

/** Judges by how late frames come, and how long they take. Pure. */
export class Lateness {
  #level = 0;
  #late: boolean[] = [];
  #calmCount = 0;
  #neededCount = CALM_COUNT;
  /** More was tried since it was last too much. */
  #tried = false;

  get allowance(): Allowance {
    return LEVELS[this.#level] ?? LEVELS[0];
  }

  /** Less than usual is drawn. */
  get isShort(): boolean {
    return this.#level > 0;
  }

  drew({ waitedMs, tookMs }: Frame): void {
    const late = waitedMs > LATE_MS || tookMs > LONG_MS;
    this.#late.push(late);
    if (this.#late.length > WINDOW_COUNT) this.#late.shift();
    if (this.#late.filter(Boolean).length >= TOO_MANY_COUNT) this.#less();
    else if (!late && ++this.#calmCount >= this.#neededCount) this.#more();
  }

  #less(): void {
    this.#late = [];
    this.#calmCount = 0;
    if (this.#level === LEVELS.length - 1) return;
    this.#level++;
    if (this.#tried) this.#neededCount = Math.min(MAX_CALM_COUNT, 2 * this.#neededCount);
    this.#tried = false;
  }

  #more(): void {
    this.#calmCount = 0;
    if (this.#level === 0) this.#neededCount = CALM_COUNT;
    else {
      this.#level--;
      this.#tried = true;
    }
  }
}

/** Where frames come from. */
export interface Frames {
  now(): number;
  after(delayMs: number, task: () => void): void;
  next(task: () => void): void;
  /** When all of this frame is drawn. */
  drawn(task: () => void): void;
  /** Does it, with all that follows from it, before it comes back. */
  draw(drawing: () => void): void;
}

/** Tasks by a message: a timer would come later than the frame is drawn. */
class BehindFrame {
  readonly #channel = new MessageChannel();
  #tasks: (() => void)[] = [];

  constructor() {
    this.#channel.port1.onmessage = () => {
      for (const task of this.#tasks.splice(0)) task();
    };
  }

  add(task: () => void): void {
    this.#tasks.push(task);
    this.#channel.port2.postMessage(null);
  }
}

/** What of a frame may go to the live views; what is left of them waits for the next. */
const WORK_MS = 4;

export class FrameBudget {
  readonly #frames: Frames;
  readonly #lateness = new Lateness();
  readonly #changed = new Set<(allowance: Allowance) => void>();
  #drawings = new Set<() => void>();
  #lastBeatMs = -Infinity;
  #planned = false;

  constructor(frames: Frames) {
    this.#frames = frames;
  }

  get allowance(): Allowance {
    return this.#lateness.allowance;
  }

  get isShort(): boolean {
    return this.#lateness.isShort;
  }

  /** Tells of the allowance at once and whenever it is another. Returns how to stop it. */
  onChange(listener: (allowance: Allowance) => void): () => void {
    listener(this.allowance);
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  }

  /** Draws at the next beat: in the next frame, if there was none lately. Asked for twice it is done once. */
  draw(drawing: () => void): void {
    this.#drawings.add(drawing);
    if (this.#planned) return;
    this.#planned = true;
    const { beatMs } = this.allowance;
    const waitMs = this.#lastBeatMs + beatMs - this.#frames.now();
    if (waitMs <= 0) this.#nextFrame();
    else this.#frames.after(Math.min(waitMs, beatMs), () => this.#nextFrame());
  }

  #nextFrame(): void {
    const askedMs = this.#frames.now();
    this.#frames.next(() => {
      const cameMs = this.#frames.now();
      this.#frames.drawn(() =>
        this.#judge({ waitedMs: cameMs - askedMs, tookMs: this.#frames.now() - cameMs }),
      );
      this.#lastBeatMs = cameMs;
      this.#work();
    });
  }

  #judge(frame: Frame): void {
    const before = this.allowance;
    this.#lateness.drew(frame);
    if (this.allowance === before) return;
    for (const listener of this.#changed) listener(this.allowance);
  }

  #work(): void {
    const asked = [...this.#drawings];
    this.#drawings = new Set();
    this.#planned = false;
    const startMs = this.#frames.now();
    for (const [index, drawing] of asked.entries()) {
      if (index > 0 && this.#frames.now() - startMs >= WORK_MS) {
        this.#later(asked.slice(index));
        return;
      }
      this.#frames.draw(drawing);
    }
  }

  #later(rest: readonly (() => void)[]): void {
    for (const drawing of this.#drawings) rest = [...rest, drawing];
    this.#drawings = new Set(rest);
    if (this.#planned) return;
    this.#planned = true;
    this.#frames.next(() => this.#work());
  }
}

const behindFrame = new BehindFrame();

/** Of this page. */
export const frameBudget = new FrameBudget({
  now: () => performance.now(),
  after: (delayMs, task) => void setTimeout(task, delayMs),
  next: (task) => void requestAnimationFrame(task),
  // A message that is posted in a frame comes behind it.
  drawn: (task) => behindFrame.add(task),
  draw: (drawing) => flushSync(drawing),
});
