/** What a person does with a server's disk: look, take a snapshot, take it home as a zip, and put one in its place. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { zipSync } from 'fflate';
import { readFileSync } from 'node:fs';
import { fileSetsOf } from '../../src/inspector/dataFiles.ts';
import { Inspection } from '../../src/inspector/inspection.ts';
import { unzip } from '../../src/inspector/zipArchive.ts';
import { openRoom, read, write } from './harness/ensemble.ts';
import { serving, status } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';

interface Upload {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

const upload = (name: string, bytes: Uint8Array): Upload => ({
  name,
  mimeType: 'application/zip',
  buffer: Buffer.from(bytes),
});

async function openStorage(page: Page): Promise<void> {
  await page.bringToFront();
  await page.getByRole('button', { name: 'Storage' }).click();
  await expect(page.getByTestId('stored-file').first()).toBeVisible();
}

async function downloadZip(page: Page): Promise<Uint8Array> {
  const downloading = page.waitForEvent('download');
  await page.getByTestId('download-zip').click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^server-\d+-0x[0-9a-f]+\.zip$/);
  await expect(page.getByTestId('storage-outcome')).toContainText('a dataDir of Apache ZooKeeper');
  return new Uint8Array(readFileSync(await download.path()));
}

async function planRestore(page: Page, file: Upload): Promise<void> {
  await page.getByTestId('restore').click();
  await page.getByTestId('restore-files').setInputFiles(file);
}

/** The plan is carried out, and the server serves again. */
async function carryOut(page: Page): Promise<void> {
  await page.getByTestId('restore-apply').click();
  await expect(page.getByTestId('storage-outcome')).toContainText('The directory is restored');
  await serving(page);
}

async function expectNoViolations(page: Page, part: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).include(part).analyze();
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    ).toEqual([]);
  }
}

test('the files of this server are listed as they are, and a snapshot taken now joins them', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl);
  const [page] = pages as [Page];
  await write(page, '/color', 'blue');
  await openStorage(page);
  const files = page.getByTestId('stored-file');
  // With which transaction it begins depends on when this server came to the quorum.
  await expect(files.filter({ hasText: /log\.[0-9a-f]{9}/ }).first()).toContainText(
    /transactions? from 0x[0-9a-f]{9} on/,
  );
  await expect(files.filter({ hasText: 'currentEpoch' })).toContainText(/[1-9]/);
  await expect(files.filter({ hasText: 'acceptedEpoch' })).toContainText(/[1-9]/);
  const snapshots = files.and(page.locator('[data-kind="snapshot"]'));
  const before = await snapshots.count();
  expect(before).toBeGreaterThan(0);

  await page.getByTestId('take-snapshot').click();
  await expect(page.getByTestId('storage-outcome')).toContainText(
    /snapshot\.[0-9a-f]{9} is written/,
  );
  await expect(snapshots).toHaveCount(before + 1);
  await expectNoViolations(page, '[data-testid="storage-view"]');
});

test('the downloaded zip is a whole data directory, and restoring it brings the tree of then back', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await write(page, '/kept', 'yes');
  await openStorage(page);
  const archive = await downloadZip(page);
  const files = [...unzip(archive)];
  expect(files.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['myid', 'version-2/acceptedEpoch', 'version-2/snapshot.0']),
  );
  const [set] = fileSetsOf(files);
  if (set === undefined) throw new Error('the zip is empty');
  const inspection = new Inspection(set);
  expect(inspection.report.findings).toEqual([]);
  expect(inspection.nodeAt(inspection.report.lastZxid, '/kept')).not.toBeNull();

  await write(page, '/later', 'lost');
  await planRestore(page, upload('home.zip', archive));
  // The page hears of a new zxid a moment after the write.
  const loss = `to ${inspection.report.lastZxid}: every write since is lost.`;
  await expect(page.getByTestId('restore-meaning')).toContainText(loss);
  await expectNoViolations(page, 'dialog[open]');
  await carryOut(page);
  expect(await read(page, '/kept')).toBe('yes');
  expect(await read(page, '/later')).toBeNull();

  await page.getByTestId('undo-restore').click();
  await expect(page.getByRole('dialog')).toContainText('Put the replaced files back');
  await carryOut(page);
  expect(await read(page, '/later')).toBe('lost');
});

