/** The page's `Clock`, whose timers run in the Worker: a hidden page's own fire once a second, or once a minute. */

import type { Clock, Timer } from '../ports/clock.ts';
import { SoonQueue } from './soonQueue.ts';

export class PageClock implements Clock {
  readonly #start: (id: number, delayMs: number) => void;
  readonly #cancel: (id: number) => void;
  readonly #tasks = new Map<number, () => void>();
  readonly #soon = new SoonQueue();
  #nextId = 1;

  constructor(start: (id: number, delayMs: number) => void, cancel: (id: number) => void) {
    this.#start = start;
    this.#cancel = cancel;
  }

  now(): number {
    return performance.now();
  }

  wallTime(): number {
    return Date.now();
  }

  after(delayMs: number, task: () => void): Timer {
    const id = this.#nextId++;
    this.#tasks.set(id, task);
    this.#start(id, delayMs);
    return {
      cancel: () => {
        if (this.#tasks.delete(id)) this.#cancel(id);
      },
    };
  }

  soon(task: () => void): Timer {
    return this.#soon.add(task);
  }

  /** The Worker's timer went off. */
  fired(id: number): void {
    const task = this.#tasks.get(id);
    this.#tasks.delete(id);
    task?.();
  }
}
