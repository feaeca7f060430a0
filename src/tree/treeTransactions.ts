/**
 * What each transaction does to a tree (`DataTree.processTxn`). The same code serves the live path, a replay and a
 * synchronisation, so every transaction may come a second time on a tree that already has some of what it did: ZooKeeper's
 * snapshots are fuzzy. Such a replay ends in the state the first run ended in.
 */

import type { Stat } from '../wire/dataRecords.ts';
import { ErrorCode } from '../wire/errorCodes.ts';
import type { SessionId, Zxid } from '../wire/ids.ts';
import { malformed } from '../wire/jute.ts';
import { OpCode } from '../wire/opCodes.ts';
import {
  type CreateTxn,
  decodeSubTxn,
  type MultiTxn,
  type Txn,
  type TxnHeader,
} from '../wire/txns.ts';
import { unreachable } from '../base/assert.ts';
import { CONTAINER_EPHEMERAL_OWNER, isValidTTL, ttlToEphemeralOwner } from './ephemeralType.ts';
import { parentPath } from './paths.ts';

/** What a transaction came to, for the reply to whoever asked for it. */
export interface ProcessTxnResult {
  readonly clientId: SessionId;
  readonly cxid: number;
  readonly zxid: Zxid;
  /** An `ErrorCode`: that of an error transaction, or why this one changed nothing. */
  readonly err: number;
  readonly type: number;
  readonly path: string | null;
  /** The node's stat afterwards, for those that answer with one. */
  readonly stat: Stat | null;
  /** One result for each transaction of a multi. */
  readonly multiResult: readonly ProcessTxnResult[] | null;
}

/** The part of every create that concerns the tree. */
export type NewNode = Pick<CreateTxn, 'path' | 'data' | 'acl' | 'parentCVersion'>;

/** What a transaction may do to a tree. Codes are `ErrorCode`s; a null stat means that there is no such node. */
interface TreeChanges {
  createNode(node: NewNode, ephemeralOwner: bigint, zxid: Zxid, time: number): number;
  deleteNode(path: string, zxid: Zxid): number;
  setData(
    path: string,
    data: Uint8Array | null,
    version: number,
    zxid: Zxid,
    time: number,
  ): Stat | null;
  setACL(path: string, acl: NewNode['acl'], version: number): Stat | null;
  statOf(path: string): Stat | null;
  setCversionPzxid(path: string, cversion: number, zxid: Zxid): void;
  killSession(session: SessionId, zxid: Zxid, paths2Delete: readonly string[] | null): void;
}

interface Outcome {
  readonly err: number;
  readonly path: string | null;
  readonly stat: Stat | null;
  readonly multiResult: readonly ProcessTxnResult[] | null;
}

const NOTHING: Outcome = { err: ErrorCode.Ok, path: null, stat: null, multiResult: null };

/** Throws `JuteError`, before anything is changed, for a multi whose parts are no transactions. */
export function applyTxn(tree: TreeChanges, header: TxnHeader, txn: Txn): ProcessTxnResult {
  const { err, path, stat, multiResult } = outcomeOf(tree, header, txn);
  return {
    clientId: header.clientId,
    cxid: header.cxid,
    zxid: header.zxid,
    err,
    type: txn.type,
    path,
    stat,
    multiResult,
  };
}

function outcomeOf(tree: TreeChanges, header: TxnHeader, txn: Txn): Outcome {
  switch (txn.type) {
    case OpCode.create:
    case OpCode.create2:
      return create(tree, header, txn, txn.ephemeral ? header.clientId : 0n);
    case OpCode.createContainer:
      return create(tree, header, txn, CONTAINER_EPHEMERAL_OWNER);
    case OpCode.createTTL:
      if (!isValidTTL(txn.ttl)) return { ...NOTHING, err: ErrorCode.BadArguments, path: txn.path };
      return create(tree, header, txn, ttlToEphemeralOwner(txn.ttl));
    case OpCode.delete:
    case OpCode.deleteContainer:
      return { ...NOTHING, err: tree.deleteNode(txn.path, header.zxid), path: txn.path };
    case OpCode.setData:
    case OpCode.reconfig: {
      const { path, data, version } = txn;
      return changed(path, tree.setData(path, data, version, header.zxid, header.time));
    }
    case OpCode.setACL:
      return changed(txn.path, tree.setACL(txn.path, txn.acl, txn.version));
    case OpCode.check:
      return { ...NOTHING, path: txn.path };
    case OpCode.createSession:
      return NOTHING;
    case OpCode.closeSession:
      tree.killSession(header.clientId, header.zxid, txn.paths2Delete);
      return NOTHING;
    case OpCode.error:
      return { ...NOTHING, err: txn.err };
    case OpCode.multi:
      return multi(tree, header, txn);
    default:
      return unreachable(txn);
  }
}

function changed(path: string, stat: Stat | null): Outcome {
  return { err: stat === null ? ErrorCode.NoNode : ErrorCode.Ok, path, stat, multiResult: null };
}

function create(
  tree: TreeChanges,
  header: TxnHeader,
  node: NewNode & { readonly type: number },
  owner: bigint,
): Outcome {
  const { path } = node;
  const err = tree.createNode(node, owner, header.zxid, header.time);
  // The node is there already: a fuzzy snapshot caught it, or another of that name, after its parent was written. The
  // parent may lack what this create did to it. (ZooKeeper mends it for `create` only.)
  if (err === ErrorCode.NodeExists)
    tree.setCversionPzxid(parentPath(path), node.parentCVersion, header.zxid);
  const wantsStat = err === ErrorCode.Ok && node.type !== OpCode.create;
  return { err, path, stat: wantsStat ? tree.statOf(path) : null, multiResult: null };
}

/** The types that a multi may hold; anything else in it no server can have proposed. */
const multiTypes: ReadonlySet<number> = new Set<number>([
  OpCode.create,
  OpCode.create2,
  OpCode.createTTL,
  OpCode.createContainer,
  OpCode.delete,
  OpCode.deleteContainer,
  OpCode.setData,
  OpCode.check,
  OpCode.error,
]);

function multi(tree: TreeChanges, header: TxnHeader, txn: MultiTxn): Outcome {
  const subTxns = txn.txns.map((sub) => {
    if (!multiTypes.has(sub.type))
      throw malformed(`a multi holds a transaction of type ${sub.type}`);
    return decodeSubTxn(sub);
  });
  const hasFailed = subTxns.some((sub) => sub.type === OpCode.error);
  const toApply = hasFailed ? asErrors(subTxns) : subTxns;
  const multiResult = toApply.map((sub) => applyTxn(tree, { ...header, type: sub.type }, sub));
  const err = multiResult.find((result) => result.err !== ErrorCode.Ok)?.err ?? ErrorCode.Ok;
  return { err, path: null, stat: null, multiResult };
}

/** Of a failed multi nothing is done: no error before the part that failed, RuntimeInconsistency after it. */
function asErrors(subTxns: readonly Txn[]): readonly Txn[] {
  const failedAt = subTxns.findIndex((sub) => sub.type === OpCode.error);
  return subTxns.map((sub, index) => {
    if (sub.type === OpCode.error) return sub;
    const err = index < failedAt ? ErrorCode.Ok : ErrorCode.RuntimeInconsistency;
    return { type: OpCode.error, err };
  });
}
