/** What the history of a data directory says: each moment, what lies between two, and what happened to one node. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fileSetsOf, type FileSet, type NamedBytes } from '../../../src/inspector/dataFiles.ts';
import { InspectedTree } from '../../../src/inspector/inspectedTree.ts';
import { Inspection } from '../../../src/inspector/inspection.ts';
import { type MomentPage, TreeHistory } from '../../../src/inspector/treeHistory.ts';
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import { sessionId, type Zxid } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { encodeSubTxn, encodeTxn, type Txn } from '../../../src/wire/txns.ts';
import { filesOf, goldenDirectories } from '../storage/goldenDisk.ts';
import { StorageWorld, type TxnBytes, z } from '../storage/storageWorld.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Begun at server 2. */
const ANNA = (2n << 56n) | 7n;

const create = (path: string, data = '', ephemeral = false): Txn => ({
  type: OpCode.create,
  path,
  data: bytes(data),
  acl: OPEN_ACL_UNSAFE,
  ephemeral,
  parentCVersion: -1,
});
const setData = (path: string, data: string, version: number): Txn => ({
  type: OpCode.setData,
  path,
  data: bytes(data),
  version,
});
const remove = (path: string): Txn => ({ type: OpCode.delete, path });

function at(zxid: Zxid, txn: Txn, clientId = ANNA): TxnBytes {
  const header = { clientId: sessionId(clientId), cxid: 5, zxid, time: 1_000, type: txn.type };
  return { zxid, bytes: encodeTxn({ header, txn, digest: null }) };
}

/** One epoch's transactions, from its first on. */
const reign = (epoch: number, ...txns: Txn[]): TxnBytes[] =>
  txns.map((txn, index) => at(z(epoch, index + 1), txn));

function setOf(files: Iterable<readonly [string, Uint8Array]>): FileSet {
  const named: NamedBytes[] = [...files].map(([path, content]) => ({ path, bytes: content }));
  const [set] = fileSetsOf(named);
  if (set === undefined) throw new Error('no files');
  return set;
}

function written(...txns: TxnBytes[]): StorageWorld {
  const world = new StorageWorld();
  world.load();
  world.write(...txns);
  return world;
}

const historyOf = (world: StorageWorld): TreeHistory =>
  new TreeHistory(setOf(world.disk.durableFiles()));

const pageAt = (history: TreeHistory, moment: number, selected = '/'): MomentPage =>
  history.page({ moment, since: 0, known: [], unknown: ['/'], selected });

function namesAt(history: TreeHistory, moment: number): readonly string[] {
  const [, shown] = pageAt(history, moment).children[0] ?? [];
  if (shown?.kind !== 'all') throw new Error('all children were asked for');
  return shown.names.filter((name) => name !== 'zookeeper');
}

const text = (data: Uint8Array | null | undefined): string =>
  new TextDecoder().decode(data ?? new Uint8Array());

const colours = reign(
  1,
  create('/color', 'blue'),
  create('/worker', 'anna', true),
  setData('/color', 'green', 1),
  remove('/worker'),
);

describe('each moment', () => {
  const history = historyOf(written(...colours));

  test('shows the tree as it was, with what the transaction has just taken', () => {
    expect(namesAt(history, 0)).toEqual([]);
    expect(namesAt(history, 1)).toEqual(['color']);
    expect(namesAt(history, 3)).toEqual(['color', 'worker']);
    expect(namesAt(history, 4)).toEqual(['color', 'worker']);
    expect(pageAt(history, 4, '/worker')).toMatchObject({ nodeIsGone: true });
    expect(pageAt(history, 4).marks).toMatchObject([{ path: '/worker', kind: 'deleted' }]);
  });

  test('is the same whether one goes to it forwards or backwards', () => {
    expect(text(pageAt(history, 3, '/color').node?.data)).toBe('green');
    expect(text(pageAt(history, 2, '/color').node?.data)).toBe('blue');
    expect(pageAt(history, 2, '/color').node?.stat.version).toBe(0);
    expect(pageAt(history, 2, '/color').nodeCount - pageAt(history, 0).nodeCount).toBe(2);
  });

  test('is told in a sentence, with who asked for it', () => {
    const tales = history.tales(0, 10);
    expect(tales.map(({ sentence }) => sentence)).toEqual([
      'A session begun at server 2 created /color with “blue”.',
      'A session begun at server 2 created /worker with “anna”, ephemeral: it goes with the session.',
      'A session begun at server 2 changed /color from “blue” to “green” (version 0 → 1).',
      'A session begun at server 2 deleted /worker, which held “anna”.',
    ]);
    expect(tales[0]).toMatchObject({
      zxid: '0x100000001',
      session: '0x200000000000007',
      sid: 2,
      cxid: 5,
      type: 'create',
    });
  });

  test('is found by its zxid, and by one that lies between two', () => {
    expect(history.momentOf('0x100000002')).toBe(2);
    expect(history.momentOf('0x0')).toBe(0);
    expect(history.momentOf('0x1ffffffff')).toBe(4);
    expect(history.zxidAt(2)).toBe('0x100000002');
  });

  test('tells a page that has another moment only what is different', () => {
    const ask = { known: ['/', '/worker'], unknown: [], selected: '/' };
    const back = history.page({ moment: 1, since: 4, ...ask });
    expect(back.children).toEqual([
      ['/', { kind: 'changes', added: [], removed: ['worker'] }],
      ['/worker', null],
    ]);
    const there = history.page({ moment: 4, since: 1, ...ask });
    expect(there.children[0]).toEqual(['/', { kind: 'changes', added: ['worker'], removed: [] }]);
  });
});

