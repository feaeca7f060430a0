/** An exported subtree: it is read back as it was written, and bringing it back is planned before anything is done. */

import { expect, test } from 'vitest';
import {
  formatSubtree,
  parseSubtree,
  planImport,
  type Subtree,
  type SubtreeNode,
} from '../../../src/ui/tree/subtreeFile.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const node = (
  path: string,
  data: Uint8Array | null,
  more: Partial<SubtreeNode> = {},
): SubtreeNode => ({
  path,
  data,
  acl: OPEN_ACL_UNSAFE,
  ephemeral: false,
  ...more,
});

const exported: Subtree = {
  root: '/app',
  nodes: [
    node('/', null),
    node('/a', bytes('text')),
    node('/b', new Uint8Array([0xff, 0])),
    node('/a/lock', bytes(''), { ephemeral: true }),
    node('/a/x', bytes('x'), { acl: [{ perms: 1, id: { scheme: 'digest', id: 'al:b/c=' } }] }),
  ],
};

test('a file holds data, access lists and ephemerality, and is read back the same', () => {
  const read = parseSubtree(formatSubtree(exported));
  expect(read.root).toBe('/app');
  expect(read.nodes).toHaveLength(5);
  for (const each of exported.nodes) expect(read.nodes).toContainEqual(each);
});

test('what is no such file is refused in words', () => {
  expect(() => parseSubtree('{')).toThrow('no JSON');
  expect(() => parseSubtree('{}')).toThrow('no exported subtree');
  const orphan = formatSubtree({ root: '/', nodes: [node('/', null), node('/a/b', null)] });
  expect(() => parseSubtree(orphan)).toThrow('not the node above it');
  const crooked = formatSubtree({ root: '/', nodes: [node('/', null), node('/a//b', null)] });
  expect(() => parseSubtree(crooked)).toThrow('no path');
});

test('into nothing, all but the ephemeral nodes are made, parents first', () => {
  const plan = planImport(exported, '/copy', null, 'merge');
  expect(plan.steps.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'create /copy',
    'create /copy/a',
    'create /copy/b',
    'create /copy/a/x',
  ]);
  expect(plan.ephemeralCount).toBe(1);
});

const existing: Subtree = {
  root: '/app',
  nodes: [
    node('/', null),
    node('/a', bytes('other')),
    node('/a/x', bytes('x')),
    node('/z', null),
    node('/z/deep', null),
  ],
};

test('merging leaves alone what the file does not name', () => {
  const plan = planImport(exported, '/app', existing, 'merge');
  expect(plan.steps.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'change /app/a',
    'create /app/b',
    'access /app/a/x',
  ]);
  expect(plan.unchangedCount).toBe(1);
});

test('replacing deletes it, leaves first', () => {
  const plan = planImport(exported, '/app', existing, 'replace');
  expect(plan.steps.map(({ kind, path }) => `${kind} ${path}`).slice(0, 2)).toEqual([
    'delete /app/z/deep',
    'delete /app/z',
  ]);
});

test('ZooKeeper’s own nodes are never deleted or made', () => {
  const root: Subtree = {
    root: '/',
    nodes: [node('/', null), node('/zookeeper', null), node('/zookeeper/quota', null)],
  };
  const file: Subtree = { root: '/', nodes: [node('/', null), node('/zookeeper', bytes('x'))] };
  expect(planImport(file, '/', root, 'replace').steps).toEqual([]);
});
