/**
 * The tree as it was at one moment, written out in slices in ZooKeeper's snapshot format while the tree goes on
 * changing. Before a node changes for the first time its old self is kept here; all others are read from the tree.
 */

import { assert } from '../base/assert.ts';
import {
  type ACL,
  type StatPersisted,
  writeACLs,
  writeStatPersisted,
} from '../wire/dataRecords.ts';
import type { Zxid } from '../wire/ids.ts';
import type { JuteWriter } from '../wire/jute.ts';
import type { DataNode } from './dataNode.ts';
import type { ZxidDigest } from './digestLog.ts';
import type { FrozenView, NodeHashMap } from './nodeHashMap.ts';
import { ROOT } from './paths.ts';

/** ZooKeeper ends the nodes with this path, which no node has. */
export const END_OF_NODES = ROOT;
const ROOT_NODE_PATH = '';

/** A node as it was. */
interface FrozenNode {
  readonly data: Uint8Array | null;
  readonly acl: number;
  readonly stat: StatPersisted;
  readonly children: readonly string[];
}

/** A node whose children are being written. */
interface Level {
  readonly path: string;
  readonly children: readonly string[];
  nextIndex: number;
}

export class TreeSnapshot implements FrozenView {
  readonly stamp: number;
  /** The newest transaction in it: what the snapshot file is named after. */
  readonly zxid: Zxid;
  /** The digest of what is written, for the end of the file; null: none is kept. */
  readonly digest: ZxidDigest | null;
  readonly #nodes: NodeHashMap;
  readonly #acls: readonly (readonly [number, readonly ACL[]])[];
  readonly #preserved = new Map<string, FrozenNode>();
  readonly #levels: Level[] = [];
  #nextAcl = 0;
  #state: 'aclCount' | 'acls' | 'root' | 'nodes' | 'written' | 'ended' = 'aclCount';

  /** Made by `DataTree.beginSnapshot`. */
  constructor(
    nodes: NodeHashMap,
    acls: readonly (readonly [number, readonly ACL[]])[],
    zxid: Zxid,
    digest: ZxidDigest | null,
  ) {
    this.#nodes = nodes;
    this.#acls = acls;
    this.zxid = zxid;
    this.digest = digest;
    this.stamp = nodes.nextStamp();
    nodes.openView(this);
  }

  /** Nodes kept because the tree has moved on. */
  get preservedCount(): number {
    return this.#preserved.size;
  }

  /**
   * Adds the next part of the body (lists, nodes with the root first and every parent before its children, the end
   * mark) to `writer` until it holds `maxBytes` or more. Returns true as long as there is more to write.
   */
  next(maxBytes: number, writer: JuteWriter): boolean {
    assert(this.#state !== 'ended', 'the snapshot has ended');
    while (this.#state !== 'written' && writer.length < maxBytes) this.#writeOne(writer);
    return this.#state !== 'written';
  }

  /** Lets go of the tree. To be called in any case, also half-way. */
  end(): void {
    this.#state = 'ended';
    this.#preserved.clear();
    this.#nodes.closeView(this);
  }

  /** For the tree: `node` is about to change. */
  preserve(node: DataNode): void {
    this.#preserved.set(node.path, freeze(node));
  }

  #writeOne(writer: JuteWriter): void {
    if (this.#state === 'aclCount') this.#writeAclCount(writer);
    else if (this.#state === 'acls') this.#writeNextAcl(writer);
    else if (this.#state === 'root') this.#writeNode(ROOT_NODE_PATH, writer);
    else this.#writeNextNode(writer);
  }

  #writeAclCount(writer: JuteWriter): void {
    writer.int(this.#acls.length);
    this.#state = 'acls';
  }

  #writeNextAcl(writer: JuteWriter): void {
    const entry = this.#acls[this.#nextAcl];
    if (entry === undefined) {
      this.#state = 'root';
      return;
    }
    this.#nextAcl++;
    writer.long(BigInt(entry[0]));
    writeACLs(writer, entry[1]);
  }

  #writeNextNode(writer: JuteWriter): void {
    const level = this.#levels.at(-1);
    if (level === undefined) {
      writer.string(END_OF_NODES);
      this.#state = 'written';
      return;
    }
    const child = level.children[level.nextIndex];
    level.nextIndex++;
    if (child === undefined) this.#levels.pop();
    else this.#writeNode(`${level.path}/${child}`, writer);
  }

  #writeNode(path: string, writer: JuteWriter): void {
    const frozen = this.#preserved.get(path);
    if (frozen !== undefined) {
      this.#preserved.delete(path);
      this.#write(path, frozen, frozen.stat, frozen.children, writer);
      return;
    }
    const node = this.#nodes.get(path);
    assert(node !== undefined, `${path} went without being preserved`);
    this.#nodes.passed(this, node);
    this.#write(path, node, node, [...node.children], writer);
  }

  #write(
    path: string,
    node: Pick<FrozenNode, 'data' | 'acl'>,
    stat: StatPersisted,
    children: readonly string[],
    writer: JuteWriter,
  ): void {
    writer.string(path);
    writer.buffer(node.data);
    writer.long(BigInt(node.acl));
    writeStatPersisted(writer, stat);
    if (children.length > 0) this.#levels.push({ path, children, nextIndex: 0 });
    this.#state = 'nodes';
  }
}

function freeze(node: DataNode): FrozenNode {
  const { czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner } = node;
  const stat = { czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, ephemeralOwner };
  return { data: node.data, acl: node.acl, stat, children: [...node.children] };
}