/** Whatever it is: many are refused, and logged all the same. */
const anyTxn = (path: string, what: number, number: number): Txn => {
  switch (what) {
    case 0:
      return create(path, `made ${number}`);
    case 1:
      return create(path, '', true);
    case 2:
      return setData(path, `set ${number}`, number);
    case 3:
      return { type: OpCode.setACL, path, acl: READ_ACL_UNSAFE, version: number };
    case 4:
      return { type: OpCode.closeSession, paths2Delete: null };
    case 5: {
      const parts = [create(path, 'first'), setData(path, 'then', 1), setData('/a', 'too', number)];
      return { type: OpCode.multi, txns: parts.map(encodeSubTxn) };
    }
    case 6:
      return create('/zookeeper/quota/a');
    default:
      return remove(path);
  }
};

test('every node at every moment is as in the real tree after the same transactions', () => {
  const paths = ['/a', '/a/b', '/a/b/c', '/d', '/zookeeper/quota/a/zookeeper_stats'] as const;
  const anyPath = fc.constantFrom(...paths);
  const any = fc.array(fc.tuple(anyPath, fc.nat({ max: 8 })), { minLength: 1, maxLength: 40 });
  const property = fc.property(any, (steps) => {
    const set = setOf(
      written(
        ...reign(1, ...steps.map(([path, what], index) => anyTxn(path, what, index))),
      ).disk.durableFiles(),
    );
    const history = new TreeHistory(set);
    const replayed = new Inspection(set);
    for (let moment = steps.length; moment >= 0; moment--) {
      const zxid = history.zxidAt(moment);
      for (const path of ['/', ...paths]) {
        const { before, after } = history.difference(0, moment, path);
        expect(after).toEqual(replayed.nodeAt(zxid, path));
        expect(before).toEqual(replayed.nodeAt('0x0', path));
      }
    }
  });
  fc.assert(property, { numRuns: 15, seed: 1 });
});

test('a moment is found as quickly, and as rightly, among many versions of one node', () => {
  const sets = Array.from({ length: 300 }, (_, index) => setData('/a', `${index}`, index + 1));
  const history = historyOf(written(...reign(1, create('/a', 'made'), ...sets)));
  for (let moment = 2; moment <= 301; moment++) {
    expect(text(history.difference(1, moment, '/a').after?.data)).toBe(`${moment - 2}`);
  }
  expect(history.story('/a', 3)).toMatchObject({ lineCount: 301, lines: [{}, {}, {}] });
});

describe('what a transaction is said to be', () => {
  const said = (...txns: Txn[]): string =>
    historyOf(written(...reign(1, ...txns)))
      .tales(txns.length - 1, 1)
      .map(({ sentence }) => sentence)
      .join();

  test('a session opens and ends, and takes its ephemeral nodes with it', () => {
    expect(said({ type: OpCode.createSession, timeOut: 30_000 })).toBe(
      'A session was opened at server 2, and ends when nothing is heard of it for 30 seconds.',
    );
    const paths2Delete = ['/a'];
    expect(said(create('/a', '', true), { type: OpCode.closeSession, paths2Delete })).toBe(
      'A session begun at server 2 ended, closed or expired, and its ephemeral nodes went with it: /a.',
    );
  });

  test('a refused write changed nothing', () => {
    expect(said({ type: OpCode.error, err: ErrorCode.NoNode })).toContain('refused (NoNode');
  });

  test('a multi did all or nothing', () => {
    const parts = [create('/a', 'x'), create('/b', 'y')].map(encodeSubTxn);
    expect(said({ type: OpCode.multi, txns: parts })).toBe(
      'A session begun at server 2 did 2 things at once: created /a with “x”; created /b with “y”.',
    );
    const failed = [...parts, encodeSubTxn({ type: OpCode.error, err: ErrorCode.BadVersion })];
    expect(said({ type: OpCode.multi, txns: failed })).toContain(
      'one was refused, so none was done',
    );
  });

  test('a new access list is said as zkCli writes it', () => {
    const acl = { type: OpCode.setACL, path: '/a', acl: READ_ACL_UNSAFE, version: 1 } as const;
    expect(said(create('/a'), acl)).toContain('the access list world:anyone:r (aversion 1)');
  });

  test('what the leader does of itself is no session’s', () => {
    const txns = [
      at(z(1, 1), create('/c')),
      at(z(1, 2), { type: OpCode.deleteContainer, path: '/c' }, 0n),
    ];
    const [, tale] = historyOf(written(...txns)).tales(0, 2);
    expect(tale?.sentence).toContain('The leader removed /c');
    expect(tale?.sid).toBeNull();
  });
});

