/** An accepted connection. Until its preamble has come nobody knows whose it is; afterwards the worker has it. */

import { ByteQueue } from '../base/byteQueue.ts';
import type { Timer } from '../ports/clock.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../ports/network.ts';
import { takePreamble, type Preamble } from '../wire/electionMessages.ts';
import { JuteError } from '../wire/jute.ts';
import type { CnxWorker } from './cnxWorker.ts';

/** What the connection needs of the connection manager. */
export interface StrangerOwner {
  /** The worker that takes the connection over, or null if it has been closed. */
  identify(preamble: Preamble, rest: ByteQueue): CnxWorker | null;
  /** It ended before it was identified. The last call. */
  gone(reason: string, by: 'us' | 'them'): void;
}

export class Stranger implements ConnectionHandler {
  readonly connection: Connection;
  deadline: Timer | null = null;
  readonly #owner: StrangerOwner;
  readonly #received = new ByteQueue();
  #state: 'unidentified' | 'closed' | CnxWorker = 'unidentified';

  constructor(connection: Connection, owner: StrangerOwner) {
    this.connection = connection;
    this.#owner = owner;
  }

  /** Accepted connections are up from the start. */
  opened(): void {}

  received(bytes: Uint8Array): void {
    if (this.#state === 'closed') return;
    if (this.#state !== 'unidentified') return this.#state.received(bytes);
    this.#received.push(bytes);
    const preamble = this.#takePreamble();
    if (preamble === null) return;
    this.deadline?.cancel();
    const worker = this.#owner.identify(preamble, this.#received);
    if (worker === null) return;
    this.#state = worker;
    worker.start();
  }

  drained(): void {
    if (typeof this.#state === 'object') this.#state.drained();
  }

  closed(reason: CloseReason): void {
    if (typeof this.#state === 'object') this.#state.closed(reason);
    else this.#gone(reason.kind === 'ended' ? 'closed in order' : reason.message, 'them');
  }

  close(reason: string): void {
    if (this.#state === 'closed') return;
    if (typeof this.#state === 'object') return this.#state.close(reason);
    this.connection.close();
    this.#gone(reason, 'us');
  }

  #takePreamble(): Preamble | null {
    try {
      return takePreamble(this.#received);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.close(error.message);
      return null;
    }
  }

  #gone(reason: string, by: 'us' | 'them'): void {
    this.#state = 'closed';
    this.deadline?.cancel();
    this.#owner.gone(reason, by);
  }
}
