/**
 * What every serving role shares: the database, the zxid counter, the sessions and the way in for requests. A role adds
 * its chain of processors and its session tracker; connections are the factory's.
 */

import { assert } from '../base/assert.ts';
import type { DiskError } from '../ports/disk.ts';
import type { World } from '../ports/world.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import { digestIds } from '../tree/authenticationProviders.ts';
import type { ProcessTxnResult } from '../tree/treeTransactions.ts';
import { readAuthPacket, type AuthPacket } from '../wire/clientRequests.ts';
import {
  PASSWORD_BYTES,
  readConnectRequest,
  readRequestHeader,
  writeConnectResponse,
  type RequestHeader,
} from '../wire/connectRecords.ts';
import type { Id } from '../wire/dataRecords.ts';
import { ErrorCode } from '../wire/errorCodes.ts';
import { sessionId as asSessionId, zxid, type SessionId, type Zxid } from '../wire/ids.ts';
import { JuteReader, malformed, toBytes } from '../wire/jute.ts';
import { OpCode } from '../wire/opCodes.ts';
import type { Txn, TxnHeader } from '../wire/txns.ts';
import { OutstandingChanges } from './outstandingChanges.ts';
import { isValidType, LOCAL_OWNER, Request, type SessionOwner } from './request.ts';
import type { RequestProcessor } from './requestProcessor.ts';
import type { DisconnectReason, ServerCnxn } from './serverCnxn.ts';
import type { ServerCnxnFactory } from './serverCnxnFactory.ts';
import type { ServerOptions } from './serverOptions.ts';
import { ServerStats } from './serverStats.ts';
import { checkPassword, generatePassword } from './sessionPassword.ts';
import type { SessionExpirer, SessionTracker } from './sessionTracker.ts';
import type { SyncRequestProcessor } from './syncRequestProcessor.ts';
import { Turn } from './turn.ts';

/** What `srvr` prints as `Mode:` and `mntr` as `zk_server_state`. */
export type ServerMode = 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only';

/** Told once when the role can go on no longer; its owner shuts it down. */
export interface ServerListener {
  /** The disk did not take what had to be durable. */
  diskFailed(error: DiskError): void;
}

/** One line of `mntr` below the common ones: the metric's name without `zk_`, and its value as text. */
export type MonitorValue = readonly [name: string, value: string];

export abstract class ZooKeeperServer implements SessionExpirer {
  readonly world: World;
  readonly db: ZKDatabase;
  readonly options: ServerOptions;
  readonly listener: ServerListener;
  /** Null only where no client can connect. */
  readonly cnxnFactory: ServerCnxnFactory | null;
  readonly serverStats: ServerStats;
  /** What has been prepared and not yet applied: the leader's (and a standalone server's) view of the near future. */
  readonly outstandingChanges = new OutstandingChanges();
  /** Collects what belongs to one event; the client port's own, so that replies and flushes share it. */
  readonly turn: Turn;

  /** The last zxid given out (on a learner: unused). */
  hzxid: Zxid = zxid(0n);

  /** The request processor that logs, if this role has one: a shutdown waits for its last flush. */
  protected syncProcessor: SyncRequestProcessor | null = null;
  protected firstProcessor: RequestProcessor | null = null;

  private tracker: SessionTracker | null = null;
  private runState: 'initial' | 'running' | 'shutdown' = 'initial';
  private inProcessCount = 0;

  protected constructor(
    world: World,
    db: ZKDatabase,
    options: ServerOptions,
    listener: ServerListener,
    cnxnFactory: ServerCnxnFactory | null,
  ) {
    this.world = world;
    this.db = db;
    this.options = options;
    this.listener = listener;
    this.cnxnFactory = cnxnFactory;
    this.serverStats = new ServerStats(world.clock.now());
    this.turn = cnxnFactory?.turn ?? new Turn();
  }

  /** What this role calls itself in `srvr`. */
  abstract readonly mode: ServerMode;

  /** Makes {@link firstProcessor} and what follows it; sets {@link syncProcessor} if there is one. */
  protected abstract setupRequestProcessors(): void;

  protected abstract createSessionTracker(): SessionTracker;

  /** `mntr` lines that only this role has, in ZooKeeper's order. */
  monitorValues(): readonly MonitorValue[] {
    return [];
  }

  /** `conf` lines that only this role has. */
  confLines(): readonly string[] {
    return [];
  }

  /** Sizes of the proposals made here, for the last line of a leader's `srvr`; null elsewhere. */
  proposalSizes(): { readonly last: number; readonly min: number; readonly max: number } | null {
    return null;
  }

