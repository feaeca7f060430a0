import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataTree } from '../../../src/tree/dataTree.ts';
import type { DigestMismatch } from '../../../src/tree/digestLog.ts';
import {
  type ACL,
  OPEN_ACL_UNSAFE,
  writeACLs,
  writeStatPersisted,
} from '../../../src/wire/dataRecords.ts';
import { JuteWriter } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import type { Txn } from '../../../src/wire/txns.ts';
import { type Operation, operation, sessions, toTxn } from './operations.ts';
import { createTxn, newNode, Replica, SESSION, visible, deserializeTree } from './treeFixture.ts';

const options = { extendedTypesEnabled: true };

/** The lists of a tree by number, as far as its nodes use them. */
function listsInUse(tree: DataTree, path = ''): Map<number, readonly ACL[]> {
  const lists = new Map<number, readonly ACL[]>();
  const node = tree.getNode(path);
  if (node === null) return lists;
  if (node.acl !== -1) lists.set(node.acl, tree.aclOf(node));
  for (const name of node.children)
    for (const [id, acl] of listsInUse(tree, `${path}/${name}`)) lists.set(id, acl);
  return lists;
}

/** Writes a snapshot the way ZooKeeper does: node by node from the living tree. `pause` is called after each node. */
function fuzzySnapshot(tree: DataTree, pause: () => void): Uint8Array {
  const writer = new JuteWriter();
  const lists = listsInUse(tree);
  writer.int(lists.size);
  for (const [id, acl] of lists) {
    writer.long(BigInt(id));
    writeACLs(writer, acl);
  }
  pause();
  writeFuzzily(writer, tree, '', pause);
  writer.string('/');
  return writer.toBytes();
}

function writeFuzzily(writer: JuteWriter, tree: DataTree, path: string, pause: () => void): void {
  const node = tree.getNode(path);
  if (node === null) return;
  writer.string(path);
  writer.buffer(node.data);
  writer.long(BigInt(node.acl));
  writeStatPersisted(writer, node);
  const children = [...node.children];
  pause();
  for (const name of children) writeFuzzily(writer, tree, `${path}/${name}`, pause);
}

/** Performs the operations, some of them while the snapshot is written, and replays what came since it began. */
function crashAndRecover(
  before: readonly Operation[],
  during: readonly Operation[],
  after: readonly Operation[],
): { live: Replica; recovered: DataTree; mismatches: DigestMismatch[] } {
  const live = new Replica(options);
  perform(live, before);
  const startZxid = live.tree.lastProcessedZxid;
  const waiting = [...during];
  const body = fuzzySnapshot(live.tree, () => perform(live, waiting.splice(0, 1)));
  const digest = live.tree.zxidDigest();
  perform(live, waiting);
  perform(live, after);
  const mismatches: DigestMismatch[] = [];
  const { tree } = deserializeTree(body, 0, {
    ...options,
    digestMismatched: (mismatch) => mismatches.push(mismatch),
  });
  tree.lastProcessedZxid = startZxid;
  if (digest !== null) tree.expectDigest(digest, startZxid);
  for (const { header, txn, digest: expected } of live.log)
    if (header.zxid > startZxid) tree.processTxn(header, txn, expected);
  return { live, recovered: tree, mismatches };
}

/** Some operations alone, some several in one multi. */
function perform(replica: Replica, operations: readonly Operation[]): void {
  for (const op of operations) {
    const txn = toTxn(replica, op);
    if (txn === null) continue;
    const isSub = txn.type !== OpCode.setACL && txn.type !== OpCode.closeSession;
    if (isSub && op.text.length % 3 === 0) replica.multi(...inMulti(replica, txn));
    else replica.apply(txn, op.session);
  }
}

/** The transaction with one that touches another node before it. */
function inMulti(replica: Replica, txn: Txn): Txn[] {
  const version = (replica.tree.getNode('/')?.version ?? 0) + 1;
  return [{ type: OpCode.setData, path: '/', data: null, version }, txn];
}

const some = fc.array(operation, { maxLength: 25 });
/** A closing transaction without paths cannot be replayed over a fuzzy snapshot: that is why 3.6 gave it paths. */
const replayable = fc.array(
  operation.filter((op) => op.kind !== 'closeSessionWithoutPaths'),
  { maxLength: 25 },
);

