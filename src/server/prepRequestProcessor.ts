/**
 * Turns requests into transactions: checks them against the tree as it will be once everything prepared is applied, and
 * stamps zxid, time and digest. It changes nothing but the outstanding changes. A write that fails is a transaction too.
 */

import { decodeUtf8 } from '../wire/utf8.ts';
import {
  readCreateRequest,
  readCreateTTLRequest,
  readDeleteRequest,
  readReconfigRequest,
  readSetACLRequest,
  readSetDataRequest,
} from '../wire/clientRequests.ts';
import { createModeFromFlags, isContainer, isTTL } from '../wire/createModes.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { JuteError, JuteReader, malformed } from '../wire/jute.ts';
import { readMultiRequest, type MultiOp } from '../wire/multiRecords.ts';
import { OpCode } from '../wire/opCodes.ts';
import { encodeSubTxn, encodeTxn, type SubTxn, type Txn, type TxnHeader } from '../wire/txns.ts';
import { DIGEST_VERSION } from '../tree/treeDigest.ts';
import type { Request } from './request.ts';
import type { RequestProcessor } from './requestProcessor.ts';
import { TxnPreparation, type CreateType, type TxnStamp } from './txnPreparation.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

export class PrepRequestProcessor implements RequestProcessor {
  readonly #server: ZooKeeperServer;
  readonly #next: RequestProcessor;
  readonly #preparation: TxnPreparation;
  #running = true;

  constructor(server: ZooKeeperServer, next: RequestProcessor) {
    this.#server = server;
    this.#next = next;
    this.#preparation = new TxnPreparation(server);
  }

  processRequest(request: Request): void {
    if (!this.#running) return;
    this.#server.serverStats.prepRequestCount += 1;
    if (request.isQuorum()) this.#prepareTxn(request);
    else this.#checkSession(request);
    if (request.header === null) request.zxid = this.#server.hzxid;
    this.#next.processRequest(request);
  }

  shutdown(): void {
    this.#running = false;
    this.#next.shutdown();
  }

  #checkSession(request: Request): void {
    try {
      this.#server.sessionTracker.checkSession(request.sessionId, request.owner);
    } catch (error) {
      if (!(error instanceof KeeperError)) throw error;
      request.error = error;
    }
  }

