/** Lets what one event causes to be sent leave in one write a stream: many small packets cost a socket dearly. */

export interface BatchedStream {
  /** Hands what was written during the batch to the socket. */
  flushBatch(): void;
}

export class SendBatch {
  readonly #dirty = new Set<BatchedStream>();
  #depth = 0;

  /** A batch is open: streams keep what is written and {@link add} themselves. */
  get isOpen(): boolean {
    return this.#depth > 0;
  }

  add(stream: BatchedStream): void {
    this.#dirty.add(stream);
  }

  /** Runs `task`; what it writes leaves when the outermost batch ends. */
  run(task: () => void): void {
    this.#depth += 1;
    try {
      task();
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#flush();
    }
  }

  #flush(): void {
    for (const stream of this.#dirty) stream.flushBatch();
    this.#dirty.clear();
  }
}
