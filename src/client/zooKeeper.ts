/**
 * The client of an ensemble, for people: one promise per operation, listeners for what happens by itself. It keeps one
 * session over however many connections that takes.
 */

import type { Address } from '../ports/network.ts';
import type { World } from '../ports/world.ts';
import {
  type ReconfigRequest,
  writeCreateRequest,
  writeCreateTTLRequest,
  writeDeleteRequest,
  writePathRequest,
  writeReadRequest,
  writeReconfigRequest,
  writeSetACLRequest,
  writeSetDataRequest,
} from '../wire/clientRequests.ts';
import {
  type Create2Response,
  type GetACLResponse,
  type GetChildren2Response,
  type GetDataResponse,
  readCreate2Response,
  readGetACLResponse,
  readGetAllChildrenNumberResponse,
  readGetChildren2Response,
  readGetDataResponse,
  readGetEphemeralsResponse,
  readPathResponse,
  readWhoAmIResponse,
} from '../wire/clientResponses.ts';
import { type ACL, type ClientInfo, type Stat, readStat } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import type { SessionId, Zxid } from '../wire/ids.ts';
import { JuteError, type JuteReader, type JuteWriter } from '../wire/jute.ts';
import {
  type MultiOp,
  type MultiResult,
  readMultiResponse,
  writeMultiRequest,
} from '../wire/multiRecords.ts';
import { OpCode } from '../wire/opCodes.ts';
import {
  type WatcherEvent,
  writeAddWatchRequest,
  writeRemoveWatchesRequest,
} from '../wire/watchRecords.ts';
import { AddWatchMode, WatcherType, eventTypeFromInt, eventTypeName } from '../wire/watchTypes.ts';
import { Chroot } from './chroot.ts';
import { ClientCnxn, type ClientState, type Session } from './clientCnxn.ts';
import { HostProvider } from './hostProvider.ts';
import { Listeners, tellAll } from './listeners.ts';
import {
  type CreateOp,
  type CreateOptions,
  type NodeContent,
  Op,
  Transaction,
  checkResults,
  contentBytes,
} from './multi.ts';
import type { Reply } from './outstanding.ts';
import { type WatchKind, type WatchedEvent, type Watcher, WatchRegistry } from './watchRegistry.ts';
import { watchRequests } from './watchRequests.ts';

export { type CreateOptions, MultiError, type NodeContent, Op, Transaction } from './multi.ts';
export type { ClientState, Session } from './clientCnxn.ts';
export type { WatchedEvent, Watcher } from './watchRegistry.ts';

/** As the Java client: a random pause of up to this before a server is tried again. */
const DEFAULT_MAX_RECONNECT_PAUSE_MS = 1_000;

export interface ZooKeeperOptions {
  /** The servers' client addresses, at least one; tried in random order. */
  readonly addresses: readonly Address[];
  /** What to ask for; the servers keep it within their bounds. */
  readonly sessionTimeoutMs: number;
  /** A session to go on with, as {@link ZooKeeper.session} told it. */
  readonly session?: Session;
  /** A node to take for the root. */
  readonly chroot?: string;
  readonly maxReconnectPauseMs?: number;
}

/** True: the listeners of `watch` hear of it. A function: it hears of it. One-shot either way. */
export type Watch = boolean | Watcher;

export interface ZooKeeperEvents {
  /** The connection or the session changed, and why, in words. */
  state: (state: ClientState, reason: string) => void;
  /** A watch fired that was set with `true`. */
  watch: (event: WatchedEvent) => void;
}

export class ZooKeeper {
  readonly #cnxn: ClientCnxn;
  readonly #watches = new WatchRegistry();
  readonly #chroot: Chroot;
  readonly #stateListeners = new Listeners<[state: ClientState, reason: string]>();
  readonly #watchListeners = new Listeners<[event: WatchedEvent]>();
  /** Whoever watches with `true`. */
  readonly #defaultWatcher: Watcher = (event) => this.#watchListeners.tell(event);

