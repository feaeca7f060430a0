/** The two ways sealed messages travel: a BroadcastChannel between tabs of this browser, a WebSocket to the room server. */

import type { Clock, Timer } from '../ports/clock.ts';
import type { TabId } from '../room/messages.ts';
import type { SignallingChannel } from '../room/signalling.ts';

const FIRST_RECONNECT_MS = 500;
const LAST_RECONNECT_MS = 10_000;
const CONNECTION_ID_BYTES = 4;

export class BroadcastSignalling implements SignallingChannel {
  readonly kind = 'broadcast';
  readonly #channel: BroadcastChannel;

  constructor(relayName: string, received: (sealed: Uint8Array) => void) {
    this.#channel = new BroadcastChannel(`tabkeeper/room/${relayName}`);
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof Uint8Array) received(data);
    };
  }

  send(sealed: Uint8Array): void {
    this.#channel.postMessage(sealed);
  }

  close(): void {
    this.#channel.close();
  }
}

export interface WebSocketSignallingHandler {
  /** Answers whose message it was, if it was sealed in this room. */
  received(sealed: Uint8Array): TabId | null;
  /** The server is there; `peerCount` others are connected to it in this room. */
  connected(peerCount: number): void;
  /** No server, or no longer. It is tried again by itself. */
  away(reason: string): void;
  /** A tab's connection to the server has ended. */
  left(tab: TabId): void;
}

export class WebSocketSignalling implements SignallingChannel {
  readonly kind = 'server';
  readonly #url: string;
  readonly #clock: Clock;
  readonly #handler: WebSocketSignallingHandler;
  /** Which tab speaks over which of the server's connections. */
  readonly #tabs = new Map<number, TabId>();
  #socket: WebSocket | null = null;
  #timer: Timer | null = null;
  #reconnectMs = FIRST_RECONNECT_MS;
  #closed = false;

  constructor(url: string, clock: Clock, handler: WebSocketSignallingHandler) {
    this.#url = url;
    this.#clock = clock;
    this.#handler = handler;
    this.#connect();
  }

  send(sealed: Uint8Array): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(Uint8Array.from(sealed));
  }

  /** The network has changed: no reason to wait any longer. */
  retryNow(): void {
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#reconnectMs = FIRST_RECONNECT_MS;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#socket?.close();
  }

  #connect(): void {
    this.#timer = null;
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }: MessageEvent<unknown>) => this.#received(data);
    socket.onclose = () => this.#lost();
    this.#socket = socket;
  }

  #lost(): void {
    this.#socket = null;
    if (this.#closed) return;
    this.#tabs.clear();
    this.#handler.away('the room server cannot be reached');
    this.#timer = this.#clock.after(this.#reconnectMs, () => this.#connect());
    this.#reconnectMs = Math.min(2 * this.#reconnectMs, LAST_RECONNECT_MS);
  }

  #received(data: unknown): void {
    if (data instanceof ArrayBuffer && data.byteLength > CONNECTION_ID_BYTES) {
      const connection = new DataView(data).getUint32(0);
      const tab = this.#handler.received(new Uint8Array(data, CONNECTION_ID_BYTES));
      if (tab !== null) this.#tabs.set(connection, tab);
      return;
    }
    if (typeof data !== 'string') return;
    const [word, text] = data.split(' ');
    const value = Number(text);
    if (!Number.isSafeInteger(value)) return;
    if (word === 'welcome') {
      this.#reconnectMs = FIRST_RECONNECT_MS;
      this.#handler.connected(value);
    } else if (word === 'left') {
      const tab = this.#tabs.get(value);
      this.#tabs.delete(value);
      // The same tab may have connected anew before the server noticed that its old connection was dead.
      if (tab !== undefined && ![...this.#tabs.values()].includes(tab)) this.#handler.left(tab);
    }
  }
}