test('in an ensemble it is said what the leader will do, and the server comes back as a follower', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl);
  const page = pages[0] as Page;
  await write(page, '/before', 'x');
  await openStorage(page);
  const archive = await downloadZip(page);
  await write(page, '/after', 'y');
  await planRestore(page, upload('old.zip', archive));
  const meaning = page.getByTestId('restore-meaning');
  await expect(meaning).toHaveAttribute('data-kind', 'undone');
  await expect(meaning).toContainText('the leader brings it to its own');
  await expect(meaning).toContainText('To take the whole ensemble back');
  await carryOut(page);
  await expect.poll(() => read(page, '/after')).toBe('y');
});

test('a restored server can be left stopped, and is started by hand', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await write(page, '/kept', 'yes');
  await openStorage(page);
  const archive = await downloadZip(page);
  await planRestore(page, upload('home.zip', archive));
  await page.getByTestId('restore-start').uncheck();
  await page.getByTestId('restore-apply').click();
  await expect(page.getByTestId('storage-outcome')).toContainText(
    'left stopped until you start it',
  );
  await page.getByTestId('start-server').click();
  await serving(page);
  expect(await read(page, '/kept')).toBe('yes');
});

test('damaged, hostile and foreign files are refused in words, and nothing is changed', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl, 1);
  const [page] = pages as [Page];
  await write(page, '/kept', 'yes');
  await openStorage(page);
  const files = [...unzip(await downloadZip(page))];
  const damaged = Object.fromEntries(
    files.map(({ path, bytes }) => {
      const changed = bytes.slice();
      if (path.includes('log.')) changed[60] = (changed[60] ?? 0) ^ 1;
      return [path, changed];
    }),
  );
  await planRestore(page, upload('damaged.zip', zipSync(damaged)));
  await expect(page.getByTestId('restore-refusal')).toContainText(
    'Nothing is restored from damaged files',
  );
  await expect(page.getByTestId('findings')).toContainText(/log\.100000001.*Damaged at byte \d+/s);
  await expect(page.getByTestId('restore-apply')).toHaveCount(0);

  const chooser = page.getByTestId('restore-files');
  await chooser.setInputFiles(upload('path.zip', zipSync({ '../log.1': new Uint8Array(4) })));
  await expect(page.getByTestId('restore-problem')).toContainText('outside of the archive');
  await chooser.setInputFiles(upload('cut.zip', new Uint8Array(50)));
  await expect(page.getByTestId('restore-problem')).toContainText('It is no zip archive');
  await chooser.setInputFiles(upload('other.zip', zipSync({ 'a.txt': new Uint8Array(4) })));
  await expect(page.getByTestId('restore-problem')).toContainText('no log.* and no snapshot.*');
  await page.getByRole('button', { name: 'Close' }).click();
  expect(await read(page, '/kept')).toBe('yes');
});

test('a server without a quorum says why it takes no snapshot', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl);
  const [page, second, third] = pages as [Page, Page, Page];
  await openStorage(page);
  await second.close({ runBeforeUnload: true });
  await third.close({ runBeforeUnload: true });
  await expect.poll(async () => (await status(page)).serving).toBe(false);
  await expect(page.getByTestId('take-snapshot')).toBeDisabled();
  // Its files are still there to be taken home.
  expect([...unzip(await downloadZip(page))].length).toBeGreaterThan(3);
});

for (const [size, viewport] of Object.entries({
  desk: { width: 1360, height: 1100 },
  phone: { width: 390, height: 844 },
})) {
  test(`pictures of the storage, ${size}`, async ({ context, appUrl }, testInfo) => {
    const { pages } = await openRoom(context, appUrl, 1);
    const [page] = pages as [Page];
    await page.setViewportSize(viewport);
    for (let index = 0; index < 30; index++) await write(page, `/n${index}`, 'x'.repeat(200));
    await openStorage(page);
    await page.getByTestId('take-snapshot').click();
    await expect(page.getByTestId('storage-outcome')).toContainText('is written');
    const archive = await downloadZip(page);
    await planRestore(page, upload('home.zip', archive));
    await expect(page.getByTestId('restore-meaning')).toBeVisible();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const dialog = await page.screenshot({
        path: testInfo.outputPath(`restore-${size}-${colorScheme}.png`),
      });
      expect(dialog.byteLength).toBeGreaterThan(10_000);
    }
    await page.getByRole('button', { name: 'Close' }).click();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const view = await page
        .getByTestId('storage-view')
        .screenshot({ path: testInfo.outputPath(`storage-${size}-${colorScheme}.png`) });
      expect(view.byteLength).toBeGreaterThan(5_000);
    }
  });
}