  get sessionTracker(): SessionTracker {
    assert(this.tracker !== null, 'sessions are asked for after startup');
    return this.tracker;
  }

  isRunning(): boolean {
    return this.runState === 'running';
  }

  /**
   * Takes over a loaded database: the zxid counter goes on where it ends, and sessions that own nodes without being
   * known any more (possible after a fuzzy snapshot) lose them. Before {@link startup}.
   */
  loadData(): void {
    this.hzxid = this.db.tree.lastProcessedZxid;
    const { tree, sessionsWithTimeouts } = this.db;
    for (const owner of [...tree.sessionsWithEphemerals.keys()]) {
      if (!sessionsWithTimeouts.has(owner)) tree.killSession(owner, tree.lastProcessedZxid, null);
    }
  }

  /** Tracks the sessions of the database and builds the chain; requests are taken from now on. */
  startup(): void {
    assert(this.runState === 'initial', 'a role starts once');
    this.tracker = this.createSessionTracker();
    this.setupRequestProcessors();
    this.runState = 'running';
    this.tracker.start();
  }

  /**
   * Ends the role: no timer of it fires and nothing of it is written after `stopped`, which is called once, perhaps
   * within this call. The connections are the factory's to close.
   */
  shutdown(stopped: () => void): void {
    const wasRunning = this.runState === 'running';
    this.runState = 'shutdown';
    if (wasRunning) {
      this.tracker?.shutdown();
      this.firstProcessor?.shutdown();
      this.syncProcessor?.shutdown();
    }
    if (this.syncProcessor === null) stopped();
    else this.syncProcessor.whenIdle(stopped);
  }

  nextZxid(): Zxid {
    this.hzxid = zxid(BigInt.asIntN(64, this.hzxid + 1n));
    return this.hzxid;
  }

  get lastProcessedZxid(): Zxid {
    return this.db.tree.lastProcessedZxid;
  }

  /** Requests of this server's connected clients that have not been answered yet. */
  get requestsInProcess(): number {
    return this.inProcessCount;
  }

  /** A connection with `outstandingCount` unanswered requests is not to be read for now. */
  shouldThrottle(outstandingCount: number): boolean {
    return this.options.globalOutstandingLimit < this.inProcessCount && outstandingCount > 0;
  }

  /** A request of that connection has come to its end. Those of a connection that is gone were forgotten with it. */
  requestFinished(cnxn: ServerCnxn): void {
    if (!cnxn.isOpen) return;
    cnxn.inProcessCount -= 1;
    this.inProcessCount -= 1;
  }

  /** Runs `task` as one turn: the replies it causes leave in one write a connection, transactions in one flush. */
  coalesceReplies(task: () => void): void {
    this.turn.run(task);
  }

  /**
   * The longest transaction that is proposed: ZooKeeper reads no field that is longer from a log or a quorum packet
   * (`jute.maxbuffer` plus its default `jute.maxbuffer.extrasize`).
   */
  get maxTxnBytes(): number {
    return 2 * this.options.juteMaxBufferBytes;
  }

  /**
   * The way in for every request: of this server's clients, of learners, of the server itself. Before the role serves
   * and after it has ended nothing is taken.
   */
  submitRequest(request: Request): void {
    if (!this.isRunning()) return;
    const cnxn = request.cnxn;
    if (cnxn !== null && !this.sessionTracker.touchSession(cnxn.sessionId, cnxn.sessionTimeoutMs)) {
      return;
    }
    if (cnxn !== null && !isValidType(request.type)) {
      this.refuseUnknownType(cnxn, request.cxid);
      return;
    }
    if (cnxn !== null) {
      cnxn.inProcessCount += 1;
      this.inProcessCount += 1;
    }
    assert(this.firstProcessor !== null, 'a running server has a chain');
    this.firstProcessor.processRequest(request);
  }

  /** ZooKeeper's UnimplementedRequestProcessor: the answer is -6 with zxid -1, then the connection ends. */
  private refuseUnknownType(cnxn: ServerCnxn, xid: number): void {
    cnxn.sendReply(xid, zxid(-1n), ErrorCode.Unimplemented, null);
    cnxn.closeAfterReplies('unknown_request_type');
  }

