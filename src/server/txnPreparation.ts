/**
 * One write at a time turned into its transaction: every check ZooKeeper makes before it proposes, in ZooKeeper's order,
 * since the first that fails is the answer. What passes is recorded in the outlook; what fails throws a KeeperError.
 */

import { checkACL, fixupACL } from '../tree/acl.ts';
import {
  CONTAINER_EPHEMERAL_OWNER,
  ephemeralTypeOf,
  isValidTTL,
  ttlToEphemeralOwner,
} from '../tree/ephemeralType.ts';
import { isSpecialPath, sequentialPath, validatePath } from '../tree/paths.ts';
import type {
  CheckVersionRequest,
  CreateRequest,
  CreateTTLRequest,
  DeleteRequest,
  SetACLRequest,
  SetDataRequest,
} from '../wire/clientRequests.ts';
import {
  createModeFromFlags,
  isContainer,
  isEphemeral,
  isSequential,
  isTTL,
  type CreateMode,
} from '../wire/createModes.ts';
import { Perms, type ACL } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import type { Zxid } from '../wire/ids.ts';
import { OpCode } from '../wire/opCodes.ts';
import type { CloseSessionTxn, CreateSessionTxn, Txn } from '../wire/txns.ts';
import type { Request } from './request.ts';
import { TreeOutlook, type NodeOutlook } from './treeOutlook.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

/** The four ops that make a node. */
export type CreateType =
  | typeof OpCode.create
  | typeof OpCode.create2
  | typeof OpCode.createContainer
  | typeof OpCode.createTTL;

/** What a transaction is stamped with: in a multi, all of its parts with the same. */
export interface TxnStamp {
  readonly zxid: Zxid;
  readonly time: number;
}

const NO_TTL = -1n;

export class TxnPreparation {
  readonly outlook: TreeOutlook;
  readonly #server: ZooKeeperServer;

  constructor(server: ZooKeeperServer) {
    this.#server = server;
    this.outlook = new TreeOutlook(server);
  }

  create(
    request: Request,
    type: CreateType,
    body: CreateRequest | CreateTTLRequest,
    stamp: TxnStamp,
  ): Txn {
    const ttl = 'ttl' in body ? body.ttl : NO_TTL;
    const mode = this.#createMode(type, body, ttl);
    this.#checkCreator(request, mode);
    const parentPath = parentOf(body.path);
    const acl = fixupACL(body.path, request.authInfo, body.acl);
    const parent = this.outlook.node(parentPath);
    this.#checkACL(request, parent.acl, Perms.CREATE, body.path);
    const path = isSequential(mode) ? sequentialPath(body.path, parent.stat.cversion) : body.path;
    validatePath(path);
    if (this.outlook.find(path) !== null) throw new KeeperError(ErrorCode.NodeExists, path);
    if (this.#ephemeralType(parent) === 'NORMAL') {
      throw new KeeperError(ErrorCode.NoChildrenForEphemerals, path);
    }
    this.#checkQuota(path, sizeOf(body.data), 1);
    const parentCVersion = (parent.stat.cversion + 1) | 0;
    this.outlook.update(stamp.zxid, parentPath, parent, {
      childCount: parent.childCount + 1,
      stat: { cversion: parentCVersion, pzxid: stamp.zxid },
    });
    this.outlook.add(stamp.zxid, path, {
      stat: newStat(stamp, ownerOf(mode, ttl, request)),
      childCount: 0,
      acl,
      data: body.data,
    });
    const node = { path, data: body.data, acl, parentCVersion };
    if (type === OpCode.createContainer) return { type, ...node };
    if (type === OpCode.createTTL) return { type, ...node, ttl };
    return { type, ...node, ephemeral: isEphemeral(mode) };
  }

  delete(request: Request, body: DeleteRequest, stamp: TxnStamp): Txn {
    this.#checkSession(request);
    const parentPath = parentOfDeleted(body.path);
    const parent = this.outlook.node(parentPath);
    this.#checkACL(request, parent.acl, Perms.DELETE, body.path);
    const node = this.outlook.node(body.path);
    nextVersion(node.stat.version, body.version, body.path);
    if (node.childCount > 0) throw new KeeperError(ErrorCode.NotEmpty, body.path);
    this.#remove(stamp.zxid, parentPath, parent, body.path, node);
    return { type: OpCode.delete, path: body.path };
  }

