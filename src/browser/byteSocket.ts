/**
 * A {@link Connection} over a {@link Pipe}: bytes travel as binary messages, everything else as short texts. One window
 * from end to end bounds what is under way, so that neither a bridge nor a data channel on the way can ever hold more.
 */

import type { Address, CloseReason, Connection, ConnectionHandler } from '../ports/network.ts';
import type { Pipe, PipeHandler, PipeMessage } from './pipe.ts';
import { MAX_PIPE_MESSAGE_BYTES } from './pipe.ts';

/** Sent and not yet taken by the other end's owner. Far below the 16 MiB a data channel queues, far above a LAN's need. */
export const WINDOW_BYTES = 1024 * 1024;
/** So much taken is told at once; less can wait. */
const CREDIT_BATCH_BYTES = WINDOW_BYTES / 4;
/** `write` says "wait" beyond this much queued behind a full window. */
const HIGH_WATER_BYTES = 256 * 1024;
/** A core that goes on writing into a socket that answered false loses it: a bug, or a peer that reads nothing for long. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** The texts. Both ends are of one build: a page and its Worker, or two tabs that checked their versions. */
const ACCEPTED = 'a';
const REFUSED = 'r';
const ENDED = 'e';
export const RESET = 'x';
const CREDIT = 'c';

/** How many bytes a message says were taken: for who passes messages on and bounds what is under way. */
export const creditOf = (message: PipeMessage): number =>
  typeof message === 'string' && message.startsWith(CREDIT) ? Number(message.slice(1)) : 0;

type State = 'dialling' | 'open' | 'ended';

export class ByteSocket implements Connection {
  readonly id: number;
  readonly remoteAddress: Address;
  #handler: ConnectionHandler | null;
  #pipe: Pipe | null = null;
  #state: State;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #windowBytes = WINDOW_BYTES;
  #creditOwedBytes = 0;
  #flushing = false;
  #drainWanted = false;
  #closing = false;
  #paused = false;
  /** What came while paused: at most a window. */
  #held: Uint8Array[] = [];
  #heldEnd: CloseReason | null = null;

  /** A dialled socket waits for the other side's word; an accepted one has been given a handler by {@link accept}. */
  constructor(id: number, remoteAddress: Address, handler: ConnectionHandler | null) {
    this.id = id;
    this.remoteAddress = remoteAddress;
    this.#handler = handler;
    this.#state = 'dialling';
  }

  /** The way is there. What has been written so far goes out. */
  attach(pipe: Pipe): void {
    if (this.#state === 'ended' && !this.#closing) {
      pipe.close();
      return;
    }
    this.#pipe = pipe;
    this.#scheduleFlush();
  }

