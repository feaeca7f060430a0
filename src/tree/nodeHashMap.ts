/**
 * All nodes by path (`NodeHashMap`), with the digest and the size of all of them kept up to date, and frozen views told
 * before a node they may still need changes. It decides nothing about what a change is.
 */

import type { DataNode } from './dataNode.ts';
import { NodeData } from './nodeData.ts';
import { ROOT } from './paths.ts';
import { AdHash, nodeDigest } from './treeDigest.ts';

/** Sees the nodes as they were when it began. */
export interface FrozenView {
  /** Its number: later views have higher ones. */
  readonly stamp: number;
  /** The node is about to change or to go, for the first time since the view began. */
  preserve(node: DataNode): void;
}

export class NodeHashMap {
  readonly #nodes = new Map<string, DataNode>();
  readonly #digestEnabled: boolean;
  readonly #hash = new AdHash();
  readonly #data = new NodeData((node) => this.#nodes.get(node.path) === node);
  #dataSizeBytes = 0;
  /** Open views, oldest first. */
  readonly #views: FrozenView[] = [];
  #lastStamp = 0;

  constructor(digestEnabled: boolean) {
    this.#digestEnabled = digestEnabled;
  }

  /** The root counts twice, as "" and as "/", like in ZooKeeper's own figures. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Characters of all paths and bytes of all data. */
  get dataSizeBytes(): number {
    return this.#dataSizeBytes;
  }

  digest(): bigint {
    return this.#hash.value();
  }

  get(path: string): DataNode | undefined {
    return this.#nodes.get(path);
  }

  paths(): IterableIterator<string> {
    return this.#nodes.keys();
  }

  /** A new node; one that stands under its path is replaced. */
  put(node: DataNode): void {
    const old = this.#nodes.get(node.path);
    if (old !== undefined) this.#leave(old);
    node.viewStamp = this.#lastStamp;
    this.#nodes.set(node.path, node);
    this.postChange(node);
  }

  /** Lets "/" name the root, whose path is "". */
  putRoot(node: DataNode): void {
    this.put(node);
    this.#nodes.set(ROOT, node);
    this.#dataSizeBytes += ROOT.length;
  }

  remove(node: DataNode): void {
    this.#leave(node);
    this.#nodes.delete(node.path);
  }

  #leave(node: DataNode): void {
    this.preChange(node);
    this.#data.release(node);
  }

  /** New data for a node, which is about to be put here or is being changed. The bytes belong to the tree from now on. */
  setData(node: DataNode, data: Uint8Array | null): void {
    this.#data.set(node, data);
  }

  /** Data read from a snapshot, whose bytes stay the caller's. */
  loadData(node: DataNode, data: Uint8Array | null): void {
    this.#data.load(node, data);
  }

  /** Call before any change of a node's data, stat, list or children. */
  preChange(node: DataNode): void {
    if (this.#views.length > 0) this.#preserve(node);
    this.#hash.remove(node.digest);
    this.#dataSizeBytes -= sizeOf(node);
  }

  /** Call after it. */
  postChange(node: DataNode): void {
    if (this.#digestEnabled) node.digest = nodeDigest(node.path, node.data, node);
    this.#hash.add(node.digest);
    this.#dataSizeBytes += sizeOf(node);
  }

  nextStamp(): number {
    this.#lastStamp++;
    return this.#lastStamp;
  }

  openView(view: FrozenView): void {
    this.#views.push(view);
  }

  closeView(view: FrozenView): void {
    const index = this.#views.indexOf(view);
    if (index !== -1) this.#views.splice(index, 1);
  }

  /** The view has taken what it needs of the node, so a later change need not be preserved for it. */
  passed(view: FrozenView, node: DataNode): void {
    // A younger view may leave the mark only if no older one still counts on its absence.
    if (this.#views[0] === view && node.viewStamp < view.stamp) node.viewStamp = view.stamp;
  }

  #preserve(node: DataNode): void {
    for (const view of this.#views) if (node.viewStamp < view.stamp) view.preserve(node);
    node.viewStamp = this.#lastStamp;
  }
}

const sizeOf = (node: DataNode): number => node.path.length + node.dataLength;
