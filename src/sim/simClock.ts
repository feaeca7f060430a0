/**
 * Virtual time: one queue of events for the whole simulation, and for each life of a server a `Clock` whose tasks end
 * with that life. Nothing here looks at the real time.
 */

import type { Clock, Timer } from '../ports/clock.ts';

/** Events at one and the same instant before we call it a loop that never lets time go on. */
const MAX_EVENTS_PER_INSTANT_COUNT = 1_000_000;

/** Any day will do, but always the same one. */
const START_WALL_TIME_MS = 1_700_000_000_000;

/** Something to be done, unless it is cancelled first: also while it waits for a frozen life to go on. */
interface Task {
  task: (() => void) | null;
}

class ScheduledEvent implements Task, Timer {
  readonly timeMs: number;
  readonly order: number;
  /** Whose task it is; null: the world's own. */
  readonly clock: SimClock | null;
  task: (() => void) | null;

  constructor(timeMs: number, order: number, clock: SimClock | null, task: () => void) {
    this.timeMs = timeMs;
    this.order = order;
    this.clock = clock;
    this.task = task;
  }

  cancel(): void {
    this.task = null;
  }
}

/** The event queue. Events run in order of their time; those of one time in the order they were scheduled. */
export class SimTime {
  #nowMs = 0;
  #order = 0;
  #eventCount = 0;
  #instantCount = 0;
  readonly #heap: ScheduledEvent[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events run so far. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** `clock`: whose life the task belongs to, if to any. */
  schedule(delayMs: number, task: () => void, clock: SimClock | null = null): Timer {
    if (!(delayMs >= 0)) throw new RangeError(`cannot schedule ${delayMs} ms ahead`);
    const event = new ScheduledEvent(this.#nowMs + delayMs, this.#order++, clock, task);
    push(this.#heap, event);
    return event;
  }

  /** Runs the next event; false if there is none. What it throws is thrown here. */
  step(): boolean {
    for (;;) {
      const event = pop(this.#heap);
      if (event === undefined) return false;
      const { task, clock } = event;
      if (task === null) continue;
      this.#advance(event.timeMs);
      if (clock === null) task();
      else clock.perform(event, task);
      return true;
    }
  }

  /** Runs everything that happens in the next `durationMs` and leaves the time there. */
  runFor(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    while (this.nextEventMs() <= endMs) this.step();
    this.#advance(endMs);
  }

  /** Runs until `condition` holds (looked at after every event). False if it does not within `limitMs`. */
  runUntil(condition: () => boolean, limitMs: number): boolean {
    const endMs = this.#nowMs + limitMs;
    while (!condition()) {
      if (this.nextEventMs() > endMs) {
        if (Number.isFinite(endMs)) this.#advance(endMs);
        return false;
      }
      this.step();
    }
    return true;
  }

  /** When the next event is due; Infinity if none waits. */
  nextEventMs(): number {
    for (;;) {
      const head = this.#heap[0];
      if (head === undefined) return Infinity;
      if (head.task !== null) return head.timeMs;
      pop(this.#heap);
    }
  }

  #advance(toMs: number): void {
    this.#eventCount++;
    if (toMs > this.#nowMs) {
      this.#nowMs = toMs;
      this.#instantCount = 0;
      return;
    }
    this.#instantCount++;
    if (this.#instantCount > MAX_EVENTS_PER_INSTANT_COUNT) {
      throw new Error(
        `time stands still at ${this.#nowMs} ms: some task schedules itself for ever`,
      );
    }
  }
}

/** A machine's idea of the time, which outlives what runs there. */
export interface Timepiece {
  /** Added to the wall time; may change at any moment, as when somebody sets the clock. */
  wallOffsetMs: number;
  /** Milliseconds that its monotonic clock counts in one true millisecond; taken up by the next life. */
  rate: number;
}

/** Why a life's tasks do or do not run. */
type Life =
  | { state: 'running' }
  /** `thawing`: it runs again, one by one, what has waited; what comes now waits behind that. */
  | { state: 'frozen' | 'thawing'; waiting: Task[] }
  | { state: 'ended' };

/** The clock of one life of a server (or client): when the life ends, nothing it scheduled runs any more. */
export class SimClock implements Clock {
  readonly #time: SimTime;
  readonly #timepiece: Timepiece;
  /** Of this whole life: a timer set before a change of pace would run at the wrong time. */
  readonly #rate: number;
  readonly #ran: () => void;
  #life: Life = { state: 'running' };

  /** `ran` is called after each task of this life: the driver of promises wants to know. */
  constructor(
    time: SimTime,
    timepiece: Timepiece = { wallOffsetMs: 0, rate: 1 },
    ran: () => void = () => {},
  ) {
    this.#time = time;
    this.#timepiece = timepiece;
    this.#rate = timepiece.rate;
    this.#ran = ran;
  }

  now(): number {
    return this.#time.nowMs * this.#rate;
  }

  wallTime(): number {
    return Math.floor(START_WALL_TIME_MS + this.#timepiece.wallOffsetMs + this.now());
  }

  after(delayMs: number, task: () => void): Timer {
    return this.#time.schedule(Math.max(0, delayMs) / this.#rate, task, this);
  }

  soon(task: () => void): Timer {
    return this.after(0, task);
  }

  get alive(): boolean {
    return this.#life.state !== 'ended';
  }

  /** Runs a task of this life: now if it runs, when it is thawed if it is frozen, never if it has ended. */
  run(task: () => void): void {
    switch (this.#life.state) {
      case 'running':
        task();
        this.#ran();
        return;
      case 'frozen':
      case 'thawing':
        this.#life.waiting.push({ task });
        return;
      case 'ended':
        return;
    }
  }

  /** @internal Its event is due. */
  perform(event: Task, task: () => void): void {
    if (this.#life.state === 'frozen' || this.#life.state === 'thawing') {
      this.#life.waiting.push(event);
      return;
    }
    event.task = null;
    this.run(task);
  }

  /** A tab in the freezer, a process at SIGSTOP: everything waits, sockets stay open. */
  freeze(): void {
    if (this.#life.state === 'running') this.#life = { state: 'frozen', waiting: [] };
    else if (this.#life.state === 'thawing') this.#life.state = 'frozen';
  }

  thaw(): void {
    if (this.#life.state !== 'frozen') return;
    this.#life.state = 'thawing';
    this.#catchUp();
  }

  /** In the order in which things came: a byte stream that was held up is still a stream. */
  #catchUp(): void {
    this.#time.schedule(0, () => {
      if (this.#life.state !== 'thawing') return;
      const next = this.#life.waiting.shift();
      if (next === undefined) {
        this.#life = { state: 'running' };
        return;
      }
      this.#catchUp();
      const { task } = next;
      next.task = null;
      if (task === null) return;
      task();
      this.#ran();
    });
  }

  end(): void {
    this.#life = { state: 'ended' };
  }
}

function before(left: ScheduledEvent, right: ScheduledEvent): boolean {
  return left.timeMs < right.timeMs || (left.timeMs === right.timeMs && left.order < right.order);
}

function push(heap: ScheduledEvent[], event: ScheduledEvent): void {
  let index = heap.length;
  heap.push(event);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || !before(event, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = event;
}

function pop(heap: ScheduledEvent[]): ScheduledEvent | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let childIndex = 2 * index + 1;
    let child = heap[childIndex];
    if (child === undefined) break;
    const right = heap[childIndex + 1];
    if (right !== undefined && before(right, child)) {
      child = right;
      childIndex++;
    }
    if (!before(child, last)) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = last;
  return first;
}
