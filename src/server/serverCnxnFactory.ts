/**
 * The client port: accepts connections, knows them by session, and hands them to the role that serves now. It outlives
 * roles; without one it only answers four-letter words.
 */

import { assert } from '../base/assert.ts';
import type { Address, Connection, ConnectionHandler, Listener } from '../ports/network.ts';
import type { World } from '../ports/world.ts';
import type { SessionId } from '../wire/ids.ts';
import { encodeUtf8 } from '../wire/utf8.ts';
import { ExpiryQueue } from './expiryQueue.ts';
import { answerWord, wordOf } from './fourLetterWords.ts';
import { ServerCnxn, type DisconnectReason } from './serverCnxn.ts';
import { SESSIONLESS_CNXN_TIMEOUT_MS } from './serverLimits.ts';
import { timeToDateText } from './textFormat.ts';
import { Turn } from './turn.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

export interface ServerCnxnFactoryOptions {
  readonly clientAddress: Address;
  /** Connections from one host at most; 0: no bound. */
  readonly maxClientCnxns: number;
  /** Four-letter words that are answered; `*` stands for all. ZooKeeper 3.8's default is `srvr` alone. */
  readonly fourLetterWordWhitelist: readonly string[];
  /** What `srvr` and `mntr` call this release: see `versionText`. */
  readonly version: string;
  /** What `conf` prints as `dataDir` and `dataLogDir`. */
  readonly dataDir: string;
  readonly dataLogDir: string;
  /** What `envi` prints after the version. */
  readonly environment: readonly (readonly [name: string, value: string])[];
}

type ListenState = 'initial' | 'listening' | 'shutdown';

export class ServerCnxnFactory {
  readonly world: World;
  readonly options: ServerCnxnFactoryOptions;
  /** Collects what belongs to one event: replies, transactions to flush. */
  readonly turn = new Turn();
  readonly #cnxns = new Set<ServerCnxn>();
  readonly #sessions = new Map<SessionId, ServerCnxn>();
  readonly #countsOfHosts = new Map<string, number>();
  readonly #expiryQueue: ExpiryQueue<ServerCnxn>;
  #listener: Listener | null = null;
  #state: ListenState = 'initial';
  #server: ZooKeeperServer | null = null;
  #rejectedCount = 0;
  #expiredCount = 0;