describe('between two moments', () => {
  const history = historyOf(
    written(
      ...reign(
        1,
        create('/kept', 'a'),
        create('/gone', 'b'),
        create('/again', 'c'),
        setData('/kept', 'A', 1),
        remove('/gone'),
        remove('/again'),
        create('/again', 'd'),
        create('/new', 'e'),
        create('/brief'),
        remove('/brief'),
      ),
    ),
  );

  test('every node that was made, deleted or changed is there once', () => {
    const counts = history.compare(3, 10, '');
    expect(counts).toEqual([
      { kind: 'created', count: 1 },
      { kind: 'deleted', count: 1 },
      { kind: 'replaced', count: 1 },
      { kind: 'changed', count: 1 },
    ]);
    expect(history.compared(0, 10).map(({ path, kind }) => [path, kind])).toEqual([
      ['/again', 'replaced'],
      ['/gone', 'deleted'],
      ['/kept', 'changed'],
      ['/new', 'created'],
    ]);
  });

  test('only those whose path has the wanted part are listed', () => {
    history.compare(3, 10, 'KEP');
    expect(history.compared(0, 10).map(({ path }) => path)).toEqual(['/kept']);
  });

  test('a node is shown as it was and as it is', () => {
    const { kind, before, after } = history.difference(3, 10, '/kept');
    expect([kind, text(before?.data), text(after?.data)]).toEqual(['changed', 'a', 'A']);
    expect(history.difference(3, 10, '/new').before).toBeNull();
  });
});

describe('the story of one node', () => {
  test('has every transaction that touched it, the newest first, and counts its children’s apart', () => {
    const history = historyOf(
      written(
        ...reign(
          1,
          create('/a', 'x'),
          create('/a/b'),
          setData('/a', 'y', 1),
          remove('/a/b'),
          remove('/a'),
        ),
      ),
    );
    const story = history.story('/a', 10);
    expect(story.lines.map(({ zxid, text: what, version }) => [zxid, what, version])).toEqual([
      ['0x100000005', 'deleted /a, which held “y”', null],
      ['0x100000003', 'changed /a from “x” to “y” (version 0 → 1)', 1],
      ['0x100000001', 'created /a with “x”', 0],
    ]);
    expect(story.childrenCount).toBe(2);
    expect(story.before).toBeNull();
    expect(history.story('/a', 1)).toMatchObject({ lineCount: 3, lines: [{ kind: 'deleted' }] });
  });

  test('says when it was there before the history begins', () => {
    const world = written(...reign(1, create('/old', 'x')));
    world.takeSnapshot();
    const files = [...world.disk.durableFiles()].filter(([name]) => name === 'snapshot.100000001');
    const history = new TreeHistory(setOf(files));
    expect(history.report()).toMatchObject({
      floor: { kind: 'snapshot', file: 'snapshot.100000001', zxid: '0x100000001' },
      txnCount: 0,
      lastZxid: null,
    });
    expect(history.story('/old', 10)).toMatchObject({
      lines: [],
      before: { czxid: '0x100000001' },
    });
  });
});

