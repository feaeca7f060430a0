/**
 * Every state that every node had between one tree and what transactions made of it. It runs the real tree forward and
 * keeps what changes, so that any moment can be asked for, and none costs more than the nodes asked for. Pure.
 *
 * A moment is a number: how many transactions have been applied since the first tree.
 */

import type { DataTree } from '../tree/dataTree.ts';
import { childPath, parentPath, QUOTA_ZOOKEEPER, ROOT } from '../tree/paths.ts';
import { quotaStatPath } from '../tree/quotas.ts';
import { JuteError } from '../wire/jute.ts';
import { OpCode } from '../wire/opCodes.ts';
import { decodeSubTxn, type Txn, type TxnLogEntry, txnPaths } from '../wire/txns.ts';
import { NumberColumn } from './columns.ts';
import { KnownPaths, type PathId } from './knownPaths.ts';
import { type ChangeKind, changeKind } from './nodeChange.ts';
import type { NodeState } from './nodeReport.ts';
import { type DataSource, isSameData, NodeVersions, type VersionId } from './nodeVersions.ts';

/** What a transaction made of a node. */
export interface VersionStep {
  /** After it. */
  readonly moment: number;
  readonly before: NodeState | null;
  readonly after: NodeState | null;
}

export class TreeVersions {
  readonly #tree: DataTree;
  readonly #payloadOf: (moment: number) => Uint8Array;
  readonly #paths = new KnownPaths();
  /** Of the nodes that were changed; the first is what was at moment 0. All others are as in the tree. */
  readonly #versions: NodeVersions;
  /** By moment: the first version that the transaction after it made, or the first one after that. */
  readonly #firstVersions = new NumberColumn();
  /** By moment. */
  readonly #nodeCounts = new NumberColumn();

  /** `tree` is the first moment's; it belongs to this from now on. `payloadOf` gives the transaction before a moment. */
  constructor(tree: DataTree, payloadOf: (moment: number) => Uint8Array) {
    this.#tree = tree;
    this.#payloadOf = payloadOf;
    this.#versions = new NodeVersions(payloadOf);
    this.#firstVersions.push(this.#versions.length);
    this.#nodeCounts.push(countOf(tree));
  }

  /** The newest moment. */
  get last(): number {
    return this.#nodeCounts.length - 1;
  }

  /** One more transaction; null is one that nobody can read, and changes nothing. */
  apply(entry: TxnLogEntry | null): void {
    if (entry !== null) this.#applyAndKeep(entry);
    this.#firstVersions.push(this.#versions.length);
    this.#nodeCounts.push(countOf(this.#tree));
  }

  /** Without the root. */
  nodeCountAt(moment: number): number {
    return this.#nodeCounts.at(moment);
  }