  /** One frame of a client whose session is set up. A frame that cannot be read throws JuteError. */
  processPacket(cnxn: ServerCnxn, frame: Uint8Array): void {
    const reader = new JuteReader(frame);
    const header = readRequestHeader(reader);
    cnxn.requestArrived(header.xid);
    if (header.type === OpCode.auth) {
      this.processAuth(cnxn, header, reader);
      return;
    }
    if (header.type === OpCode.sasl) {
      if (reader.buffer() === null) throw malformed('a SASL request needs a token');
      // As a ZooKeeper without a JAAS configuration: no token back, and the client stays who it is.
      cnxn.sendReply(header.xid, zxid(0n), ErrorCode.Ok, (writer) => {
        writer.buffer(null);
      });
      return;
    }
    const request = new Request({
      cnxn,
      sessionId: cnxn.sessionId,
      cxid: header.xid,
      type: header.type,
      payload: frame.subarray(reader.offset),
      authInfo: cnxn.authInfo,
      owner: LOCAL_OWNER,
      createTimeMs: this.world.clock.now(),
    });
    const { probe } = this.world;
    if (probe.watches('request')) {
      probe.emit({
        topic: 'request',
        type: 'received',
        sessionId: cnxn.sessionId,
        connection: cnxn.id,
        xid: header.xid,
        op: header.type,
        sizeBytes: frame.length,
      });
    }
    this.submitRequest(request);
  }

  private processAuth(cnxn: ServerCnxn, header: RequestHeader, reader: JuteReader): void {
    const ids = this.idsProvedBy(readAuthPacket(reader), cnxn);
    if (ids === null) {
      this.serverStats.authFailedCount += 1;
      cnxn.sendReply(header.xid, zxid(0n), ErrorCode.AuthFailed, null);
      cnxn.closeAfterReplies('auth_failed');
      return;
    }
    for (const id of ids) cnxn.addAuthInfo(id);
    cnxn.sendReply(header.xid, zxid(0n), ErrorCode.Ok, null);
  }

  /** Null for a scheme that is not offered here, or a credential that is none. */
  private idsProvedBy({ scheme, auth }: AuthPacket, cnxn: ServerCnxn): readonly Id[] | null {
    if (scheme === 'ip') return [{ scheme: 'ip', id: cnxn.hostAddress }];
    if (scheme !== 'digest' || auth === null) return null;
    return digestIds(auth, this.options.superDigest);
  }

  /**
   * The first frame of a connection. The session is new, or is attached again; either way the connection is not read
   * until {@link finishSessionInit}. A frame that cannot be read throws JuteError.
   */
  processConnectRequest(cnxn: ServerCnxn, frame: Uint8Array): void {
    const reader = new JuteReader(frame);
    const request = readConnectRequest(reader);
    cnxn.isOldClient = request.readOnly === null;
    if (this.mode === 'read-only' && request.readOnly !== true) {
      cnxn.close('not_read_only_client');
      return;
    }
    if (request.lastZxidSeen > this.lastProcessedZxid) {
      cnxn.close('client_zxid_ahead');
      return;
    }
    this.serverStats.connectionRequestCount += 1;
    cnxn.setSessionTimeout(this.clampTimeout(request.timeOut));
    cnxn.disableReceive();
    const { sessionId } = request;
    if (sessionId === 0n) {
      this.createSession(cnxn);
      return;
    }
    cnxn.isReattaching = true;
    this.serverStats.connectionRevalidateCount += 1;
    this.cnxnFactory?.closeSession(sessionId, 'client_reconnect');
    cnxn.setSessionId(sessionId);
    this.reopenSession(cnxn, sessionId, request.passwd, cnxn.sessionTimeoutMs);
  }

  private clampTimeout(timeoutMs: number): number {
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.options;
    return Math.min(Math.max(timeoutMs, minSessionTimeoutMs), maxSessionTimeoutMs);
  }

  private createSession(cnxn: ServerCnxn): void {
    const timeoutMs = cnxn.sessionTimeoutMs;
    const id = this.sessionTracker.createSession(timeoutMs);
    cnxn.setSessionId(id);
    this.submitRequest(
      new Request({
        cnxn,
        sessionId: id,
        cxid: 0,
        type: OpCode.createSession,
        payload: toBytes((writer) => {
          writer.int(timeoutMs);
        }),
        createTimeMs: this.world.clock.now(),
      }),
    );
  }

  /** A client comes back with a session it was given: by this server or any other of the ensemble. */
  reopenSession(
    cnxn: ServerCnxn,
    sessionId: SessionId,
    password: Uint8Array | null,
    timeoutMs: number,
  ): void {
    if (password !== null && checkPassword(sessionId, password)) {
      this.revalidateSession(cnxn, sessionId, timeoutMs);
    } else {
      this.finishSessionInit(cnxn, false);
    }
  }

