/** A tab's data directory read beside its server, and replaced as a whole. */

import 'fake-indexeddb/auto';
import { describe, expect, test, vi } from 'vitest';
import { IndexedDbDisk } from '../../../src/browser/indexedDbDisk.ts';
import { StoredDirectory } from '../../../src/browser/storedDirectory.ts';
import type { NamedBytes } from '../../../src/inspector/dataFiles.ts';
import type { DiskResult, Done } from '../../../src/ports/disk.ts';

const META = { diskId: 'a'.repeat(32), trustEmpty: true };
const NEVER = new AbortController().signal;
let count = 0;

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textsOf = (files: readonly NamedBytes[]): Record<string, string> =>
  Object.fromEntries(files.map(({ path, bytes }) => [path, textOf(bytes)]));

async function answered<T>(begin: (done: Done<T>) => void): Promise<DiskResult<T>> {
  return new Promise((resolve) => begin(resolve));
}

async function openDisk(): Promise<{ name: string; disk: IndexedDbDisk; stored: StoredDirectory }> {
  const name = `stored/${++count}`;
  const disk = await IndexedDbDisk.open(name, META, 'owner');
  return { name, disk, stored: new StoredDirectory(name) };
}

async function appended(disk: IndexedDbDisk, name: string, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    disk.append(name, bytesOf(text));
    expect(await answered<void>((done) => disk.flush(done))).toMatchObject({ ok: true });
  }
}

async function replaced(disk: IndexedDbDisk, name: string, text: string): Promise<void> {
  await answered<void>((done) => disk.replace(name, [bytesOf(text)], done));
}

describe('reading beside the server', () => {
  test('gives every file, its size and in how many groups it was flushed', async () => {
    const { disk, stored } = await openDisk();
    await replaced(disk, 'currentEpoch', '3');
    await appended(disk, 'log.1', 'one ', 'two ', 'three');
    expect(await stored.list()).toEqual({
      files: [
        { name: 'currentEpoch', sizeBytes: 1, recordCount: 1 },
        { name: 'log.1', sizeBytes: 13, recordCount: 3 },
      ],
      acceptedEpoch: null,
      currentEpoch: '3',
    });
    expect(textsOf(await stored.read())).toEqual({ currentEpoch: '3', 'log.1': 'one two three' });
  });

  test('reads of a log that has grown only what is new', async () => {
    const { disk, stored } = await openDisk();
    await appended(disk, 'log.1', 'one ', 'two ');
    await stored.read();
    await appended(disk, 'log.1', 'three');
    const getAll = vi.spyOn(IDBObjectStore.prototype, 'getAll');
    const done: number[] = [];
    const files = await stored.read((doneBytes) => done.push(doneBytes));
    const ranges = getAll.mock.calls.map(([range]) =>
      range instanceof IDBKeyRange ? range.lower : null,
    );
    getAll.mockRestore();
    expect(textsOf(files)).toEqual({ 'log.1': 'one two three' });
    expect(ranges.filter((lower) => Array.isArray(lower) && lower[0] === 'log.1')).toEqual([
      ['log.1', 8, 5],
    ]);
    expect(done.at(-1)).toBe(13);
  });

  test('begins anew when what it reads is removed under it', async () => {
    const { disk, stored } = await openDisk();
    await appended(disk, 'log.1', 'old');
    await appended(disk, 'log.2', 'new');
    const original = IDBObjectStore.prototype.getAllKeys;
    const listing = vi
      .spyOn(IDBObjectStore.prototype, 'getAllKeys')
      .mockImplementationOnce(function (this: IDBObjectStore, ...query) {
        const request = original.apply(this, query);
        disk.remove('log.1', () => {});
        return request;
      });
    expect(textsOf(await stored.read())).toEqual({ 'log.2': 'new' });
    expect(listing.mock.calls.length).toBeGreaterThan(1);
    listing.mockRestore();
  });

  test('forgets what it knew when another reign has begun', async () => {
    const { disk, stored } = await openDisk();
    await replaced(disk, 'currentEpoch', '1');
    await appended(disk, 'log.1', 'one ', 'two');
    await stored.read();
    await answered<void>((done) => disk.truncate('log.1', 4, done));
    await appended(disk, 'log.1', 'TWO');
    await replaced(disk, 'currentEpoch', '2');
    expect(textsOf(await stored.read())).toMatchObject({ 'log.1': 'one TWO' });
  });

  test('reads many small groups in slices', async () => {
    const { disk, stored } = await openDisk();
    const texts = Array.from({ length: 1_203 }, (_, index) => `${index},`);
    for (const text of texts) {
      disk.append('log.1', bytesOf(text));
      disk.flush(() => {});
    }
    await answered<void>((done) => disk.flush(done));
    expect(textsOf(await stored.read())).toEqual({ 'log.1': texts.join('') });
  });
});

