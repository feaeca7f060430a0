import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataTree } from '../../../src/tree/dataTree.ts';
import { nodeDigest } from '../../../src/tree/treeDigest.ts';
import type { ACL } from '../../../src/wire/dataRecords.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import type { Txn, TxnHeader } from '../../../src/wire/txns.ts';
import { operation, sessions, toTxn } from './operations.ts';
import { Replica } from './treeFixture.ts';

interface ModelNode {
  data: string | null;
  acl: readonly ACL[] | null;
  readonly czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  version: number;
  aversion: number;
  /** Every change of the children. */
  childChanges: number;
  readonly owner: bigint;
}

/** The tree as plainly as it can be said: paths and what is known of each, nothing derived, nothing cached. */
class Model {
  readonly nodes = new Map<string, ModelNode>([['', this.#born(0n, '', null, 0n)]]);

  apply({ zxid, clientId }: TxnHeader, txn: Txn): number {
    switch (txn.type) {
      case OpCode.create:
      case OpCode.create2:
        return this.#create(zxid, txn, txn.ephemeral ? clientId : 0n);
      case OpCode.createContainer:
      case OpCode.createTTL:
        return this.#create(zxid, txn, 0n);
      case OpCode.delete:
        return this.#delete(zxid, txn.path);
      case OpCode.setData:
        return this.#change(txn.path, {
          data: textOf(txn.data),
          mzxid: zxid,
          version: txn.version,
        });
      case OpCode.setACL:
        return this.#change(txn.path, { acl: txn.acl, aversion: txn.version });
      case OpCode.closeSession:
        for (const [path, node] of [...this.nodes])
          if (node.owner === clientId) this.#delete(zxid, path);
        return ErrorCode.Ok;
      default:
        throw new Error(`the model knows no type ${txn.type}`);
    }
  }

  childrenOf(path: string): string[] {
    const below = [...this.nodes.keys()].filter(
      (other) => parentOf(other) === path && other !== '',
    );
    return below.map((other) => other.slice(path.length + 1)).sort();
  }

  #create(
    zxid: bigint,
    txn: Pick<ModelNode, 'acl'> & { path: string; data: Uint8Array | null },
    owner: bigint,
  ): number {
    const parent = this.nodes.get(parentOf(txn.path));
    if (parent === undefined) return ErrorCode.NoNode;
    if (this.nodes.has(txn.path)) return ErrorCode.NodeExists;
    this.nodes.set(txn.path, this.#born(zxid, textOf(txn.data), txn.acl, owner));
    this.#childChanged(parent, zxid);
    return ErrorCode.Ok;
  }

  #delete(zxid: bigint, path: string): number {
    const parent = this.nodes.get(parentOf(path));
    if (parent === undefined || !this.nodes.delete(path)) return ErrorCode.NoNode;
    this.#childChanged(parent, zxid);
    return ErrorCode.Ok;
  }

  #change(path: string, change: Partial<ModelNode>): number {
    const node = this.nodes.get(path);
    if (node === undefined) return ErrorCode.NoNode;
    Object.assign(node, change);
    return ErrorCode.Ok;
  }

  #childChanged(parent: ModelNode, zxid: bigint): void {
    parent.childChanges++;
    parent.pzxid = zxid;
  }

  #born(zxid: bigint, data: string | null, acl: readonly ACL[] | null, owner: bigint): ModelNode {
    const zxids = { czxid: zxid, mzxid: zxid, pzxid: zxid };
    return { ...zxids, data, acl, owner, version: 0, aversion: 0, childChanges: 0 };
  }
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const textOf = (data: Uint8Array | null): string | null =>
  data === null ? null : String.fromCharCode(...data);

function expectSame(tree: DataTree, model: Model): void {
  for (const [path, node] of model.nodes) {
    const { data, stat } = tree.getData(path, null);
    const children = tree.getChildren(path, null).children.filter((name) => name !== 'zookeeper');
    expect(children.sort()).toEqual(model.childrenOf(path));
    expect(textOf(data)).toBe(node.data);
    if (path === '') continue;
    expect(tree.getACL(path).acl).toEqual(node.acl);
    expect(stat).toMatchObject({
      czxid: node.czxid,
      mzxid: node.mzxid,
      pzxid: node.pzxid,
      version: node.version,
      aversion: node.aversion,
      cversion: node.childChanges,
      ephemeralOwner: node.owner,
      numChildren: children.length,
      dataLength: node.data === null ? 0 : node.data.length,
    });
  }
  const ownPaths = 5;
  expect(tree.nodeCount).toBe(model.nodes.size - 1 + ownPaths);
  for (const session of sessions) {
    const owned = [...model.nodes].filter(([, node]) => node.owner === session);
    expect([...tree.ephemerals(session)].sort()).toEqual(owned.map(([path]) => path).sort());
  }
}

/** The digest counted from the nodes there are, instead of kept up to date. */
function countedDigest(tree: DataTree, path = ''): bigint {
  const node = tree.getNode(path);
  if (node === null) throw new Error(`${path} is not there`);
  const below = [...node.children].map((name) => countedDigest(tree, `${path}/${name}`));
  return below.reduce((sum, one) => sum + one, BigInt(nodeDigest(path, node.data, node)));
}

describe('a tree', () => {
  it('is what a plain model says it is, after any transactions, and its digest is that of its nodes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(operation, fc.boolean()), { maxLength: 60 }), (operations) => {
        const replica = new Replica({ extendedTypesEnabled: true });
        const model = new Model();
        for (const [op, alsoRefused] of operations) {
          const leaf = replica.tree.getNode(op.path)?.children.size === 0;
          const refused: Txn | null =
            alsoRefused && (op.kind !== 'delete' || leaf)
              ? { type: OpCode.error, err: -101 }
              : null;
          const txn = toTxn(replica, op) ?? refused;
          if (txn === null) continue;
          const result = replica.apply(txn, op.session);
          const header = replica.log.at(-1)?.header;
          if (header === undefined) throw new Error('nothing logged');
          expect(result.err).toBe(txn.type === OpCode.error ? txn.err : model.apply(header, txn));
        }
        expectSame(replica.tree, model);
        expect(replica.tree.treeDigest()).toBe(countedDigest(replica.tree));
      }),
      { numRuns: 150 },
    );
  });
});
