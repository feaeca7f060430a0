/**
 * What comes to a learner between DIFF, TRUNC or SNAP and UPTODATE. Committed transactions are logged and applied as they
 * come until NEWLEADER; everything else is kept aside, and after NEWLEADER everything is, for the server that starts at
 * UPTODATE (`Learner.syncWithLeader`). It refuses a history with holes.
 */

import { Queue } from '../base/queue.ts';
import { Request } from '../server/request.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import { follows } from '../storage/zxidOrder.ts';
import { zxidToString, type Zxid } from '../wire/ids.ts';
import { decodeActivatedInform } from '../wire/learnerPayloads.ts';
import { PacketType, packetTypeName, type QuorumPacket } from '../wire/quorumPackets.ts';
import { decodeTxn } from '../wire/txns.ts';

/** The leader sent what cannot follow what it sent before: the learner leaves it. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
}

export class LearnerSync {
  readonly #db: ZKDatabase;
  readonly #logs: boolean;
  readonly #initialCounter: bigint | null;
  readonly #nowMs: () => number;
  readonly #proposed = new Queue<Request>();
  readonly #committed: Request[] = [];
  #keepsAside = false;
  #lastQueued: Zxid;
  #lastCommitted: Zxid;

  /** With `logs` false nothing goes to the log (an observer without one). */
  constructor(db: ZKDatabase, logs: boolean, initialCounter: bigint | null, nowMs: () => number) {
    this.#db = db;
    this.#logs = logs;
    this.#initialCounter = initialCounter;
    this.#nowMs = nowMs;
    this.#lastQueued = db.tree.lastProcessedZxid;
    this.#lastCommitted = this.#lastQueued;
  }

  /** NEWLEADER's history is on disk: from here on nothing is logged or applied before UPTODATE. */
  historyIsDurable(): void {
    this.#keepsAside = true;
  }

  /** Committed after NEWLEADER, oldest first. */
  get committed(): readonly Request[] {
    return this.#committed;
  }

  /** Proposed and not committed, oldest first, all behind {@link committed}. */
  get proposed(): Iterable<Request> {
    return this.#proposed;
  }

  /** The last transaction it has been told of. */
  get lastQueued(): Zxid {
    return this.#lastQueued;
  }

  /** Throws {@link SyncError}, and JuteError for a transaction that cannot be read. */
  packet(packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.PROPOSAL:
        this.#propose(packet);
        return;
      case PacketType.COMMIT:
      case PacketType.COMMITANDACTIVATE:
        this.#commit(packet.zxid);
        return;
      case PacketType.INFORM:
      case PacketType.INFORMANDACTIVATE:
        this.#inform(packet.zxid, informedTxn(packet));
        return;
      case PacketType.PING:
        // ZooKeeper answers none before UPTODATE.
        return;
      default:
        throw new SyncError(`${packetTypeName(packet.type)} came before UPTODATE`);
    }
  }

  #propose(packet: QuorumPacket): void {
    const request = readProposal(packet.zxid, packet.data, this.#nowMs());
    if (request.zxid <= this.#lastQueued) return;
    this.#advance(request.zxid);
    this.#proposed.push(request);
  }

  #commit(zxid: Zxid): void {
    if (zxid <= this.#lastCommitted) return;
    const head = this.#proposed.peek();
    if (head?.zxid !== zxid) {
      throw new SyncError(
        `COMMIT of ${zxidToString(zxid)} came where ${head === undefined ? 'nothing' : zxidToString(head.zxid)} is next`,
      );
    }
    this.#proposed.shift();
    this.#committedNext(head);
  }

  #inform(zxid: Zxid, data: Uint8Array | null): void {
    const request = readProposal(zxid, data, this.#nowMs());
    if (zxid <= this.#lastCommitted) return;
    this.#advance(zxid);
    this.#committedNext(request);
  }

  #advance(zxid: Zxid): void {
    if (!follows(this.#lastQueued, zxid, this.#initialCounter)) {
      throw new SyncError(
        `${zxidToString(zxid)} came after ${zxidToString(this.#lastQueued)}: the history has a hole`,
      );
    }
    this.#lastQueued = zxid;
  }

  #committedNext(request: Request): void {
    this.#lastCommitted = request.zxid;
    if (this.#keepsAside) this.#committed.push(request);
    else logAndApply(this.#db, request, this.#logs);
  }
}

/** The one way a committed transaction enters log and memory outside a running server. */
function logAndApply(db: ZKDatabase, request: Request, logs: boolean): void {
  const { header, txn, digest, txnBytes, zxid } = request;
  if (header === null || txnBytes === null) return;
  if (logs) db.append(txnBytes, zxid);
  db.processTxn(header, txn, digest);
  db.addCommittedProposal(zxid, txnBytes);
}

/** The transaction of an INFORM or an INFORMANDACTIVATE. Throws {@link SyncError}. */
export function informedTxn({ type, data }: QuorumPacket): Uint8Array | null {
  if (type === PacketType.INFORM) return data;
  if (data === null) throw new SyncError('INFORMANDACTIVATE came without a transaction');
  return decodeActivatedInform(data).txn;
}

/** A proposal or an INFORM as a request. Throws {@link SyncError} and JuteError. */
export function readProposal(zxid: Zxid, data: Uint8Array | null, nowMs: number): Request {
  if (data === null) throw new SyncError(`proposal ${zxidToString(zxid)} is empty`);
  const entry = decodeTxn(data);
  if (entry.header.zxid !== zxid) {
    throw new SyncError(
      `proposal ${zxidToString(zxid)} holds transaction ${zxidToString(entry.header.zxid)}`,
    );
  }
  return Request.ofTxn(entry, data, nowMs);
}