describe('replacing the directory', () => {
  const NEW: readonly NamedBytes[] = [
    { path: 'log.5', bytes: new Uint8Array(700_000).fill(7) },
    { path: 'snapshot.4', bytes: bytesOf('tree') },
    { path: 'empty', bytes: new Uint8Array() },
  ];

  async function withOldFiles() {
    const opened = await openDisk();
    await appended(opened.disk, 'log.1', 'one ', 'two');
    await replaced(opened.disk, 'acceptedEpoch', '1');
    return opened;
  }

  test('leaves the new files and nothing else, and a server opens them', async () => {
    const { name, stored } = await withOldFiles();
    await stored.replace(NEW, META.diskId, 'restore', NEVER);
    const disk = await IndexedDbDisk.open(name, META, 'next life');
    const listed = await answered((done: Done<readonly unknown[]>) => disk.list(done));
    expect(listed).toEqual({
      ok: true,
      value: [
        { name: 'empty', sizeBytes: 0 },
        { name: 'log.5', sizeBytes: 700_000 },
        { name: 'snapshot.4', sizeBytes: 4 },
      ],
    });
    const read = await answered<Uint8Array>((done) => disk.read('log.5', 699_999, 5, done));
    expect(read).toEqual({ ok: true, value: new Uint8Array([7]) });
  });

  test('fences whoever ran on the old ones', async () => {
    const { disk, stored } = await withOldFiles();
    await stored.replace(NEW, META.diskId, 'restore', NEVER);
    disk.append('log.1', bytesOf('late'));
    const flushed = await answered<void>((done) => disk.flush(done));
    expect(flushed).toMatchObject({ ok: false, error: { kind: 'fenced' } });
  });

  test('leaves all of the old files if it ends at any record', async () => {
    const { stored } = await withOldFiles();
    const before = textsOf(await stored.read());
    // The owner's mark, an empty file, three records of the log and one of the snapshot.
    for (let at = 0; at < 6; at++) {
      const cancelled = new AbortController();
      const original = IDBObjectStore.prototype.put;
      let puts = 0;
      const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
        this: IDBObjectStore,
        ...record
      ) {
        const request = original.apply(this, record);
        if (puts++ === at) cancelled.abort();
        return request;
      });
      const replacing = stored.replace(NEW, META.diskId, 'restore', cancelled.signal);
      await expect(replacing).rejects.toThrow('Cancelled. Nothing was changed.');
      put.mockRestore();
      expect(puts).toBe(at + 1);
      expect(textsOf(await stored.read())).toEqual(before);
    }
  });

  test('refuses a directory that has become another server’s', async () => {
    const { stored } = await withOldFiles();
    const before = textsOf(await stored.read());
    await expect(stored.replace(NEW, 'b'.repeat(32), 'restore', NEVER)).rejects.toThrow(
      'belongs to another server now. Nothing was changed.',
    );
    expect(textsOf(await stored.read())).toEqual(before);
  });

  test('says that there is no room, and changes nothing', async () => {
    const { stored } = await withOldFiles();
    const before = textsOf(await stored.read());
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
    ) {
      throw new DOMException('full', 'QuotaExceededError');
    });
    await expect(stored.replace(NEW, META.diskId, 'restore', NEVER)).rejects.toThrow(
      'Nothing was changed.',
    );
    put.mockRestore();
    expect(textsOf(await stored.read())).toEqual(before);
  });
});
