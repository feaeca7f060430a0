/** A pipe that is handed out before there is a way: what is sent meanwhile waits for it. */

import type { Pipe, PipeHandler, PipeMessage } from './pipe.ts';

export class PendingPipe implements Pipe {
  #handler: PipeHandler | null;
  #pipe: Pipe | null = null;
  /** Bounded by the window of the socket that sends. */
  #early: PipeMessage[] = [];

  constructor(handler: PipeHandler) {
    this.#handler = handler;
  }

  /** Its owner closed it; the way may still have to carry what was sent before. */
  get closed(): boolean {
    return this.#handler === null && this.#early.length === 0;
  }

  /** What the way's own events go to. */
  readonly linkHandler: PipeHandler = {
    message: (message) => this.#handler?.message(message),
    closed: (reason) => this.fail(reason),
    take: (channel) => this.#handler?.take?.(channel) ?? false,
  };

  attach(pipe: Pipe): void {
    this.#pipe = pipe;
    for (const message of this.#early) pipe.send(message);
    this.#early = [];
    if (this.#handler === null) pipe.close();
  }

  /** There will be no way, or it has ended. */
  fail(reason: string): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#early = [];
    handler?.closed(reason);
  }

  send(message: PipeMessage): void {
    if (this.#handler === null) return;
    if (this.#pipe === null) this.#early.push(message);
    else this.#pipe.send(message);
  }

  close(): void {
    this.#handler = null;
    // Words without bytes tell nothing to somebody who has not heard of this pipe.
    if (this.#early.every((message) => typeof message === 'string')) this.#early = [];
    this.#pipe?.close();
  }
}