  /** Begins to connect at once. Throws for a bad chroot or without addresses. */
  constructor(world: Pick<World, 'clock' | 'network' | 'random'>, options: ZooKeeperOptions) {
    const maxPauseMs = options.maxReconnectPauseMs ?? DEFAULT_MAX_RECONNECT_PAUSE_MS;
    this.#chroot = new Chroot(options.chroot ?? '/');
    this.#cnxn = new ClientCnxn({
      clock: world.clock,
      network: world.network,
      hosts: new HostProvider(options.addresses, world.random, maxPauseMs),
      sessionTimeoutMs: options.sessionTimeoutMs,
      session: options.session ?? null,
      handler: {
        stateChanged: (state, reason) => this.#stateListeners.tell(state, reason),
        watchFired: (event) => this.#watchFired(event),
        watchesToRenew: (relativeZxid) =>
          watchRequests(this.#watches, relativeZxid, (path) => this.#chroot.toServer(path)),
      },
    });
    this.#cnxn.start();
  }

  get state(): ClientState {
    return this.#cnxn.state;
  }

  /** Why the last connection broke or did not come up, in words; null if none has. */
  get lossReason(): string | null {
    return this.#cnxn.lossReason;
  }

  /** Id and password: with both, another client can take the session up. The id is 0 until the first connection. */
  get session(): Session {
    return this.#cnxn.session;
  }

  get sessionId(): SessionId {
    return this.#cnxn.session.sessionId;
  }

  /** Milliseconds without a word after which the ensemble ends the session. */
  get sessionTimeoutMs(): number {
    return this.#cnxn.sessionTimeoutMs;
  }

  /** The newest transaction that this client has seen the effect of. */
  get lastZxid(): Zxid {
    return this.#cnxn.lastZxid;
  }

  /** Calls `listener` from now on; call what it returns to stop. */
  on<K extends keyof ZooKeeperEvents>(name: K, listener: ZooKeeperEvents[K]): () => void;
  on(
    ...[name, listener]: ['state', ZooKeeperEvents['state']] | ['watch', ZooKeeperEvents['watch']]
  ): () => void {
    return name === 'state'
      ? this.#stateListeners.add(listener)
      : this.#watchListeners.add(listener);
  }

  /** Resolves when there is a session and a connection; rejects if there will never be one. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (state: ClientState): void => {
        if (state === 'connecting' || state === 'disconnected') return;
        stop();
        if (state === 'connected') return resolve();
        const expired = state === 'authFailed' ? ErrorCode.AuthFailed : ErrorCode.SessionExpired;
        reject(new KeeperError(expired));
      };
      const stop = this.on('state', look);
      look(this.state);
    });
  }

  /** Creates a node; gives its path, which has a number at the end for sequential modes. */
  create(path: string, data: NodeContent = null, options: CreateOptions = {}): Promise<string> {
    const op = Op.create(path, data, options);
    const bare = op.type === OpCode.create;
    return this.#create(op, (body) =>
      bare ? readPathResponse(body).path : readCreate2Response(body).path,
    ).then((created) => this.#chroot.toClient(created));
  }

  /** As {@link create}, and gives the new node's stat too. */
  create2(
    path: string,
    data: NodeContent = null,
    options: CreateOptions = {},
  ): Promise<Create2Response> {
    const op = Op.create(path, data, options);
    const withStat = op.type === OpCode.create ? { ...op, type: OpCode.create2 } : op;
    return this.#create(withStat, readCreate2Response).then((created) => ({
      ...created,
      path: this.#chroot.toClient(created.path),
    }));
  }

  /** Deletes a node without children, if it has this version; -1 stands for any, here and below. */
  delete(path: string, version = -1): Promise<void> {
    return this.#call(OpCode.delete, path, ignoreBody, (writer, serverPath) =>
      writeDeleteRequest(writer, { path: serverPath, version }),
    );
  }

  /** The node's stat, or null if there is none. A watch set here fires for creation, deletion and new data. */
  exists(path: string, watch: Watch = false): Promise<Stat | null> {
    return this.#submit(
      OpCode.exists,
      path,
      (writer) => writeReadRequest(writer, this.#readRequest(path, watch)),
      (reply) => {
        const missing = !reply.ok && reply.code === ErrorCode.NoNode;
        if (reply.ok || missing) this.#register(missing ? 'exist' : 'data', path, watch);
        return missing ? null : readStat(bodyOf(reply, path));
      },
    );
  }

  /** Null data and empty data are different things to ZooKeeper. */
  getData(path: string, watch: Watch = false): Promise<GetDataResponse> {
    return this.#read(OpCode.getData, path, watch, 'data', (body) => {
      const { data, stat } = readGetDataResponse(body);
      return { data: data === null ? null : data.slice(), stat };
    });
  }

  setData(path: string, data: NodeContent, version = -1): Promise<Stat> {
    return this.#call(OpCode.setData, path, readStat, (writer, serverPath) =>
      writeSetDataRequest(writer, { path: serverPath, data: contentBytes(data), version }),
    );
  }

  /** Names without path, in no order. A watch set here fires when one comes or goes. */
  getChildren(path: string, watch: Watch = false): Promise<GetChildren2Response> {
    return this.#read(OpCode.getChildren2, path, watch, 'child', readGetChildren2Response);
  }

  getACL(path: string): Promise<GetACLResponse> {
    return this.#call(OpCode.getACL, path, readGetACLResponse, writePath);
  }

  /** `version` is that of the list (`aversion`). */
  setACL(path: string, acl: readonly ACL[], version = -1): Promise<Stat> {
    return this.#call(OpCode.setACL, path, readStat, (writer, serverPath) =>
      writeSetACLRequest(writer, { path: serverPath, acl, version }),
    );
  }

  /** Waits until this server has caught up with the leader as of now. */
  sync(path = '/'): Promise<void> {
    return this.#call(OpCode.sync, path, ignoreBody, writePath);
  }

  /** Does all operations (see `Op`) or none; rejects with `MultiError` for none. */
  multi(ops: readonly MultiOp[]): Promise<readonly MultiResult[]> {
    return this.#submit(
      OpCode.multi,
      null,
      (writer) =>
        writeMultiRequest(
          writer,
          ops.map((op) => this.#chroot.opToServer(op)),
        ),
      (reply) => {
        const results = readMultiResponse(bodyOf(reply, null));
        checkResults(ops, results);
        return results.map((result) => this.#chroot.resultToClient(result));
      },
    );
  }

  /** Collects operations for a {@link multi}. */
  transaction(): Transaction {
    return new Transaction((ops) => this.multi(ops));
  }

  /** A watch that stays: on the node and its children's coming and going, or on everything at and below it. */
  addWatch(path: string, mode: AddWatchMode, watch: true | Watcher = true): Promise<void> {
    const kind = mode === AddWatchMode.PERSISTENT ? 'persistent' : 'persistentRecursive';
    return this.#submit(
      OpCode.addWatch,
      path,
      (writer) => writeAddWatchRequest(writer, { path: this.#chroot.toServer(path), mode }),
      (reply) => {
        bodyOf(reply, path);
        this.#register(kind, path, watch);
      },
    );
  }

  /** Removes a watch, or all of that type, from the path. Rejects with `NoWatcher` if there is none. */
  async removeWatches(
    path: string,
    type: WatcherType = WatcherType.Any,
    watch: true | Watcher | null = null,
  ): Promise<void> {
    const watcher = watch === true ? this.#defaultWatcher : watch;
    if (!this.#watches.has(type, path, watcher)) throw new KeeperError(ErrorCode.NoWatcher, path);
    const shared = watcher !== null && this.#watches.hasOthers(type, path, watcher);
    const op = shared ? OpCode.checkWatches : OpCode.removeWatches;
    await this.#call(op, path, ignoreBody, (writer, serverPath) =>
      writeRemoveWatchesRequest(writer, { path: serverPath, type }),
    );
    this.#watches.remove(type, path, watcher);
  }

  /** Changes who the servers are, where they allow it; gives the new configuration. */
  reconfigure(request: ReconfigRequest): Promise<GetDataResponse> {
    return this.#submit(
      OpCode.reconfig,
      null,
      (writer) => writeReconfigRequest(writer, request),
      (reply) => {
        const { data, stat } = readGetDataResponse(bodyOf(reply, null));
        return { data: data === null ? null : data.slice(), stat };
      },
    );
  }

  /** Adds an identity, such as `digest` and `user:password`, for this session. Rejects, and ends the session, if it is refused. */
  addAuth(scheme: string, auth: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = contentBytes(auth) ?? new Uint8Array(0);
      this.#cnxn.addAuth(scheme, bytes, (code) =>
        code === ErrorCode.Ok ? resolve() : reject(new KeeperError(code)),
      );
    });
  }

  /** Who the server takes this client for. */
  whoAmI(): Promise<readonly ClientInfo[]> {
    return this.#submit(
      OpCode.whoAmI,
      null,
      () => {},
      (reply) => readWhoAmIResponse(bodyOf(reply, null)).clientInfo,
    );
  }

  /** Paths of this session's ephemeral nodes, if they begin with `prefix`. */
  async getEphemerals(prefix = '/'): Promise<readonly string[]> {
    const { ephemerals } = await this.#call(
      OpCode.getEphemerals,
      prefix,
      readGetEphemeralsResponse,
      writePath,
    );
    return ephemerals.map((path) => this.#chroot.toClient(path));
  }

  /** How many nodes there are below this one, at any depth. */
  async getAllChildrenNumber(path: string): Promise<number> {
    const read = readGetAllChildrenNumberResponse;
    const { totalNumber } = await this.#call(OpCode.getAllChildrenNumber, path, read, writePath);
    return totalNumber;
  }

  /** Ends the session; its ephemeral nodes go. Resolves when that is done, or when there is no connection to do it over. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.on('state', () => {
        if (isFinal(this.state)) finish();
      });
      const finish = (): void => {
        stop();
        resolve();
      };
      if (isFinal(this.state)) return finish();
      this.#cnxn.close();
    });
  }

  #create<T>(op: CreateOp, read: (body: JuteReader) => T): Promise<T> {
    return this.#submit(
      op.type,
      op.path,
      (writer) => {
        const request = this.#chroot.opToServer(op);
        if (request.type === OpCode.createTTL) writeCreateTTLRequest(writer, request);
        else writeCreateRequest(writer, request);
      },
      (reply) => read(bodyOf(reply, op.path)),
    );
  }

  #read<T>(
    type: number,
    path: string,
    watch: Watch,
    kind: WatchKind,
    read: (body: JuteReader) => T,
  ): Promise<T> {
    return this.#submit(
      type,
      path,
      (writer) => writeReadRequest(writer, this.#readRequest(path, watch)),
      (reply) => {
        const value = read(bodyOf(reply, path));
        this.#register(kind, path, watch);
        return value;
      },
    );
  }

  #call<T>(
    type: number,
    path: string,
    read: (body: JuteReader) => T,
    write: (writer: JuteWriter, serverPath: string) => void,
  ): Promise<T> {
    return this.#submit(
      type,
      path,
      (writer) => write(writer, this.#chroot.toServer(path)),
      (reply) => read(bodyOf(reply, path)),
    );
  }

  #submit<T>(
    type: number,
    path: string | null,
    write: (writer: JuteWriter) => void,
    settle: (reply: Reply) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const done = (reply: Reply): void => {
        try {
          resolve(settle(reply));
        } catch (error) {
          reject(error);
          // An answer that cannot be read is the connection's end too.
          if (error instanceof JuteError) throw error;
        }
      };
      this.#cnxn.submit({ type, path, write, done });
    });
  }

  #readRequest(path: string, watch: Watch): { path: string; watch: boolean } {
    return { path: this.#chroot.toServer(path), watch: watch !== false };
  }

  #register(kind: WatchKind, path: string, watch: Watch): void {
    if (watch === false) return;
    this.#watches.add(kind, path, watch === true ? this.#defaultWatcher : watch);
  }

  #watchFired({ type, path: serverPath }: WatcherEvent): void {
    const eventType = eventTypeFromInt(type);
    if (eventType === null) throw new JuteError('malformed', `event type ${type} is unknown`);
    const path = this.#chroot.toClient(serverPath);
    const event: WatchedEvent = { type: eventType, name: eventTypeName(eventType), path };
    tellAll(this.#watches.take(eventType, path), event);
  }
}

function bodyOf(reply: Reply, path: string | null): JuteReader {
  if (!reply.ok) throw new KeeperError(reply.code, path);
  return reply.body;
}

const ignoreBody = (): void => {};
const writePath = (writer: JuteWriter, path: string): void => writePathRequest(writer, { path });
const isFinal = (state: ClientState): boolean =>
  state === 'closed' || state === 'expired' || state === 'authFailed';