describe('where it begins', () => {
  test('with nothing where the logs go back to the first transaction', () => {
    const { floor, epochs } = historyOf(written(...colours, ...reign(2, create('/b')))).report();
    expect(floor).toEqual({ kind: 'beginning' });
    expect(epochs).toEqual([
      { epoch: 1, count: 4 },
      { epoch: 2, count: 1 },
    ]);
  });

  test('with the oldest snapshot from which the logs go on without a gap', () => {
    const world = written(...colours);
    world.db.rollLog();
    world.takeSnapshot();
    world.write(...reign(2, create('/b')));
    const files = [...world.disk.durableFiles()];
    const log = files.find(([name]) => name === 'log.100000001')?.[1] ?? new Uint8Array();
    const damaged = log.slice();
    damaged[60] = (damaged[60] ?? 0) ^ 1;
    const changed = files.map(
      ([name, content]) => [name, name === 'log.100000001' ? damaged : content] as const,
    );
    const history = new TreeHistory(setOf(changed));
    expect(history.report()).toMatchObject({
      floor: { kind: 'snapshot', zxid: '0x100000004' },
      firstZxid: '0x200000001',
      findings: [{ weight: 'damage', file: 'log.100000001' }],
    });
    expect(namesAt(history, 0)).toEqual(['color']);
  });

  test('with a snapshot that goes beyond all logs', () => {
    const world = written(...colours);
    world.takeSnapshot();
    const files = [...world.disk.durableFiles()].filter(([name]) => !name.startsWith('log.'));
    const history = new TreeHistory(setOf(files));
    expect(history.report()).toMatchObject({ floor: { zxid: '0x100000004' }, txnCount: 0 });
    expect(namesAt(history, 0)).toEqual(['color']);
  });

  test('with an empty tree that is said to lack something where the beginning is not here', () => {
    const [, ...later] = colours;
    const world = written(...colours);
    const [first] = historyOf(world).tales(1, 1);
    const whole = world.disk.durable('log.100000001') ?? new Uint8Array();
    const rest = new Uint8Array([...whole.slice(0, 16), ...whole.slice(first?.offset)]);
    const { floor, txnCount } = new TreeHistory(setOf([['log.100000002', rest]])).report();
    expect(floor).toEqual({ kind: 'lost' });
    expect(txnCount).toBe(later.length);
  });
});

describe('in an inspected directory', () => {
  test('a moment is what a replay up to it shows', () => {
    const world = written(...colours);
    world.takeSnapshot();
    world.write(...reign(3, create('/b')));
    const set = setOf(world.disk.durableFiles());
    const inspection = new Inspection(set);
    const history = new TreeHistory(set);
    const tree = new InspectedTree(inspection, history);
    const { txnCount } = inspection.report;
    const wish = { since: 0, known: [], unknown: ['/'], selected: '/color' };
    for (let moment = 0; moment <= txnCount; moment++) {
      const page = tree.page({ ...wish, moment });
      const zxid = inspection.zxidAt(moment - 1);
      expect(page.moment).toBe(moment);
      expect(page.node).toEqual(
        page.nodeIsGone
          ? inspection.nodeAt(inspection.zxidAt(moment - 2), '/color')
          : inspection.nodeAt(zxid, '/color'),
      );
    }
    expect(history.report().txnCount).toBeGreaterThan(0);
  });
});

describe('a log that grows', () => {
  test('is gone on with, over a new file too', () => {
    const world = written(...colours);
    const history = historyOf(world);
    world.write(at(z(1, 5), create('/later')));
    expect(history.extend(setOf(world.disk.durableFiles()))).toBe(true);
    world.db.rollLog();
    world.takeSnapshot();
    world.write(...reign(2, create('/next')));
    expect(history.extend(setOf(world.disk.durableFiles()))).toBe(true);
    expect(history.report()).toMatchObject({ txnCount: 6, lastZxid: '0x200000001' });
    expect(namesAt(history, 6)).toEqual(['color', 'later', 'next']);
  });

  test('and was cut, or is another one, is no continuation', () => {
    const history = historyOf(written(...colours));
    const cut = written(...colours.slice(0, 2));
    expect(history.extend(setOf(cut.disk.durableFiles()))).toBe(false);
    const other = written(...reign(1, create('/x'), create('/y'), create('/z'), create('/zz')));
    expect(historyOf(written(...colours)).extend(setOf(other.disk.durableFiles()))).toBe(false);
  });
});

test('every directory that Apache ZooKeeper wrote can be walked, and ends with its own tree', () => {
  for (const directory of goldenDirectories()) {
    const set = setOf(filesOf(directory));
    const history = new TreeHistory(set);
    const { txnCount, lastZxid } = history.report();
    for (let moment = 0; moment <= txnCount; moment++) pageAt(history, moment);
    if (lastZxid === null || directory.name.startsWith('diverged')) continue;
    const inspection = new Inspection(set);
    const children = inspection.childrenAt(lastZxid, '/') ?? [];
    expect(namesAt(history, txnCount), directory.name).toEqual(
      expect.arrayContaining(children.filter((name) => name !== 'zookeeper')),
    );
  }
});