  constructor(world: World, options: ServerCnxnFactoryOptions) {
    this.world = world;
    this.options = options;
    this.#expiryQueue = new ExpiryQueue(world.clock, SESSIONLESS_CNXN_TIMEOUT_MS, (cnxns) => {
      this.#expire(cnxns);
    });
  }

  /** Begins to listen. `failed` is called once if the port cannot be had or is lost. */
  start(failed: (reason: string) => void): void {
    assert(this.#state === 'initial', 'the client port is opened once');
    this.#state = 'listening';
    this.#expiryQueue.start();
    this.#listener = this.world.network.listen(
      'client',
      this.options.clientAddress,
      (connection) => this.#accept(connection),
      failed,
    );
  }

  /** Stops listening and closes everything. */
  shutdown(): void {
    this.#state = 'shutdown';
    this.#listener?.close();
    this.#listener = null;
    this.#server = null;
    this.#expiryQueue.stop();
    this.#closeAll();
  }

  /** The role that serves now, if it runs. */
  get server(): ZooKeeperServer | null {
    return this.#server?.isRunning() === true ? this.#server : null;
  }

  /** The role that serves from now on; null: none. The connections of the one before are closed. */
  setServer(server: ZooKeeperServer | null): void {
    if (this.#server === server) return;
    this.#server = server;
    this.#closeAll();
  }

  /** Runs `task`; replies it causes leave in one write a connection when it ends. */
  coalesceReplies(task: () => void): void {
    this.turn.run(task);
  }

  get cnxns(): ReadonlySet<ServerCnxn> {
    return this.#cnxns;
  }

  /** Connections refused because their host had too many. */
  get rejectedCount(): number {
    return this.#rejectedCount;
  }

  /** Connections closed because they never asked for a session, or fell silent. */
  get expiredCount(): number {
    return this.#expiredCount;
  }

  addSession(sessionId: SessionId, cnxn: ServerCnxn): void {
    this.#sessions.set(sessionId, cnxn);
  }

  /** Closes the connection of that session, if it is here. */
  closeSession(sessionId: SessionId, reason: DisconnectReason): boolean {
    const cnxn = this.#sessions.get(sessionId);
    if (cnxn === undefined) return false;
    cnxn.close(reason);
    return true;
  }

  /** Something came from it: it lives for its timeout again. */
  touch(cnxn: ServerCnxn): void {
    this.#expiryQueue.update(cnxn, cnxn.sessionTimeoutMs);
  }

  removeCnxn(cnxn: ServerCnxn, reason: DisconnectReason, by: 'us' | 'them'): void {
    this.#cnxns.delete(cnxn);
    this.#expiryQueue.remove(cnxn);
    if (this.#sessions.get(cnxn.sessionId) === cnxn) this.#sessions.delete(cnxn.sessionId);
    this.#countHost(cnxn.hostAddress, -1);
    const { probe } = this.world;
    if (!probe.watches('connection')) return;
    const connection = cnxn.id;
    probe.emit({ topic: 'connection', type: 'closed', connection, port: 'client', reason, by });
  }

  #accept(connection: Connection): ConnectionHandler {
    const hostAddress = hostOf(connection.remoteAddress);
    const { maxClientCnxns } = this.options;
    const count = this.#countsOfHosts.get(hostAddress) ?? 0;
    if (this.#state !== 'listening' || (maxClientCnxns > 0 && count >= maxClientCnxns)) {
      this.#rejectedCount += 1;
      connection.destroy();
      return REFUSED;
    }
    this.#countHost(hostAddress, 1);
    const cnxn = new ServerCnxn(this, connection, hostAddress);
    this.#cnxns.add(cnxn);
    this.touch(cnxn);
    const { probe } = this.world;
    if (probe.watches('connection')) {
      probe.emit({
        topic: 'connection',
        type: 'opened',
        connection: connection.id,
        port: 'client',
        direction: 'accepted',
        remote: connection.remoteAddress,
      });
    }
    return cnxn;
  }

  #countHost(hostAddress: string, change: number): void {
    const count = (this.#countsOfHosts.get(hostAddress) ?? 0) + change;
    if (count > 0) this.#countsOfHosts.set(hostAddress, count);
    else this.#countsOfHosts.delete(hostAddress);
  }

  #closeAll(): void {
    for (const cnxn of [...this.#cnxns]) cnxn.close('server_shutdown');
  }

  #expire(cnxns: ReadonlySet<ServerCnxn>): void {
    for (const cnxn of [...cnxns]) {
      this.#expiredCount += 1;
      cnxn.close('connection_expired');
    }
  }

  /** True if the first four bytes of the connection are such a word: the connection is then answered and closed. */
  answerFourLetterWord(cnxn: ServerCnxn, firstInt: number): boolean {
    const word = wordOf(firstInt);
    if (word === null) return false;
    cnxn.packetReceived(4);
    cnxn.disableReceive();
    answerWord(this, word, (text) => {
      cnxn.sendTextAndClose(encodeUtf8(text));
    });
    return true;
  }

  /** The lines of `dump` below `Connections dump:`. */
  dumpLines(): readonly string[] {
    const buckets = this.#expiryQueue.buckets();
    const lines = [`Connections Sets (${buckets.length})/(${this.#expiryQueue.size}):`];
    for (const [expiryMs, cnxns] of buckets) {
      lines.push(`${cnxns.size} expire at ${timeToDateText(this.world.clock, expiryMs)}:`);
      for (const cnxn of cnxns) lines.push(`\t${cnxn.dumpText()}`);
    }
    return lines;
  }
}

/** `host` of `host:port`, without the brackets of IPv6. An address of another form is its own host. */
function hostOf(address: Address): string {
  const colon = address.lastIndexOf(':');
  const host = colon === -1 ? address : address.slice(0, colon);
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

const REFUSED: ConnectionHandler = {
  opened: () => undefined,
  received: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};
