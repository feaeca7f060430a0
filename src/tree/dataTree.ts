/**
 * The replicated state (`DataTree`): nodes, who owns them, who watches them, and what the last transaction was. It knows
 * no clock, no disk and no connection; transactions and reads come in, answers and watch events go out.
 */

import { assert } from '../base/assert.ts';
import { type ACL, READ_ACL_UNSAFE, type Stat } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { type SessionId, type Zxid, zxid } from '../wire/ids.ts';
import type { Txn, TxnDigest, TxnHeader } from '../wire/txns.ts';
import type { AddWatchMode, WatcherType } from '../wire/watchTypes.ts';
import {
  OPEN_UNSAFE_ACL_ID,
  type ReferenceCountedACLCache,
  UNRESOLVED_ACL_ID,
} from './aclCache.ts';
import { DataNode, newStat, NO_DATA } from './dataNode.ts';
import { DigestLog, type ZxidDigest } from './digestLog.ts';
import type { NodeHashMap } from './nodeHashMap.ts';
import type { OwnedNodes } from './ownedNodes.ts';
import {
  childName,
  CONFIG_NODE,
  parentPath,
  PROC_ZOOKEEPER,
  QUOTA_ZOOKEEPER,
  ROOT,
} from './paths.ts';
import { type QuotaExceeded, Quotas } from './quotas.ts';
import { DIGEST_VERSION } from './treeDigest.ts';
import { type DataTreeOptions, emptyContents, type TreeContents } from './treeContents.ts';
import { TreeSnapshot } from './treeSnapshot.ts';
import { applyTxn, type NewNode, type ProcessTxnResult } from './treeTransactions.ts';
import { TreeWatches, type WatchesToSet } from './treeWatches.ts';
import type { Watcher } from './watcher.ts';
import type { WatchesSummary } from './watchManager.ts';

const NO_ZXID = zxid(0n);

export type { DataTreeOptions } from './treeContents.ts';

export class DataTree {
  /** The newest transaction in the tree. A new leader sets it to the beginning of its epoch. */
  lastProcessedZxid: Zxid = NO_ZXID;

  readonly #nodes: NodeHashMap;
  readonly #aclCache: ReferenceCountedACLCache;
  readonly #owned: OwnedNodes;
  readonly #quotas: Quotas;
  readonly #watches = new TreeWatches();
  readonly #digestLog: DigestLog;
  readonly #digestEnabled: boolean;
  readonly #extendedTypesEnabled: boolean;