  /** Of an incoming socket: somebody listens, and this is who. */
  accept(handler: ConnectionHandler): void {
    this.#pipe?.send(ACCEPTED);
    // The listener may have closed it at once.
    if (this.#state !== 'dialling') return;
    this.#handler = handler;
    this.#state = 'open';
  }

  /** Of an incoming socket: nobody listens there. */
  refuse(reason: string): void {
    this.#pipe?.send(REFUSED + reason);
    this.#finish();
  }

  /** What the pipe's owner calls. */
  readonly pipeHandler: PipeHandler = {
    message: (message) => this.#received(message),
    closed: (reason) => this.#lost(reason),
  };

  get bufferedBytes(): number {
    return this.#queuedBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state === 'ended' || this.#closing) return true;
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
      this.#scheduleFlush();
    }
    if (this.#queuedBytes > MAX_QUEUED_BYTES) {
      queueMicrotask(() => this.#break(`more than ${MAX_QUEUED_BYTES} bytes are queued`));
    }
    if (this.#queuedBytes <= HIGH_WATER_BYTES) return true;
    this.#drainWanted = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#held.length > 0 || this.#heldEnd !== null) queueMicrotask(() => this.#giveHeld());
  }

  close(): void {
    if (this.#state === 'ended') return;
    this.#closing = true;
    this.#handler = null;
    this.#state = 'ended';
    this.#held = [];
    this.#scheduleFlush();
  }

  destroy(): void {
    if (this.#state === 'ended' && !this.#closing) return;
    this.#pipe?.send(RESET);
    this.#finish();
  }

  #scheduleFlush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  /** Sends what the window allows, small writes joined. */
  #flush(): void {
    const pipe = this.#pipe;
    if (pipe === null) return;
    while (this.#queue.length > 0 && this.#windowBytes > 0) {
      const message = this.#takeMessage();
      this.#queuedBytes -= message.length;
      this.#windowBytes -= message.length;
      pipe.send(message);
    }
    if (this.#queuedBytes > 0) return;
    if (this.#closing) {
      pipe.send(ENDED);
      this.#finish();
    } else if (this.#drainWanted) {
      this.#drainWanted = false;
      this.#handler?.drained();
    }
  }

  #takeMessage(): Uint8Array {
    const limit = Math.min(MAX_PIPE_MESSAGE_BYTES, this.#windowBytes);
    const first = this.#queue[0] ?? new Uint8Array(0);
    if (first.length >= limit) {
      if (first.length === limit) this.#queue.shift();
      else this.#queue[0] = first.subarray(limit);
      return first.subarray(0, limit);
    }
    let length = 0;
    let count = 0;
    for (const bytes of this.#queue) {
      if (length + bytes.length > limit) break;
      length += bytes.length;
      count++;
    }
    const taken = this.#queue.splice(0, count);
    if (taken.length === 1) return first;
    const joined = new Uint8Array(length);
    let offset = 0;
    for (const bytes of taken) {
      joined.set(bytes, offset);
      offset += bytes.length;
    }
    return joined;
  }

  #received(message: PipeMessage): void {
    if (typeof message !== 'string') {
      this.#receivedBytes(message);
      return;
    }
    const rest = message.slice(1);
    switch (message.charAt(0)) {
      case ACCEPTED:
        if (this.#state !== 'dialling') return;
        this.#state = 'open';
        this.#handler?.opened();
        return;
      case REFUSED:
        this.#end({ kind: 'refused', message: rest });
        return;
      case ENDED:
        this.#end({ kind: 'ended' });
        return;
      case RESET:
        this.#end({ kind: 'broken', message: 'the other side reset the connection' });
        return;
      case CREDIT:
        this.#receivedCredit(Number(rest));
        return;
      default:
        this.#break(`the other side said "${message.slice(0, 20)}", which means nothing`);
    }
  }

  #receivedBytes(bytes: Uint8Array): void {
    if (this.#state === 'ended') {
      this.#owe(bytes.length);
      return;
    }
    if (this.#paused || this.#held.length > 0) {
      this.#held.push(bytes);
      return;
    }
    this.#owe(bytes.length);
    this.#handler?.received(bytes);
  }

  #giveHeld(): void {
    while (!this.#paused && this.#state !== 'ended') {
      const bytes = this.#held.shift();
      if (bytes === undefined) break;
      this.#owe(bytes.length);
      this.#handler?.received(bytes);
    }
    if (this.#held.length > 0 || this.#paused || this.#heldEnd === null) return;
    const reason = this.#heldEnd;
    this.#heldEnd = null;
    this.#end(reason);
  }

  #owe(length: number): void {
    this.#creditOwedBytes += length;
    if (this.#creditOwedBytes < CREDIT_BATCH_BYTES) return;
    this.#pipe?.send(CREDIT + String(this.#creditOwedBytes));
    this.#creditOwedBytes = 0;
  }

  #receivedCredit(bytes: number): void {
    if (!Number.isSafeInteger(bytes) || bytes < 0 || this.#windowBytes + bytes > WINDOW_BYTES) {
      this.#break('the other side acknowledged more than was sent');
      return;
    }
    this.#windowBytes += bytes;
    this.#scheduleFlush();
  }

  #lost(reason: string): void {
    this.#pipe = null;
    if (this.#heldEnd !== null) return;
    this.#end(
      this.#state === 'dialling'
        ? { kind: 'refused', message: reason }
        : { kind: 'broken', message: reason },
    );
  }

  #break(message: string): void {
    this.#pipe?.send(RESET);
    this.#end({ kind: 'broken', message });
  }

  #end(reason: CloseReason): void {
    if ((this.#paused || this.#held.length > 0) && reason.kind === 'ended') {
      this.#heldEnd = reason;
      return;
    }
    const handler = this.#handler;
    this.#finish();
    handler?.closed(reason);
  }

  #finish(): void {
    this.#state = 'ended';
    this.#closing = false;
    this.#handler = null;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#held = [];
    const pipe = this.#pipe;
    this.#pipe = null;
    pipe?.close();
  }
}
