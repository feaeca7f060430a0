import { describe, expect, it } from 'vitest';
import { CONTAINER_EPHEMERAL_OWNER, ttlOfEphemeralOwner } from '../../../src/tree/ephemeralType.ts';
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import { sessionId } from '../../../src/wire/ids.ts';
import { JuteError } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { encodeSubTxn, type Txn } from '../../../src/wire/txns.ts';
import { bytes, createTxn, newNode, Replica, SESSION, visible } from './treeFixture.ts';

const noNode = (path: string): unknown => expect.objectContaining({ code: ErrorCode.NoNode, path });

describe('a new tree', () => {
  it('has the nodes that ZooKeeper 3.8 starts with', () => {
    const { tree } = new Replica();
    expect(tree.getChildren('/', null).children).toEqual(['zookeeper']);
    expect(tree.getChildren('/zookeeper', null).children.sort()).toEqual(['config', 'quota']);
    expect(tree.getACL('/zookeeper/config')).toMatchObject({
      acl: READ_ACL_UNSAFE,
      stat: { aversion: -1, version: 0, czxid: 0n },
    });
    expect(tree.getACL('/').acl).toEqual(OPEN_ACL_UNSAFE);
  });

  it('counts as ZooKeeper counts: the root twice, 44 bytes', () => {
    const { tree } = new Replica();
    expect([tree.nodeCount, tree.approximateDataSize]).toEqual([5, 44]);
    expect([tree.ephemeralsCount, tree.watchCount, tree.getAllChildrenNumber('/')]).toEqual([
      0, 0, 3,
    ]);
  });
});

describe('stat', () => {
  it('of a created node tells its birth', () => {
    const replica = new Replica();
    replica.create('/a', 'hello');
    const { stat, data } = replica.tree.getData('/a', null);
    expect(data).toEqual(bytes('hello'));
    expect(stat).toEqual({
      czxid: replica.zxid,
      mzxid: replica.zxid,
      pzxid: replica.zxid,
      ctime: 1_700_000_000_001,
      mtime: 1_700_000_000_001,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0n,
      dataLength: 5,
      numChildren: 0,
    });
  });

  it('counts every change of the children in cversion, and in pzxid the last one', () => {
    const replica = new Replica();
    replica.create('/a');
    replica.create('/a/b');
    replica.create('/a/c');
    replica.delete('/a/b');
    const lastChange = replica.zxid;
    replica.setData('/a/c', 'x');
    const stat = replica.tree.statNode('/a', null);
    expect(stat).toMatchObject({ cversion: 3, pzxid: lastChange, numChildren: 1, version: 0 });
    expect(replica.tree.getNode('/a')?.cversion).toBe(2);
  });

  it('moves version, mzxid and mtime with the data, aversion with the list', () => {
    const replica = new Replica();
    replica.create('/a');
    const born = replica.zxid;
    const result = replica.setData('/a', 'xyz');
    expect(result.stat).toMatchObject({ version: 1, mzxid: replica.zxid, dataLength: 3 });
    const changed = replica.zxid;
    const acl = replica.apply({
      type: OpCode.setACL,
      path: '/a',
      acl: READ_ACL_UNSAFE,
      version: 1,
    });
    expect(acl.stat).toMatchObject({ aversion: 1, mzxid: changed, czxid: born });
  });

  it('shows the owner of an ephemeral node, but not that a node is a container or has a TTL', () => {
    const replica = new Replica({ extendedTypesEnabled: true });
    const node = newNode('/c');
    replica.createEphemeral('/e');
    replica.apply({ ...node, type: OpCode.createContainer });
    replica.apply({ ...node, path: '/t', type: OpCode.createTTL, ttl: 5000n });
    expect(replica.tree.statNode('/e', null).ephemeralOwner).toBe(SESSION);
    expect(replica.tree.statNode('/c', null).ephemeralOwner).toBe(0n);
    expect(replica.tree.statNode('/t', null).ephemeralOwner).toBe(0n);
    expect(replica.tree.getNode('/c')?.ephemeralOwner).toBe(CONTAINER_EPHEMERAL_OWNER);
    const owner = replica.tree.getNode('/t')?.ephemeralOwner ?? 0n;
    expect(BigInt.asUintN(64, owner)).toBe(0xff00_0000_0000_1388n);
    expect(ttlOfEphemeralOwner(owner)).toBe(5000n);
    expect([[...replica.tree.containers], [...replica.tree.ttls]]).toEqual([['/c'], ['/t']]);
    replica.delete('/c');
    replica.delete('/t');
    expect([replica.tree.containers.size, replica.tree.ttls.size]).toEqual([0, 0]);
  });

  it('of an owner with top byte 0xff is a session unless extended types are on', () => {
    const session = sessionId(BigInt.asIntN(64, 0xff00_0000_0000_1388n));
    const replica = new Replica();
    replica.createEphemeral('/e', session);
    expect(replica.tree.statNode('/e', null).ephemeralOwner).toBe(session);
    expect([...replica.tree.ephemerals(session)]).toEqual(['/e']);
  });
});

