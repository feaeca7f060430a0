import 'fake-indexeddb/auto';
import { describe, expect, it, test, vi } from 'vitest';
import { readDiskMeta } from '../../../src/browser/diskRecords.ts';
import { IndexedDbDisk } from '../../../src/browser/indexedDbDisk.ts';
import type { DiskResult } from '../../../src/ports/disk.ts';
import { diskAcceptance } from '../../acceptance/disk.ts';

const META = { diskId: 'a'.repeat(32), trustEmpty: true };
let count = 0;
const newName = () => `unit/${++count}`;

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 20_000) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The suite also runs in a real browser; here it is quick and needs none. */
describe('the IndexedDB disk over an IndexedDB in memory', () => {
  diskAcceptance(
    (name, run) => test(name, run),
    async () => {
      const name = newName();
      let life = 0;
      let disk = await IndexedDbDisk.open(name, META, `owner ${life}`);
      return {
        get disk() {
          return disk;
        },
        crash: async () => {
          disk = await IndexedDbDisk.open(name, META, `owner ${++life}`);
        },
        until,
        stop: async () => {},
      };
    },
  );
});

describe('a file as large as a snapshot', () => {
  it('is handed over piece by piece: others have their turns in between, and it is there as a whole', async () => {
    const disk = await IndexedDbDisk.open(newName(), META, 'owner');
    const chunk = new Uint8Array(64 * 1024).map((_, index) => index % 251);
    const chunks = Array.from({ length: 50 }, () => chunk);
    const put = vi.spyOn(IDBObjectStore.prototype, 'put');
    let putsInOneTurn = 0;
    let seenPuts = 0;
    let isReplaced = false;
    disk.replace('snapshot.1', chunks, () => (isReplaced = true));
    await until(() => {
      putsInOneTurn = Math.max(putsInOneTurn, put.mock.calls.length - seenPuts);
      seenPuts = put.mock.calls.length;
      return isReplaced;
    }, 'the file');
    const pieces = put.mock.calls.map(([value]) =>
      value instanceof Uint8Array ? value.length : 0,
    );
    put.mockRestore();
    expect(pieces.length).toBeGreaterThan(10);
    expect(Math.max(...pieces)).toBeLessThanOrEqual(256 * 1024);
    expect(putsInOneTurn).toBeLessThanOrEqual(2);
    const sizeBytes = 50 * chunk.length;
    const bytes = await new Promise<Uint8Array>((resolve, reject) => {
      disk.read('snapshot.1', 0, sizeBytes + 1, (result) =>
        result.ok ? resolve(result.value) : reject(new Error(result.error.message)),
      );
    });
    expect(bytes.length).toBe(sizeBytes);
    const differing = bytes.findIndex((byte, index) => byte !== chunk[index % chunk.length]);
    expect(differing).toBe(-1);
  });
});

function flushed(disk: IndexedDbDisk): Promise<DiskResult<void>> {
  return new Promise((resolve) => disk.flush(resolve));
}

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(new Error('the database cannot be deleted'));
  });
}

describe('who owns a directory', () => {
  it('a server whose directory was taken can write no more, and is told why', async () => {
    const name = newName();
    const old = await IndexedDbDisk.open(name, META, 'old');
    old.append('log.1', new Uint8Array([1, 2, 3]));
    expect(await flushed(old)).toMatchObject({ ok: true });
    const heir = await IndexedDbDisk.open(name, META, 'heir');
    old.append('log.1', new Uint8Array([4]));
    expect(await flushed(old)).toMatchObject({ ok: false, error: { kind: 'fenced' } });
    // And it stays so: nothing more is tried.
    expect(await flushed(old)).toMatchObject({ ok: false, error: { kind: 'fenced' } });
    heir.append('log.1', new Uint8Array([5]));
    expect(await flushed(heir)).toMatchObject({ ok: true });
    const bytes = await new Promise((resolve) => heir.read('log.1', 0, 100, resolve));
    expect(bytes).toMatchObject({ ok: true, value: new Uint8Array([1, 2, 3, 5]) });
  });

  it('a server whose directory was deleted under it can write no more, and is told that', async () => {
    const name = newName();
    const disk = await IndexedDbDisk.open(name, META, 'owner');
    disk.append('log.1', new Uint8Array([1]));
    expect(await flushed(disk)).toMatchObject({ ok: true });
    await deleteDatabase(name);
    disk.append('log.1', new Uint8Array([2]));
    const error = { kind: 'failed', message: expect.stringContaining('has deleted') };
    expect(await flushed(disk)).toMatchObject({ ok: false, error });
    expect(await readDiskMeta(name)).toBeNull();
  });

  it('a directory knows its disk id from its first day, and refuses another', async () => {
    const name = newName();
    expect(await readDiskMeta(name)).toBeNull();
    await IndexedDbDisk.open(name, META, 'one');
    expect(await readDiskMeta(name)).toEqual(META);
    const other = { diskId: 'b'.repeat(32), trustEmpty: false };
    await expect(IndexedDbDisk.open(name, other, 'two')).rejects.toThrow('belongs to disk');
    const again = await IndexedDbDisk.open(name, { ...META, trustEmpty: false }, 'three');
    expect(again.meta.trustEmpty).toBe(true);
  });
});
