/** What a person does with a server's history: go back, see who did what, compare two moments, and follow what comes. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { newLink } from '../../src/playwright/tabs.ts';
import { openAtFollower, openRoom, write } from './harness/ensemble.ts';
import { status } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';

const PICTURE = 'docs/images/history.png';
const writesPicture = process.env['UPDATE_SCREENSHOTS'] === '1';

const set = (page: Page, path: string, text: string): Promise<unknown> =>
  page.evaluate(([at, data]) => globalThis.tabkeeper?.client.setData(at, data), [
    path,
    text,
  ] as const);

const remove = (page: Page, path: string): Promise<unknown> =>
  page.evaluate((at) => globalThis.tabkeeper?.client.delete(at), path);

const czxidOf = (page: Page, path: string): Promise<string> =>
  page.evaluate(async (at) => {
    const stat = await globalThis.tabkeeper?.client.exists(at);
    return `0x${stat?.czxid.toString(16) ?? ''}`;
  }, path);

/** It shows the newest committed transaction. */
async function openHistory(page: Page): Promise<void> {
  await page.bringToFront();
  await page.getByRole('button', { name: 'History', exact: true }).click();
  await expect(page.getByTestId('tale-sentence')).not.toContainText('Before the first');
}

const view = (page: Page) => page.getByTestId('history-view');
const sentence = (page: Page) => page.getByTestId('tale-sentence');
const node = (page: Page, name: string) =>
  view(page).getByTestId('znode').filter({ hasText: name });

const moment = (page: Page) => page.getByTestId('history-moment');

async function goTo(page: Page, zxid: string): Promise<void> {
  await page.getByTestId('history-zxid').fill(zxid);
  await page.getByTestId('history-zxid').press('Enter');
  await expect(moment(page)).toHaveText(zxid);
}

/** Forward, past whatever sessions came and went, to the transaction that is said so. */
async function stepUntil(page: Page, said: string): Promise<void> {
  while (!(await sentence(page).innerText()).includes(said)) {
    const before = await moment(page).innerText();
    await page.getByTestId('history-forward').click();
    await expect(moment(page)).not.toHaveText(before);
  }
}

async function expectNoViolations(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page })
      .include('[data-testid="history-view"]')
      .analyze();
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    ).toEqual([]);
  }
}

/** Runs in the page: one byte of this text, as it lies in a log of this room's only server, becomes another. */
async function damageLog(text: string): Promise<boolean> {
  const done = <Result>(request: IDBRequest<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('IndexedDB'));
    });
  let hits = 0;
  for (const { name } of await indexedDB.databases()) {
    if (name?.endsWith('/1') !== true) continue;
    const database = await done(indexedDB.open(name));
    const records = database.transaction('records', 'readwrite').objectStore('records');
    for (const key of await done(records.getAllKeys())) {
      const value: unknown = await done(records.get(key));
      if (!(value instanceof Uint8Array)) continue;
      const at = String.fromCharCode(...value).indexOf(text);
      if (at < 0) continue;
      value[at] = 0;
      await done(records.put(value, key));
      hits++;
    }
    database.close();
  }
  return hits > 0;
}

