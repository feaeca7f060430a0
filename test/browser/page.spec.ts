/** What a person does with the page: open a room, invite, write, watch, read what happens. */

import type { Page } from '@playwright/test';
import { openRoom, read, write } from './harness/ensemble.ts';
import { openTab, serving } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';

test('a room is opened from the front door and its link copied', async ({ context, appUrl }) => {
  const page = await openTab(context, appUrl);
  await page.getByRole('radio', { name: /^1 alone/ }).check();
  await page.getByRole('button', { name: 'Open a room' }).click();
  expect((await serving(page)).state).toBe('LEADING');
  await expect(page.getByTestId('my-sid')).toHaveText('Server 1');

  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Invite' }).click();
  await expect(
    page.getByRole('img', { name: 'QR code of the room link' }).locator('svg'),
  ).toBeVisible();
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByText('Copied.')).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toBe(await page.getByRole('textbox', { name: 'Room link' }).inputValue());
  expect(link).toMatch(/#room=[\w-]+&servers=1&key=[\w-]{22}$/);
});

test('a node is created, edited and deleted by hand, and other tabs follow', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl);
  const [first, second] = pages as [Page, Page, Page];
  await createNode(first, '/color', 'red');
  const row = second.getByRole('treeitem', { name: 'color' });
  await second.bringToFront();
  await row.click();
  await expect(second.getByTestId('data')).toHaveValue('red');

  await second.getByTestId('data').fill('blue');
  await second.getByRole('button', { name: 'Save' }).click();
  await first.bringToFront();
  await expect(first.getByTestId('data')).toHaveValue('blue');
  await expect(first.getByTestId('stat-version')).toHaveText('1');

  await first.getByRole('button', { name: 'Delete' }).click();
  await first.getByTestId('delete-confirm').click();
  await second.bringToFront();
  await expect(row).toHaveCount(0);
  expect(await read(second, '/color')).toBeNull();
});

test('a watch set by hand is seen firing, once', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl);
  const [first, second] = pages as [Page, Page, Page];
  await createNode(first, '/door', 'shut');
  await first.getByRole('button', { name: 'Watch data' }).click();
  await expect(first.getByRole('button', { name: 'Watching data' })).toBeDisabled();
  await second.evaluate(() => globalThis.tabkeeper?.client.setData('/door', 'open'));
  await expect(first.getByTestId('fired-watches')).toContainText('NodeDataChanged /door');
  await second.evaluate(() => globalThis.tabkeeper?.client.setData('/door', 'shut again'));
  await expect(first.getByTestId('data')).toHaveValue('shut again');
  await expect(first.getByTestId('fired-watches').getByRole('listitem')).toHaveCount(1);
});

test('the tree is walked by keyboard alone', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await createNode(page, '/one', '');
  const tree = page.getByRole('tree');
  await tree.focus();
  await page.keyboard.press('Home');
  await expect(page.getByTestId('node-path')).toHaveText('/');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByTestId('node-path')).toHaveText('/one');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('treeitem', { name: 'quota' })).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByTestId('node-path')).toHaveText('/zookeeper');
});

test('what went wrong is said in words', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await createNode(page, '/twice', '');
  await page.getByRole('button', { name: 'Create a node' }).click();
  await page.getByLabel('Path').fill('/twice');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('There is already a node called twice.');
  // The tree behind it is read again whenever somebody writes; what went wrong here still stands.
  await write(page, '/elsewhere', '');
  await expect(page.locator('[data-path="/elsewhere"]')).toBeVisible();
  await expect(dialog).toContainText('There is already a node called twice.');
});

test('the page says whether the browser keeps the disk, and asks it when told to', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  const note = page.getByTestId('storage');
  await expect(note).toHaveAttribute('data-promise', /^(kept|mayBeDropped)$/);
  if ((await note.getAttribute('data-promise')) === 'kept') return;
  await note.getByRole('button', { name: 'Ask it to keep the disk' }).click();
  // Chromium decides by itself, by how much the site is used.
  await expect(note).toContainText(/has promised to keep|did not promise/);
});

test('the log tells who was elected and why', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl);
  const all = await Promise.all(pages.map(serving));
  const leader = all[0]?.leader ?? 0;
  for (const [index, page] of pages.entries()) {
    const words = all[index]?.sid === leader ? 'Leads: servers' : `server ${leader}`;
    await expect(page.getByTestId('log')).toContainText(words);
  }
  await expect(pages[0]?.getByTestId('members').getByRole('listitem') ?? page404()).toHaveCount(3);
});

const page404 = (): never => {
  throw new Error('the room has no first page');
};

async function createNode(page: Page, path: string, data: string): Promise<void> {
  // As a person does: a tab that is not in front is drawn once a second only.
  await page.bringToFront();
  await page.getByRole('button', { name: 'Create a node' }).click();
  await page.getByLabel('Path').fill(path);
  await page.getByRole('dialog').getByLabel('Data').fill(data);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(page.getByTestId('node-path')).toHaveText(path);
}
