/** The list of a tree: only rows on the screen exist, whatever the tree holds, and the keys of any tree walk it. */

import { describe, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import TreeList from '../../src/ui/tree/TreeList.svelte';
import { type ShownTree, TreeRows } from '../../src/ui/tree/treeRows.ts';
import { drawn, show } from './harness/shown.svelte.ts';
import { WalkedTree } from './harness/walkedTree.svelte.ts';

const MANY = 300_000;

const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('[role=treeitem]')];
const list = (): HTMLElement => page.getByRole('tree').element() as HTMLElement;

function showTree(tree: ShownTree): void {
  const heading = document.createElement('h2');
  heading.id = 'heading';
  heading.textContent = 'Data tree';
  const { host } = show(TreeList, { tree, labelledby: 'heading' });
  host.prepend(heading);
}

/** The row that the tree says is active, which is drawn and in sight. */
function activeRow(): HTMLElement {
  const id = list().getAttribute('aria-activedescendant') ?? '';
  const row = document.getElementById(id);
  if (row === null) throw new Error(`${id} is not drawn`);
  const inside = row.getBoundingClientRect();
  const around = list().getBoundingClientRect();
  expect(inside.top).toBeGreaterThanOrEqual(around.top - 1);
  expect(inside.bottom).toBeLessThanOrEqual(around.bottom + 1);
  return row;
}

describe('a node with 300,000 children', () => {
  const children = Array.from({ length: MANY }, (_, at) => `n-${String(at).padStart(6, '0')}`);

  test('has a few dozen rows on the page, and tells how many there are', async () => {
    showTree(new WalkedTree(new Map([['/', children]]), ['/']));
    await drawn();
    expect(rows().length).toBeLessThan(60);
    const second = rows()[1];
    expect(second?.getAttribute('aria-setsize')).toBe(String(MANY));
    expect(second?.getAttribute('aria-posinset')).toBe('1');
    expect(second?.getAttribute('aria-level')).toBe('2');
    expect(list().scrollHeight).toBeGreaterThan(MANY * 20);
  });

  test('draws what is scrolled to', async () => {
    showTree(new WalkedTree(new Map([['/', children]]), ['/']));
    list().scrollTop = list().scrollHeight / 2;
    await expect
      .poll(() => rows().some(({ dataset }) => /n-1[45]\d{4}/.test(dataset['path'] ?? '')))
      .toBe(true);
    expect(rows().length).toBeLessThan(60);
  });

  test('is walked from end to end with keys, and the active row is in sight', async () => {
    const tree = new WalkedTree(new Map([['/', children]]), ['/']);
    showTree(tree);
    list().focus();
    await userEvent.keyboard('{End}');
    await expect.poll(() => activeRow().dataset['path']).toBe('/n-299999');
    await userEvent.keyboard('{ArrowUp}');
    await expect.poll(() => activeRow().dataset['path']).toBe('/n-299998');
    await userEvent.keyboard('{PageUp}');
    await expect.poll(() => tree.selectedPath < '/n-299998').toBe(true);
    await expect.poll(() => activeRow().dataset['path']).toBe(tree.selectedPath);
    await userEvent.keyboard('{Home}{ArrowDown}');
    await expect.poll(() => activeRow().dataset['path']).toBe('/n-000000');
  });
});

describe('a tree of a few nodes', () => {
  const few = new Map([
    ['/', ['app', 'zookeeper']],
    ['/app', ['one', 'two']],
  ]);

  test('opens and closes with the arrow keys, which else go to the parent or the first child', async () => {
    const tree = new WalkedTree(few, ['/']);
    showTree(tree);
    list().focus();
    const press = async (key: string): Promise<string> => {
      await userEvent.keyboard(`{${key}}`);
      return tree.selectedPath;
    };
    expect(await press('ArrowRight')).toBe('/app');
    expect(rows()).toHaveLength(3);
    expect(await press('ArrowRight')).toBe('/app');
    await expect.poll(() => rows().length).toBe(5);
    expect(await press('ArrowRight')).toBe('/app/one');
    expect(await press('ArrowLeft')).toBe('/app');
    expect(await press('ArrowLeft')).toBe('/app');
    await expect.poll(() => rows().length).toBe(3);
    expect(activeRow().getAttribute('aria-expanded')).toBe('false');
    expect(await press('Enter')).toBe('/app');
    await expect.poll(() => activeRow().getAttribute('aria-expanded')).toBe('true');
  });

  test('is one stop of the Tab key', () => {
    showTree(new WalkedTree(few, ['/', '/app']));
    const stops = [...document.querySelectorAll<HTMLElement>('main *')].filter(
      ({ tabIndex }) => tabIndex >= 0,
    );
    expect(stops).toEqual([list()]);
  });

  test('a click selects, and a click on the mark before the name opens', async () => {
    const tree = new WalkedTree(few, ['/']);
    showTree(tree);
    await page.getByRole('treeitem', { name: 'zookeeper' }).click();
    expect(tree.selectedPath).toBe('/zookeeper');
    const app = page.getByRole('treeitem', { name: 'app' }).element();
    app.querySelector('button')?.click();
    await expect.poll(() => rows().length).toBe(5);
    expect(tree.selectedPath).toBe('/zookeeper');
  });
});

test('no rows at all are no error', async () => {
  showTree(new WalkedTree(new Map(), []));
  await drawn();
  expect(rows()).toHaveLength(1);
  expect(new TreeRows(new Map(), new Set()).length).toBe(1);
});
