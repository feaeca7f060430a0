/** Zip archives of strangers: what is read, what is refused, and that no archive asks for more than it may. */

import { strToU8, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import type { NamedBytes } from '../../../src/inspector/dataFiles.ts';
import { unzip, zip, ZIP_LIMITS, type ZipLimits } from '../../../src/inspector/zipArchive.ts';

const read = (archive: Uint8Array, limits?: ZipLimits): NamedBytes[] => [...unzip(archive, limits)];

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

const noise = (length: number): Uint8Array =>
  new Uint8Array(length).map((_, index) => (index * 2_654_435_761) >>> 13);

/** The archive with the little-endian number at `offset` of its last central entry set. */
function changedEntry(archive: Uint8Array, offset: number, value: number): Uint8Array {
  const changed = archive.slice();
  const view = new DataView(changed.buffer);
  for (let at = changed.length - 46; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x02014b50) continue;
    view.setUint32(at + offset, value, true);
    return changed;
  }
  throw new Error('the archive has no entry');
}

describe('an archive that we write', () => {
  test('is read again, byte for byte, by us', () => {
    const files = [
      { path: 'myid', bytes: strToU8('3\n') },
      { path: 'version-2/log.100000001', bytes: noise(3_000_000) },
      { path: 'version-2/empty', bytes: new Uint8Array() },
    ];
    const steps: number[] = [];
    const archive = joined(zip(files, (doneBytes) => steps.push(doneBytes)));
    const found = read(archive);
    expect(found.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
    for (const [index, { bytes }] of found.entries()) {
      expect(Buffer.compare(bytes, files[index]?.bytes ?? bytes.subarray(1))).toBe(0);
    }
    expect(steps.at(-1)).toBe(3_000_002);
    expect(steps.length).toBeGreaterThan(3);
  });
});

describe('an archive of others', () => {
  test('is read whether its files are compressed or only stored, and folders are left out', () => {
    const bytes = noise(1_000);
    const archive = zipSync({
      'a/': new Uint8Array(),
      'a/one': [bytes, { level: 0 }],
      'a/two': [bytes, { level: 9 }],
    });
    expect(read(archive)).toEqual([
      { path: 'a/one', bytes },
      { path: 'a/two', bytes },
    ]);
  });

  test.each([
    ['../etc/passwd', 'outside of the archive'],
    ['a/../../b', 'outside of the archive'],
    ['/etc/passwd', 'outside of the archive'],
    ['C:/boot.ini', 'outside of the archive'],
    ['a\\b', 'a backslash'],
    ['a\0b', 'no name of a file'],
  ])('with a file called %j is refused, in words', (path, words) => {
    expect(() => read(zipSync({ [path]: noise(10) }))).toThrow(words);
  });

  test('that is none at all, or cut short, is refused', () => {
    const archive = zipSync({ one: noise(100) });
    expect(() => read(noise(500))).toThrow('no zip archive');
    expect(() => read(new Uint8Array())).toThrow('no zip archive');
    expect(() => read(archive.subarray(0, archive.length - 30))).toThrow('no zip archive');
  });

  test('whose bytes were changed is refused with the name of the file', () => {
    const archive = zipSync({ 'version-2/log.1': [noise(5_000), { level: 0 }] });
    archive[2_000] = (archive[2_000] ?? 0) ^ 1;
    expect(() => read(archive)).toThrow('“version-2/log.1” is damaged in the zip: its checksum');
  });

  test('that would unpack to more than is taken is refused before anything is unpacked', () => {
    const archive = zipSync({ bomb: new Uint8Array(1_000_000) });
    expect(() => read(archive, { ...ZIP_LIMITS, entryBytes: 999_999 })).toThrow('1000000 bytes');
    const two = zipSync({ a: new Uint8Array(600), b: new Uint8Array(600) });
    expect(() => read(two, { ...ZIP_LIMITS, totalBytes: 1_000 })).toThrow('1200 bytes');
    expect(() => read(two, { ...ZIP_LIMITS, entryCount: 1 })).toThrow('2 files');
  });

  test('that lies about its sizes is refused, and unpacks to no more than it said', () => {
    const archive = zipSync({ bomb: new Uint8Array(1_000_000) });
    const small = changedEntry(archive, 24, 1_000);
    expect(() => read(small)).toThrow('“bomb” is damaged in the zip');
    const large = changedEntry(archive, 24, 2_000_000);
    expect(() => read(large)).toThrow('“bomb” is damaged in the zip');
    const packed = changedEntry(archive, 20, 0xffff_fff0);
    expect(() => read(packed)).toThrow('overlap');
  });

  test('whose files share their bytes is refused', () => {
    const archive = zipSync({ a: [noise(10_000), { level: 0 }], b: new Uint8Array(10) });
    expect(() => read(changedEntry(archive, 20, 10_000))).toThrow('overlap');
  });

  test('of any bytes at all is answered with a sentence, never with anything else', () => {
    const archive = zipSync({ 'version-2/log.1': noise(300), 'version-2/snapshot.0': noise(300) });
    for (let at = 0; at < archive.length; at++) {
      const changed = archive.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      try {
        read(changed);
      } catch (error) {
        expect(error).toMatchObject({ name: 'ZipError' });
      }
    }
  });
});