test('what two tabs wrote is walked back through, asked who it was, compared, and followed', async ({
  context,
  appUrl,
}) => {
  const { leader, page } = await openAtFollower(context, appUrl);
  const leaderSid = (await status(leader)).sid;
  await write(page, '/color', 'blue');
  await set(leader, '/color', 'green');
  await write(leader, '/gone', 'soon');
  await remove(page, '/gone');
  await openHistory(page);

  // Who set it, and when.
  await node(page, 'color').click();
  await expect(view(page).getByTestId('node-at-data')).toHaveText('green');
  const story = page.getByTestId('story-line');
  await expect(story).toHaveCount(2);
  await expect(story.first()).toContainText(`begun at server ${leaderSid}, in another tab`);
  await expect(story.last()).toContainText('this tab’s');

  // Back to when it was made, and forward again step by step.
  await story.last().click();
  await expect(sentence(page)).toContainText('created /color with “blue”');
  await expect(view(page).getByTestId('node-at-data')).toHaveText('blue');
  const zxid = await moment(page).innerText();
  await stepUntil(page, 'changed /color from “blue” to “green” (version 0 → 1)');
  await expect(node(page, 'gone')).toHaveCount(0);
  await stepUntil(page, 'created /gone');
  await expect(node(page, 'gone').getByTestId('mark')).toHaveText('+ added');
  await stepUntil(page, 'deleted /gone, which held “soon”');
  await expect(node(page, 'gone').getByTestId('mark')).toHaveText('− removed');
  await expect(page.getByTestId('node-gone')).toBeVisible();
  const end = await moment(page).innerText();
  await page.getByTestId('history-scrub').press('ArrowLeft');
  await expect(moment(page)).not.toHaveText(end);
  await expect(page.getByTestId('node-gone')).toHaveCount(0);

  // From there to the end.
  await goTo(page, zxid);
  await page.getByTestId('history-compare').click();
  await page.getByTestId('compare-from-here').click();
  await goTo(page, end);
  await page.getByTestId('compare-to-here').click();
  await page.getByTestId('compare-run').click();
  const rows = page.getByTestId('compare-row');
  await expect(rows.and(page.locator('[data-path="/color"]'))).toHaveAttribute(
    'data-kind',
    'changed',
  );
  // Made and deleted between the two, so it is no difference.
  await expect(rows.and(page.locator('[data-path="/gone"]'))).toHaveCount(0);
  await rows.and(page.locator('[data-path="/color"]')).click();
  await expect(page.getByTestId('difference')).toContainText('blue');
  await expect(page.getByTestId('difference')).toContainText('green');
  await page.getByTestId('compare-path').fill('/nothing');
  await page.getByTestId('compare-run').click();
  await expect(page.getByTestId('compare-counts')).toContainText('no node differs');
  await expectNoViolations(page);

  // Staying where one is, and following.
  await goTo(page, zxid);
  const place = page.getByTestId('history-place');
  const before = await place.innerText();
  await write(leader, '/later', 'news');
  await expect(place).not.toHaveText(before);
  await expect(moment(page)).toHaveText(zxid);
  await page.getByTestId('history-follow').click();
  await node(page, 'later').click();
  await expect(view(page).getByTestId('node-at-data')).toHaveText('news');
  await set(leader, '/later', 'newer news');
  await expect(view(page).getByTestId('node-at-data')).toHaveText('newer news');
  await expect(page.getByTestId('history-follow')).toHaveAttribute('aria-pressed', 'true');
});

test('keys alone lead to both ends, to a zxid and along the tree', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await write(page, '/a', 'x');
  await write(page, '/a/b', 'y');
  await openHistory(page);
  const scrub = page.getByTestId('history-scrub');
  await scrub.focus();
  await page.keyboard.press('Home');
  await expect(sentence(page)).toContainText('Before the first transaction');
  await expect(sentence(page)).toContainText('the very first transaction of the ensemble');
  await page.keyboard.press('End');
  await expect(page.getByTestId('history-place')).toHaveText(/^(\d+) of \1 transactions$/);
  await expect(scrub).toHaveAttribute('aria-valuetext', /^transaction (\d+) of \1, zxid 0x/);
  await expect(node(page, 'a')).not.toHaveCount(0);
  await view(page).getByRole('tree').focus();
  await page.keyboard.press('Home');
  await expect(page.getByTestId('story')).toContainText('Who changed /,');
  await page.getByTestId('history-zxid').fill('not hex');
  await page.getByTestId('history-zxid').press('Enter');
  await expect(view(page).getByRole('alert')).toContainText('sixteen hexadecimal digits');
});

