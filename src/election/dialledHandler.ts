/** A connection we dialled: until it is up nothing is said on it, afterwards the worker has it. */

import type { CloseReason, ConnectionHandler } from '../ports/network.ts';
import type { CnxWorker } from './cnxWorker.ts';

export class DialledHandler implements ConnectionHandler {
  worker: CnxWorker | null = null;
  readonly #dial: { opened(): void; failed(reason: CloseReason): void };

  constructor(dial: { opened(): void; failed(reason: CloseReason): void }) {
    this.#dial = dial;
  }

  opened(): void {
    this.#dial.opened();
  }

  received(bytes: Uint8Array): void {
    this.worker?.received(bytes);
  }

  drained(): void {
    this.worker?.drained();
  }

  closed(reason: CloseReason): void {
    if (this.worker === null) this.#dial.failed(reason);
    else this.worker.closed(reason);
  }
}