  /** Asks whoever tracks sessions whether this one lives, then {@link finishSessionInit}. A learner asks its leader. */
  protected revalidateSession(cnxn: ServerCnxn, sessionId: SessionId, timeoutMs: number): void {
    this.finishSessionInit(cnxn, this.sessionTracker.touchSession(sessionId, timeoutMs));
  }

  /** Answers the ConnectRequest: with the session, or (`valid` false) with zeros and the end of the connection. */
  finishSessionInit(cnxn: ServerCnxn, valid: boolean): void {
    const sessionId = cnxn.sessionId;
    this.tellSessionInit(cnxn, valid);
    cnxn.sendRecord((writer) => {
      writeConnectResponse(writer, {
        protocolVersion: 0,
        timeOut: valid ? cnxn.sessionTimeoutMs : 0,
        sessionId: valid ? sessionId : asSessionId(0n),
        passwd: valid ? generatePassword(sessionId) : new Uint8Array(PASSWORD_BYTES),
        readOnly: cnxn.isOldClient ? null : this.mode === 'read-only',
      });
    });
    if (valid) cnxn.sessionEstablished();
    else cnxn.closeAfterReplies('session_refused');
  }

  private tellSessionInit(cnxn: ServerCnxn, valid: boolean): void {
    const { probe } = this.world;
    if (!probe.watches('session')) return;
    const { sessionId, id: connection, sessionTimeoutMs: timeoutMs } = cnxn;
    if (cnxn.isReattaching) {
      probe.emit({ topic: 'session', type: 'reattached', sessionId, valid, connection });
    } else if (valid) {
      probe.emit({ topic: 'session', type: 'opened', sessionId, timeoutMs, connection });
    }
  }

  /** A client's connection has ended: nothing is told to it any more. Its session lives on until it expires. */
  cnxnClosed(cnxn: ServerCnxn, reason: DisconnectReason): void {
    this.db.tree.removeWatcher(cnxn);
    this.inProcessCount -= cnxn.inProcessCount;
    cnxn.inProcessCount = 0;
    if (reason === 'client_closed_connection' || reason === 'io_exception') {
      this.serverStats.connectionDropCount += 1;
    }
    const { probe } = this.world;
    if (cnxn.sessionId === 0n || !probe.watches('session')) return;
    const { sessionId, id: connection } = cnxn;
    probe.emit({ topic: 'session', type: 'disconnected', sessionId, connection, reason });
  }

  setOwner(sessionId: SessionId, owner: SessionOwner | null): void {
    this.sessionTracker.setOwner(sessionId, owner);
  }

  /** Ends a session by a transaction. */
  closeSession(sessionId: SessionId): void {
    this.submitRequest(
      new Request({
        sessionId,
        cxid: 0,
        type: OpCode.closeSession,
        createTimeMs: this.world.clock.now(),
      }),
    );
  }

  expire(sessionId: SessionId, timeoutMs: number): void {
    const { probe } = this.world;
    if (probe.watches('session')) {
      probe.emit({ topic: 'session', type: 'expired', sessionId, timeoutMs });
    }
    this.serverStats.staleSessionsExpiredCount += 1;
    this.closeSession(sessionId);
  }

  /**
   * Applies a committed transaction: session bookkeeping, then the tree, then the outstanding changes it settles and the
   * committed log that learners are caught up from. Null for a request that is no transaction.
   */
  processTxn(request: Request): ProcessTxnResult | null {
    const { header, txn } = request;
    if (header === null) return null;
    this.noteSessionEvent(header, txn);
    const result = this.db.processTxn(header, txn, request.digest);
    this.outstandingChanges.settle(header.zxid);
    assert(request.txnBytes !== null, 'a transaction carries its bytes');
    this.db.addCommittedProposal(header.zxid, request.txnBytes);
    return result;
  }

  private noteSessionEvent({ clientId }: TxnHeader, txn: Txn | null): void {
    if (txn?.type === OpCode.createSession) {
      this.sessionTracker.commitSession(clientId, txn.timeOut);
    } else if (txn?.type === OpCode.closeSession) {
      this.sessionTracker.removeSession(clientId);
      const { probe } = this.world;
      if (!probe.watches('session')) return;
      const ephemerals = txn.paths2Delete ?? [...this.db.tree.ephemerals(clientId)];
      probe.emit({ topic: 'session', type: 'closed', sessionId: clientId, ephemerals });
    }
  }
}