describe('a replay over a fuzzy snapshot', () => {
  it('ends in the tree that was lost, and no digest after the snapshot says otherwise', () => {
    fc.assert(
      fc.property(some, replayable, replayable, (before, during, after) => {
        const { live, recovered, mismatches } = crashAndRecover(before, during, after);
        expect(visible(recovered)).toEqual(visible(live.tree));
        expect(recovered.treeDigest()).toBe(live.tree.treeDigest());
        expect(mismatches).toEqual([]);
        for (const session of [...sessions, SESSION])
          expect([...recovered.ephemerals(session)].sort()).toEqual(
            [...live.tree.ephemerals(session)].sort(),
          );
        expect([...recovered.containers].sort()).toEqual([...live.tree.containers].sort());
        expect([...recovered.ttls].sort()).toEqual([...live.tree.ttls].sort());
        expect(recovered.aclCount).toBe(live.tree.aclCount);
        expect(recovered.nodeCount).toBe(live.tree.nodeCount);
        expect(recovered.approximateDataSize).toBe(live.tree.approximateDataSize);
      }),
      { numRuns: 150 },
    );
  });

  it('of the whole log a second time changes nothing that a client can see', () => {
    fc.assert(
      fc.property(some, (operations) => {
        const replica = new Replica(options);
        perform(replica, operations);
        const before = visible(replica.tree);
        for (const { header, txn } of replica.log) replica.tree.processTxn(header, txn);
        expect(visible(replica.tree)).toEqual(before);
      }),
      { numRuns: 150 },
    );
  });
});

const node = newNode('/p/n');

describe('a create whose node is there already', () => {
  it.each<[string, Txn]>([
    ['create', { ...createTxn('/p/n'), parentCVersion: 5 }],
    ['create2', { ...createTxn('/p/n'), type: OpCode.create2, parentCVersion: 5 }],
    ['createContainer', { ...node, type: OpCode.createContainer, parentCVersion: 5 }],
    ['createTTL', { ...node, type: OpCode.createTTL, parentCVersion: 5, ttl: 9n }],
  ])('of kind %s raises its parent’s cversion and pzxid', (_kind, txn) => {
    const replica = new Replica(options);
    replica.create('/p');
    replica.create('/p/n');
    expect(replica.apply(txn).err).toBe(-110);
    expect(replica.tree.getNode('/p')).toMatchObject({ cversion: 5, pzxid: replica.zxid });
  });

  it('never takes them back', () => {
    const replica = new Replica();
    replica.create('/p');
    for (const name of ['a', 'b', 'n']) replica.create(`/p/${name}`);
    const newest = replica.zxid;
    replica.apply({ ...createTxn('/p/n'), parentCVersion: 2 });
    replica.apply({ ...createTxn('/p/c'), parentCVersion: 1 });
    expect(replica.tree.getNode('/p')).toMatchObject({ cversion: 3, pzxid: newest });
  });

  it('brings a list that the snapshot has not', () => {
    const replica = new Replica();
    const writer = new JuteWriter();
    const stat = replica.tree.getNode('/');
    if (stat === null) throw new Error('no root');
    writer.int(0);
    for (const [path, acl] of [
      ['', -1n],
      ['/n', 1n],
    ] as const) {
      writer.string(path);
      writer.buffer(null);
      writer.long(acl);
      writeStatPersisted(writer, stat);
    }
    writer.string('/');
    const { tree } = deserializeTree(writer.toBytes(), 0);
    expect(tree.getACL('/n').acl).toEqual([{ perms: 0, id: { scheme: 'world', id: 'anyone' } }]);
    const txn = createTxn('/n');
    const header = { clientId: SESSION, cxid: 1, zxid: replica.zxid, time: 1, type: txn.type };
    expect(tree.processTxn(header, txn).err).toBe(-110);
    expect(tree.getACL('/n').acl).toEqual(OPEN_ACL_UNSAFE);
  });
});

describe('a delete whose node is gone already', () => {
  it('moves its parent’s pzxid all the same, and only forwards', () => {
    const replica = new Replica();
    replica.create('/p');
    expect(replica.delete('/p/gone').err).toBe(-101);
    const moved = replica.zxid;
    expect(replica.tree.getNode('/p')?.pzxid).toBe(moved);
    const old = replica.log[0]?.header;
    if (old === undefined) throw new Error('nothing logged');
    replica.tree.processTxn({ ...old, type: OpCode.delete }, { type: OpCode.delete, path: '/p/x' });
    expect(replica.tree.getNode('/p')?.pzxid).toBe(moved);
    expect(replica.tree.lastProcessedZxid).toBe(moved);
  });
});

describe('a node whose parent a replay deletes from under it', () => {
  it('leaves nothing behind when it is created again', () => {
    const replica = new Replica();
    const lists = replica.tree.aclCount;
    replica.create('/p');
    const size = replica.tree.approximateDataSize;
    replica.createEphemeral('/p/n');
    // A leader proposes this only for a parent without children: here it is an old transaction that comes again.
    replica.delete('/p');
    replica.create('/p');
    replica.create('/p/n', '', [{ perms: 1, id: { scheme: 'ip', id: '10.0.0.1' } }]);
    expect(replica.tree.ephemerals(SESSION).size).toBe(0);
    replica.apply({ type: OpCode.closeSession, paths2Delete: null });
    expect(replica.tree.getNode('/p/n')).not.toBeNull();
    replica.delete('/p/n');
    expect(replica.tree.approximateDataSize).toBe(size);
    expect(replica.tree.aclCount).toBe(lists + 1);
  });
});
