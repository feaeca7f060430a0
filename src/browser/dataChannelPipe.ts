/**
 * A native data channel as a pipe, in the page or in the Worker it was moved to. What a channel brings before its new
 * owner listens is lost, so both ends first say that they listen, and send nothing else before the other has said so.
 */

import type { Pipe, PipeHandler, PipeMessage } from './pipe.ts';
import { MAX_PIPE_MESSAGE_BYTES } from './pipe.ts';

/** What waits before a channel opens is bounded by the socket's window; this is only against a broken caller. */
const MAX_EARLY_MESSAGE_COUNT = 1024;
/** Said once when we listen. It is lost if the other end does not listen yet; then its own, later one arrives here. */
const LISTENING = 'l';
/** The answer: the other end is known to listen, since it said so. No socket says these two. */
const LISTENING_TOO = 't';

export class DataChannelPipe implements Pipe {
  readonly #channel: RTCDataChannel;
  readonly #gone: () => void;
  #handler: PipeHandler | null = null;
  #early: PipeMessage[] = [];
  #heard = false;
  #closing = false;
  #moved = false;
  #over = false;

  /** `gone` is called once, when nothing more is sent or heard. Call {@link start} before the event that made it is over. */
  constructor(channel: RTCDataChannel, gone: () => void) {
    this.#channel = channel;
    this.#gone = gone;
  }

  /** Listens, unless `handler` takes the channel to where its messages are used. */
  start(handler: PipeHandler): void {
    if (this.#closing) return;
    this.#handler = handler;
    const channel = this.#channel;
    if (handler.take?.(channel) === true) {
      this.#moved = true;
      return;
    }
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => this.#opened();
    channel.onmessage = ({ data }: MessageEvent<unknown>) => this.#received(data);
    channel.onclose = () => this.fail('the other side closed the connection');
    if (channel.readyState === 'open') this.#opened();
    else if (channel.readyState !== 'connecting') this.fail('the other side closed the connection');
  }

  send(message: PipeMessage): void {
    if (this.#closing) return;
    if (!this.#mayTalk) {
      if (this.#early.length >= MAX_EARLY_MESSAGE_COUNT) this.fail('it did not open in time');
      else this.#early.push(message);
    } else this.#put(message);
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#handler = null;
    if (this.#moved) this.#finish();
    else this.#maybeClose();
  }

  fail(reason: string): void {
    const handler = this.#handler;
    this.#handler = null;
    this.#closing = true;
    this.#early = [];
    this.#finish();
    handler?.closed(reason);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#moved) this.#channel.close();
    this.#gone();
  }

  /** A moved channel may bring messages before it says that it is open. */
  get #mayTalk(): boolean {
    return this.#heard && this.#channel.readyState !== 'connecting';
  }

  #put(message: PipeMessage): void {
    if (this.#channel.readyState !== 'open') return;
    if (typeof message === 'string') this.#channel.send(message);
    else this.#channel.send(withArrayBuffer(message));
  }

  #opened(): void {
    this.#put(LISTENING);
    this.#sendEarly();
  }

  #sendEarly(): void {
    if (this.#mayTalk) {
      for (const message of this.#early) this.#put(message);
      this.#early = [];
    }
    if (this.#closing) this.#maybeClose();
  }

  #received(data: unknown): void {
    if (data === LISTENING || data === LISTENING_TOO) {
      if (this.#heard) return;
      this.#heard = true;
      if (data === LISTENING) this.#put(LISTENING_TOO);
      this.#sendEarly();
    } else if (typeof data === 'string') this.#handler?.message(data);
    else if (data instanceof ArrayBuffer && data.byteLength <= MAX_PIPE_MESSAGE_BYTES) {
      this.#handler?.message(new Uint8Array(data));
    } else this.fail('the other side sent a message over the limit');
  }

  /** Closes once everything sent is on its way. */
  #maybeClose(): void {
    const channel = this.#channel;
    if (this.#early.length > 0 || channel.readyState === 'connecting') return;
    if (channel.bufferedAmount > 0) {
      // Only now: the event costs a task for each message sent.
      channel.onbufferedamountlow = () => this.#maybeClose();
      return;
    }
    this.#finish();
  }
}

/** The DOM's types tell a shared buffer from a plain one; ours are plain. */
function withArrayBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
