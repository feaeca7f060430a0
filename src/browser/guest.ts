/**
 * One connection of another page, as the tab sees it: passes messages between its port and the server. Whatever the port
 * brings that no guest of good will would send ends it, and nothing of it is kept.
 */

import { creditOf, RESET, WINDOW_BYTES } from './byteSocket.ts';
import { BUSY, GO, HEARD, NO, YES } from './guestWords.ts';
import { MAX_PIPE_MESSAGE_BYTES, ownBuffer, type Pipe, type PipeHandler } from './pipe.ts';

/** A socket's words are letters and numbers. */
const MAX_WORD_LENGTH = 24;

export interface GuestHost {
  /** It has been heard and goes on: `admit`, `refuse` or `turnAway` it. */
  asks(guest: Guest): void;
  /** The last call. */
  ended(guest: Guest): void;
}

type Stage = 'greeted' | 'asking' | 'open' | 'ended';

export class Guest {
  /** Whose page it is, as the browser says. */
  readonly origin: string;
  readonly #port: MessagePort;
  readonly #host: GuestHost;
  #stage: Stage = 'greeted';
  #pipe: Pipe | null = null;
  /** From the guest, and not yet taken by the server. */
  #underWayBytes = 0;

  constructor(origin: string, port: MessagePort, host: GuestHost) {
    this.origin = origin;
    this.#port = port;
    this.#host = host;
    port.onmessage = ({ data }: MessageEvent<unknown>) => this.#received(data);
    port.onmessageerror = () => this.end();
    // Not every browser tells that the other page is gone; the server ends a silent client's session in any case.
    port.addEventListener('close', () => this.end());
    port.postMessage(HEARD);
  }

  /** `open` makes its connection to the server. */
  admit(open: (handler: PipeHandler) => Pipe): void {
    if (this.#stage !== 'asking') return;
    this.#stage = 'open';
    this.#port.postMessage(YES);
    this.#pipe = open({
      message: (message) => {
        this.#underWayBytes -= creditOf(message);
        this.#port.postMessage(ownBuffer(message));
      },
      closed: () => {
        this.#pipe = null;
        this.end();
      },
    });
  }

  /** For good: the guest asks no more. `reason` is for its author. */
  refuse(reason: string): void {
    this.#sayLast(NO + reason);
  }

  /** The guest may ask again. */
  turnAway(reason: string): void {
    this.#sayLast(BUSY + reason);
  }

  end(): void {
    this.#sayLast(RESET);
  }

  #sayLast(word: string): void {
    if (this.#stage === 'ended') return;
    this.#stage = 'ended';
    this.#port.postMessage(word);
    this.#port.onmessage = null;
    this.#port.close();
    const pipe = this.#pipe;
    this.#pipe = null;
    pipe?.send(RESET);
    pipe?.close();
    this.#host.ended(this);
  }

  #received(message: unknown): void {
    if (this.#stage === 'greeted' && message === GO) {
      this.#stage = 'asking';
      this.#host.asks(this);
    } else if (this.#stage === 'open') this.#pass(message);
    else this.end();
  }

  #pass(message: unknown): void {
    if (!this.#isFit(message)) {
      this.end();
      return;
    }
    if (typeof message !== 'string') this.#underWayBytes += message.length;
    this.#pipe?.send(message);
    if (message === RESET) this.end();
  }

  #isFit(message: unknown): message is string | Uint8Array {
    if (typeof message === 'string') return message.length <= MAX_WORD_LENGTH;
    if (!(message instanceof Uint8Array)) return false;
    const { length } = message;
    return length <= MAX_PIPE_MESSAGE_BYTES && this.#underWayBytes + length <= WINDOW_BYTES;
  }
}
