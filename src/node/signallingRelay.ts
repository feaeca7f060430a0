/**
 * The room server's one service besides files: whatever a tab sends goes to the others connected under the same name. It
 * holds nothing and understands nothing: messages are sealed with a key that it never sees.
 *
 * To a tab: `welcome <how many others>`, `left <connection>` as text; other tabs' messages as binary, the sender's
 * connection number (4 bytes, big-endian) before them.
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { WebSocketServer } from 'ws';

export interface RelayLimits {
  readonly maxMessageBytes: number;
  readonly maxRoomCount: number;
  readonly maxConnectionsPerRoom: number;
  readonly maxConnectionCount: number;
  /** A tab may send this many messages at once, and then as many a second; who sends more is disconnected. */
  readonly messageBurstCount: number;
  readonly messagesPerSecond: number;
  /** A tab that does not read what others send is disconnected beyond this. */
  readonly maxBufferedBytes: number;
  /** A connection that answers no ping for this long is gone. */
  readonly pingIntervalMs: number;
}

/** A room has 39 seats; joining one costs some 12 messages a link, all in one burst. */
export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  maxMessageBytes: 64 * 1024,
  maxRoomCount: 1_000,
  maxConnectionsPerRoom: 64,
  maxConnectionCount: 5_000,
  messageBurstCount: 2_000,
  messagesPerSecond: 200,
  maxBufferedBytes: 4 * 1024 * 1024,
  pingIntervalMs: 10_000,
};

const PATH = /^\/signal\/([0-9a-f]{32})$/;
/** WebSocket close codes (RFC 6455). */
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

export class SignallingRelay {
  readonly #limits: RelayLimits;
  readonly #rooms = new Map<string, Set<RelayConnection>>();
  readonly #server: WebSocketServer;
  readonly #pinger: NodeJS.Timeout;
  #nextConnection = 1;
  #connectionCount = 0;

  constructor(limits: RelayLimits = DEFAULT_RELAY_LIMITS) {
    this.#limits = limits;
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: limits.maxMessageBytes,
      perMessageDeflate: false,
    });
    this.#pinger = setInterval(() => this.#pingAll(), limits.pingIntervalMs);
    this.#pinger.unref();
  }

  /** Takes an HTTP upgrade; what is not for the relay is answered and closed. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const room = PATH.exec(request.url ?? '')?.[1];
    if (room === undefined || !isSameOrigin(request)) {
      const status = room === undefined ? '404 Not Found' : '403 Forbidden';
      // Nobody else listens: one who is gone before the answer would end the whole process.
      socket.on('error', () => socket.destroy());
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#join(room, webSocket));
  }

  close(): void {
    clearInterval(this.#pinger);
    for (const room of this.#rooms.values()) for (const connection of room) connection.terminate();
    this.#rooms.clear();
    this.#server.close();
  }

  #join(name: string, socket: WebSocket): void {
    const room = this.#rooms.get(name) ?? new Set<RelayConnection>();
    const full =
      room.size >= this.#limits.maxConnectionsPerRoom ||
      this.#connectionCount >= this.#limits.maxConnectionCount ||
      (room.size === 0 && this.#rooms.size >= this.#limits.maxRoomCount);
    if (full) {
      socket.close(TRY_AGAIN_LATER, 'this server or this room has no place left');
      return;
    }
    const id = this.#nextConnection;
    this.#nextConnection = (this.#nextConnection + 1) >>> 0;
    const connection = new RelayConnection(id, socket, this.#limits, (message) =>
      this.#relay(room, connection, message),
    );
    socket.on('close', () => this.#leave(name, room, connection));
    socket.on('error', () => connection.terminate());
    connection.sendText(`welcome ${room.size}`);
    this.#rooms.set(name, room);
    room.add(connection);
    this.#connectionCount++;
  }

  #leave(name: string, room: Set<RelayConnection>, connection: RelayConnection): void {
    if (!room.delete(connection)) return;
    this.#connectionCount--;
    if (room.size === 0) this.#rooms.delete(name);
    for (const other of room) other.sendText(`left ${connection.id}`);
  }

  #relay(room: ReadonlySet<RelayConnection>, from: RelayConnection, message: Buffer): void {
    const framed = Buffer.allocUnsafe(4 + message.length);
    framed.writeUInt32BE(from.id, 0);
    message.copy(framed, 4);
    for (const other of room) if (other !== from) other.sendBytes(framed);
  }

  #pingAll(): void {
    for (const room of this.#rooms.values()) for (const connection of room) connection.ping();
  }
}

class RelayConnection {
  readonly id: number;
  readonly #socket: WebSocket;
  readonly #limits: RelayLimits;
  #allowance: number;
  #allowanceAtMs = performance.now();
  #answered = true;

  constructor(
    id: number,
    socket: WebSocket,
    limits: RelayLimits,
    received: (message: Buffer) => void,
  ) {
    this.id = id;
    this.#socket = socket;
    this.#limits = limits;
    this.#allowance = limits.messageBurstCount;
    socket.on('pong', () => (this.#answered = true));
    socket.on('message', (data, isBinary) => {
      if (!isBinary) socket.close(POLICY_VIOLATION, 'only sealed messages are relayed');
      else if (!this.#maySend()) socket.close(POLICY_VIOLATION, 'too many messages');
      else received(asBuffer(data));
    });
  }

  sendText(text: string): void {
    this.#send(text);
  }

  sendBytes(bytes: Buffer): void {
    this.#send(bytes);
  }

  ping(): void {
    if (!this.#answered) {
      this.terminate();
      return;
    }
    this.#answered = false;
    this.#socket.ping();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #send(message: string | Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > this.#limits.maxBufferedBytes) this.terminate();
    else this.#socket.send(message);
  }

  #maySend(): boolean {
    const nowMs = performance.now();
    const earned = ((nowMs - this.#allowanceAtMs) / 1000) * this.#limits.messagesPerSecond;
    this.#allowance = Math.min(this.#limits.messageBurstCount, this.#allowance + earned);
    this.#allowanceAtMs = nowMs;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }
}

/** Another site's page may not use this server in its visitors' name. */
function isSameOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
