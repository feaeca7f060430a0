/** The rows of a tree: made one by one, they are those that a walk through the whole tree gives. */

import { expect, test } from 'vitest';
import fc from 'fast-check';
import { childPath, parentPath, TreeRows } from '../../../src/ui/tree/treeRows.ts';

/** What a person sees: every path, from the top. */
function walked(
  children: ReadonlyMap<string, readonly string[]>,
  expanded: ReadonlySet<string>,
  path = '/',
): string[] {
  const names = expanded.has(path) ? (children.get(path) ?? []) : [];
  return [path, ...names.flatMap((name) => walked(children, expanded, childPath(path, name)))];
}

const paths = fc
  .array(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 4 }), {
    maxLength: 30,
  })
  .map((all) => all.map((parts) => `/${parts.join('/')}`));

function childrenOf(all: readonly string[]): Map<string, string[]> {
  const children = new Map<string, string[]>([['/', []]]);
  for (const path of all) {
    for (let at = path; at !== '/'; at = parentPath(at)) {
      const siblings = children.get(parentPath(at)) ?? [];
      const name = at.slice(at.lastIndexOf('/') + 1);
      if (!siblings.includes(name)) siblings.push(name);
      children.set(parentPath(at), siblings.sort());
      if (!children.has(at)) children.set(at, []);
    }
  }
  return children;
}

test('they are those of the tree, whatever is open', () => {
  fc.assert(
    fc.property(paths, paths, fc.boolean(), (all, open, rootOpen) => {
      const children = childrenOf(all);
      const expanded = new Set(rootOpen ? ['/', ...open] : open);
      const rows = new TreeRows(children, expanded);
      const wanted = walked(children, expanded);
      expect(rows.slice(0, rows.length).map(({ path }) => path)).toEqual(wanted);
      expect(wanted.map((path) => rows.indexOf(path))).toEqual(wanted.map((_, index) => index));
      expect(rows.at(rows.length)).toBeNull();
      expect(rows.indexOf('/zz')).toBe(-1);
    }),
  );
});

test('a row knows its level, its place among its siblings and how many children it has', () => {
  const children = new Map([
    ['/', ['a', 'b']],
    ['/b', ['x']],
  ]);
  const rows = new TreeRows(children, new Set(['/', '/b']));
  expect(rows.at(0)).toMatchObject({ path: '/', level: 1, expanded: true, childCount: 2 });
  expect(rows.at(1)).toMatchObject({ path: '/a', childCount: null, positionInSet: 1, setSize: 2 });
  expect(rows.at(3)).toMatchObject({ path: '/b/x', name: 'x', level: 3, expanded: false });
});