  /** Without `contents` the tree a new ensemble starts from; with it, that of a snapshot (see `TreeLoader`). */
  constructor(options: DataTreeOptions = {}, contents: TreeContents = emptyContents(options)) {
    this.#digestEnabled = options.digestEnabled ?? true;
    this.#extendedTypesEnabled = options.extendedTypesEnabled ?? false;
    this.#digestLog = new DigestLog(options.digestMismatched ?? (() => undefined));
    this.#nodes = contents.nodes;
    this.#aclCache = contents.aclCache;
    this.#owned = contents.owned;
    this.#quotas = new Quotas(this.#nodes);
    if (this.#nodes.get(ROOT) === undefined) this.#makeFirstNodes();
    else this.#quotas.rebuild();
  }

  // What there is.

  /** As `mntr` counts: the root has two names. */
  get nodeCount(): number {
    return this.#nodes.size;
  }

  get watchCount(): number {
    return this.#watches.count;
  }

  get ephemeralsCount(): number {
    let count = 0;
    for (const paths of this.#owned.ephemerals.values()) count += paths.size;
    return count;
  }

  /** Characters of all paths and bytes of all data. */
  get approximateDataSize(): number {
    return this.#nodes.dataSizeBytes;
  }

  /** Sessions that have or had ephemeral nodes, with the paths they have. */
  get sessionsWithEphemerals(): ReadonlyMap<SessionId, ReadonlySet<string>> {
    return this.#owned.ephemerals;
  }

  ephemerals(session: SessionId): ReadonlySet<string> {
    return this.#owned.ephemeralsOf(session);
  }

  get containers(): ReadonlySet<string> {
    return this.#owned.containers;
  }

  get ttls(): ReadonlySet<string> {
    return this.#owned.ttls;
  }

  /** The node itself, not to be changed; null if there is none. */
  getNode(path: string): DataNode | null {
    return this.#nodes.get(path) ?? null;
  }

  /** The node's list. */
  aclOf(node: DataNode): readonly ACL[] {
    return this.#aclCache.convertLong(node.acl);
  }

  /** Distinct lists in use. */
  get aclCount(): number {
    return this.#aclCache.size;
  }

  // Reads. Each throws `KeeperError` NoNode for a missing node.

  /** What clients are told about a node. A watcher is set even if the node is missing: it hears of its creation. */
  statNode(path: string, watcher: Watcher | null): Stat {
    if (watcher !== null) this.#watches.addDataWatch(path, watcher);
    return this.#statOf(this.#existing(path));
  }

  /** The data is the tree's own: not to be changed. */
  getData(path: string, watcher: Watcher | null): { data: Uint8Array | null; stat: Stat } {
    const node = this.#existing(path);
    if (watcher !== null) this.#watches.addDataWatch(path, watcher);
    return { data: node.data, stat: this.#statOf(node) };
  }

  /** Names without the path before them, in no particular order. */
  getChildren(path: string, watcher: Watcher | null): { children: string[]; stat: Stat } {
    const node = this.#existing(path);
    if (watcher !== null) this.#watches.addChildWatch(path, watcher);
    return { children: [...node.children], stat: this.#statOf(node) };
  }

  getACL(path: string): { acl: readonly ACL[]; stat: Stat } {
    const node = this.#existing(path);
    return { acl: this.aclOf(node), stat: this.#statOf(node) };
  }

  /** Nodes below `path`, itself not counted; 0 if there is no such node. Walks over the whole tree. */
  getAllChildrenNumber(path: string): number {
    if (path === ROOT) return this.#nodes.size - 2;
    const prefix = `${path}/`;
    let count = 0;
    for (const candidate of this.#nodes.paths()) if (candidate.startsWith(prefix)) count++;
    return count;
  }

  // Watches.

  addWatch(path: string, watcher: Watcher, mode: AddWatchMode): void {
    this.#watches.addWatch(path, watcher, mode);
  }

  /** Sets the watches that a client brings along from another server, or tells it what it has missed. */
  setWatches(watches: WatchesToSet, watcher: Watcher): void {
    this.#watches.setWatches(watches, watcher, (path) => this.getNode(path));
  }

  containsWatcher(path: string, type: WatcherType, watcher: Watcher): boolean {
    return this.#watches.containsWatcher(path, type, watcher);
  }

  /** False if there was no such watch. */
  removeWatch(path: string, type: WatcherType, watcher: Watcher): boolean {
    return this.#watches.removeWatch(path, type, watcher);
  }

  /** Its connection is gone: all its watches end. */
  removeWatcher(watcher: Watcher): void {
    this.#watches.removeWatcher(watcher);
  }

  watchesSummary(): WatchesSummary {
    return this.#watches.summary();
  }

  /** Who watches what, for `wchc` and `wchp`. */
  get dataWatches(): TreeWatches['dataWatches'] {
    return this.#watches.dataWatches;
  }

  // Changes.

  /**
   * Applies a transaction; a second time changes nothing more. `digest` is what its author's tree had afterwards.
   * Throws `JuteError`, before anything is changed, for a multi whose parts are no transactions.
   */
  processTxn(header: TxnHeader, txn: Txn, digest: TxnDigest | null = null): ProcessTxnResult {
    const result = applyTxn(this, header, txn);
    if (header.zxid > this.lastProcessedZxid) this.lastProcessedZxid = header.zxid;
    if (!this.#digestEnabled) return result;
    this.#digestLog.applied(header.zxid, this.#currentDigest);
    if (digest !== null) this.#digestLog.compare(header.zxid, digest, this.#currentDigest);
    return result;
  }

  /** `ErrorCode` Ok, NoNode (no parent), NodeExists, or BadArguments for the root and what is no path. */
  createNode(node: NewNode, ephemeralOwner: bigint, causedBy: Zxid, time: number): number {
    const { path } = node;
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    if (slash === -1 || name === '') return BAD_ARGUMENTS;
    const parent = this.#nodes.get(path.slice(0, slash));
    if (parent === undefined) return ErrorCode.NoNode;
    if (parent.children.has(name)) {
      this.#resolveACL(path, node.acl);
      return ErrorCode.NodeExists;
    }
    this.#dropOrphan(path);
    this.#adoptChild(parent, name, node.parentCVersion, causedBy);
    const acl = this.#aclCache.convertAcls(node.acl);
    const stat = newStat(causedBy, time, ephemeralOwner);
    const child = new DataNode(path, null, acl, stat);
    this.#nodes.setData(child, node.data);
    this.#nodes.put(child);
    this.#owned.add(path, ephemeralOwner);
    this.#quotas.nodeCreated(path, child.data);
    if (!this.#watches.isEmpty)
      this.#watches.nodeCreated(this.#changed(child), this.#changed(parent), causedBy);
    return ErrorCode.Ok;
  }

  /** `ErrorCode` Ok, NoNode, or BadArguments for the root. The parent's pzxid is set even if the node is gone already. */
  deleteNode(path: string, causedBy: Zxid): number {
    const slash = path.lastIndexOf('/');
    if (slash === -1 || path === ROOT) return BAD_ARGUMENTS;
    const parent = this.#nodes.get(path.slice(0, slash));
    if (parent === undefined) return ErrorCode.NoNode;
    this.#nodes.preChange(parent);
    parent.removeChild(path.slice(slash + 1));
    if (causedBy > parent.pzxid) parent.pzxid = causedBy;
    this.#nodes.postChange(parent);
    const node = this.#nodes.get(path);
    if (node === undefined) return ErrorCode.NoNode;
    const wasThere = this.#watches.isEmpty ? null : this.#changed(node);
    this.#forget(node);
    this.#quotas.nodeDeleted(path, node.data);
    if (wasThere !== null) this.#watches.nodeDeleted(wasThere, this.#changed(parent), causedBy);
    return ErrorCode.Ok;
  }

  /** `version` is the one the node has afterwards. Null if there is no such node. */
  setData(
    path: string,
    data: Uint8Array | null,
    version: number,
    causedBy: Zxid,
    time: number,
  ): Stat | null {
    const node = this.#nodes.get(path);
    if (node === undefined) return null;
    const before = node.data;
    this.#nodes.preChange(node);
    this.#nodes.setData(node, data);
    node.mtime = time;
    node.mzxid = causedBy;
    node.version = version;
    this.#nodes.postChange(node);
    this.#quotas.dataChanged(path, before, node.data);
    if (!this.#watches.isEmpty) this.#watches.nodeDataChanged(this.#changed(node), causedBy);
    return this.#statOf(node);
  }

  /** `version` is the aversion the node has afterwards. Null if there is no such node. */
  setACL(path: string, acl: readonly ACL[] | null, version: number): Stat | null {
    const node = this.#nodes.get(path);
    if (node === undefined) return null;
    this.#nodes.preChange(node);
    this.#aclCache.removeUsage(node.acl);
    node.acl = this.#aclCache.convertAcls(acl);
    node.aversion = version;
    this.#nodes.postChange(node);
    return this.#statOf(node);
  }

  /** Null if there is no such node. */
  statOf(path: string): Stat | null {
    const node = this.#nodes.get(path);
    return node === undefined ? null : this.#statOf(node);
  }

  /** Raises a node's cversion to `cversion` (-1: by one) and with it its pzxid; nothing if it is as high already. */
  setCversionPzxid(path: string, cversion: number, causedBy: Zxid): void {
    const node = this.#nodes.get(path);
    if (node === undefined) return;
    this.#nodes.preChange(node);
    node.raiseCversion(cversion, causedBy);
    this.#nodes.postChange(node);
  }

  /** Deletes a session's ephemeral nodes: those that its closing transaction names, and any other it still has here. */
  killSession(session: SessionId, causedBy: Zxid, paths2Delete: readonly string[] | null): void {
    const own = this.#owned.takeSession(session);
    for (const path of paths2Delete ?? []) this.deleteNode(path, causedBy);
    const named = new Set(paths2Delete ?? []);
    for (const path of own) if (!named.has(path)) this.deleteNode(path, causedBy);
  }

  /** Makes `/zookeeper/config` if a snapshot of an old release has none. */
  addConfigNode(): void {
    const parent = this.#nodes.get(PROC_ZOOKEEPER);
    if (parent === undefined || this.#nodes.get(CONFIG_NODE) !== undefined) return;
    this.#makeNode(CONFIG_NODE, parent);
    this.setACL(CONFIG_NODE, READ_ACL_UNSAFE, CONFIG_NODE_AVERSION);
  }

  /** What a write of so many more bytes and nodes at `path` would exceed; null if nothing. */
  checkQuota(path: string, bytesDiff: number, countDiff: number): QuotaExceeded | null {
    return this.#quotas.check(path, bytesDiff, countDiff);
  }

  // Digest and snapshots.

  /** The digest of the tree as it is (version 2), a signed 64-bit number; 0 if digests are off. */
  treeDigest(): bigint {
    return this.#nodes.digest();
  }

  /** As {@link treeDigest}, with the zxid it belongs to: what a snapshot ends with; null if digests are off. */
  zxidDigest(): ZxidDigest | null {
    if (!this.#digestEnabled) return null;
    return {
      zxid: this.lastProcessedZxid,
      version: DIGEST_VERSION,
      treeDigest: this.treeDigest(),
    };
  }

  /** Every 128th digest, oldest first, at most 1024. */
  get digestLog(): readonly ZxidDigest[] {
    return this.#digestLog.entries;
  }

  get digestMismatchCount(): number {
    return this.#digestLog.mismatchCount;
  }

  /** The digest in the snapshot that this tree was loaded from, which began at `startZxid`: compared once replayed. */
  expectDigest(expected: ZxidDigest, startZxid: Zxid): void {
    if (this.#digestEnabled) this.#digestLog.expect(expected, startZxid, this.treeDigest());
  }

  /** A view of the tree as it is now, to be written out bit by bit while the tree goes on changing. End it. */
  beginSnapshot(): TreeSnapshot {
    return new TreeSnapshot(
      this.#nodes,
      this.#aclCache.entries(),
      this.lastProcessedZxid,
      this.zxidDigest(),
    );
  }

  readonly #currentDigest = (): bigint => this.treeDigest();

  #existing(path: string): DataNode {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new KeeperError(ErrorCode.NoNode, path);
    return node;
  }

  #statOf(node: DataNode): Stat {
    return node.toStat(this.#extendedTypesEnabled);
  }

  #changed(node: DataNode): { path: string; acl: readonly ACL[] } {
    return { path: node.path === '' ? ROOT : node.path, acl: this.aclOf(node) };
  }

  #adoptChild(parent: DataNode, name: string, cversion: number, causedBy: Zxid): void {
    this.#nodes.preChange(parent);
    parent.raiseCversion(cversion, causedBy);
    parent.addChild(name);
    this.#nodes.postChange(parent);
  }

  /** If a fuzzy snapshot has the node but not its list, the replayed create brings the list. */
  #resolveACL(path: string, acl: readonly ACL[] | null): void {
    const node = this.#nodes.get(path);
    if (node === undefined || node.acl !== UNRESOLVED_ACL_ID) return;
    this.#nodes.preChange(node);
    node.acl = this.#aclCache.convertAcls(acl);
    this.#nodes.postChange(node);
  }

  /** Replaying a delete over a fuzzy snapshot can take a parent from under its later children; they come again. */
  #dropOrphan(path: string): void {
    const orphan = this.#nodes.get(path);
    if (orphan !== undefined) this.#forget(orphan);
  }

  #forget(node: DataNode): void {
    this.#nodes.remove(node);
    this.#aclCache.removeUsage(node.acl);
    this.#owned.remove(node.path, node.ephemeralOwner);
  }

  #makeFirstNodes(): void {
    const root = new DataNode('', NO_DATA, OPEN_UNSAFE_ACL_ID, newStat(NO_ZXID, 0, 0n));
    this.#nodes.putRoot(root);
    const procZookeeper = this.#makeNode(PROC_ZOOKEEPER, root);
    this.#makeNode(QUOTA_ZOOKEEPER, procZookeeper);
    this.addConfigNode();
  }

  #makeNode(path: string, parent: DataNode): DataNode {
    assert(
      path !== ROOT && parentPath(path) === (parent.path || ROOT),
      `${path} has another parent`,
    );
    const node = new DataNode(path, NO_DATA, OPEN_UNSAFE_ACL_ID, newStat(NO_ZXID, 0, 0n));
    parent.addChild(childName(path));
    this.#nodes.put(node);
    return node;
  }
}

const BAD_ARGUMENTS = ErrorCode.BadArguments;
/** ZooKeeper gives the node its list with `setACL(..., -1)` before anything else happens. */
const CONFIG_NODE_AVERSION = -1;
