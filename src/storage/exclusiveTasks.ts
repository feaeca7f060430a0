/** Runs tasks that must not overlap one after the other, in order of the calls. */

import { assert } from '../base/assert.ts';
import { Queue } from '../base/queue.ts';

/** More than this wait only if somebody asks without waiting for answers. */
const MAX_WAITING_COUNT = 10_000;

export type ExclusiveTask = (release: () => void) => void;

export class ExclusiveTasks {
  readonly #waiting = new Queue<ExclusiveTask>();
  #running = false;

  /** Begins the task within this call if none runs. It lets the next one begin by calling `release`. */
  run(task: ExclusiveTask): void {
    assert(this.#waiting.length < MAX_WAITING_COUNT, 'too many tasks wait for the data directory');
    this.#waiting.push(task);
    if (!this.#running) this.#next();
  }

  #next(): void {
    const task = this.#waiting.shift();
    this.#running = task !== undefined;
    task?.(() => this.#next());
  }
}
