/** `Clock.soon` for page and Worker: by a message and not a timer, since nested timers wait 4 ms and a hidden page's a second. */

import type { Timer } from '../ports/clock.ts';

export class SoonQueue {
  readonly #channel = new MessageChannel();
  #waiting: SoonTask[] = [];

  constructor() {
    this.#channel.port1.onmessage = () => {
      const tasks = this.#waiting;
      this.#waiting = [];
      for (const task of tasks) task.run();
    };
  }

  add(task: () => void): Timer {
    const soon = new SoonTask(task);
    this.#waiting.push(soon);
    if (this.#waiting.length === 1) this.#channel.port2.postMessage(null);
    return soon;
  }
}

class SoonTask implements Timer {
  #task: (() => void) | null;

  constructor(task: () => void) {
    this.#task = task;
  }

  run(): void {
    const task = this.#task;
    this.#task = null;
    task?.();
  }

  cancel(): void {
    this.#task = null;
  }
}
