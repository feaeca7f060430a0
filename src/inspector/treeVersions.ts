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
import type { TxnLogEntry } from '../wire/txns.ts';
import type { NodeState } from './nodeReport.ts';
import { pathsOf } from './txnRow.ts';

/** A node from a moment on; null: it is not there. */
export interface NodeVersion {
  readonly from: number;
  readonly state: NodeState | null;
}

const NO_NAMES: ReadonlySet<string> = new Set();

export class TreeVersions {
  readonly #tree: DataTree;
  /** Of the nodes that were changed, oldest first; the first is what was at moment 0. All others are as in the tree. */
  readonly #versions = new Map<string, NodeVersion[]>();
  /** Names of the changed nodes, by parent. */
  readonly #changedNames = new Map<string, Set<string>>();
  /** Paths that each transaction changed. */
  readonly #changedBy: (readonly string[])[] = [];
  readonly #nodeCounts: number[];

  /** `tree` is the first moment's; it belongs to this from now on. */
  constructor(tree: DataTree) {
    this.#tree = tree;
    this.#nodeCounts = [countOf(tree)];
  }

  /** The newest moment. */
  get last(): number {
    return this.#changedBy.length;
  }

  /** One more transaction; null is one that nobody can read, and changes nothing. */
  apply(entry: TxnLogEntry | null): void {
    this.#changedBy.push(entry === null ? [] : this.#applyAndKeep(entry));
    this.#nodeCounts.push(countOf(this.#tree));
  }

  /** Without the root. */
  nodeCountAt(moment: number): number {
    return this.#nodeCounts[moment] ?? 0;
  }

  nodeAt(moment: number, path: string): NodeState | null {
    const versions = this.#versions.get(path);
    return versions === undefined ? stateIn(this.#tree, path) : versionAt(versions, moment);
  }

  isThere(moment: number, path: string): boolean {
    const versions = this.#versions.get(path);
    if (versions === undefined) return this.#tree.getNode(path) !== null;
    return versionAt(versions, moment) !== null;
  }

  /** In no order; empty for a node that is not there. */
  childNamesAt(moment: number, path: string): readonly string[] {
    const changed = this.#changedNames.get(path) ?? NO_NAMES;
    const unchanged = [...(this.#tree.getNode(path)?.children ?? [])].filter(
      (name) => !changed.has(name),
    );
    const others = [...changed].filter((name) => this.isThere(moment, childPath(path, name)));
    return [...unchanged, ...others];
  }

  /** Paths that the transaction after `moment` changed. */
  changedAfter(moment: number): readonly string[] {
    return this.#changedBy[moment] ?? [];
  }

  /** Paths that any transaction between two moments changed. */
  changedBetween(from: number, to: number): ReadonlySet<string> {
    const paths = new Set<string>();
    for (let moment = from; moment < to; moment++) {
      for (const path of this.changedAfter(moment)) paths.add(path);
    }
    return paths;
  }

  /** Oldest first, what was at moment 0 before all. */
  versionsOf(path: string): readonly NodeVersion[] {
    return this.#versions.get(path) ?? [{ from: 0, state: stateIn(this.#tree, path) }];
  }

  #applyAndKeep(entry: TxnLogEntry): readonly string[] {
    try {
      const paths = [...this.#mayChange(entry)];
      const before = paths.map((path) => this.versionsOf(path).at(-1) ?? { from: 0, state: null });
      this.#tree.processTxn(entry.header, entry.txn, entry.digest);
      return paths.filter((path, index) => this.#keep(path, before[index]?.state ?? null));
    } catch (error) {
      // A multi that holds what no server proposes changes nothing.
      if (!(error instanceof JuteError)) throw error;
      return [];
    }
  }

  /** The nodes it names with their parents, what goes with a session, and the figures that quotas keep of them. */
  #mayChange({ header, txn }: TxnLogEntry): ReadonlySet<string> {
    const named = new Set(pathsOf(txn));
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

  /** Whether it is another one now. */
  #keep(path: string, before: NodeState | null): boolean {
    const state = stateIn(this.#tree, path);
    if (isSame(before, state)) return false;
    const versions = this.#versions.get(path) ?? [{ from: 0, state: before }];
    versions.push({ from: this.last + 1, state });
    this.#versions.set(path, versions);
    if (path !== ROOT) this.#rememberName(path);
    return true;
  }

  #rememberName(path: string): void {
    const parent = parentPath(path);
    const names = this.#changedNames.get(parent) ?? new Set();
    this.#changedNames.set(parent, names.add(path.slice(path.lastIndexOf('/') + 1)));
  }
}

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
    was.czxid === is.czxid &&
    was.mzxid === is.mzxid &&
    was.pzxid === is.pzxid &&
    was.version === is.version &&
    was.cversion === is.cversion &&
    was.aversion === is.aversion &&
    was.numChildren === is.numChildren &&
    isSameData(before.data, after.data)
  );
}

export function isSameData(before: Uint8Array | null, after: Uint8Array | null): boolean {
  if (before === null || after === null || before === after) return before === after;
  return before.length === after.length && before.every((byte, at) => byte === after[at]);
}

function versionAt(versions: readonly NodeVersion[], moment: number): NodeState | null {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((versions[middle]?.from ?? 0) <= moment) low = middle + 1;
    else high = middle;
  }
  return versions[low - 1]?.state ?? null;
}
