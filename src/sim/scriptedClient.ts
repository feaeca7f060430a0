/**
 * A client that does what it is told, frame by frame, and nothing else: no retries, no reconnecting, no watches of its
 * own. For scenarios that a proper client would avoid, and for looking at a server exactly as it is.
 */

import type { Address, CloseReason, Connection } from '../ports/network.ts';
import type { World } from '../ports/world.ts';
import {
  writeCreateRequest,
  writeDeleteRequest,
  writePathRequest,
  writeReadRequest,
  writeSetDataRequest,
} from '../wire/clientRequests.ts';
import {
  readGetACLResponse,
  readGetChildren2Response,
  readGetDataResponse,
  readPathResponse,
} from '../wire/clientResponses.ts';
import { readConnectResponse, readReplyHeader } from '../wire/connectRecords.ts';
import { CreateMode } from '../wire/createModes.ts';
import { type ACL, OPEN_ACL_UNSAFE, type Stat, readStat } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { type SessionId, type Zxid, zxid, zxidToString } from '../wire/ids.ts';
import type { JuteReader, JuteWriter } from '../wire/jute.ts';
import {
  type MultiOp,
  type MultiResult,
  readMultiResponse,
  writeMultiRequest,
} from '../wire/multiRecords.ts';
import { OpCode, Xid } from '../wire/opCodes.ts';
import { type WatcherEvent, readWatcherEvent } from '../wire/watchRecords.ts';
import {
  connectFrame,
  frameHandler,
  NO_PASSWORD,
  NO_SESSION,
  PING_FRAME,
  PINGS_PER_TIMEOUT,
  requestFrame,
} from './clientFrames.ts';

export interface Reply {
  readonly zxid: Zxid;
  readonly body: JuteReader;
}

