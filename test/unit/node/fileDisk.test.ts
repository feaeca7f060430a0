import { mkdtempSync, readFileSync, rmSync, chmodSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileDisk } from '../../../src/node/fileDisk.ts';
import type { DiskResult } from '../../../src/ports/disk.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tabkeeper-disk-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const open = (preAllocSizeBytes: number): FileDisk =>
  new FileDisk({ dataDir: folder, dataLogDir: folder, preAllocSizeBytes, forceSync: true });

const flush = (disk: FileDisk): Promise<DiskResult<void>> =>
  new Promise((resolve) => disk.flush(resolve));

test('a log grows in whole preallocated steps, zeros behind its end', async () => {
  const disk = open(16 * 1024);
  disk.append('log.1', Uint8Array.of(1, 2, 3));
  expect(await flush(disk)).toEqual({ ok: true, value: undefined });
  const bytes = readFileSync(join(folder, 'version-2', 'log.1'));
  expect(bytes.length).toBe(16 * 1024);
  expect([...bytes.subarray(0, 5)]).toEqual([1, 2, 3, 0, 0]);

  disk.append('log.1', new Uint8Array(13 * 1024).fill(7));
  await flush(disk);
  expect(statSync(join(folder, 'version-2', 'log.1')).size).toBe(32 * 1024);
  const entries = await new Promise((resolve) => disk.list(resolve));
  expect(entries).toEqual({ ok: true, value: [{ name: 'log.1', sizeBytes: 13 * 1024 + 3 }] });
  await disk.close();
});

test('what is appended bit by bit is in the file when each flush is answered', async () => {
  const disk = open(16 * 1024);
  const log = join(folder, 'version-2', 'log.1');
  for (let count = 1; count <= 40; count++) {
    disk.append('log.1', Uint8Array.of(count));
    expect(await flush(disk)).toEqual({ ok: true, value: undefined });
    expect(readFileSync(log)[count - 1]).toBe(count);
  }
  await disk.close();
});

test('only logs are preallocated', async () => {
  const disk = open(16 * 1024);
  disk.append('snapshot.0', Uint8Array.of(1));
  await flush(disk);
  expect(statSync(join(folder, 'version-2', 'snapshot.0')).size).toBe(1);
  await disk.close();
});

test('after a write that failed nothing is answered well any more', async () => {
  const disk = open(0);
  mkdirSync(join(folder, 'version-2', 'log.1'));
  disk.append('log.1', Uint8Array.of(1));
  const first = await flush(disk);
  expect(first.ok ? null : first.error.file).toBe('log.1');
  disk.append('log.2', Uint8Array.of(1));
  expect((await flush(disk)).ok).toBe(false);
  await disk.close();
});

test('a folder it may not make is an error at once', () => {
  const closed = join(folder, 'file');
  mkdirSync(closed);
  chmodSync(closed, 0o500);
  const make = (): FileDisk =>
    new FileDisk({
      dataDir: join(closed, '\0bad'),
      dataLogDir: folder,
      preAllocSizeBytes: 0,
      forceSync: true,
    });
  expect(make).toThrow();
});
