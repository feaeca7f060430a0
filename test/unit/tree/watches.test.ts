import { describe, expect, it } from 'vitest';
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { zxid } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { AddWatchMode, WatcherType } from '../../../src/wire/watchTypes.ts';
import { createTxn, Recorder, Replica } from './treeFixture.ts';

interface World {
  readonly replica: Replica;
  readonly watcher: Recorder;
}

function world(): World {
  const replica = new Replica();
  replica.create('/p');
  replica.create('/p/n');
  return { replica, watcher: new Recorder() };
}

type Setup = (world: World) => void;
const data: Setup = ({ replica, watcher }) => void replica.tree.getData('/p/n', watcher);
const exists: Setup = ({ replica, watcher }) => void replica.tree.statNode('/p/n', watcher);
const children: Setup = ({ replica, watcher }) => void replica.tree.getChildren('/p/n', watcher);
const ofParent: Setup = ({ replica, watcher }) => void replica.tree.getChildren('/p', watcher);
const persistent: Setup = ({ replica, watcher }) =>
  replica.tree.addWatch('/p/n', watcher, AddWatchMode.PERSISTENT);
const recursive: Setup = ({ replica, watcher }) =>
  replica.tree.addWatch('/p', watcher, AddWatchMode.PERSISTENT_RECURSIVE);
const all: Setup = (where) =>
  [data, children, ofParent, persistent, recursive].forEach((setup) => setup(where));

type Change = (replica: Replica) => unknown;
const setNode: Change = (replica) => replica.setData('/p/n', 'x');
const createBelow: Change = (replica) => replica.create('/p/n/c');
const deleteNode: Change = (replica) => replica.delete('/p/n');
const createBeside: Change = (replica) => replica.create('/p/m');
const setParent: Change = (replica) => replica.setData('/p', 'x');
const setACL: Change = (replica) =>
  replica.apply({ type: OpCode.setACL, path: '/p/n', acl: READ_ACL_UNSAFE, version: 1 });

const dataChanged = 'NodeDataChanged /p/n';
const deleted = 'NodeDeleted /p/n';
const childrenChanged = 'NodeChildrenChanged /p/n';
const parentsChanged = 'NodeChildrenChanged /p';

describe('which watch hears of which change', () => {
  it.each<[string, string, Setup, Change, string[]]>([
    ['data', 'its data', data, setNode, [dataChanged]],
    ['data', 'its deletion', data, deleteNode, [deleted]],
    ['data', 'a new child', data, createBelow, []],
    ['data', 'its list', data, setACL, []],
    ['exists', 'its data', exists, setNode, [dataChanged]],
    ['exists', 'its deletion', exists, deleteNode, [deleted]],
    ['child', 'its data', children, setNode, []],
    ['child', 'a new child', children, createBelow, [childrenChanged]],
    ['child', 'its deletion', children, deleteNode, [deleted]],
    ["the parent's child", 'its data', ofParent, setNode, []],
    ["the parent's child", 'its deletion', ofParent, deleteNode, [parentsChanged]],
    ["the parent's child", 'a node beside it', ofParent, createBeside, [parentsChanged]],
    ["the parent's child", 'a new child', ofParent, createBelow, []],
    ['persistent', 'its data', persistent, setNode, [dataChanged]],
    ['persistent', 'a new child', persistent, createBelow, [childrenChanged]],
    ['persistent', 'its deletion', persistent, deleteNode, [deleted]],
    ['recursive', 'its data', recursive, setNode, [dataChanged]],
    ['recursive', 'a new child', recursive, createBelow, ['NodeCreated /p/n/c']],
    ['recursive', 'its deletion', recursive, deleteNode, [deleted]],
    ['recursive', 'its own data', recursive, setParent, ['NodeDataChanged /p']],
    ['any', 'its data', all, setNode, [dataChanged]],
    ['any', 'its deletion: once, then of the parent', all, deleteNode, [deleted, parentsChanged]],
    ['any', 'a new child', all, createBelow, ['NodeCreated /p/n/c', childrenChanged]],
  ])('a %s watch on %s', (_kind, _what, setup, change, expected) => {
    const where = world();
    setup(where);
    change(where.replica);
    expect(where.watcher.take()).toEqual(expected);
  });
});

