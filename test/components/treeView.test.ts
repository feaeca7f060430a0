/** The data tree beside a real server: it follows what others write, and where one is in it outlasts a session. */

import { expect, test } from 'vitest';
import { page } from 'vitest/browser';
import TreeView from '../../src/ui/tree/TreeView.svelte';
import { show } from './harness/shown.svelte.ts';
import { liveServer } from './harness/simulated.ts';

const node = (name: string) => page.getByRole('treeitem', { name, exact: true });
const path = page.getByTestId('node-path');
const field = page.getByTestId('data');

async function showTree() {
  const server = await liveServer();
  const writer = server.client();
  await writer.create('/app', 'data');
  await writer.create('/app/part', 'a part');
  const client = server.client();
  const { change } = show(TreeView, { client, members: [], disabled: false });
  await expect.element(node('app')).toBeVisible();
  return { server, writer, client, change };
}

test('what others write comes by itself', async () => {
  const { writer } = await showTree();
  await node('app').click();
  await expect.element(field).toHaveValue('data');
  await writer.setData('/app', 'changed');
  await expect.element(field).toHaveValue('changed');
  await writer.create('/later', '');
  await expect.element(node('later')).toBeVisible();
  await writer.delete('/later');
  await expect.element(node('later')).not.toBeInTheDocument();
});

test('where one is, what is open and what is being typed stay when the session is lost', async () => {
  const { server, client, change } = await showTree();
  await node('app').dblClick();
  await node('part').click();
  await expect.element(field).toHaveValue('a part');
  await field.fill('half a sent');
  await client.close();
  change({ client: server.client() });
  await expect.element(path).toHaveTextContent('/app/part');
  await expect.element(node('part')).toHaveAttribute('aria-selected', 'true');
  await expect.element(field).toHaveValue('half a sent');
  await page.getByTestId('save').click();
  await expect.element(page.getByTestId('undo')).toHaveTextContent('Saved /app/part.');
});

test('a node that went meanwhile leaves one at its parent', async () => {
  const { server, writer, client, change } = await showTree();
  await node('app').dblClick();
  await node('part').click();
  await expect.element(path).toHaveTextContent('/app/part');
  await client.close();
  await writer.delete('/app/part');
  change({ client: server.client() });
  await expect.element(path).toHaveTextContent(/^\/app$/);
  await expect.element(field).toHaveValue('data');
});
