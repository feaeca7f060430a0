/**
 * The `Network` port of a page that is a client of a tab's server: every connection is a knock on the tab's window and a
 * message port of its own. It listens to nobody.
 */

import type { Clock, Timer } from '../ports/clock.ts';
import type {
  Address,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
} from '../ports/network.ts';
import { ByteSocket, RESET } from './byteSocket.ts';
import { BUSY, GO, GUEST_VERSION, HEARD, type Knock, NO, YES } from './guestWords.ts';
import { ownBuffer, type Pipe, type PipeHandler, type PipeMessage } from './pipe.ts';

/** A tab that is still loading hears nothing, so a knock is repeated. */
const KNOCK_INTERVAL_MS = 250;

/** The tab's window: an iframe's `contentWindow`, what `window.open` gave, `window.opener`, `window.parent`. */
export type TabWindow = Pick<Window, 'postMessage'>;

export class TabNetwork implements Network {
  readonly #tab: TabWindow;
  readonly #origin: string;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #refused: () => void;
  #refusal: string | null = null;
  #nextConnection = 1;

  /** `origin`: nobody else hears the knocks. `refused` is called when the tab says no for good. */
  constructor(tab: TabWindow, origin: string, clock: Pick<Clock, 'after'>, refused: () => void) {
    this.#tab = tab;
    this.#origin = origin;
    this.#clock = clock;
    this.#refused = refused;
  }

  /** Why the tab said no for good; null while it has not. */
  get refusal(): string | null {
    return this.#refusal;
  }

  listen(
    port: string,
    _address: Address,
    _accept: unknown,
    failed: (reason: string) => void,
  ): Listener {
    queueMicrotask(() => failed(`a page has no ${port} port`));
    return { close: () => {} };
  }

  connect(address: Address, _port: string, handler: ConnectionHandler): Connection {
    const socket = new ByteSocket(this.#nextConnection++, address, handler);
    const knock = (port: MessagePort): void => {
      const message: Knock = { tabkeeper: 'connect', version: GUEST_VERSION };
      this.#tab.postMessage(message, this.#origin, [port]);
    };
    const refused = (reason: string): void => {
      this.#refusal = reason;
      this.#refused();
    };
    socket.attach(new Dial(socket.pipeHandler, this.#clock, knock, refused));
    return socket;
  }
}

class Dial implements Pipe {
  readonly #handler: PipeHandler;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #knock: (port: MessagePort) => void;
  readonly #refused: (reason: string) => void;
  #stage: 'knocking' | 'heard' | 'open' | 'ended' = 'knocking';
  #port: MessagePort | null = null;
  #timer: Timer | null = null;
  /** Bounded by the socket's window. */
  #early: PipeMessage[] = [];

  constructor(
    handler: PipeHandler,
    clock: Pick<Clock, 'after'>,
    knock: (port: MessagePort) => void,
    refused: (reason: string) => void,
  ) {
    this.#handler = handler;
    this.#clock = clock;
    this.#knock = knock;
    this.#refused = refused;
    this.#knockAgain();
  }

  send(message: PipeMessage): void {
    if (this.#stage === 'open') this.#port?.postMessage(ownBuffer(message));
    else this.#early.push(message);
  }

  close(): void {
    // A tab that knows of this port would keep a place for it.
    if (this.#stage === 'heard') this.#port?.postMessage(RESET);
    this.#end();
  }

  #knockAgain(): void {
    this.#port?.close();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<unknown>) => this.#received(data);
    port1.addEventListener('close', () => {
      if (this.#port === port1) this.#lost('the tab is gone');
    });
    this.#knock(port2);
    this.#timer = this.#clock.after(KNOCK_INTERVAL_MS, () => this.#knockAgain());
  }

  #received(message: unknown): void {
    if (typeof message !== 'string' && !(message instanceof Uint8Array)) return;
    if (this.#stage === 'open') this.#handler.message(message);
    else if (typeof message === 'string') this.#answered(message.charAt(0), message.slice(1));
  }

  /** The tab's words before there is a connection. */
  #answered(word: string, reason: string): void {
    switch (word) {
      case HEARD:
        this.#timer?.cancel();
        this.#stage = 'heard';
        this.#port?.postMessage(GO);
        return;
      case YES:
        this.#stage = 'open';
        for (const message of this.#early.splice(0)) this.send(message);
        return;
      case NO:
        this.#lost(reason);
        this.#refused(reason);
        return;
      case BUSY:
        this.#lost(reason);
        return;
      default:
        this.#lost('the tab ended the connection');
    }
  }

  #lost(reason: string): void {
    if (this.#stage === 'ended') return;
    this.#end();
    this.#handler.closed(reason);
  }

  #end(): void {
    this.#stage = 'ended';
    this.#timer?.cancel();
    this.#early = [];
    const port = this.#port;
    this.#port = null;
    port?.close();
  }
}
