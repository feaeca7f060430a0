/**
 * The `Network` port over TCP: what ZooKeeper itself speaks. It moves bytes and reports ends; it knows no message.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { ANY_IPV4_HOST, parsePort, splitHostAndPorts } from '../config/hostPort.ts';
import type {
  Address,
  CloseReason,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
  Port,
} from '../ports/network.ts';

/** A dial that has not been answered by then is refused (`QuorumCnxManager`'s `cnxTO`). */
const DIAL_TIMEOUT_MS = 5_000;
/** Above this many unsent bytes `write` answers false. */
const SEND_HIGH_WATER_BYTES = 1024 * 1024;
/** What a machine says that has no IPv6, or has switched it off. */
const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL']);
/** Writes of one turn below this size are joined into one before they go to the kernel. */
const JOIN_LIMIT_BYTES = 64 * 1024;
/** After our own `close` the other side has this long to take what is queued and hang up. */
const LINGER_MS = 5_000;

export class TcpNetwork implements Network {
  #connectionCount = 0;

  listen(
    _port: Port,
    address: Address,
    accept: (connection: Connection) => ConnectionHandler,
    failed: (reason: string) => void,
  ): Listener {
    const { host, port } = splitAddress(address);
    const options = { noDelay: true, pauseOnConnect: true, allowHalfOpen: true };
    const server = createServer(options, (socket) => {
      const connection = new TcpConnection(this.#nextId(), socket, true);
      connection.handle(accept(connection));
    });
    const fail = (error: Error): void => failed(`cannot listen on ${address}: ${error.message}`);
    if (host !== ANY_IPV4_HOST) server.once('error', fail).listen({ host, port });
    else listenOnAll(server, port, fail);
    return { close: () => closeServer(server) };
  }

  connect(address: Address, _port: Port, handler: ConnectionHandler): Connection {
    const { host, port } = splitAddress(address);
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const connection = new TcpConnection(this.#nextId(), socket, false, address);
    connection.handle(handler);
    return connection;
  }

  #nextId(): number {
    this.#connectionCount += 1;
    return this.#connectionCount;
  }
}

/** Every address of the machine means those of IPv6 too, as for Java; unless the machine has no IPv6. */
function listenOnAll(server: Server, port: number, failed: (error: Error) => void): void {
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (!NO_IPV6.has(error.code ?? '')) failed(error);
    else server.once('error', failed).listen({ host: ANY_IPV4_HOST, port });
  });
  server.listen({ host: '::', port });
}

function closeServer(server: Server): void {
  server.removeAllListeners('connection');
  if (server.listening) server.close();
  else server.once('listening', () => server.close());
}

function splitAddress(address: Address): { host: string; port: number } {
  const [host, text = ''] = splitHostAndPorts(address) ?? [];
  const port = text === '0' ? 0 : parsePort(text);
  if (host === undefined || port === null) {
    throw new Error(`"${address}" is not an address: it takes host:port, as in 127.0.0.1:2888`);
  }
  return { host, port };
}

/** `host:port` of the other end; an IPv4 address seen through an IPv6 socket in its own form. */
function remoteAddressOf(socket: Socket): Address {
  const host = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
  return `${host.includes(':') ? `[${host}]` : host}:${socket.remotePort ?? 0}`;
}

type Life =
  | { readonly phase: 'dialling' | 'open' }
  /** We have closed: what is queued still goes out, nothing comes in. */
  | { readonly phase: 'closing' }
  | { readonly phase: 'over' };

class TcpConnection implements Connection {
  readonly id: number;
  readonly remoteAddress: Address;
  readonly #socket: Socket;
  #handler: ConnectionHandler | null = null;
  #life: Life;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #flushPlanned = false;
  #writerWaits = false;
  #paused = false;
  /** The other side has ended and, as we are paused, nobody has been told. */
  #endWaits = false;
  #error: Error | null = null;

