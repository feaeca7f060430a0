/**
 * Where the data of nodes is kept. It arrives as a view of a packet or a log file, and most of it is soon replaced: it
 * is borrowed at first, and copied only when it has stayed a while. What stays lies densely in slabs, since an
 * `ArrayBuffer` of its own costs some 300 bytes more than the data is long. It decides nothing about nodes.
 */

import { Queue } from '../base/queue.ts';
import { NO_DATA, type DataNode } from './dataNode.ts';

/** So much is borrowed at most, of so many nodes: what it is borrowed from stays in memory as a whole. */
const BORROWED_MAX_BYTES = 512 * 1024;
const BORROWED_MAX_COUNT = 512;
const SLAB_BYTES = 64 * 1024;
/** Longer data gets a buffer of its own. */
const LARGEST_PIECE_BYTES = SLAB_BYTES / 8;

interface Borrowed {
  readonly node: DataNode;
  readonly data: Uint8Array;
}

/** A buffer that nodes share. What they leave behind is free only when the last of them has moved. */
export interface DataSlab {
  readonly bytes: Uint8Array;
  usedBytes: number;
  liveBytes: number;
  /** All that ever had a piece of it. */
  readonly nodes: DataNode[];
}

export class NodeData {
  readonly #isInTree: (node: DataNode) => boolean;
  readonly #borrowed = new Queue<Borrowed>();
  #borrowedBytes = 0;
  #slab = newSlab();

  /** `isInTree` tells whether a node is still the one under its path. */
  constructor(isInTree: (node: DataNode) => boolean) {
    this.#isInTree = isInTree;
  }

  /** Gives the node `data` in place of what it has. The bytes may not change any more. */
  set(node: DataNode, data: Uint8Array | null): void {
    this.release(node);
    if (data === null || data.length === 0) {
      node.hold(data === null ? null : NO_DATA);
      return;
    }
    while (!this.#hasRoomFor(data)) this.#settleOldest();
    node.hold(data);
    this.#borrowed.push({ node, data });
    this.#borrowedBytes += data.length;
  }

  /** Gives the node a copy of `data` to keep: for what is loaded and not likely to be replaced soon. */
  load(node: DataNode, data: Uint8Array | null): void {
    this.release(node);
    if (data === null || data.length === 0) node.hold(data === null ? null : NO_DATA);
    else this.#store(node, data);
  }

  /** The node goes, or its data is about to be replaced. */
  release(node: DataNode): void {
    const { slab } = node;
    if (slab === null) return;
    slab.liveBytes -= node.dataLength;
    node.hold(node.data);
    if (slab !== this.#slab && slab.liveBytes * 2 < slab.usedBytes) this.#evacuate(slab);
  }

  #hasRoomFor({ length }: Uint8Array): boolean {
    const { length: count } = this.#borrowed;
    if (count === 0) return true;
    return count < BORROWED_MAX_COUNT && this.#borrowedBytes + length <= BORROWED_MAX_BYTES;
  }

  #settleOldest(): void {
    const oldest = this.#borrowed.shift();
    if (oldest === undefined) return;
    const { node, data } = oldest;
    this.#borrowedBytes -= data.length;
    if (node.holds(data) && this.#isInTree(node)) this.#store(node, data);
  }

  #store(node: DataNode, data: Uint8Array): void {
    const { length } = data;
    if (length > LARGEST_PIECE_BYTES) {
      node.hold(data.slice());
      return;
    }
    if (this.#slab.usedBytes + length > SLAB_BYTES) this.#slab = newSlab();
    const slab = this.#slab;
    slab.bytes.set(data, slab.usedBytes);
    node.holdInSlab(slab, slab.usedBytes, length);
    slab.usedBytes += length;
    slab.liveBytes += length;
    slab.nodes.push(node);
  }

  /** Most of a slab is dead: what lives moves, so that it can be collected. */
  #evacuate(slab: DataSlab): void {
    for (const node of slab.nodes.splice(0)) {
      const { data } = node;
      if (node.slab === slab && data !== null) this.#store(node, data);
    }
  }
}

const newSlab = (): DataSlab => ({
  bytes: new Uint8Array(SLAB_BYTES),
  usedBytes: 0,
  liveBytes: 0,
  nodes: [],
});
