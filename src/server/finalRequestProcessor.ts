/**
 * The end of every chain: applies committed transactions in zxid order, answers reads from the local tree, and queues the
 * reply after the watch events the transaction caused.
 */

import type { ProcessTxnResult } from '../tree/treeTransactions.ts';
import { writeCreate2Response, writePathResponse } from '../wire/clientResponses.ts';
import { writeStat, type Stat } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { zxid, type Zxid } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';
import { writeMultiResponse, type MultiResult } from '../wire/multiRecords.ts';
import { OpCode, Xid } from '../wire/opCodes.ts';
import type { TxnHeader } from '../wire/txns.ts';
import { assert } from '../base/assert.ts';
import { answerLocally } from './readOperations.ts';
import type { Request } from './request.ts';
import type { RequestProcessor } from './requestProcessor.ts';
import type { ReplyBody, ServerCnxn } from './serverCnxn.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

/** What is told to the client of a request that came to its end. */
interface Answer {
  readonly err: number;
  readonly body: ReplyBody | null;
}

export class FinalRequestProcessor implements RequestProcessor {
  readonly #server: ZooKeeperServer;

  constructor(server: ZooKeeperServer) {
    this.#server = server;
  }

  processRequest(request: Request): void {
    const result = this.#server.processTxn(request);
    if (request.header !== null) {
      this.#notePropagation(request.header);
      this.#sessionEnded(request);
    }
    const cnxn = request.cnxn;
    if (cnxn === null) return;
    // Before a read is done: the reply's zxid may be older than its data, never newer.
    const lastZxid = this.#server.lastProcessedZxid;
    this.#server.requestFinished(cnxn);
    const isWrite = request.header !== null;
    const errorCode = this.#refusalOf(request);
    if (errorCode === ErrorCode.SessionMoved) {
      this.#sessionMoved(request, cnxn);
      return;
    }
    if (request.type === OpCode.createSession && errorCode === null) {
      this.#noteAnswer(request, cnxn, lastZxid, ErrorCode.Ok, isWrite);
      this.#server.finishSessionInit(cnxn, true);
      return;
    }
    const answer = this.#answer(request, cnxn, result, errorCode);
    if (answer.err === ErrorCode.SessionMoved) {
      this.#sessionMoved(request, cnxn);
      return;
    }
    this.#noteAnswer(request, cnxn, lastZxid, answer.err, isWrite);
    const xid = request.type === OpCode.ping ? Xid.PING : request.cxid;
    cnxn.sendReply(xid, lastZxid, answer.err, answer.body);
    if (request.type === OpCode.closeSession) cnxn.closeAfterReplies('client_closed_session');
  }

  shutdown(): void {
    // The last of the chain holds nothing.
  }

  /** Clocks of different machines are compared here: what is negative says nothing. */
  #notePropagation(header: TxnHeader): void {
    const latencyMs = this.#server.world.clock.wallTime() - header.time;
    if (latencyMs >= 0) this.#server.serverStats.propagationLatency.add(latencyMs);
  }

  /** A session that ended without its client asking here (it expired, or another server was asked) loses its connection. */
  #sessionEnded(request: Request): void {
    if (request.type !== OpCode.closeSession || request.cnxn !== null) return;
    this.#server.cnxnFactory?.closeSession(request.sessionId, 'client_closed_session');
  }

  /** The code of a request that failed before it could be done; null if it did not. A multi tells its own failure. */
  #refusalOf(request: Request): number | null {
    if (request.txn?.type === OpCode.error) return request.error?.code ?? request.txn.err;
    if (request.error === null) return null;
    const { code } = request.error;
    return request.type === OpCode.multi && code !== ErrorCode.SessionMoved ? null : code;
  }

  #answer(
    request: Request,
    cnxn: ServerCnxn,
    result: ProcessTxnResult | null,
    errorCode: number | null,
  ): Answer {
    if (errorCode !== null) return { err: errorCode, body: null };
    if (request.type === OpCode.ping) return { err: ErrorCode.Ok, body: null };
    try {
      if (result !== null) return answerTxn(result);
      return { err: ErrorCode.Ok, body: answerLocally(this.#server, request, cnxn) };
    } catch (error) {
      if (error instanceof KeeperError) return { err: error.code, body: null };
      if (error instanceof JuteError) return { err: ErrorCode.MarshallingError, body: null };
      throw error;
    }
  }

  /**
   * The client has attached itself elsewhere and this connection does not know yet. It is not answered but hung up on:
   * an answer could make the client believe that its new server has lost the session (ZOOKEEPER-710).
   */
  #sessionMoved(request: Request, cnxn: ServerCnxn): void {
    const { probe } = this.#server.world;
    if (probe.watches('session')) {
      probe.emit({
        topic: 'session',
        type: 'moved',
        sessionId: request.sessionId,
        reason: 'the session has attached itself to another server',
      });
    }
    cnxn.closeAfterReplies('session_moved');
  }

  #noteAnswer(
    request: Request,
    cnxn: ServerCnxn,
    lastZxid: Zxid,
    errorCode: number,
    isWrite: boolean,
  ): void {
    const { clock, probe } = this.#server.world;
    const nowMs = clock.now();
    const tookMs = nowMs - request.createTimeMs;
    this.#server.serverStats.answered(tookMs, isWrite);
    cnxn.stats.answered(request.cxid, lastZxid, lastOpOf(request.type), tookMs, nowMs);
    if (!probe.watches('request')) return;
    probe.emit({
      topic: 'request',
      type: 'replied',
      sessionId: request.sessionId,
      connection: cnxn.id,
      xid: request.cxid,
      op: request.type,
      zxid: request.header?.zxid ?? zxid(lastZxid),
      errorCode,
      tookMs,
    });
  }
}