  nodeAt(moment: number, path: string): NodeState | null {
    const id = this.#paths.find(path);
    const version = this.#versions.at(id, moment);
    return version === 0 ? stateIn(this.#tree, path) : this.#versions.state(version);
  }

  isThere(moment: number, path: string): boolean {
    const version = this.#versions.at(this.#paths.find(path), moment);
    return version === 0 ? this.#tree.getNode(path) !== null : this.#versions.isThere(version);
  }

  /** In no order; empty for a node that is not there. */
  childNamesAt(moment: number, path: string): readonly string[] {
    const names: string[] = [];
    let treeCount = 0;
    for (const child of this.#paths.children(this.#paths.find(path))) {
      const newest = this.#versions.newest(child);
      if (newest === 0) continue;
      if (this.#versions.isThere(newest)) treeCount++;
      if (this.#versions.isThere(this.#versions.at(child, moment))) {
        names.push(this.#paths.name(child));
      }
    }
    const inTree = this.#tree.getNode(path)?.children ?? NO_NAMES;
    // All that the tree has were changed, so all have been looked at.
    if (treeCount === inTree.size) return names;
    for (const name of inTree) {
      if (this.#versions.newest(this.#paths.find(childPath(path, name))) === 0) names.push(name);
    }
    return names;
  }

  /** Paths that the transaction after `moment` changed. */
  changedAfter(moment: number): readonly string[] {
    return this.changedBetween(moment, moment + 1);
  }

  /** Paths that any transaction between two moments changed. */
  changedBetween(from: number, to: number): readonly string[] {
    return [...this.#changed(from, to)].map((id) => this.#paths.path(id));
  }

  /** As {@link changedBetween}, only those right below one of `parents`. */
  *changedChildren(
    parents: readonly string[],
    from: number,
    to: number,
  ): Generator<{ readonly parent: string; readonly id: PathId }> {
    const wanted = new Map(parents.map((path) => [this.#paths.find(path), path]));
    for (const id of this.#changed(from, to)) {
      const parent = wanted.get(this.#paths.parent(id));
      if (parent !== undefined) yield { parent, id };
    }
  }

  /** As {@link isThere}, of a node that was changed. */
  hasChanged(moment: number, id: PathId): boolean {
    return this.#versions.isThere(this.#versions.at(id, moment));
  }

  nameOf(id: PathId): string {
    return this.#paths.name(id);
  }

  /** Null: the two are the same, or the node was changed by nothing. */
  kindBetween(from: number, to: number, path: string): ChangeKind | null {
    const id = this.#paths.find(path);
    const before = this.#versions.at(id, from);
    const after = this.#versions.at(id, to);
    if (before === after) return null;
    if (!this.#versions.isThere(before)) return this.#versions.isThere(after) ? 'created' : null;
    if (!this.#versions.isThere(after)) return 'deleted';
    return changeKind(this.#versions.state(before), this.#versions.state(after));
  }

  /** What touched the node, the newest first; null for what only brought or took children. */
  *stepsOf(path: string): Generator<VersionStep | null> {
    const versions = this.#versions;
    let version = versions.newest(this.#paths.find(path));
    for (let before = versions.before(version); before !== 0; before = versions.before(version)) {
      yield versions.sameOwn(before, version) ? null : this.#step(before, version);
      version = before;
    }
  }

  #step(before: VersionId, after: VersionId): VersionStep {
    return {
      moment: this.#versions.from(after),
      before: this.#versions.state(before),
      after: this.#versions.state(after),
    };
  }

  #changed(from: number, to: number): ReadonlySet<PathId> {
    const ids = new Set<PathId>();
    const end = this.#firstVersions.at(Math.min(to, this.last));
    for (let version = this.#firstVersions.at(Math.max(0, from)); version < end; version++) {
      // What was at moment 0 is written down only when a node first changes.
      if (this.#versions.from(version) > 0) ids.add(this.#versions.pathOf(version));
    }
    return ids;
  }

  #applyAndKeep(entry: TxnLogEntry): void {
    try {
      const paths = [...this.#mayChange(entry)];
      const before = paths.map((path) => stateIn(this.#tree, path));
      this.#tree.processTxn(entry.header, entry.txn, entry.digest);
      for (const [index, path] of paths.entries()) {
        this.#keep(entry.txn, path, before[index] ?? null);
      }
    } catch (error) {
      // A multi that holds what no server proposes changes nothing.
      if (!(error instanceof JuteError)) throw error;
    }
  }

  /** The nodes it names with their parents, what goes with a session, and the figures that quotas keep of them. */
  #mayChange({ header, txn }: TxnLogEntry): ReadonlySet<string> {
    const named = new Set(txnPaths(txn));
    if (txn.type === OpCode.closeSession) {
      for (const path of this.#tree.ephemerals(header.clientId)) named.add(path);
    }
    const all = new Set<string>();
    for (const path of named) {
      all.add(path).add(parentPath(path));
      for (const figures of this.#quotaFigures(path)) all.add(figures);
    }
    return all;
  }

  #quotaFigures(path: string): readonly string[] {
    const quotas = this.#tree.getNode(QUOTA_ZOOKEEPER);
    if (quotas === null || quotas.children.size === 0) return [];
    const found: string[] = [];
    for (let above = path; above !== ROOT; above = parentPath(above)) {
      const figures = quotaStatPath(above);
      if (this.#tree.getNode(figures) !== null) found.push(figures);
    }
    return found;
  }

  /** Unless it is the same as before. */
  #keep(txn: Txn, path: string, before: NodeState | null): void {
    const after = stateIn(this.#tree, path);
    if (isSame(before, after)) return;
    const id = this.#paths.idOf(path);
    if (this.#versions.newest(id) === 0) this.#versions.add(id, 0, before, false, null);
    const moment = this.last + 1;
    const source = sourceOf(txn, path, moment, () => this.#payloadOf(moment));
    this.#versions.add(id, moment, after, isSameOwn(before, after), source);
  }
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** As `mntr` counts the root has two names. */
const countOf = (tree: DataTree): number => tree.nodeCount - 2;

function stateIn(tree: DataTree, path: string): NodeState | null {
  const node = tree.getNode(path);
  const stat = tree.statOf(path);
  if (node === null || stat === null) return null;
  // What lies in a slab may move and be overwritten; all else is never changed.
  const data = node.slab === null ? node.data : (node.data?.slice() ?? null);
  return { data, stat, acl: tree.aclOf(node), ephemeralOwner: node.ephemeralOwner };
}

function isSame(before: NodeState | null, after: NodeState | null): boolean {
  if (before === null || after === null) return before === after;
  const { stat: was } = before;
  const { stat: is } = after;
  return (
    was.pzxid === is.pzxid &&
    was.cversion === is.cversion &&
    was.numChildren === is.numChildren &&
    isSameOwn(before, after)
  );
}

/** Whether at most its children have changed. */
function isSameOwn(before: NodeState | null, after: NodeState | null): boolean {
  if (before === null || after === null) return before === after;
  const { stat: was } = before;
  const { stat: is } = after;
  return (
    was.czxid === is.czxid &&
    was.mzxid === is.mzxid &&
    was.version === is.version &&
    was.aversion === is.aversion &&
    isSameData(before.data, after.data)
  );
}

/** Where the data that a transaction gives a node lie; of several the last counts. Null: it gives it none. */
function sourceOf(
  txn: Txn,
  path: string,
  moment: number,
  payload: () => Uint8Array,
): DataSource | null {
  const parts = txn.type === OpCode.multi ? txn.txns.map(decodeSubTxn) : [txn];
  const data = parts.flatMap((part) =>
    'data' in part && part.path === path && part.data !== null ? [part.data] : [],
  );
  const last = data.at(-1);
  return last === undefined ? null : { moment, payload: payload(), data: last };
}