  constructor(id: number, socket: Socket, accepted: boolean, dialled?: Address) {
    this.id = id;
    this.#socket = socket;
    this.remoteAddress = dialled ?? remoteAddressOf(socket);
    this.#life = { phase: accepted ? 'open' : 'dialling' };
    if (!accepted) this.#setDialDeadline();
  }

  get bufferedBytes(): number {
    return this.#queuedBytes + this.#socket.writableLength;
  }

  /** Calls come from now on. */
  handle(handler: ConnectionHandler): void {
    const socket = this.#socket;
    this.#handler = handler;
    socket.on('connect', () => this.#opened());
    socket.on('data', (chunk: Buffer) => {
      // A plain view: Buffer's own `slice` shares memory where Uint8Array's copies.
      this.#handler?.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    });
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#over(this.#endReason()));
    if (this.#life.phase === 'open') socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#life.phase === 'closing' || this.#life.phase === 'over') return true;
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
      this.#planFlush();
    }
    const roomLeft = this.bufferedBytes < SEND_HIGH_WATER_BYTES;
    if (!roomLeft) this.#writerWaits = true;
    return roomLeft;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
    if (!this.#endWaits) return;
    this.#endWaits = false;
    setImmediate(() => this.#ended());
  }

  close(): void {
    if (this.#life.phase === 'closing' || this.#life.phase === 'over') return;
    this.#flush();
    this.#life = { phase: 'closing' };
    this.#handler = null;
    this.#socket.end();
    // Read on to see the other side's end; what still comes in is for nobody.
    this.#socket.resume();
    const linger = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(linger));
  }

  destroy(): void {
    this.#life = { phase: 'over' };
    this.#handler = null;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#socket.resetAndDestroy();
  }

  #setDialDeadline(): void {
    const deadline = setTimeout(() => {
      this.#socket.destroy(new Error(`no answer within ${DIAL_TIMEOUT_MS} ms`));
    }, DIAL_TIMEOUT_MS);
    this.#socket.once('connect', () => clearTimeout(deadline));
    this.#socket.once('close', () => clearTimeout(deadline));
  }

  #opened(): void {
    if (this.#life.phase !== 'dialling') return;
    this.#life = { phase: 'open' };
    this.#handler?.opened();
  }

  #ended(): void {
    // What was written before our own close is still on its way to somebody who has shut only its half.
    if (this.#life.phase === 'closing') return;
    // Node tells the end of a paused socket that has nothing left to read.
    if (this.#paused) this.#endWaits = true;
    else this.#over({ kind: 'ended' });
  }

  #endReason(): CloseReason {
    const message = this.#error?.message ?? 'the connection was closed';
    if (this.#life.phase === 'dialling') return { kind: 'refused', message };
    return this.#error === null ? { kind: 'ended' } : { kind: 'broken', message };
  }

  #over(reason: CloseReason): void {
    if (this.#life.phase === 'over') return;
    const handler = this.#handler;
    this.#life = { phase: 'over' };
    this.#handler = null;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#socket.destroy();
    handler?.closed(reason);
  }

  /**
   * Joins what is written while the events that came together are handled, of other sockets too: a write to the kernel
   * costs a busy server more than all it does to make the bytes.
   */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    setImmediate(() => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#queue.length === 0) return;
    const chunks = this.#queue;
    const byteCount = this.#queuedBytes;
    this.#queue = [];
    this.#queuedBytes = 0;
    const sent = (): void => this.#tellIfDrained();
    if (byteCount <= JOIN_LIMIT_BYTES) {
      this.#socket.write(
        chunks.length === 1 ? (chunks[0] ?? '') : Buffer.concat(chunks, byteCount),
        sent,
      );
      return;
    }
    this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk);
    this.#socket.uncork();
    this.#socket.write('', sent);
  }

  #tellIfDrained(): void {
    if (!this.#writerWaits || this.bufferedBytes > 0) return;
    this.#writerWaits = false;
    this.#handler?.drained();
  }
}
