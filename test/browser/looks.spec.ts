/**
 * Pictures of every view at every size, for people to look at; with `UPDATE_SCREENSHOTS=1` light and dark. What is checked
 * is that each view fits its width.
 */

import type { BrowserContext, Page, TestInfo } from '@playwright/test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leaderLeaves, openAtFollower, openRoom, write } from './harness/ensemble.ts';
import { newLink, openTab, serving } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';

const SIZES = {
  phone: { width: 390, height: 844 },
  laptop: { width: 1280, height: 800 },
  projector: { width: 1920, height: 1080 },
} as const;

const SCHEMES =
  process.env['UPDATE_SCREENSHOTS'] === '1' ? (['light', 'dark'] as const) : (['light'] as const);

const RECORDED = 'test/golden/disk/trunc-only/before/version-2';

/** Takes a picture of a part of the page, or of what is on the screen, in every size, light and dark. */
async function look(
  page: Page,
  testInfo: TestInfo,
  name: string,
  part: string | null = null,
): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    await page.evaluate((wanted) => {
      document.documentElement.dataset['size'] = wanted;
      dispatchEvent(new Event('resize'));
    }, size);
    const beyond = (): Promise<number> =>
      page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
    await expect.poll(beyond, `${name} fits a ${size}`).toBe(0);
    if (part === null) await page.evaluate(() => scrollTo(0, 0));
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const path = testInfo.outputPath(`${name}-${size}-${colorScheme}.png`);
      const picture =
        part === null
          ? await page.screenshot({ path })
          : await page.locator(part).screenshot({ path });
      expect(picture.byteLength).toBeGreaterThan(1_000);
    }
  }
  await page.setViewportSize(SIZES.laptop);
}

async function alone(context: BrowserContext, appUrl: string): Promise<Page> {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await page.bringToFront();
  return page;
}

test('the door, the inspector, and what stands in the way of a server', async ({
  context,
  appUrl,
}, testInfo) => {
  const page = await openTab(context, appUrl);
  await look(page, testInfo, 'landing');
  const misled = await openTab(context, `${appUrl}#room=zz&servers=4`);
  await expect(misled.getByTestId('link-problem')).toBeVisible();
  await look(misled, testInfo, 'landing-problem');
  await page.bringToFront();
  await page.goto(`${appUrl}inspect`);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await look(page, testInfo, 'inspector-start');
  const files = readdirSync(RECORDED).map((name) => ({
    name,
    mimeType: 'application/octet-stream',
    buffer: readFileSync(join(RECORDED, name)),
  }));
  await page.getByTestId('inspect-files').setInputFiles(files);
  await expect(page.getByTestId('inspect-verdict')).toContainText('No damage found.');
  await page.getByTestId('txn').nth(1).click();
  await expect(page.getByTestId('txn-detail')).toBeVisible();
  await look(page, testInfo, 'inspector-files', 'body');
});

test('no place for a server', async ({ context, appUrl }, testInfo) => {
  const link = appUrl + newLink(1);
  const first = await openTab(context, link);
  await serving(first);
  const second = await openTab(context, `${link}&sid=1`);
  await expect(second.getByTestId('refused')).toBeVisible();
  await look(second, testInfo, 'refused');
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'locks', {
      value: { request: () => new Promise(() => {}), query: () => new Promise(() => {}) },
    });
  });
  const waiting = await openTab(context, appUrl + newLink(3));
  await look(waiting, testInfo, 'joining');
  await context.addInitScript(() => {
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined });
    Object.defineProperty(globalThis, 'RTCPeerConnection', { value: undefined });
  });
  const lacking = await openTab(context, appUrl + newLink(3));
  await expect(lacking.getByTestId('unsupported')).toBeVisible();
  await look(lacking, testInfo, 'unsupported');
});

test('a room of three', async ({ context, appUrl }, testInfo) => {
  const { leader, page, other } = await openAtFollower(context, appUrl);
  await write(leader, '/config', '');
  await write(leader, '/config/color', 'blue');
  await look(page, testInfo, 'room-top');
  await look(page, testInfo, 'room-whole', 'body');
  const reason = page.getByTestId('reason').filter({ hasText: 'higher id' }).first();
  await reason.locator('summary').click();
  await page.getByText('What do the marks mean?').click();
  await look(page, testInfo, 'stage', '[data-testid="stage"]');
  await page.getByText('What do the marks mean?').click();
  await reason.locator('summary').click();
  await page.getByRole('button', { name: 'Sequence' }).click();
  // It asks for every message when it stands, and not before.
  await expect(page.getByTestId('sequence-count')).toBeVisible();
  await write(page, '/written', 'x');
  const rows = page.getByTestId('sequence-rows');
  await look(page, testInfo, 'sequence', '[data-testid="sequence"]');
  await page.getByTestId('sequence-path').fill('/written');
  await expect(page.getByTestId('sequence-count')).toHaveText(/^[1-9]\d? of /);
  await rows.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await look(page, testInfo, 'sequence-detail', '[data-testid="sequence"]');
  await page.getByTestId('sequence-path').fill('');
  await page.getByRole('button', { name: 'Sequence' }).click();
  await page.getByRole('button', { name: 'Invite' }).click();
  await expect(page.getByRole('img', { name: 'QR code' }).locator('svg')).toBeVisible();
  await look(page, testInfo, 'invite');
  await page.keyboard.press('Escape');

  const fourth = await openTab(context, page.url().replace(/&sid=\d+/, ''));
  await serving(fourth);
  await look(fourth, testInfo, 'observer');
  await fourth.close({ runBeforeUnload: true });

  await page.bringToFront();
  await leaderLeaves(leader, [page, other]);
  await look(page, testInfo, 'leader-left', '[data-testid="stage"]');
  await other.close({ runBeforeUnload: true });
  await expect(page.getByTestId('standing')).toContainText('No quorum.');
  await look(page, testInfo, 'lost-quorum');
  await page.evaluate(() => globalThis.tabkeeper?.stop());
  await expect(page.getByTestId('standing')).toContainText('This server has stopped.');
  await look(page, testInfo, 'stopped');
});

