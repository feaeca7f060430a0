/**
 * The network of one server's life in a test: over any other `Network`, but a test may separate it from other servers,
 * and end all of it at one stroke. Only the servers' talk among themselves is ever cut; clients reach all of them.
 */

import type {
  Address,
  CloseReason,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
  Port,
} from '../ports/network.ts';

/** Which servers do not reach each other. */
export class Separation {
  #groups: ReadonlyMap<number, number> = new Map();

  /** Servers of different groups are apart; those that no group names are one more group. */
  set(groups: readonly (readonly number[])[]): void {
    const ofServer = groups.flatMap((group, index) =>
      group.map((sid): [number, number] => [sid, index]),
    );
    this.#groups = new Map(ofServer);
  }

  between(one: number, other: number): boolean {
    return this.#groups.get(one) !== this.#groups.get(other);
  }
}

export interface ServerNetworkOptions {
  readonly sid: number;
  readonly inner: Network;
  readonly separation: Separation;
  /** Which server listens there for other servers. */
  readonly serverAt: ReadonlyMap<Address, number>;
}

export class ServerNetwork implements Network {
  readonly #options: ServerNetworkOptions;
  readonly #lines = new Set<Line>();
  readonly #listeners = new Set<Listener>();

  constructor(options: ServerNetworkOptions) {
    this.#options = options;
  }

  listen(
    port: Port,
    address: Address,
    accept: (connection: Connection) => ConnectionHandler,
    failed: (reason: string) => void,
  ): Listener {
    const listener = this.#options.inner.listen(
      port,
      address,
      (connection) => {
        const line = this.#newLine(null);
        line.attach(connection);
        line.handler = accept(line);
        return line;
      },
      failed,
    );
    this.#listeners.add(listener);
    return {
      close: () => {
        this.#listeners.delete(listener);
        listener.close();
      },
    };
  }

  connect(address: Address, port: Port, handler: ConnectionHandler): Connection {
    const { inner, serverAt } = this.#options;
    const line = this.#newLine(serverAt.get(address) ?? null);
    line.handler = handler;
    line.attach(inner.connect(address, port, line));
    this.#cutIfSeparated(line);
    return line;
  }

  /** The separation has become another. */
  separationChanged(): void {
    for (const line of [...this.#lines]) this.#cutIfSeparated(line);
  }

  /** The server's process is gone: nothing listens, nothing is connected, nobody is called any more. */
  end(): void {
    for (const listener of this.#listeners) listener.close();
    for (const line of [...this.#lines]) line.destroy();
  }

  #cutIfSeparated(line: Line): void {
    const { sid, separation } = this.#options;
    if (line.to !== null && separation.between(sid, line.to)) line.cut();
  }

  #newLine(to: number | null): Line {
    const line: Line = new Line(to, () => this.#lines.delete(line));
    this.#lines.add(line);
    return line;
  }
}

const CUT: CloseReason = { kind: 'broken', message: 'a test has separated the two servers' };

/** One connection and who handles it, between which the test steps. */
class Line implements Connection, ConnectionHandler {
  /** The server at the other end; null where that is not known: on connections that were accepted. */
  readonly to: number | null;
  handler: ConnectionHandler | null = null;
  readonly #ended: () => void;
  #connection: Connection | null = null;

  constructor(to: number | null, ended: () => void) {
    this.to = to;
    this.#ended = ended;
  }

  attach(connection: Connection): void {
    this.#connection = connection;
  }

  get id(): number {
    return this.#connection?.id ?? 0;
  }

  get remoteAddress(): Address {
    return this.#connection?.remoteAddress ?? 'unknown';
  }

  get bufferedBytes(): number {
    return this.#connection?.bufferedBytes ?? 0;
  }

  write(bytes: Uint8Array): boolean {
    return this.#connection?.write(bytes) ?? true;
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  close(): void {
    this.handler = null;
    this.#ended();
    this.#connection?.close();
  }

  destroy(): void {
    this.handler = null;
    this.#ended();
    this.#connection?.destroy();
  }

  /** Both ends find it broken. */
  cut(): void {
    this.#ended();
    this.#connection?.destroy();
    // Never from inside a call on the connection, such as the one that dialled.
    setImmediate(() => this.closed(CUT));
  }

  opened(): void {
    this.handler?.opened();
  }

  received(bytes: Uint8Array): void {
    this.handler?.received(bytes);
  }

  drained(): void {
    this.handler?.drained();
  }

  closed(reason: CloseReason): void {
    const { handler } = this;
    this.handler = null;
    this.#ended();
    handler?.closed(reason);
  }
}