describe('what cannot be done', () => {
  it('is answered with ZooKeeper’s codes and changes nothing', () => {
    const replica = new Replica();
    replica.create('/a');
    const before = visible(replica.tree);
    const ttl: Txn = { ...createTxn('/t'), type: OpCode.createTTL, ttl: 0n };
    expect(replica.create('/x/y').err).toBe(ErrorCode.NoNode);
    expect(replica.create('/').err).toBe(ErrorCode.BadArguments);
    expect(replica.create('nonsense').err).toBe(ErrorCode.BadArguments);
    expect(replica.create('/a/').err).toBe(ErrorCode.BadArguments);
    expect(replica.delete('/x/y').err).toBe(ErrorCode.NoNode);
    expect(replica.delete('/').err).toBe(ErrorCode.BadArguments);
    expect(replica.setData('/x', '').err).toBe(ErrorCode.NoNode);
    expect(replica.apply(ttl).err).toBe(ErrorCode.BadArguments);
    expect(replica.apply({ type: OpCode.error, err: ErrorCode.BadVersion }).err).toBe(-103);
    expect(visible(replica.tree)).toEqual(before);
  });

  it('is thrown by reads, with the path', () => {
    const { tree } = new Replica();
    expect(() => tree.getData('/x', null)).toThrow(noNode('/x'));
    expect(() => tree.statNode('/x', null)).toThrow(noNode('/x'));
    expect(() => tree.getChildren('/x', null)).toThrow(noNode('/x'));
    expect(() => tree.getACL('/x')).toThrow(noNode('/x'));
    expect(tree.getAllChildrenNumber('/x')).toBe(0);
  });

  it('moves lastProcessedZxid all the same', () => {
    const replica = new Replica();
    replica.apply({ type: OpCode.error, err: -101 });
    expect(replica.tree.lastProcessedZxid).toBe(replica.zxid);
  });
});

describe('a closed session', () => {
  const other = sessionId(77n);

  function withEphemerals(): Replica {
    const replica = new Replica();
    for (const path of ['/a', '/b', '/c']) replica.createEphemeral(path);
    replica.createEphemeral('/other', other);
    return replica;
  }

  it('takes its ephemeral nodes with it, those its transaction names and any other', () => {
    const replica = withEphemerals();
    replica.apply({ type: OpCode.closeSession, paths2Delete: ['/a', '/b', '/gone'] });
    expect(replica.tree.getChildren('/', null).children.sort()).toEqual(['other', 'zookeeper']);
    expect(replica.tree.ephemerals(SESSION).size).toBe(0);
    expect(replica.tree.sessionsWithEphemerals.has(SESSION)).toBe(false);
    expect(replica.tree.statNode('/', null)).toMatchObject({ cversion: 6, pzxid: replica.zxid });
  });

  it('does so without a body too, as before 3.6', () => {
    const replica = withEphemerals();
    replica.apply({ type: OpCode.closeSession, paths2Delete: null });
    expect([...replica.tree.ephemerals(other)]).toEqual(['/other']);
    expect(replica.tree.ephemeralsCount).toBe(1);
    expect(replica.tree.getNode('/a')).toBeNull();
  });

  it('keeps nothing of a node that somebody else made under the same path', () => {
    const replica = withEphemerals();
    replica.delete('/a');
    replica.create('/a');
    replica.apply({ type: OpCode.closeSession, paths2Delete: ['/b', '/c'] });
    expect(replica.tree.getNode('/a')).not.toBeNull();
  });
});