test('the tree and its dialogs', async ({ context, appUrl }, testInfo) => {
  const page = await alone(context, appUrl);
  for (const path of ['/app', '/app/config', '/app/workers', '/app/workers/anna'])
    await write(page, path, `{"of":"${path}","list":[1,2,3]}`);
  await page.evaluate(() =>
    globalThis.tabkeeper?.client.create('/app/workers/me', 'x', { mode: 1 }),
  );
  for (const path of ['/app', '/app/workers']) {
    await page.locator(`[data-path="${path}"]`).click();
    await page.keyboard.press('ArrowRight');
  }
  await page.locator('[data-path="/app/workers/me"]').click();
  await expect(page.getByTestId('owner')).toBeVisible();
  await page.getByTestId('watch-data').click();
  await page.locator('[data-path="/app/config"]').click();
  await page.getByTestId('watch-data').click();
  await page.getByTestId('watch-children').click();
  await page.evaluate(() => globalThis.tabkeeper?.client.setData('/app/config', '{"a":[1]}'));
  await expect(page.getByTestId('fired-watches')).toContainText('/app/config');
  await look(page, testInfo, 'tree', '.columns .column:last-child');
  await page.locator('[data-path="/app/workers/me"]').click();
  await look(page, testInfo, 'ephemeral', 'section[aria-labelledby="node"]');
  await page.getByTestId('data').fill('changed');
  await page.getByTestId('save').click();
  await expect(page.getByTestId('undo')).toBeVisible();
  await look(page, testInfo, 'undo', 'section[aria-labelledby="node"]');
  await page.getByTestId('search').fill('a');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('search-count')).toContainText('paths');
  await look(page, testInfo, 'search', 'section[aria-labelledby="tree"]');

  await page.locator('[data-path="/app"]').click();
  await expect(page.getByTestId('node-path')).toHaveText('/app');
  await page.getByTestId('create').click();
  await look(page, testInfo, 'create');
  await page.getByTestId('create-mode').selectOption({ index: 5 });
  await page.getByTestId('create-path').fill('/app/ttl');
  await page.getByTestId('create-confirm').click();
  await expect(page.getByRole('dialog').getByRole('alert')).toBeVisible();
  await look(page, testInfo, 'create-ttl');
  await page.keyboard.press('Escape');
  await page.getByTestId('access').click();
  await expect(page.getByTestId('acl-entry')).toBeVisible();
  await page.getByTestId('acl-recursive').check();
  await page.getByTestId('acl-look').click();
  await expect(page.getByTestId('acl-reach')).toBeVisible();
  await look(page, testInfo, 'access');
  await page.keyboard.press('Escape');
  const coming = page.waitForEvent('download');
  await page.getByTestId('export').click();
  const file = await (await coming).path();
  await page.evaluate(async () => {
    await globalThis.tabkeeper?.client.setData('/app', 'changed');
    await globalThis.tabkeeper?.client.create('/app/extra', 'new');
  });
  await page.getByTestId('import').click();
  await look(page, testInfo, 'import-start');
  await page.getByTestId('import-file').setInputFiles(file);
  await page.getByTestId('import-replace').check();
  await page.getByTestId('import-look').click();
  await expect(page.getByTestId('import-plan')).toBeVisible();
  await look(page, testInfo, 'import');
  await page.keyboard.press('Escape');
  await page.getByTestId('delete').click();
  await expect(page.getByTestId('delete-count')).toContainText('nodes');
  await look(page, testInfo, 'delete');
});

test('the console and the disk', async ({ context, appUrl }, testInfo) => {
  const page = await alone(context, appUrl);
  await look(page, testInfo, 'console-empty', 'section[aria-labelledby="console"]');
  const line = page.getByTestId('console-line');
  for (const command of [
    'create /app data',
    'get -s -w /app',
    'set /app other',
    'get /none',
    'setquota -n 5 /app',
    'listquota /app',
    '4lw srvr',
  ]) {
    await line.fill(command);
    await line.press('Enter');
  }
  await expect(page.getByTestId('console-output')).toContainText('Node count');
  await line.fill('get /');
  await line.press('Tab');
  await expect(page.getByTestId('console-offers')).toBeVisible();
  await look(page, testInfo, 'console', 'section[aria-labelledby="console"]');
  await page.getByRole('button', { name: 'Storage' }).click();
  await expect(page.getByTestId('stored-file').first()).toBeVisible();
  await page.getByTestId('take-snapshot').click();
  await expect(page.getByTestId('storage-outcome')).toContainText('is written');
  await look(page, testInfo, 'storage', '[data-testid="storage-view"]');
  const downloading = page.waitForEvent('download');
  await page.getByTestId('download-zip').click();
  const zip = readFileSync(await (await downloading).path());
  await write(page, '/later', 'x');
  await page.getByTestId('restore').click();
  await look(page, testInfo, 'restore-start');
  await page
    .getByTestId('restore-files')
    .setInputFiles({ name: 'home.zip', mimeType: 'application/zip', buffer: zip });
  await expect(page.getByTestId('restore-meaning')).toBeVisible();
  await look(page, testInfo, 'restore');
  await page.keyboard.press('Escape');
});
