import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataTree } from '../../../src/tree/dataTree.ts';
import { TreeLoader } from '../../../src/tree/treeLoader.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { JuteError, JuteWriter } from '../../../src/wire/jute.ts';
import { operation, sessions, toTxn, type Operation } from './operations.ts';
import { bytes, Replica, snapshotBody, visible, deserializeTree } from './treeFixture.ts';

const options = { extendedTypesEnabled: true };

function perform(replica: Replica, operations: readonly Operation[]): void {
  for (const op of operations) {
    const txn = toTxn(replica, op);
    if (txn !== null) replica.apply(txn, op.session);
  }
}

function loadBody(body: Uint8Array): DataTree {
  const { tree, offset } = deserializeTree(body, 0, options);
  expect(offset).toBe(body.length);
  return tree;
}

const someOperations = fc.array(operation, { maxLength: 30 });

describe('a snapshot', () => {
  it('is the tree as it was when it began, whatever happens while it is written', () => {
    const rounds = fc.array(fc.array(operation, { maxLength: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(
        someOperations,
        rounds,
        fc.integer({ min: 1, max: 300 }),
        (before, during, slice) => {
          const replica = new Replica(options);
          perform(replica, before);
          const expected = visible(replica.tree);
          const digest = replica.tree.treeDigest();
          const waiting = [...during];
          const body = snapshotBody(replica.tree, slice, () =>
            perform(replica, waiting.shift() ?? []),
          );
          const loaded = loadBody(body);
          expect(visible(loaded)).toEqual(expected);
          expect(loaded.treeDigest()).toBe(digest);
          for (const session of sessions)
            expect(loaded.ephemerals(session).size).toBe(
              [...visible(loaded)].filter((node) => ownerOf(node) === session).length,
            );
        },
      ),
      { numRuns: 150 },
    );
  });

  it('and another begun later each show their own moment', () => {
    fc.assert(
      fc.property(someOperations, someOperations, someOperations, (first, second, third) => {
        const replica = new Replica(options);
        perform(replica, first);
        const states = [visible(replica.tree)];
        const older = replica.tree.beginSnapshot();
        perform(replica, second);
        states.push(visible(replica.tree));
        const younger = replica.tree.beginSnapshot();
        const writers = [new JuteWriter(), new JuteWriter()] as const;
        const waiting = [...third];
        for (let more = true, limit = 40; more; limit += 40) {
          perform(replica, waiting.splice(0, 1));
          const youngerMore = younger.next(limit, writers[1]);
          perform(replica, waiting.splice(0, 1));
          const olderMore = older.next(limit, writers[0]);
          more = youngerMore || olderMore;
        }
        older.end();
        younger.end();
        expect(writers.map((writer) => visible(loadBody(writer.toBytes())))).toEqual(states);
      }),
      { numRuns: 100 },
    );
  });

  it('says of which zxid it is and with which digest', () => {
    const replica = new Replica();
    replica.create('/a');
    const snapshot = replica.tree.beginSnapshot();
    const digest = replica.tree.treeDigest();
    replica.create('/b');
    expect(snapshot.zxid).toBe(replica.log[0]?.header.zxid);
    expect(snapshot.digest).toEqual({ zxid: snapshot.zxid, version: 2, treeDigest: digest });
    snapshot.end();
  });

  it('keeps a node at most once, and nothing when it has ended', () => {
    const replica = new Replica();
    replica.create('/a');
    const snapshot = replica.tree.beginSnapshot();
    for (let i = 0; i < 10; i++) replica.setData('/a', `${i}`);
    expect(snapshot.preservedCount).toBe(1);
    snapshot.end();
    expect(snapshot.preservedCount).toBe(0);
    replica.setData('/a', 'z');
    expect(snapshot.preservedCount).toBe(0);
    expect(() => snapshot.next(1, new JuteWriter())).toThrow('has ended');
  });

  it('keeps nothing of what it has written already', () => {
    const replica = new Replica();
    replica.create('/a');
    const snapshot = replica.tree.beginSnapshot();
    while (snapshot.next(1 << 20, new JuteWriter()));
    replica.setData('/a', 'x');
    expect(snapshot.preservedCount).toBe(0);
    snapshot.end();
  });

  it('shows a node that went and came again as it was at first', () => {
    const replica = new Replica();
    replica.create('/a', 'old');
    const expected = visible(replica.tree);
    const body = snapshotBody(replica.tree, 1, () => {
      replica.delete('/a');
      replica.create('/a', 'new');
      replica.setData('/a', 'newer');
    });
    expect(visible(loadBody(body))).toEqual(expected);
  });

  it('holds names and ids of every kind of character', () => {
    const replica = new Replica();
    const id = { scheme: 'digest', id: 'zo\u00eb\u{1f600}:x' };
    replica.create('/z\u00fcrich\u65e5\u672c', '\u{1f600}', [{ perms: 31, id }]);
    replica.create('/emoji\u{1f600}');
    const loaded = loadBody(snapshotBody(replica.tree, 7));
    expect(visible(loaded)).toEqual(visible(replica.tree));
    expect(loaded.getACL('/z\u00fcrich\u65e5\u672c').acl).toEqual([{ perms: 31, id }]);
    expect(loaded.treeDigest()).toBe(replica.tree.treeDigest());
  });

  it('goes on with new list numbers after a load, and drops lists that nobody uses', () => {
    const replica = new Replica();
    const acl = [{ perms: 3, id: { scheme: 'ip', id: '10.0.0.1' } }];
    replica.create('/a', '', OPEN_ACL_UNSAFE);
    const loaded = loadBody(snapshotBody(replica.tree));
    const txn = { type: 7, path: '/a', acl, version: 1 } as const;
    const header = {
      clientId:
        sessions[0] ??
        (() => {
          throw new Error();
        })(),
      cxid: 1,
      zxid: replica.zxid,
      time: 1,
      type: 7,
    };
    loaded.processTxn(header, txn);
    expect(loaded.getACL('/a').acl).toEqual(acl);
    expect(loaded.aclCount).toBe(2);
  });
});

const ownerOf = (node: unknown): bigint | null =>
  typeof node === 'object' && node !== null && 'stat' in node
    ? (node.stat as { ephemeralOwner: bigint }).ephemeralOwner
    : null;

describe('loading', () => {
  function sample(): { body: Uint8Array; tree: DataTree } {
    const replica = new Replica();
    for (const path of ['/a', '/a/b', '/c']) replica.create(path, 'data of it');
    return { body: snapshotBody(replica.tree), tree: replica.tree };
  }

  it('takes the bytes in pieces of any size', () => {
    const { body, tree } = sample();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), (size) => {
        const loader = new TreeLoader();
        let rest = new Uint8Array(0);
        for (let at = 0; at < body.length; at += size) {
          const piece = Uint8Array.from([...rest, ...body.subarray(at, at + size)]);
          rest = piece.slice(loader.load(piece));
        }
        expect(loader.loaded).toBe(true);
        expect(rest.length).toBe(0);
        expect(visible(loader.tree())).toEqual(visible(tree));
      }),
      { numRuns: 50 },
    );
  });

  it('stops after as many records as it is told, and before what is not its own', () => {
    const { body, tree } = sample();
    const content = Uint8Array.from([...body, 1, 2, 3]);
    const loader = new TreeLoader();
    let at = 0;
    let rounds = 0;
    for (; !loader.loaded; rounds++) at = loader.load(content, at, content.length, 2);
    expect(at).toBe(body.length);
    expect(rounds).toBeGreaterThan(4);
    expect(loader.load(content, at)).toBe(at);
    expect(visible(loader.tree())).toEqual(visible(tree));
  });

  it('of a body that ends early waits for the rest', () => {
    const { body } = sample();
    const loader = new TreeLoader();
    const at = loader.load(body.subarray(0, body.length - 1));
    expect(loader.loaded).toBe(false);
    expect(() => loader.tree()).toThrow('not loaded yet');
    expect(loader.load(body, at)).toBe(body.length);
    expect(loader.loaded).toBe(true);
  });

  const node = (writer: JuteWriter, path: string, data = bytes('')): void => {
    writer.string(path);
    writer.buffer(data);
    writer.long(-1n);
    for (let i = 0; i < 15; i++) writer.int(0);
  };

  it.each<[string, (writer: JuteWriter) => void]>([
    ['an impossible number of lists', (writer) => writer.int(-2)],
    ['a list that is null', (writer) => (writer.int(1), writer.long(1n), writer.int(-1))],
    [
      'a list number beyond all numbers',
      (writer) => (writer.int(1), writer.long(1n << 60n), writer.int(0)),
    ],
    ['no root', (writer) => (writer.int(0), writer.string('/'))],
    [
      'a node before its parent',
      (writer) => (writer.int(0), node(writer, ''), node(writer, '/a/b')),
    ],
    ['a node before the root', (writer) => (writer.int(0), node(writer, '/a'))],
    ['a node that is no path', (writer) => (writer.int(0), node(writer, ''), node(writer, 'a'))],
    ['a node twice', (writer) => (writer.int(0), node(writer, ''), node(writer, ''))],
    [
      'a path of two gigabytes',
      (writer) => (writer.int(0), node(writer, ''), writer.int(0x7fffffff)),
    ],
    [
      'data of two gigabytes',
      (writer) => (writer.int(0), writer.string(''), writer.int(0x7fffffff)),
    ],
    ['a negative length', (writer) => (writer.int(0), writer.int(-5))],
  ])('refuses %s', (_what, write) => {
    const writer = new JuteWriter();
    write(writer);
    const load = (): number => new TreeLoader().load(writer.toBytes());
    expect(load).toThrow(expect.objectContaining({ name: 'JuteError', kind: 'malformed' }));
  });

  it('of any bytes at all ends, or throws a JuteError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(600),
        fc.nat(255),
        (noise, at, value) => {
          const { body } = sample();
          body[at % body.length] = value;
          for (const input of [noise, body]) {
            try {
              new TreeLoader().load(input);
            } catch (error) {
              expect(error).toBeInstanceOf(JuteError);
            }
          }
        },
      ),
    );
  });
});
