/**
 * One identified connection on the election port, both directions (`SendWorker` and `RecvWorker`). It may hold one
 * message that could not be sent yet and one that is half received, and no more.
 */

import type { ByteQueue } from '../base/byteQueue.ts';
import type { CloseReason, Connection } from '../ports/network.ts';
import { frameElectionMessage, takeElectionMessage } from '../wire/electionMessages.ts';
import type { Sid } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';

/** What is to be sent to a server, across all the connections it ever has. */
export class SendQueue {
  /** The queue of capacity 1: what was not sent yet, the newest only, since an older vote is void. */
  pending: Uint8Array | null = null;
  /** Sent again on a new connection if nothing waits: on the old one it may not have arrived. */
  lastMessageSent: Uint8Array | null = null;
}

/** What the worker needs of the connection manager. */
export interface WorkerOwner {
  /** Null, or why the connection has to be closed. */
  workerReceived(worker: CnxWorker, message: Uint8Array): string | null;
  /** The last call. */
  workerFinished(worker: CnxWorker, reason: string, by: 'us' | 'them'): void;
}

export class CnxWorker {
  readonly sid: Sid;
  readonly connection: Connection;
  readonly beganMs: number;
  /** It stood when an election ended here, or came up while none ran. */
  isSettled = false;
  readonly #owner: WorkerOwner;
  readonly #queue: SendQueue;
  readonly #received: ByteQueue;
  #running = true;
  #writable = true;

  /** @param received what came on the connection after the preamble */
  constructor(
    sid: Sid,
    connection: Connection,
    beganMs: number,
    owner: WorkerOwner,
    queue: SendQueue,
    received: ByteQueue,
  ) {
    this.sid = sid;
    this.connection = connection;
    this.beganMs = beganMs;
    this.#owner = owner;
    this.#queue = queue;
    this.#received = received;
  }

  start(): void {
    this.#queue.pending ??= this.#queue.lastMessageSent;
    this.flush();
    this.#readMessages();
  }

  /** Sends what waits, unless the connection is still busy with what it has. */
  flush(): void {
    const message = this.#queue.pending;
    if (message === null || !this.#running || !this.#writable) return;
    this.#queue.pending = null;
    this.#queue.lastMessageSent = message;
    this.#writable = this.connection.write(frameElectionMessage(message));
  }

  received(bytes: Uint8Array): void {
    this.#received.push(bytes);
    this.#readMessages();
  }

  drained(): void {
    this.#writable = true;
    this.flush();
  }

  closed(reason: CloseReason): void {
    this.#finished(reason.kind === 'ended' ? 'closed in order' : reason.message, 'them');
  }

  /** Ends the connection at once: it is replaced, or what it brought is impossible. */
  destroy(reason: string): void {
    if (!this.#running) return;
    this.connection.destroy();
    this.#finished(reason, 'us');
  }

  /** Ends the connection in order. */
  close(reason: string): void {
    if (!this.#running) return;
    this.connection.close();
    this.#finished(reason, 'us');
  }

  #readMessages(): void {
    while (this.#running) {
      const message = this.#takeMessage();
      if (message === null) return;
      const fault = this.#owner.workerReceived(this, message);
      if (fault !== null) this.destroy(fault);
    }
  }

  #takeMessage(): Uint8Array | null {
    try {
      return takeElectionMessage(this.#received);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.destroy(error.message);
      return null;
    }
  }

  #finished(reason: string, by: 'us' | 'them'): void {
    if (!this.#running) return;
    this.#running = false;
    this.#owner.workerFinished(this, reason, by);
  }
}
