/** Histories too long to be looked through: read with progress, given up midway, walked, and compared. */

import type { Page } from '@playwright/test';
import { openRoom } from './harness/ensemble.ts';
import { holdAnswers, holdNoMore } from './harness/heldWorkers.ts';
import { expect, test } from './harness/servers.ts';
import { create, logOf, set, zxidText } from './harness/writtenLog.ts';

const TXN_COUNT = 100_000;
/** It is read for seconds; on a machine with much else to do, for a minute. */
const READ_WITHIN_MS = 150_000;
const ROOM_WRITES_COUNT = 3_000;

/** A node for all, and then by turns a new one below it and another text for that. */
function longLog(): Buffer {
  const txns = Array.from({ length: TXN_COUNT - 1 }, (_, index) => {
    const path = `/all/n${String(index >>> 1).padStart(6, '0')}`;
    return index % 2 === 0 ? create(path, 'blue') : set(path, 'green', 1);
  });
  return logOf([create('/all'), ...txns]);
}

async function drop(page: Page, buffer: Buffer): Promise<void> {
  const file = { name: 'log.100000001', mimeType: 'application/octet-stream', buffer };
  await page.getByTestId('inspect-files').setInputFiles([file]);
}

const isUnderWay = (page: Page) =>
  expect
    .poll(() => page.getByRole('progressbar').evaluate((bar: HTMLProgressElement) => bar.value))
    .toBeGreaterThan(0);

test('a log of a hundred thousand transactions is read, walked through and compared', async ({
  page,
  appUrl,
}) => {
  test.slow();
  await page.goto(`${appUrl}inspect`);
  await drop(page, longLog());
  await expect(page.getByTestId('inspect-verdict')).toContainText('No damage found.', {
    timeout: READ_WITHIN_MS,
  });
  await expect(page.getByTestId('txn-count')).toHaveText('100,000 of 100,000');
  await expect(page.getByTestId('moment')).toHaveText(zxidText(TXN_COUNT));

  // To the middle, and a step each way.
  const moment = page.getByTestId('moment');
  await page.getByTestId('scrub').fill('50001');
  await expect(moment).toHaveText(zxidText(50_001));
  await expect(page.getByTestId('moment-sentence')).toContainText(
    'changed /all/n024999 from “blue” to “green” (version 0 → 1)',
  );
  await expect(page.getByTestId('node-at-data')).toHaveText('green');
  await page.getByTestId('scrub-back').click();
  await expect(moment).toHaveText(zxidText(50_000));
  await expect(page.getByTestId('moment-sentence')).toContainText('created /all/n024999');
  await expect(page.getByTestId('node-at-data')).toHaveText('blue');
  await page.getByTestId('scrub-back').press('Enter');
  await page.getByTestId('scrub').press('Home');
  await expect(page.getByTestId('moment-sentence')).toHaveText('Before the first transaction.');

  // Who it was, and what became of all of it.
  await page.getByTestId('txn-filter').fill('n024999');
  await expect(page.getByTestId('txn-count')).toHaveText('2 of 100,000');
  await page.getByTestId('txn').first().click();
  await expect(moment).toHaveText(zxidText(50_000));
  await expect(page.getByTestId('story-line')).toHaveCount(2);
  await page.getByTestId('inspect-compare').click();
  await page.getByTestId('compare-from').fill(zxidText(1));
  await page.getByTestId('compare-to').fill(zxidText(TXN_COUNT));
  await page.getByTestId('compare-run').click();
  await expect(page.getByTestId('compare-counts')).toContainText('99,999 transactions');
  await expect(page.getByTestId('compare-counts')).toContainText('+ 50,000 created');
  await page.getByTestId('compare-path').fill('n02499');
  await page.getByTestId('compare-run').click();
  await expect(page.getByTestId('compare-counts')).toContainText('+ 10 created');
});

test('reading a long log shows how far it is, and can be given up midway', async ({
  page,
  appUrl,
}) => {
  // Unpacking is answered, opening is not.
  await page.goto(`${appUrl}inspect`);
  await holdAnswers(page, 'inspectWorker', 1);
  await drop(page, logOf(Array.from({ length: 2_000 }, (_, index) => create(`/n${index}`))));
  await expect(page.getByTestId('work')).toContainText('Checking every transaction');
  await isUnderWay(page);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByTestId('inspect-cancelled')).toBeVisible();
  await expect(page.getByTestId('work')).toHaveCount(0);

  await holdNoMore(page);
  await drop(page, logOf([create('/small', 'but whole')]));
  await expect(page.getByTestId('node-at-data')).toHaveText('but whole');
});

test('data that is too long to be compared as a whole is said to be, and whether the rest differs', async ({
  page,
  appUrl,
}) => {
  const long = 'the same line\n'.repeat(6_000);
  await page.goto(`${appUrl}inspect`);
  await drop(page, logOf([create('/long', long), set('/long', `${long}and one more`, 1)]));
  await page.getByTestId('inspect-compare').click();
  await page.getByTestId('compare-from').fill(zxidText(1));
  await page.getByTestId('compare-to').fill(zxidText(2));
  await page.getByTestId('compare-run').click();
  await page.getByTestId('compare-row').click();
  await expect(page.getByTestId('compared-bytes')).toContainText('Only the first 64.0 KiB');
  await expect(page.getByTestId('compared-bytes')).toContainText('What comes behind differs too.');
});

test('a room’s own history of thousands of transactions is given up, read again, and walked', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await page.bringToFront();
  await page.evaluate(async (count) => {
    const { tabkeeper } = globalThis;
    if (tabkeeper === undefined) throw new Error('This page is in no room.');
    const { client } = tabkeeper;
    await client.create('/all', '');
    const writes = Array.from({ length: count }, (_, index) =>
      client.create(`/all/n${index}`, 'x'),
    );
    await Promise.all(writes);
  }, ROOM_WRITES_COUNT);

  await holdAnswers(page, 'historyWorker', 0);
  await page.getByRole('button', { name: 'History', exact: true }).click();
  await expect(page.getByTestId('work')).toContainText('Reading the log');
  await isUnderWay(page);
  await page.getByTestId('work').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByTestId('history-cancelled')).toBeVisible();
  await holdNoMore(page);
  await page.getByRole('button', { name: 'Read it again' }).click();

  await expect(page.getByTestId('history-place')).toHaveText(/^3,0\d\d of 3,0\d\d transactions$/);
  await page.getByTestId('history-scrub').fill('1500');
  await expect(page.getByTestId('history-place')).toHaveText(/^1,500 of /);
  await expect(page.getByTestId('tale-sentence')).toContainText('created /all/n');
  await page.getByTestId('history-back').click();
  await expect(page.getByTestId('history-place')).toHaveText(/^1,499 of /);
});