describe('a one-shot watch', () => {
  it('fires once', () => {
    const where = world();
    data(where);
    data(where);
    setNode(where.replica);
    setNode(where.replica);
    expect(where.watcher.take()).toEqual([dataChanged]);
    expect(where.replica.tree.watchCount).toBe(0);
  });

  it('that its node’s deletion suppressed is used up too', () => {
    const where = world();
    data(where);
    children(where);
    deleteNode(where.replica);
    expect(where.watcher.take()).toEqual([deleted]);
    expect(where.replica.tree.watchCount).toBe(0);
  });

  it('on a missing node is left by exists and by nothing else', () => {
    const { replica, watcher } = world();
    expect(() => replica.tree.statNode('/q', watcher)).toThrow();
    expect(() => replica.tree.getData('/r', watcher)).toThrow();
    expect(() => replica.tree.getChildren('/r', watcher)).toThrow();
    replica.create('/q');
    replica.create('/r');
    expect(watcher.take()).toEqual(['NodeCreated /q']);
  });

  it('on the root hears of its children and data under the name /', () => {
    const { replica, watcher } = world();
    replica.tree.getChildren('/', watcher);
    replica.tree.getData('/', watcher);
    replica.create('/q');
    replica.setData('/', 'x');
    expect(watcher.take()).toEqual(['NodeChildrenChanged /', 'NodeDataChanged /']);
  });

  it('used up beside a persistent one leaves that one standing', () => {
    const where = world();
    persistent(where);
    data(where);
    setNode(where.replica);
    setNode(where.replica);
    expect(where.watcher.take()).toEqual([dataChanged, dataChanged]);
  });

  it('in two kinds on one path is one event', () => {
    const where = world();
    recursive(where);
    persistent(where);
    data(where);
    setNode(where.replica);
    expect(where.watcher.take()).toEqual([dataChanged]);
  });
});

describe('events', () => {
  it('of a multi come part by part, of a failed one not at all', () => {
    const { replica, watcher } = world();
    replica.tree.addWatch('/', watcher, AddWatchMode.PERSISTENT_RECURSIVE);
    const create = createTxn('/p/x');
    replica.multi(create, { type: OpCode.error, err: -103 });
    expect(watcher.take()).toEqual([]);
    const setData = { type: OpCode.setData, path: '/p/n', data: null, version: 1 } as const;
    replica.multi(create, setData, { type: OpCode.delete, path: '/p/x' });
    expect(watcher.take()).toEqual(['NodeCreated /p/x', dataChanged, 'NodeDeleted /p/x']);
  });

  it('of a closing session name its nodes in the order of the transaction', () => {
    const { replica, watcher } = world();
    replica.createEphemeral('/p/e1');
    replica.createEphemeral('/p/e2');
    replica.tree.addWatch('/', watcher, AddWatchMode.PERSISTENT_RECURSIVE);
    replica.apply({ type: OpCode.closeSession, paths2Delete: ['/p/e2', '/p/e1'] });
    expect(watcher.take()).toEqual(['NodeDeleted /p/e2', 'NodeDeleted /p/e1']);
  });

  it('carry the zxid and the list of the node they are about, also of one that is gone', () => {
    const { replica, watcher } = world();
    replica.create('/p/secret', '', READ_ACL_UNSAFE);
    replica.tree.getData('/p/secret', watcher);
    replica.tree.getChildren('/p', watcher);
    replica.delete('/p/secret');
    expect(watcher.events).toMatchObject([
      { zxid: replica.zxid, acl: READ_ACL_UNSAFE, state: 3 },
      { zxid: replica.zxid, acl: OPEN_ACL_UNSAFE, state: 3 },
    ]);
  });

  it('go to every watcher, and are seen by none before the change is made', () => {
    const { replica } = world();
    const seen: unknown[] = [];
    const look = { process: () => seen.push(replica.tree.getData('/p/n', null).stat.version) };
    const again = { process: () => look.process() };
    replica.tree.getData('/p/n', look);
    replica.tree.getData('/p/n', again);
    setNode(replica);
    expect(seen).toEqual([1, 1]);
  });

  it('may make a watcher set its watch again, which the next change fires', () => {
    const { replica } = world();
    let count = 0;
    const watcher = {
      process: (): void => {
        count++;
        replica.tree.getData('/p/n', watcher);
      },
    };
    replica.tree.getData('/p/n', watcher);
    setNode(replica);
    setNode(replica);
    expect(count).toBe(2);
  });
});

