/** A node's data as text, JSON, hex and gzip: what is shown, what cannot be saved and why, and what is written. */

import { expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import DataEditor from '../../src/ui/tree/DataEditor.svelte';
import type { SelectedNode } from '../../src/ui/tree/treeState.svelte.ts';
import { zxid } from '../../src/wire/ids.ts';
import { show } from './harness/shown.svelte.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function nodeOf(data: Uint8Array | string, mzxid = 1n): SelectedNode {
  const bytes = typeof data === 'string' ? encoder.encode(data) : data;
  const stat = {
    czxid: zxid(1n),
    mzxid: zxid(mzxid),
    ctime: 0,
    mtime: 0,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0n,
    dataLength: bytes.length,
    numChildren: 0,
    pzxid: zxid(1n),
  };
  return { path: '/node', data: bytes, stat };
}

function showNode(node: SelectedNode) {
  const saved: Uint8Array[] = [];
  const onsave = (data: Uint8Array): Promise<boolean> => {
    saved.push(data);
    return Promise.resolve(true);
  };
  const { change } = show(DataEditor, { node, disabled: false, onsave });
  return { saved, change };
}

const field = page.getByTestId('data');
const save = page.getByTestId('save');
const problem = page.getByTestId('data-problem');

test('the view that shows most of the bytes is chosen', async () => {
  const { change } = showNode(nodeOf('plain'));
  await expect.element(page.getByTestId('view-text')).toHaveAttribute('aria-pressed', 'true');
  await expect.element(field).toHaveValue('plain');
  change({ node: nodeOf('{"a":[1]}', 2n) });
  await expect.element(page.getByTestId('view-json')).toHaveAttribute('aria-pressed', 'true');
  await expect.element(field).toHaveValue('{\n  "a": [\n    1\n  ]\n}');
  change({ node: nodeOf(new Uint8Array([0xff, 0x00, 0x41]), 3n) });
  await expect.element(page.getByTestId('view-hex')).toHaveAttribute('aria-pressed', 'true');
  await expect.element(field).toHaveValue('ff 00 41');
});

test('JSON that is none cannot be saved, and the reason stands beside it', async () => {
  const { saved } = showNode(nodeOf('{"a":1}'));
  await expect.element(field).toHaveValue('{\n  "a": 1\n}');
  await expect.element(save).toBeDisabled();
  await field.fill('{"a":');
  await expect.element(field).toHaveAttribute('aria-invalid', 'true');
  await expect.element(problem).not.toHaveTextContent(/^$/);
  await expect.element(save).toBeDisabled();
  await field.fill('{"a":2}');
  await expect.element(problem).toHaveTextContent(/^$/);
  await save.click();
  expect(saved.map((bytes) => decoder.decode(bytes))).toEqual(['{"a":2}']);
});

test('hex is written as bytes', async () => {
  const { saved } = showNode(nodeOf('AB'));
  await page.getByTestId('view-hex').click();
  await expect.element(field).toHaveValue('41 42');
  await field.fill('41 4');
  await expect.element(save).toBeDisabled();
  await field.fill('41 00 ff');
  await save.click();
  expect(saved).toEqual([new Uint8Array([0x41, 0x00, 0xff])]);
});

test('text that is packed is read and packed again', async () => {
  const packing = new Blob(['packed text']).stream().pipeThrough(new CompressionStream('gzip'));
  const packed = new Uint8Array(await new Response(packing).arrayBuffer());
  const { saved } = showNode(nodeOf(packed));
  await expect.element(page.getByTestId('view-gzip')).toHaveAttribute('aria-pressed', 'true');
  await expect.element(field).toHaveValue('packed text');
  await field.fill('other text');
  await save.click();
  await expect.poll(() => saved.length).toBe(1);
  const bytes = new Uint8Array(saved[0] ?? []);
  const unpacking = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  expect(await new Response(unpacking).text()).toBe('other text');
});

test('what is being typed stays while the node is as it was, and can be dropped', async () => {
  const { change } = showNode(nodeOf('read'));
  await expect.element(field).toHaveValue('read');
  await field.click();
  await userEvent.keyboard('{Control>}a{/Control}typed');
  await expect.element(field).toHaveValue('typed');
  change({ node: nodeOf('read') });
  await expect.element(field).toHaveValue('typed');
  await page.getByRole('button', { name: 'Drop my changes' }).click();
  await expect.element(field).toHaveValue('read');
  change({ node: nodeOf('by another', 2n) });
  await expect.element(field).toHaveValue('by another');
});

test('a server that serves nobody leaves it to be read only', async () => {
  const { change } = showNode(nodeOf('read'));
  await expect.element(field).toHaveValue('read');
  change({ disabled: true });
  await expect.element(field).toBeDisabled();
  await expect.element(save).toBeDisabled();
});
