/** What a person does in the inspector: drop a data directory of a real ZooKeeper, look, filter, go back in time. */

import type { Page } from '@playwright/test';
import { zipSync } from 'fflate';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './harness/servers.ts';

const CUT = 'test/golden/disk/trunc-only/before/version-2';

interface Upload {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

const upload = (name: string, bytes: Uint8Array): Upload => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(bytes),
});

const filesOf = (folder: string): readonly Upload[] =>
  readdirSync(folder).map((name) => upload(name, readFileSync(join(folder, name))));

async function inspect(page: Page, appUrl: string, files: readonly Upload[]): Promise<void> {
  await page.goto(`${appUrl}inspect`);
  await page.getByTestId('inspect-files').setInputFiles([...files]);
}

test('a directory of Apache ZooKeeper is read, verified and walked through', async ({
  page,
  appUrl,
}) => {
  await inspect(page, appUrl, filesOf(CUT));
  await expect(page.getByTestId('inspect-verdict')).toContainText('No damage found.');
  await expect(page.getByTestId('inspect-verdict')).toContainText(
    'digests in the transactions fit',
  );

  await page.getByTestId('txn-type').selectOption('create');
  const row = page.getByTestId('txn').first();
  await row.click();
  await expect(page.getByTestId('txn-detail')).toContainText('parentCVersion');

  const zxid = (await row.getAttribute('data-zxid')) ?? '';
  await expect(page.getByTestId('moment')).toHaveText(zxid);
  await expect(page.getByTestId('node-at').getByRole('heading')).toHaveText(/^\/./);
  const treeRows = page.getByTestId('znode');
  const after = await treeRows.count();
  await page.getByTestId('scrub').fill('0');
  await expect(page.getByTestId('moment')).not.toHaveText(zxid);
  await expect.poll(() => treeRows.count()).toBeLessThan(after);
});

test('it is said who made a node, and what differs between two zxids', async ({ page, appUrl }) => {
  await inspect(page, appUrl, filesOf(CUT));
  await page.getByTestId('txn-type').selectOption('create');
  await page.getByTestId('txn').first().click();
  const made = await page.getByTestId('moment').innerText();
  const line = page.getByTestId('story-line').last();
  await expect(line).toContainText('created /');
  await expect(line).toContainText(/by session 0x[0-9a-f]+, begun at server \d+/);
  await page.getByTestId('scrub').fill('0');
  await expect(page.getByTestId('moment')).not.toHaveText(made);

  await page.getByTestId('inspect-compare').click();
  await page.getByTestId('compare-from-here').click();
  await page.getByTestId('compare-run').click();
  await expect(page.getByTestId('compare-row').first()).toHaveAttribute('data-kind', 'created');
  await page.getByTestId('compare-row').first().click();
  await expect(page.getByTestId('difference')).toContainText('created');
});

test('a zip of two servers asks which one', async ({ page, appUrl }) => {
  const entries = Object.fromEntries(
    ['server.1', 'server.2'].flatMap((server) =>
      filesOf(CUT).map(({ name, buffer }) => [
        `${server}/version-2/${name}`,
        new Uint8Array(buffer),
      ]),
    ),
  );
  await inspect(page, appUrl, [upload('ensemble.zip', zipSync(entries))]);
  await page.getByRole('button', { name: 'server.2' }).click();
  await expect(page.getByTestId('files')).toContainText('server.2');
});

test('damage is located to the byte, in words', async ({ page, appUrl }) => {
  const files = filesOf(CUT).map((file) => {
    if (!file.name.startsWith('log.')) return file;
    const buffer = Buffer.from(file.buffer);
    buffer[60] = (buffer[60] ?? 0) ^ 1;
    return { ...file, buffer };
  });
  await inspect(page, appUrl, files);
  await expect(page.getByTestId('inspect-verdict')).toContainText('Damaged in 1 place.');
  await expect(page.getByTestId('findings')).toContainText(/Damaged at byte \d+: .*checksum/);
});

test('what is no data directory is said to be none', async ({ page, appUrl }) => {
  await inspect(page, appUrl, [upload('holiday.jpg', new Uint8Array([1, 2, 3]))]);
  await expect(page.getByTestId('inspect-problem')).toContainText('no log.* and no snapshot.*');
  await page.getByTestId('inspect-files').setInputFiles([upload('broken.zip', new Uint8Array(40))]);
  await expect(page.getByTestId('inspect-problem')).toContainText('broken.zip cannot be unpacked');
});

test('a zip that would unpack to more than a tab can hold is refused, in words', async ({
  page,
  appUrl,
}) => {
  const bomb = Buffer.from(zipSync({ 'version-2/log.100000001': new Uint8Array(1_000_000) }));
  // What its directory says that the file unpacks to: the last entry's number at byte 24.
  const entry = bomb.lastIndexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
  bomb.writeUInt32LE(0x7fff_ffff, entry + 24);
  await inspect(page, appUrl, [upload('bomb.zip', bomb)]);
  await expect(page.getByTestId('inspect-problem')).toContainText(
    'bomb.zip cannot be unpacked. “version-2/log.100000001” would unpack to 2147483647 bytes',
  );
});
