/**
 * What should happen once at the end of the event that is being handled, however often it is asked for meanwhile: one
 * write for all replies of a connection, one flush for all transactions that came together.
 */

export class Turn {
  #depth = 0;
  #tasks: (() => void)[] = [];

  /** Runs `task` as (part of) one turn. */
  run(task: () => void): void {
    this.#depth += 1;
    try {
      task();
      if (this.#depth === 1) this.#runTasks();
    } finally {
      this.#depth -= 1;
      // After an exception nothing may be left for a later turn that knows nothing of it.
      if (this.#depth === 0) this.#tasks = [];
    }
  }

  /** Runs `task` when the turn ends, in the order of the calls; at once if there is none. */
  atEnd(task: () => void): void {
    if (this.#depth === 0) task();
    else this.#tasks.push(task);
  }

  #runTasks(): void {
    while (this.#tasks.length > 0) {
      const tasks = this.#tasks;
      this.#tasks = [];
      for (const task of tasks) task();
    }
  }
}