interface Pending {
  readonly xid: number;
  readonly path: string | null;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export interface NodeData {
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

type State =
  | { readonly kind: 'disconnected'; readonly why: string }
  | {
      readonly kind: 'handshaking';
      readonly connection: Connection;
      readonly done: (error: Error | null) => void;
    }
  | { readonly kind: 'connected'; readonly connection: Connection };

export class ScriptedClient {
  readonly #world: World;
  readonly #timeoutMs: number;
  #state: State = { kind: 'disconnected', why: 'never connected' };
  #pending: Pending[] = [];
  #nextXid = 1;
  #negotiatedTimeoutMs = 0;
  #password = NO_PASSWORD;
  #sessionId: SessionId = NO_SESSION;
  #lastZxid: Zxid = zxid(0n);
  /** Watch events, in the order in which they came. */
  readonly events: WatcherEvent[] = [];

  constructor(world: World, timeoutMs: number) {
    this.#world = world;
    this.#timeoutMs = timeoutMs;
  }

  get sessionId(): SessionId {
    return this.#sessionId;
  }

  get negotiatedTimeoutMs(): number {
    return this.#negotiatedTimeoutMs;
  }

  /** The largest zxid seen in a reply. */
  get lastZxid(): Zxid {
    return this.#lastZxid;
  }

  get connected(): boolean {
    return this.#state.kind === 'connected';
  }

  /** Connects to that server: with the session it has, or a new one. Rejects if the server hangs up or the session is gone. */
  connect(address: Address): Promise<void> {
    this.disconnect();
    return new Promise((resolve, reject) => {
      const done = (error: Error | null): void => (error === null ? resolve() : reject(error));
      const handler = frameHandler(
        () => (this.#state.kind === 'disconnected' ? null : this.#state.connection),
        (reader) => this.#frame(reader),
        (reason) => this.#lost(reasonText(reason)),
      );
      const connection = this.#world.network.connect(address, 'client', handler);
      this.#state = { kind: 'handshaking', connection, done };
      connection.write(
        connectFrame({
          id: this.#sessionId,
          password: this.#password,
          timeoutMs: this.#timeoutMs,
          lastZxid: this.#lastZxid,
        }),
      );
    });
  }

  /** Drops the connection without a word; the session lives on at the servers. */
  disconnect(): void {
    if (this.#state.kind !== 'disconnected') this.#state.connection.destroy();
    this.#lost('disconnected');
  }

  /** Forgets its session: the next `connect` asks for a new one. */
  forgetSession(): void {
    this.#sessionId = NO_SESSION;
    this.#password = NO_PASSWORD;
  }

  /** Pretends to own that session: the next `connect` asks for it. */
  claimSession(id: SessionId, password: Uint8Array): void {
    this.#sessionId = id;
    this.#password = password;
  }

  get password(): Uint8Array {
    return this.#password;
  }

  /** Sends one request; rejects with a {@link KeeperError} for an error reply or a lost connection. */
  request(op: number, path: string | null, write?: (writer: JuteWriter) => void): Promise<Reply> {
    const state = this.#state;
    if (state.kind !== 'connected') {
      return Promise.reject(new KeeperError(ErrorCode.ConnectionLoss, path));
    }
    return new Promise((resolve, reject) => {
      const xid = this.#nextXid++;
      this.#pending.push({ xid, path, resolve, reject });
      state.connection.write(requestFrame(xid, op, write));
    });
  }

  async create(
    path: string,
    data: Uint8Array,
    mode: CreateMode = CreateMode.PERSISTENT,
    acl: readonly ACL[] = OPEN_ACL_UNSAFE,
  ): Promise<string> {
    const request = { path, data, acl, flags: mode };
    const { body } = await this.request(OpCode.create, path, (writer) =>
      writeCreateRequest(writer, request),
    );
    return readPathResponse(body).path;
  }

  async setData(path: string, data: Uint8Array, version = -1): Promise<Stat> {
    const { body } = await this.request(OpCode.setData, path, (writer) =>
      writeSetDataRequest(writer, { path, data, version }),
    );
    return readStat(body);
  }

  async delete(path: string, version = -1): Promise<void> {
    await this.request(OpCode.delete, path, (writer) =>
      writeDeleteRequest(writer, { path, version }),
    );
  }

  async getData(path: string, watch = false): Promise<NodeData> {
    const { body } = await this.request(OpCode.getData, path, (writer) =>
      writeReadRequest(writer, { path, watch }),
    );
    return readGetDataResponse(body);
  }

  /** Null if there is no such node. */
  async exists(path: string, watch = false): Promise<Stat | null> {
    try {
      const { body } = await this.request(OpCode.exists, path, (writer) =>
        writeReadRequest(writer, { path, watch }),
      );
      return readStat(body);
    } catch (error) {
      if (error instanceof KeeperError && error.code === ErrorCode.NoNode) return null;
      throw error;
    }
  }

  async getChildren(path: string, watch = false): Promise<readonly string[]> {
    const { body } = await this.request(OpCode.getChildren2, path, (writer) =>
      writeReadRequest(writer, { path, watch }),
    );
    return readGetChildren2Response(body).children;
  }

  async getACL(path: string): Promise<readonly ACL[]> {
    const { body } = await this.request(OpCode.getACL, path, (writer) =>
      writePathRequest(writer, { path }),
    );
    return readGetACLResponse(body).acl ?? [];
  }

  async multi(ops: readonly MultiOp[]): Promise<readonly MultiResult[]> {
    const { body } = await this.request(OpCode.multi, null, (writer) =>
      writeMultiRequest(writer, ops),
    );
    return readMultiResponse(body);
  }

  async sync(path: string): Promise<void> {
    await this.request(OpCode.sync, path, (writer) => writePathRequest(writer, { path }));
  }

  /** Ends the session in order. */
  async close(): Promise<void> {
    await this.request(OpCode.closeSession, null);
    this.disconnect();
    this.forgetSession();
  }

  #frame(reader: JuteReader): void {
    if (this.#state.kind === 'handshaking') return this.#welcomed(reader, this.#state);
    const header = readReplyHeader(reader);
    if (header.xid === Xid.NOTIFICATION) {
      this.events.push(readWatcherEvent(reader));
      return;
    }
    if (header.xid === Xid.PING) return;
    const pending = this.#pending.shift();
    if (pending?.xid !== header.xid) {
      throw new Error(`reply ${header.xid} although ${pending?.xid ?? 'none'} was next`);
    }
    if (header.zxid > 0n && header.zxid < this.#lastZxid) {
      throw new Error(
        `the session's view goes back from ${zxidToString(this.#lastZxid)} to ${zxidToString(header.zxid)}`,
      );
    }
    if (header.zxid > this.#lastZxid) this.#lastZxid = header.zxid;
    if (header.err === 0) pending.resolve({ zxid: header.zxid, body: reader });
    else pending.reject(new KeeperError(header.err, pending.path));
  }

  #welcomed(reader: JuteReader, state: State & { kind: 'handshaking' }): void {
    const response = readConnectResponse(reader);
    if (response.timeOut <= 0) {
      this.forgetSession();
      state.connection.destroy();
      this.#state = { kind: 'disconnected', why: 'session expired' };
      return state.done(new KeeperError(ErrorCode.SessionExpired));
    }
    this.#sessionId = response.sessionId;
    this.#password = response.passwd ?? NO_PASSWORD;
    this.#negotiatedTimeoutMs = response.timeOut;
    this.#state = { kind: 'connected', connection: state.connection };
    state.done(null);
    this.#pingLater(state.connection);
  }

  #pingLater(connection: Connection): void {
    this.#world.clock.after(this.#negotiatedTimeoutMs / PINGS_PER_TIMEOUT, () => {
      if (this.#state.kind !== 'connected' || this.#state.connection !== connection) return;
      connection.write(PING_FRAME);
      this.#pingLater(connection);
    });
  }

  #lost(why: string): void {
    const state = this.#state;
    const pending = this.#pending;
    this.#state = { kind: 'disconnected', why };
    this.#pending = [];
    if (state.kind === 'handshaking') state.done(new KeeperError(ErrorCode.ConnectionLoss));
    for (const { reject, path } of pending) {
      reject(new KeeperError(ErrorCode.ConnectionLoss, path));
    }
  }
}

const reasonText = (reason: CloseReason): string =>
  reason.kind === 'ended' ? 'ended by the server' : reason.message;