describe('a client that comes back', () => {
  it('is told what it missed and has its other watches set', () => {
    const { replica, watcher } = world();
    replica.create('/p/same');
    const seen = replica.zxid;
    replica.setData('/p/n', 'x');
    replica.create('/q');
    replica.tree.setWatches(
      {
        relativeZxid: seen,
        dataWatches: ['/p/n', '/p/same', '/gone'],
        existWatches: ['/q', '/later'],
        childWatches: ['/', '/p', '/gone'],
      },
      watcher,
    );
    expect(watcher.events.every((event) => event.zxid === zxid(-1n) && event.acl === null)).toBe(
      true,
    );
    expect(watcher.take()).toEqual([
      'NodeDataChanged /p/n',
      'NodeDeleted /gone',
      'NodeCreated /q',
      'NodeChildrenChanged /',
      'NodeDeleted /gone',
    ]);
    replica.setData('/p/same', 'x');
    replica.create('/later');
    replica.create('/p/z');
    expect(watcher.take()).toEqual([
      'NodeDataChanged /p/same',
      'NodeCreated /later',
      'NodeChildrenChanged /p',
    ]);
  });

  it('has its persistent watches set without being told anything', () => {
    const { replica, watcher } = world();
    replica.tree.setWatches(
      {
        relativeZxid: zxid(0n),
        dataWatches: [],
        existWatches: [],
        childWatches: [],
        persistentWatches: ['/p'],
        persistentRecursiveWatches: ['/p/n'],
      },
      watcher,
    );
    expect(watcher.take()).toEqual([]);
    replica.create('/p/n/c');
    replica.create('/p/m');
    expect(watcher.take()).toEqual(['NodeCreated /p/n/c', 'NodeChildrenChanged /p']);
  });
});

describe('removing watches', () => {
  const { Children, Data, Any } = WatcherType;

  it.each<[string, string, boolean, Setup, WatcherType]>([
    ['data', 'Data', true, data, Data],
    ['data', 'Children', false, data, Children],
    ['data', 'Any', true, data, Any],
    ['child', 'Children', true, children, Children],
    ['child', 'Data', false, children, Data],
    ['persistent', 'Data', true, persistent, Data],
    ['persistent', 'Children', true, persistent, Children],
    ['persistent', 'Any', true, persistent, Any],
  ])('of a %s watch by type %s finds it: %s', (_kind, _name, found, setup, type) => {
    const where = world();
    const { replica, watcher } = where;
    setup(where);
    expect(replica.tree.containsWatcher('/p/n', type, watcher)).toBe(found);
    expect(replica.tree.removeWatch('/p/n', type, watcher)).toBe(found);
    expect(replica.tree.containsWatcher('/p/n', type, watcher)).toBe(false);
    expect(replica.tree.removeWatch('/p/n', type, watcher)).toBe(false);
  });

  it('by Any removes the data and the child watch, and nobody else’s', () => {
    const where = world();
    const other = new Recorder();
    all(where);
    where.replica.tree.getData('/p/n', other);
    expect(where.replica.tree.containsWatcher('/p/n', Any, new Recorder())).toBe(false);
    where.replica.tree.removeWatch('/p/n', Any, where.watcher);
    where.replica.tree.removeWatch('/p', Any, where.watcher);
    deleteNode(where.replica);
    expect(where.watcher.take()).toEqual([]);
    expect(other.take()).toEqual([deleted]);
  });

  it('happens by itself when the connection goes', () => {
    const where = world();
    all(where);
    where.replica.tree.removeWatcher(where.watcher);
    deleteNode(where.replica);
    expect(where.watcher.take()).toEqual([]);
    expect(where.replica.tree.watchCount).toBe(0);
    expect(where.replica.tree.watchesSummary()).toEqual({
      connectionCount: 0,
      pathCount: 0,
      watchCount: 0,
    });
  });
});

describe('what the commands show', () => {
  it('is the data watches, by connection and by path', () => {
    const where = world();
    data(where);
    exists(where);
    children(where);
    const other = new Recorder();
    where.replica.tree.getData('/p/n', other);
    where.replica.tree.getData('/p', other);
    const { tree } = where.replica;
    expect(tree.watchesSummary()).toEqual({ connectionCount: 2, pathCount: 2, watchCount: 3 });
    expect(tree.watchCount).toBe(4);
    expect([...(tree.dataWatches.byWatcher().get(other) ?? [])].sort()).toEqual(['/p', '/p/n']);
    const byPath = [...tree.dataWatches.byPath()].map(([path, who]) => [path, [...who].length]);
    expect(byPath).toEqual([
      ['/p/n', 2],
      ['/p', 1],
    ]);
  });
});