  /**
   * A container or TTL node whose time has come, asked for by this server itself. ZooKeeper takes the same op code from
   * any client, for any empty node and without a look at the ACL; here it is refused.
   */
  deleteContainer(request: Request, path: string, stamp: TxnStamp): Txn {
    if (request.sessionId !== 0n) throw new KeeperError(ErrorCode.BadArguments, path);
    const parentPath = parentOfDeleted(path);
    const node = this.outlook.node(path);
    if (node.childCount > 0) throw new KeeperError(ErrorCode.NotEmpty, path);
    const type = this.#ephemeralType(node);
    if (type !== 'CONTAINER' && type !== 'TTL') throw new KeeperError(ErrorCode.BadVersion, path);
    this.#remove(stamp.zxid, parentPath, this.outlook.node(parentPath), path, node);
    return { type: OpCode.deleteContainer, path };
  }

  setData(request: Request, body: SetDataRequest, stamp: TxnStamp): Txn {
    this.#checkSession(request);
    validatePath(body.path);
    const node = this.outlook.node(body.path);
    this.#checkACL(request, node.acl, Perms.WRITE, body.path);
    this.#checkQuota(body.path, sizeOf(body.data) - sizeOf(node.data), 0);
    const version = nextVersion(node.stat.version, body.version, body.path);
    this.outlook.update(stamp.zxid, body.path, node, {
      data: body.data,
      stat: { version, mtime: stamp.time, mzxid: stamp.zxid },
    });
    return { type: OpCode.setData, path: body.path, data: body.data, version };
  }

  setACL(request: Request, body: SetACLRequest, stamp: TxnStamp): Txn {
    this.#checkSession(request);
    validatePath(body.path);
    const acl = fixupACL(body.path, request.authInfo, body.acl);
    const node = this.outlook.node(body.path);
    this.#checkACL(request, node.acl, Perms.ADMIN, body.path);
    const version = nextVersion(node.stat.aversion, body.version, body.path);
    this.outlook.update(stamp.zxid, body.path, node, { acl, stat: { aversion: version } });
    return { type: OpCode.setACL, path: body.path, acl, version };
  }

  /** Only as part of a multi. */
  check(request: Request, body: CheckVersionRequest): Txn {
    this.#checkSession(request);
    validatePath(body.path);
    const node = this.outlook.node(body.path);
    this.#checkACL(request, node.acl, Perms.READ, body.path);
    const version = nextVersion(node.stat.version, body.version, body.path);
    return { type: OpCode.check, path: body.path, version };
  }

  createSession(request: Request, timeOut: number): CreateSessionTxn {
    const { sessionTracker } = this.#server;
    sessionTracker.trackSession(request.sessionId, timeOut);
    sessionTracker.setOwner(request.sessionId, request.owner);
    return { type: OpCode.createSession, timeOut };
  }

  /** Whoever asks, also the tracker that lets it expire: it ends with its ephemeral nodes, also those still to come. */
  closeSession(request: Request, stamp: TxnStamp): CloseSessionTxn {
    const paths = this.#ephemeralsOf(request);
    for (const path of paths) {
      const parentPath = parentOf(path);
      const parent = this.outlook.node(parentPath);
      this.#remove(stamp.zxid, parentPath, parent, path, this.outlook.node(path));
    }
    this.#server.sessionTracker.setSessionClosing(request.sessionId);
    return { type: OpCode.closeSession, paths2Delete: [...paths] };
  }

  #ephemeralsOf(request: Request): ReadonlySet<string> {
    const paths = new Set(this.#server.db.tree.ephemerals(request.sessionId));
    for (const change of this.#server.outstandingChanges.records()) {
      if (change.stat === null) paths.delete(change.path);
      else if (change.stat.ephemeralOwner === request.sessionId) paths.add(change.path);
    }
    return paths;
  }

