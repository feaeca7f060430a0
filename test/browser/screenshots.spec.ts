/** The pictures of the README and the guide. `UPDATE_SCREENSHOTS=1` writes them; otherwise this shows that they can still be taken. */

import type { Locator, Page } from '@playwright/test';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leaderLeaves, openAtFollower, write } from './harness/ensemble.ts';
import { expect, test } from './harness/servers.ts';

const FOLDER = 'docs/images';
const RECORDED = 'test/golden/disk/trunc-only/before/version-2';
const writes = process.env['UPDATE_SCREENSHOTS'] === '1';

test.use({ viewport: { width: 1360, height: 1000 }, deviceScaleFactor: 1 });

test("a room's picture shows three servers, their tree and what happened", async ({
  context,
  appUrl,
}) => {
  const { leader, page } = await openAtFollower(context, appUrl);
  await write(leader, '/config', '');
  await write(leader, '/config/color', 'blue');
  await write(leader, '/workers', '');
  await page.getByRole('treeitem', { name: 'config' }).click();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('treeitem', { name: 'color' }).click();
  await expect(page.getByTestId('data')).toHaveValue('blue');
  await page.getByTestId('watch-data').click();
  await leader.evaluate(() => globalThis.tabkeeper?.client.setData('/config/color', 'green'));
  await expect(page.getByTestId('data')).toHaveValue('green');
  await expect(page.getByTestId('fired-watches')).toContainText('/config/color');
  await expect(page.getByTestId('members').getByRole('listitem')).toHaveCount(3);
  await take(page, 'room.png');
});

test("a sequence's picture shows an election and the start of a reign", async ({
  context,
  appUrl,
}) => {
  const { leader, page, other } = await openAtFollower(context, appUrl);
  await page.getByRole('button', { name: 'Sequence' }).click();
  await leaderLeaves(leader, [page, other]);
  await page.getByLabel('what happens in a server').uncheck();
  const kinds = page.getByRole('group', { name: 'Kinds' });
  const others = ['vote', 'request', 'proposal', 'ack', 'commit'];
  for (const kind of others) await kinds.getByRole('checkbox', { name: kind }).uncheck();
  const detail = page.getByTestId('message-detail');
  const rows = page.getByTestId('sequence-rows');
  await rows.focus();
  await page.keyboard.press('Home');
  await expect(detail).toContainText('FOLLOWERINFO');
  for (const kind of others) await kinds.getByRole('checkbox', { name: kind }).check();
  await rows.focus();
  await page.keyboard.press('ArrowDown');
  await expect(detail).not.toContainText('FOLLOWERINFO');
  await take(page.getByTestId('sequence'), 'sequence.png');
});

test("the inspector's picture shows a log, a transaction and the tree after it", async ({
  page,
  appUrl,
}) => {
  await page.goto(`${appUrl}inspect`);
  const files = readdirSync(RECORDED).map((name) => ({
    name,
    mimeType: 'application/octet-stream',
    buffer: readFileSync(join(RECORDED, name)),
  }));
  await page.getByTestId('inspect-files').setInputFiles(files);
  await page.getByTestId('txn').nth(3).click();
  await expect(page.getByTestId('txn-detail')).toBeVisible();
  await expect(page.getByTestId('node-at').getByRole('heading')).toHaveText(/^\/./);
  await take(page, 'inspector.png');
});

async function take(part: Page | Locator, name: string): Promise<void> {
  if (writes) mkdirSync(FOLDER, { recursive: true });
  const wanted = writes ? { path: join(FOLDER, name) } : {};
  const picture =
    'screenshot' in part && 'goto' in part
      ? await part.screenshot({ fullPage: true, ...wanted })
      : await part.screenshot(wanted);
  expect(picture.byteLength).toBeGreaterThan(10_000);
}
