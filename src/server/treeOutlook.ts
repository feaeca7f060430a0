/**
 * The tree as it will be when everything prepared so far has been applied: what requests are checked against and what
 * transaction digests are computed from. Recording a change here is preparing's only effect.
 */

import { nodeDigest } from '../tree/treeDigest.ts';
import type { ACL, StatPersisted } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import type { Zxid } from '../wire/ids.ts';
import type { OutstandingChanges } from './outstandingChanges.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

/** A node that is there. Not to be changed, and to be used before anything is applied. */
export interface NodeOutlook {
  readonly stat: StatPersisted;
  readonly childCount: number;
  readonly acl: readonly ACL[];
  readonly data: Uint8Array | null;
  readonly nodeDigest: number;
}

/** What a change leaves as it was is left out. */
export interface NodeChange {
  readonly stat?: Partial<StatPersisted>;
  readonly childCount?: number;
  readonly acl?: readonly ACL[];
  readonly data?: Uint8Array | null;
}

const NO_ACL: readonly ACL[] = [];

export class TreeOutlook {
  readonly #server: ZooKeeperServer;
  readonly #changes: OutstandingChanges;
  readonly #digestEnabled: boolean;

  constructor(server: ZooKeeperServer) {
    this.#server = server;
    this.#changes = server.outstandingChanges;
    this.#digestEnabled = server.options.digestEnabled;
  }

  /** Throws `KeeperError` NoNode for a node that will not be there. */
  node(path: string): NodeOutlook {
    const node = this.find(path);
    if (node === null) throw new KeeperError(ErrorCode.NoNode, path);
    return node;
  }

  find(path: string): NodeOutlook | null {
    const change = this.#changes.get(path);
    if (change !== undefined) return change.stat === null ? null : change;
    const { tree } = this.#server.db;
    const node = tree.getNode(path);
    if (node === null) return null;
    return {
      stat: node,
      childCount: node.children.size,
      acl: tree.aclOf(node),
      data: node.data,
      nodeDigest: node.digest,
    };
  }

  add(zxid: Zxid, path: string, node: Omit<NodeOutlook, 'nodeDigest'>): void {
    const { stat, childCount, acl, data } = node;
    const digest = this.#digestOf(path, data, stat);
    const treeDigest = this.#digestAfter(digest);
    this.#changes.add({ zxid, path, stat, childCount, acl, data, nodeDigest: digest, treeDigest });
  }

  update(zxid: Zxid, path: string, before: NodeOutlook, change: NodeChange): void {
    const stat = changedStat(before.stat, change.stat ?? {});
    const data = change.data === undefined ? before.data : change.data;
    const digest = this.#digestOf(path, data, stat);
    this.#changes.add({
      zxid,
      path,
      stat,
      childCount: change.childCount ?? before.childCount,
      acl: change.acl ?? before.acl,
      data,
      nodeDigest: digest,
      treeDigest: this.#digestAfter(digest - before.nodeDigest),
    });
  }

  remove(zxid: Zxid, path: string, before: NodeOutlook): void {
    this.#changes.add({
      zxid,
      path,
      stat: null,
      childCount: 0,
      acl: NO_ACL,
      data: null,
      nodeDigest: 0,
      treeDigest: this.#digestAfter(-before.nodeDigest),
    });
  }

  /** The digest of the tree after everything recorded. */
  treeDigest(): bigint {
    return this.#changes.last()?.treeDigest ?? this.#server.db.tree.treeDigest();
  }

  #digestOf(path: string, data: Uint8Array | null, stat: StatPersisted): number {
    return this.#digestEnabled ? nodeDigest(path, data, stat) : 0;
  }

  /** The tree's digest once a node adds `difference` more to it than before. */
  #digestAfter(difference: number): bigint {
    if (!this.#digestEnabled) return 0n;
    return BigInt.asIntN(64, this.treeDigest() + BigInt(difference));
  }
}

/** A stat of its own: `stat` may be the live node. */
function changedStat(stat: StatPersisted, change: Partial<StatPersisted>): StatPersisted {
  return {
    czxid: stat.czxid,
    mzxid: change.mzxid ?? stat.mzxid,
    pzxid: change.pzxid ?? stat.pzxid,
    ctime: stat.ctime,
    mtime: change.mtime ?? stat.mtime,
    version: change.version ?? stat.version,
    cversion: change.cversion ?? stat.cversion,
    aversion: change.aversion ?? stat.aversion,
    ephemeralOwner: stat.ephemeralOwner,
  };
}
