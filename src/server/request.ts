/** One request on its way through the processors, with the transaction it became. It holds; it decides nothing. */

import type { TxnHeader, Txn, TxnDigest } from '../wire/txns.ts';
import type { Id } from '../wire/dataRecords.ts';
import type { KeeperError } from '../wire/errorCodes.ts';
import { OpCode } from '../wire/opCodes.ts';
import { zxid, type SessionId, type Zxid } from '../wire/ids.ts';
import type { ServerCnxn } from './serverCnxn.ts';

/**
 * Who a session is attached to, compared by identity: {@link LOCAL_OWNER} for this server's own clients, a learner's
 * `LearnerHandler` for those of a learner (ZooKeeper's `Request.owner`).
 */
export type SessionOwner = object;

/** The owner of every session whose client is connected to this very server (ZooKeeper's `ServerCnxn.me`). */
export const LOCAL_OWNER: SessionOwner = Object.freeze({ owner: 'a client of this server' });

/** What a request is made from; what is left out is as ZooKeeper has it for requests of the server itself. */
export interface RequestInit {
  /** The client's connection if it is connected to this server. */
  readonly cnxn?: ServerCnxn | null;
  readonly sessionId: SessionId;
  readonly cxid: number;
  /** An `OpCode`, as the client sent it. */
  readonly type: number;
  /** The request record's bytes, after the RequestHeader. Not to be changed. */
  readonly payload?: Uint8Array;
  readonly authInfo?: readonly Id[];
  readonly owner?: SessionOwner | null;
  /** `Clock.now()` when it arrived, for latencies. */
  readonly createTimeMs: number;
}

const NO_BYTES = new Uint8Array(0);
const NO_IDS: readonly Id[] = [];

export class Request {
  readonly cnxn: ServerCnxn | null;
  readonly sessionId: SessionId;
  readonly cxid: number;
  readonly type: number;
  readonly payload: Uint8Array;
  readonly authInfo: readonly Id[];
  readonly createTimeMs: number;
  owner: SessionOwner | null;

  /** Set once the leader has prepared it (and on a follower, once the commit has come): null for a read. */
  header: TxnHeader | null = null;
  txn: Txn | null = null;
  digest: TxnDigest | null = null;
  /** Header, txn and digest as they are proposed and logged; encoded once, by whoever prepared it. */
  txnBytes: Uint8Array | null = null;
  /** The transaction's zxid; for a read, the last one given out when it was prepared. -1 before that. */
  zxid: Zxid = zxid(-1n);
  /** Why the request failed, when that was found out before it was applied. */
  error: KeeperError | null = null;

  constructor(init: RequestInit) {
    this.cnxn = init.cnxn ?? null;
    this.sessionId = init.sessionId;
    this.cxid = init.cxid;
    this.type = init.type;
    this.payload = init.payload ?? NO_BYTES;
    this.authInfo = init.authInfo ?? NO_IDS;
    this.createTimeMs = init.createTimeMs;
    this.owner = init.owner ?? null;
  }

  /** A committed transaction that came from the leader: what a learner hands to its processors. */
  static ofTxn(
    entry: {
      readonly header: TxnHeader;
      readonly txn: Txn | null;
      readonly digest: TxnDigest | null;
    },
    txnBytes: Uint8Array,
    createTimeMs: number,
  ): Request {
    const request = new Request({
      sessionId: entry.header.clientId,
      cxid: entry.header.cxid,
      type: entry.header.type,
      createTimeMs,
    });
    request.setTxn(entry.header, entry.txn, entry.digest, txnBytes);
    return request;
  }

  setTxn(header: TxnHeader, txn: Txn | null, digest: TxnDigest | null, txnBytes: Uint8Array): void {
    this.header = header;
    this.txn = txn;
    this.digest = digest;
    this.txnBytes = txnBytes;
    this.zxid = header.zxid;
  }

  /** It goes through the ensemble (as opposed to being answered here): {@link isQuorumType}. */
  isQuorum(): boolean {
    return isQuorumType(this.type);
  }
}

/** Op codes a client may send (ZooKeeper's `Request.isValid`); another one is answered -6 and hung up on. */
export function isValidType(type: number): boolean {
  return QUORUM_TYPES.has(type) || LOCAL_TYPES.has(type);
}

/**
 * Op codes that become a transaction. A lone `check` does not: ZooKeeper 3.8.0 proposes a transaction of type 13, which
 * its followers cannot read; here it is answered like a read.
 */
export function isQuorumType(type: number): boolean {
  return QUORUM_TYPES.has(type);
}

const QUORUM_TYPES: ReadonlySet<number> = new Set<number>([
  OpCode.create,
  OpCode.create2,
  OpCode.createTTL,
  OpCode.createContainer,
  OpCode.delete,
  OpCode.deleteContainer,
  OpCode.setData,
  OpCode.setACL,
  OpCode.multi,
  OpCode.reconfig,
  OpCode.createSession,
  OpCode.closeSession,
]);

const LOCAL_TYPES: ReadonlySet<number> = new Set<number>([
  OpCode.check,
  OpCode.exists,
  OpCode.getData,
  OpCode.getACL,
  OpCode.getChildren,
  OpCode.getChildren2,
  OpCode.getAllChildrenNumber,
  OpCode.getEphemerals,
  OpCode.multiRead,
  OpCode.ping,
  OpCode.setWatches,
  OpCode.setWatches2,
  OpCode.addWatch,
  OpCode.checkWatches,
  OpCode.removeWatches,
  OpCode.sync,
  OpCode.whoAmI,
]);