/** The reply to a transaction that was applied. */
function answerTxn(result: ProcessTxnResult): Answer {
  const { err, path, stat } = result;
  // A multi that failed is answered as done: its results tell which part failed.
  if (err !== ErrorCode.Ok && result.type !== OpCode.multi) return { err, body: null };
  switch (result.type) {
    case OpCode.create: {
      assert(path !== null, 'a create has a path');
      return ok((writer) => {
        writePathResponse(writer, { path });
      });
    }
    case OpCode.create2:
    case OpCode.createTTL:
    case OpCode.createContainer: {
      assert(path !== null && stat !== null, 'a create has a path and a stat');
      return ok((writer) => {
        writeCreate2Response(writer, { path, stat });
      });
    }
    case OpCode.setData:
    case OpCode.setACL: {
      assert(stat !== null, 'what was set has a stat');
      return ok((writer) => {
        writeStat(writer, stat);
      });
    }
    case OpCode.multi: {
      const results = (result.multiResult ?? []).map(multiResultOf);
      const moved = results.some(
        (one) => one.type === OpCode.error && one.err === ErrorCode.SessionMoved,
      );
      if (moved) return { err: ErrorCode.SessionMoved, body: null };
      return ok((writer) => {
        writeMultiResponse(writer, results);
      });
    }
    default:
      return ok(null);
  }
}

const ok = (body: ReplyBody | null): Answer => ({ err: ErrorCode.Ok, body });

function multiResultOf({ type, err, path, stat }: ProcessTxnResult): MultiResult {
  switch (type) {
    case OpCode.create:
      return { type, path: present(path) };
    case OpCode.create2:
    case OpCode.createTTL:
    case OpCode.createContainer:
      return { type: OpCode.create2, path: present(path), stat: present(stat) };
    case OpCode.setData:
      return { type, stat: present(stat) };
    case OpCode.delete:
    case OpCode.check:
      return { type };
    case OpCode.deleteContainer:
      return { type: OpCode.delete };
    default:
      return { type: OpCode.error, err };
  }
}

function present<T extends string | Stat>(value: T | null): T {
  assert(value !== null, 'a part of a multi that succeeded has its result');
  return value;
}

/** What `cons` prints as `lop`. */
const LAST_OPS: ReadonlyMap<number, string> = new Map<number, string>([
  [OpCode.ping, 'PING'],
  [OpCode.createSession, 'SESS'],
  [OpCode.multi, 'MULT'],
  [OpCode.multiRead, 'MLTR'],
  [OpCode.create, 'CREA'],
  [OpCode.create2, 'CREA'],
  [OpCode.createTTL, 'CREA'],
  [OpCode.createContainer, 'CREA'],
  [OpCode.delete, 'DELE'],
  [OpCode.deleteContainer, 'DELE'],
  [OpCode.setData, 'SETD'],
  [OpCode.reconfig, 'RECO'],
  [OpCode.setACL, 'SETA'],
  [OpCode.closeSession, 'CLOS'],
  [OpCode.sync, 'SYNC'],
  [OpCode.check, 'CHEC'],
  [OpCode.exists, 'EXIS'],
  [OpCode.getData, 'GETD'],
  [OpCode.setWatches, 'SETW'],
  [OpCode.setWatches2, 'STW2'],
  [OpCode.addWatch, 'ADDW'],
  [OpCode.getACL, 'GETA'],
  [OpCode.getChildren, 'GETC'],
  [OpCode.getChildren2, 'GETC'],
  [OpCode.getAllChildrenNumber, 'GETACN'],
  [OpCode.checkWatches, 'CHKW'],
  [OpCode.removeWatches, 'REMW'],
  [OpCode.whoAmI, 'HOMI'],
  [OpCode.getEphemerals, 'GETE'],
]);

const lastOpOf = (type: number): string => LAST_OPS.get(type) ?? 'NA';
