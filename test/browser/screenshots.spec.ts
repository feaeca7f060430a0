/** The README's picture. `UPDATE_SCREENSHOTS=1` writes it; otherwise this shows that it can still be taken. */

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { openAtFollower, write } from './harness/ensemble.ts';
import { expect, test } from './harness/servers.ts';

const FILE = 'docs/images/room.png';
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
  if (writes) mkdirSync(dirname(FILE), { recursive: true });
  const picture = await page.screenshot({ fullPage: true, ...(writes ? { path: FILE } : {}) });
  expect(picture.byteLength).toBeGreaterThan(10_000);
});
