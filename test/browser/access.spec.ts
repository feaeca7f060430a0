/** The page without a mouse, without motion and through the ears: the tree, the console, every dialog and each state. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { openRoom, read, write } from './harness/ensemble.ts';
import { newLink, openTab, status } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';

/** What the judge of accessibility finds on the page as it is, or in a part of it. */
async function findings(page: Page, part = 'body'): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).include(part).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

test('the tree, its dialogs and the console with answers in it pass the judge', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await page.bringToFront();
  await write(page, '/app', 'data');
  await page.getByRole('treeitem', { name: 'app' }).click();
  await expect(page.getByTestId('data')).toHaveValue('data');
  const line = page.getByTestId('console-line');
  for (const command of ['ls /', 'get /none', 'help']) {
    await line.fill(command);
    await line.press('Enter');
  }
  await expect(page.getByTestId('console-output')).toContainText('4lw');
  expect(await findings(page)).toEqual([]);

  for (const opener of ['Create a node', 'Access list', 'Import', 'Delete', 'Invite']) {
    // A page that is held up long enough gets a new session, and begins at the root again.
    await page.getByRole('treeitem', { name: 'app' }).click();
    await expect(page.getByTestId('data')).toHaveValue('data');
    await page.getByRole('button', { name: opener, exact: true }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    expect(await findings(page, 'dialog[open]'), opener).toEqual([]);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
});

test('a room without a quorum, a server that has stopped, the front door and the inspector pass the judge', async ({
  context,
  appUrl,
}) => {
  const page = await openTab(context, appUrl + newLink(3));
  await expect(page.getByTestId('standing')).toContainText('No quorum.');
  expect(await findings(page)).toEqual([]);

  await page.evaluate(() => globalThis.tabkeeper?.stop());
  await expect(page.getByTestId('standing')).toContainText('This server has stopped.');
  await expect(page.getByTestId('my-state')).toHaveText(/Stopped/);
  expect(await findings(page)).toEqual([]);
  await page.getByRole('button', { name: 'Start it again' }).click();
  await expect(page.getByTestId('my-state')).toHaveText(/Looking/);
  await expect.poll(async () => (await status(page)).stopped).toBeNull();

  const door = await openTab(context, appUrl);
  await expect(door.getByTestId('open-room')).toBeVisible();
  expect(await findings(door)).toEqual([]);
  await door.goto(`${appUrl}inspect`);
  await expect(door.getByRole('heading', { level: 1 })).toBeVisible();
  expect(await findings(door)).toEqual([]);
});

test('a disk that is full stops the server, which says so and can be started again', async ({
  context,
  appUrl,
}) => {
  await context.addInitScript(installFullDisk);
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await page.bringToFront();
  await write(page, '/kept', 'yes');
  const told = (word: string): Promise<void> =>
    page.evaluate((text) => new BroadcastChannel('disk').postMessage(text), word);
  await told('full');
  await page.evaluate(() => {
    // Nobody answers it: the server stops first.
    globalThis.tabkeeper?.client.create('/lost').catch(() => undefined);
  });
  const standing = page.getByTestId('standing');
  await expect(standing).toContainText('This server has stopped.');
  await expect(standing).toContainText('The browser has no room left for this server');
  await expect(page.getByTestId('my-state')).toHaveText(/Stopped/);
  expect(await findings(page)).toEqual([]);
  await told('free');
  await page.getByRole('button', { name: 'Start it again' }).click();
  await expect(page.getByTestId('my-state')).toHaveText(/Leading/);
  await expect.poll(() => read(page, '/kept')).toBe('yes');
});

/** Runs in every page before its own scripts: its Workers' IndexedDB is full while the channel `disk` last said so. */
function installFullDisk(): void {
  const text = `
    let isFull = false;
    const { put } = IDBObjectStore.prototype;
    new BroadcastChannel('disk').onmessage = ({ data }) => { isFull = data === 'full'; };
    IDBObjectStore.prototype.put = function (...args) {
      const request = put.apply(this, args);
      if (isFull) {
        const error = new DOMException('', 'QuotaExceededError');
        Object.defineProperty(this.transaction, 'error', { value: error });
        this.transaction.abort();
      }
      return request;
    };`;
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      const script = `import ${JSON.stringify(new URL(url, location.href).href)};${text}`;
      super(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), options);
    }
  };
}

test('a node is made, found, changed and deleted with keys alone', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await page.bringToFront();
  await page.getByRole('button', { name: 'Create a node' }).focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('create-path').focus();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('/keys');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('node-path')).toHaveText('/keys');

  await page.getByRole('tree').focus();
  await page.keyboard.press('Home');
  await expect(page.getByTestId('node-path')).toHaveText('/');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByTestId('node-path')).toHaveText('/keys');

  await page.getByTestId('data').focus();
  await page.keyboard.type('typed');
  await page.getByTestId('save').focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => read(page, '/keys')).toBe('typed');

  await page.getByTestId('delete').focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('delete-confirm').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('treeitem', { name: 'keys' })).toHaveCount(0);
});

test('the reasons are one stop of the Tab key, walked with the arrow keys', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await page.bringToFront();
  await expect(page.getByTestId('reason').nth(1)).toBeAttached();
  const sentences = page.getByTestId('reason').locator('summary');
  const focused = sentences.and(page.locator(':focus'));

  await page.getByText('What do the marks mean?').focus();
  await page.keyboard.press('Tab');
  await expect(focused).toHaveCount(1);
  await page.keyboard.press('End');
  await expect(sentences.last()).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(sentences.last()).not.toBeFocused();
  await expect(focused).toHaveCount(1);
  await page.keyboard.press('Tab');
  await expect(focused).toHaveCount(0);
  await page.keyboard.press('Shift+Tab');
  await expect(focused).toHaveCount(1);
});

test('every size of the page fits its width', async ({ context, appUrl }) => {
  const page = await openTab(context, appUrl + newLink(3));
  await expect(page.getByTestId('standing')).toContainText('No quorum.');
  await expect(page.getByTestId('console-line')).toBeVisible();
  for (const [width, height, projector] of [
    [390, 844, false],
    [1280, 800, false],
    [1920, 1080, true],
  ] as const) {
    await page.setViewportSize({ width, height });
    if (projector) await page.getByRole('button', { name: 'Projector' }).click();
    const beyond = () =>
      page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
    await expect.poll(beyond).toBe(0);
  }
});

test('a browser that cannot be a server is told what it lacks', async ({ context, appUrl }) => {
  await context.addInitScript(() => {
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined });
  });
  const page = await openTab(context, appUrl + newLink(3));
  await expect(page.getByTestId('unsupported')).toContainText('It has no IndexedDB.');
  expect(await findings(page)).toEqual([]);
  await expect(page.getByRole('link', { name: 'The inspector' })).toBeVisible();
});