  #remove(
    zxid: Zxid,
    parentPath: string,
    parent: NodeOutlook,
    path: string,
    node: NodeOutlook,
  ): void {
    this.outlook.update(zxid, parentPath, parent, {
      childCount: parent.childCount - 1,
      stat: { pzxid: zxid },
    });
    this.outlook.remove(zxid, path, node);
  }

  /** Flags that do not go with the op would leave a digest that is wrong for ever: ZooKeeper 3.8.0 lets them pass. */
  #createMode(type: CreateType, body: CreateRequest, ttl: bigint): CreateMode {
    const mode = createModeFromFlags(body.flags);
    if (mode === null) throw new KeeperError(ErrorCode.BadArguments, body.path);
    if (isTTL(mode) && !this.#server.options.extendedTypesEnabled) {
      throw new KeeperError(ErrorCode.Unimplemented, body.path);
    }
    const fits =
      isTTL(mode) === (type === OpCode.createTTL) &&
      isContainer(mode) === (type === OpCode.createContainer) &&
      (!isTTL(mode) || isValidTTL(ttl));
    if (!fits) throw new KeeperError(ErrorCode.BadArguments, body.path);
    return mode;
  }

  #checkCreator(request: Request, mode: CreateMode): void {
    const { sessionTracker } = this.#server;
    if (isEphemeral(mode)) sessionTracker.checkGlobalSession(request.sessionId, request.owner);
    else sessionTracker.checkSession(request.sessionId, request.owner);
  }

  #checkSession(request: Request): void {
    this.#server.sessionTracker.checkSession(request.sessionId, request.owner);
  }

  #checkACL(request: Request, acl: readonly ACL[], perms: number, path: string): void {
    if (this.#server.options.skipACL || checkACL(acl, perms, request.authInfo)) return;
    throw new KeeperError(ErrorCode.NoAuth, path);
  }

  #checkQuota(path: string, bytesDiff: number, countDiff: number): void {
    if (!this.#server.options.enforceQuota) return;
    const exceeded = this.#server.db.tree.checkQuota(path, bytesDiff, countDiff);
    if (exceeded === null) return;
    if (exceeded.kind === 'hard')
      throw new KeeperError(ErrorCode.QuotaExceeded, exceeded.quotaPath);
    const { probe } = this.#server.world;
    if (!probe.watches('peer')) return;
    const { quotaPath, what, value, limit } = exceeded;
    probe.emit({
      topic: 'peer',
      type: 'warning',
      message: `quota of ${quotaPath} exceeded: ${what} ${value}, soft limit ${limit}`,
    });
  }

  #ephemeralType(node: NodeOutlook): ReturnType<typeof ephemeralTypeOf> {
    return ephemeralTypeOf(node.stat.ephemeralOwner, this.#server.options.extendedTypesEnabled);
  }
}

const sizeOf = (data: Uint8Array | null): number => (data === null ? 0 : data.length);

/**
 * What stands before the last slash, `/` for the top. Nothing more is checked here, so that an odd path like `/a//b`
 * fails where ZooKeeper lets it fail: its parent is not there.
 */
function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash === -1 || path.includes('\0')) throw new KeeperError(ErrorCode.BadArguments, path);
  return slash === 0 ? '/' : path.slice(0, slash);
}

function parentOfDeleted(path: string): string {
  if (isSpecialPath(path)) throw new KeeperError(ErrorCode.BadArguments, path);
  return parentOf(path);
}

/** The version after this write; `expected` -1 matches any. Throws BadVersion. */
export function nextVersion(current: number, expected: number, path: string): number {
  if (expected !== -1 && expected !== current) throw new KeeperError(ErrorCode.BadVersion, path);
  return (current + 1) | 0;
}

function ownerOf(mode: CreateMode, ttl: bigint, request: Request): bigint {
  if (isContainer(mode)) return CONTAINER_EPHEMERAL_OWNER;
  if (isTTL(mode)) return ttlToEphemeralOwner(ttl);
  return isEphemeral(mode) ? request.sessionId : 0n;
}

const newStat = ({ zxid, time }: TxnStamp, ephemeralOwner: bigint): NodeOutlook['stat'] => ({
  czxid: zxid,
  mzxid: zxid,
  pzxid: zxid,
  ctime: time,
  mtime: time,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner,
});