  #prepareTxn(request: Request): void {
    const stamp: TxnStamp = {
      zxid: this.#server.nextZxid(),
      time: this.#server.world.clock.wallTime(),
    };
    try {
      this.#stamp(request, stamp, this.#toTxn(request, stamp));
    } catch (error) {
      const refusal = asKeeperError(error);
      this.#server.outstandingChanges.rollback(stamp.zxid);
      request.error = refusal;
      this.#stamp(request, stamp, { type: OpCode.error, err: refusal.code });
    }
  }

  /** Gives the request its transaction, encoded. One that nobody could read back from the log is refused. */
  #stamp(request: Request, stamp: TxnStamp, txn: Txn): void {
    const header: TxnHeader = {
      clientId: request.sessionId,
      cxid: request.cxid,
      zxid: stamp.zxid,
      time: stamp.time,
      type: txn.type,
    };
    const digest =
      this.#server.options.digestEnabled && txn.type !== OpCode.error
        ? { version: DIGEST_VERSION, treeDigest: this.#preparation.outlook.treeDigest() }
        : null;
    const bytes = encodeTxn({ header, txn, digest });
    if (bytes.length <= this.#server.maxTxnBytes) {
      request.setTxn(header, txn, digest, bytes);
      return;
    }
    if (txn.type !== OpCode.closeSession) throw new KeeperError(ErrorCode.BadArguments);
    // A session must be able to end: without the list (and then without digest) every server deletes what it knows.
    const shortened: Txn = { type: txn.type, paths2Delete: null };
    const shortBytes = encodeTxn({ header, txn: shortened, digest: null });
    request.setTxn(header, shortened, null, shortBytes);
  }

  #toTxn(request: Request, stamp: TxnStamp): Txn {
    const reader = new JuteReader(request.payload);
    switch (request.type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
        return this.#preparation.create(request, request.type, readCreateRequest(reader), stamp);
      case OpCode.createTTL:
        return this.#preparation.create(request, request.type, readCreateTTLRequest(reader), stamp);
      case OpCode.delete:
        return this.#preparation.delete(request, readDeleteRequest(reader), stamp);
      case OpCode.deleteContainer:
        return this.#preparation.deleteContainer(request, decodeUtf8(request.payload), stamp);
      case OpCode.setData:
        return this.#preparation.setData(request, readSetDataRequest(reader), stamp);
      case OpCode.setACL:
        return this.#preparation.setACL(request, readSetACLRequest(reader), stamp);
      case OpCode.multi:
        return this.#toMultiTxn(request, readMultiRequest(reader), stamp);
      case OpCode.createSession:
        return this.#preparation.createSession(request, reader.int());
      case OpCode.closeSession:
        return this.#preparation.closeSession(request, stamp);
      case OpCode.reconfig:
        readReconfigRequest(reader);
        throw new KeeperError(
          this.#server.options.reconfigEnabled
            ? ErrorCode.Unimplemented
            : ErrorCode.ReconfigDisabled,
        );
      default:
        throw new KeeperError(ErrorCode.Unimplemented);
    }
  }

  /** All or nothing: after the first operation that fails, what the earlier ones recorded is taken back. */
  #toMultiTxn(request: Request, ops: readonly MultiOp[], stamp: TxnStamp): Txn {
    if (ops.some((op) => op.type === OpCode.getData || op.type === OpCode.getChildren)) {
      throw new KeeperError(ErrorCode.MarshallingError);
    }
    const txns: SubTxn[] = [];
    let failure: KeeperError | null = null;
    for (const op of ops) {
      if (failure !== null) {
        txns.push(encodeSubTxn(errorTxn(ErrorCode.RuntimeInconsistency)));
        continue;
      }
      try {
        txns.push(encodeSubTxn(this.#toSubTxn(request, op, stamp)));
      } catch (error) {
        if (!(error instanceof KeeperError)) throw error;
        failure = error;
        request.error = error;
        this.#server.outstandingChanges.rollback(stamp.zxid);
        txns.push(encodeSubTxn(errorTxn(error.code)));
      }
    }
    return { type: OpCode.multi, txns };
  }

  #toSubTxn(request: Request, op: MultiOp, stamp: TxnStamp): Txn {
    switch (op.type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        return this.#preparation.create(request, createTypeOf(op), op, stamp);
      case OpCode.delete:
        return this.#preparation.delete(request, op, stamp);
      case OpCode.setData:
        return this.#preparation.setData(request, op, stamp);
      case OpCode.check:
        return this.#preparation.check(request, op);
      default:
        throw new KeeperError(ErrorCode.MarshallingError);
    }
  }
}

const errorTxn = (err: number): Txn => ({ type: OpCode.error, err });

/**
 * In a multi the flags say what kind of create it is, whatever its op code. Flags of a TTL in a record that has none make
 * the whole multi unreadable, as soon as its turn comes.
 */
function createTypeOf(op: MultiOp & { readonly flags: number }): CreateType {
  const mode = createModeFromFlags(op.flags);
  if (mode === null) return OpCode.create;
  if (isContainer(mode)) return OpCode.createContainer;
  if (!isTTL(mode)) return OpCode.create;
  if (!('ttl' in op)) throw malformed(`a TTL node ${op.path} without its TTL`);
  return OpCode.createTTL;
}

/** A request that cannot be read is the client's mistake; anything else that is no KeeperError is ours. */
function asKeeperError(error: unknown): KeeperError {
  if (error instanceof KeeperError) return error;
  if (error instanceof JuteError) return new KeeperError(ErrorCode.MarshallingError);
  throw error;
}
