/** What somebody drops is taken apart, and nothing in it can ask for more than it may. */

import { gzipSync, strToU8, zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { unpackFiles } from '../../../src/inspector/unpackedFiles.ts';

const LIMITS = { entryCount: 100, entryBytes: 1_000_000, totalBytes: 1_500_000 };
const zeros = (length: number): Uint8Array => new Uint8Array(length);

test('files stay as they are; zips, zips in zips and packed snapshots are taken apart', () => {
  const log = { path: 'log.1', bytes: strToU8('a log') };
  const inner = zipSync({ 'version-2/log.2': strToU8('another') });
  const outer = zipSync({ 'server.1.zip': inner, 'version-2/acceptedEpoch': strToU8('1') });
  const snapshot = { path: 'version-2/snapshot.a.gz', bytes: gzipSync(strToU8('a tree')) };
  const found = unpackFiles([log, { path: 'all.zip', bytes: outer }, snapshot]);
  expect(found.map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)])).toEqual([
    ['log.1', 'a log'],
    ['version-2/log.2', 'another'],
    ['version-2/acceptedEpoch', '1'],
    ['version-2/snapshot.a', 'a tree'],
  ]);
});

test('a bomb of one file is refused by name and size before it is unpacked', () => {
  const bomb = zipSync({ 'log.1': zeros(4_000_000) });
  expect(bomb.length).toBeLessThan(10_000);
  expect(() => unpackFiles([{ path: 'bomb.zip', bytes: bomb }], LIMITS)).toThrow(
    /^bomb\.zip cannot be unpacked\. “log\.1” would unpack to 4000000 bytes, more than is taken\.$/,
  );
  const packed = gzipSync(zeros(4_000_000));
  expect(() => unpackFiles([{ path: 'snapshot.0.gz', bytes: packed }], LIMITS)).toThrow(
    /^snapshot\.0\.gz cannot be unpacked\. It would unpack to 4000000 bytes/,
  );
});

test('several that are each small enough share what all of them may ask for', () => {
  const part = zipSync({ 'log.1': zeros(800_000) });
  const whole = zipSync({ 'a.zip': part, 'b.zip': part });
  expect(() => unpackFiles([{ path: 'whole.zip', bytes: whole }], LIMITS)).toThrow(
    /^b\.zip cannot be unpacked\. It would unpack to 800000 bytes/,
  );
  const snapshot = gzipSync(zeros(800_000));
  const twice = ['a', 'b'].map((name) => ({ path: `${name}/snapshot.0.gz`, bytes: snapshot }));
  expect(() => unpackFiles(twice, LIMITS)).toThrow(/^b\/snapshot\.0\.gz cannot be unpacked/);
});

test('a gzip file that lies about its size yields no more than it says, and a stump is refused', () => {
  const lying = gzipSync(zeros(4_000_000));
  new DataView(lying.buffer, lying.byteOffset).setUint32(lying.length - 4, 10, true);
  const [found] = unpackFiles([{ path: 'snapshot.0.gz', bytes: lying }], LIMITS);
  expect(found?.bytes.length).toBe(10);
  expect(() => unpackFiles([{ path: 'snapshot.0.gz', bytes: lying.subarray(0, 9) }])).toThrow(
    'It is cut short.',
  );
});

test('zips in zips are opened only so deep', () => {
  let zip = zipSync({ 'log.1': strToU8('a log') });
  for (let depth = 0; depth < 2; depth++) zip = zipSync({ 'inner.zip': zip });
  expect(unpackFiles([{ path: 'outer.zip', bytes: zip }])).toHaveLength(1);
  const deeper = zipSync({ 'inner.zip': zip });
  expect(() => unpackFiles([{ path: 'outer.zip', bytes: deeper }])).toThrow(
    'inner.zip cannot be unpacked. It lies in too many other zips.',
  );
});