describe('a multi', () => {
  it('does all its parts under one zxid and answers each', () => {
    const replica = new Replica();
    replica.create('/a');
    const result = replica.multi(
      replica.prepared(createTxn('/a/b', 'x')),
      { type: OpCode.setData, path: '/a', data: bytes('new'), version: 1 },
      { type: OpCode.check, path: '/a', version: 2 },
      { type: OpCode.delete, path: '/a/b' },
    );
    expect(result).toMatchObject({ err: 0, type: OpCode.multi });
    expect(result.multiResult?.map(({ type, err, path }) => [type, err, path])).toEqual([
      [OpCode.create, 0, '/a/b'],
      [OpCode.setData, 0, '/a'],
      [OpCode.check, 0, '/a'],
      [OpCode.delete, 0, '/a/b'],
    ]);
    expect(result.multiResult?.[1]?.stat).toMatchObject({ version: 1, mzxid: replica.zxid });
    expect(replica.tree.statNode('/a', null)).toMatchObject({ pzxid: replica.zxid, cversion: 2 });
  });

  it('that failed does nothing: no error before the failed part, RuntimeInconsistency after it', () => {
    const replica = new Replica();
    const before = visible(replica.tree);
    const result = replica.multi(
      createTxn('/a'),
      { type: OpCode.error, err: ErrorCode.BadVersion },
      createTxn('/b'),
    );
    expect(result.multiResult?.map(({ type, err }) => [type, err])).toEqual([
      [OpCode.error, 0],
      [OpCode.error, ErrorCode.BadVersion],
      [OpCode.error, ErrorCode.RuntimeInconsistency],
    ]);
    expect(result.err).toBe(ErrorCode.BadVersion);
    expect(visible(replica.tree)).toEqual(before);
  });

  it.each<[string, Txn]>([
    ['closes a session', { type: OpCode.closeSession, paths2Delete: null }],
    ['sets a list', { type: OpCode.setACL, path: '/', acl: null, version: 1 }],
  ])('that %s was proposed by no server, and is refused whole', (_what, txn) => {
    const replica = new Replica();
    const before = replica.tree.treeDigest();
    expect(() => replica.multi(createTxn('/a'), txn)).toThrow(JuteError);
    expect(replica.tree.treeDigest()).toBe(before);
  });

  it('with a part that cannot be read is refused whole', () => {
    const replica = new Replica();
    const torn = { type: OpCode.delete, data: bytes('xx') };
    const txn: Txn = { type: OpCode.multi, txns: [encodeSubTxn(createTxn('/a')), torn] };
    expect(() => replica.apply(txn)).toThrow(JuteError);
    expect(replica.tree.getNode('/a')).toBeNull();
  });
});

describe('the tree', () => {
  it('holds no packet or log file for long: soon it has a copy of the data in it', () => {
    const replica = new Replica();
    const packet = new Uint8Array(64 * 1024).fill(7);
    const view = packet.subarray(100, 200);
    replica.create('/cold', 'x');
    replica.create('/hot', 'x');
    replica.apply({ type: OpCode.setData, path: '/cold', data: view, version: 1 });
    const held = (): ArrayBufferLike | undefined => replica.tree.getNode('/cold')?.data?.buffer;
    for (let writes = 0; held() === packet.buffer; writes++) {
      expect(writes).toBeLessThan(1_000);
      replica.setData('/hot', String(writes));
    }
    expect(replica.tree.getData('/cold', null).data).toEqual(view);
  });

  it('knows its size', () => {
    const replica = new Replica();
    const before = replica.tree.approximateDataSize;
    replica.create('/abc', '12345');
    expect(replica.tree.approximateDataSize - before).toBe(9);
    replica.setData('/abc', '1');
    expect(replica.tree.approximateDataSize - before).toBe(5);
    replica.delete('/abc');
    expect(replica.tree.approximateDataSize).toBe(before);
  });

  it('counts what is below a node', () => {
    const replica = new Replica();
    for (const path of ['/a', '/a/b', '/a/b/c', '/ab']) replica.create(path);
    expect(replica.tree.getAllChildrenNumber('/a')).toBe(2);
    expect(replica.tree.getAllChildrenNumber('/')).toBe(7);
  });

  it('answers create2 with a stat and create without', () => {
    const replica = new Replica();
    expect(replica.create('/a').stat).toBeNull();
    const result = replica.apply({ ...createTxn('/b'), type: OpCode.create2 });
    expect(result.stat).toEqual(replica.tree.statNode('/b', null));
  });

  it('takes a reconfiguration as the new text of the config node', () => {
    const replica = new Replica();
    const path = '/zookeeper/config';
    replica.apply({ type: OpCode.reconfig, path, data: bytes('version=1'), version: 1 });
    expect(replica.tree.getData(path, null)).toMatchObject({
      data: bytes('version=1'),
      stat: { version: 1, mzxid: replica.zxid },
    });
  });

  it('lets a cversion overflow like an int', () => {
    const replica = new Replica();
    replica.create('/a');
    replica.tree.setCversionPzxid('/a', 2147483647, replica.zxid);
    expect(replica.tree.statNode('/a', null).cversion).toBe(-2);
    replica.create('/a/b');
    expect(replica.tree.getNode('/a')?.cversion).toBe(2147483647);
  });
});