test('a server that has stopped still tells its history', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await write(page, '/kept', 'yes');
  await openHistory(page);
  await page.evaluate(() => globalThis.tabkeeper?.stop());
  await expect(page.getByTestId('history-stopped')).toBeVisible();
  await expect(page.getByTestId('history-floor')).toContainText('follows no leader now');
  await expectNoViolations(page);
  await page.getByTestId('history-first').click();
  await expect(node(page, 'kept')).toHaveCount(0);
  await page.getByTestId('history-stopped').getByRole('button').click();
  await expect.poll(async () => (await status(page)).serving).toBe(true);
  await expect(page.getByTestId('history-stopped')).toHaveCount(0);
});

test('a server that has seen no transaction says so', async ({ context, appUrl }) => {
  const page = await context.newPage();
  await page.goto(appUrl + newLink(3));
  await page.getByRole('button', { name: 'History', exact: true }).click();
  await expect(page.getByTestId('history-empty')).toContainText('No transaction');
  await expect(page.getByTestId('history-compare')).toBeDisabled();
  await expectNoViolations(page);
});

test('where a log is damaged is said, and what comes before it can be walked', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await write(page, '/kept', 'whole');
  await write(page, '/hit', 'this text will not be the same');
  await page.evaluate(() => globalThis.tabkeeper?.stop());
  expect(await page.evaluate(damageLog, 'this text will not')).toBe(true);
  await page.getByRole('button', { name: 'History', exact: true }).click();
  await expect(page.getByTestId('history-damage')).toContainText(/log\..*byte \d+/);
  await expect(node(page, 'kept')).toHaveCount(1);
  await expect(node(page, 'hit')).toHaveCount(0);
  await expectNoViolations(page);
});

test('a snapshot that was taken shortens no history', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await write(page, '/old', 'x');
  await page.getByRole('button', { name: 'Storage' }).click();
  await page.getByTestId('take-snapshot').click();
  await expect(page.getByTestId('storage-outcome')).toContainText('is written');
  await openHistory(page);
  await expect(page.getByTestId('history-floor')).toContainText('the very first transaction');
  await page.getByTestId('history-first').click();
  await expect(node(page, 'old')).toHaveCount(0);
});

for (const [size, viewport] of Object.entries({
  desk: { width: 1360, height: 1100 },
  phone: { width: 390, height: 844 },
  projector: { width: 1920, height: 1080 },
})) {
  test(`pictures of the history, ${size}`, async ({ context, appUrl }, testInfo) => {
    const { leader, page } = await openAtFollower(context, appUrl);
    await page.setViewportSize(viewport);
    if (size === 'projector') await page.getByRole('button', { name: 'Projector' }).click();
    await write(page, '/config', '');
    await write(page, '/config/color', 'blue');
    await write(leader, '/config/limits', '{"connections": 60, "rate": 10}');
    const limits = await czxidOf(leader, '/config/limits');
    await write(leader, '/workers', '');
    await write(leader, '/workers/anna', 'host-7');
    await set(page, '/config/limits', '{"connections": 120, "rate": 10, "burst": 5}');
    await remove(leader, '/workers/anna');
    await set(leader, '/config/color', 'green');
    await openHistory(page);
    await node(page, 'config').click();
    await view(page).getByRole('tree').press('ArrowRight');
    await node(page, 'color').click();
    await page.getByTestId('story-line').first().click();
    await expect(sentence(page)).toContainText('to “green”');
    await page.getByTestId('history-compare').click();
    await page.getByTestId('compare-from').fill(limits);
    await page.getByTestId('compare-run').click();
    await page.locator('[data-testid="compare-row"][data-path="/config/limits"]').click();
    await expect(page.getByTestId('difference')).toContainText('burst');
    const beyond = () =>
      page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
    await expect.poll(beyond).toBe(0);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const picture = await view(page).screenshot({
        path: testInfo.outputPath(`history-${size}-${colorScheme}.png`),
      });
      expect(picture.byteLength).toBeGreaterThan(10_000);
    }
    if (size !== 'desk') return;
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByTestId('history-compare').click();
    if (writesPicture) mkdirSync(dirname(PICTURE), { recursive: true });
    const picture = await view(page).screenshot(writesPicture ? { path: PICTURE } : {});
    expect(picture.byteLength).toBeGreaterThan(10_000);
  });
}
