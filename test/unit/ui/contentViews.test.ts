/** A node's bytes as text, JSON, hex and gzip, read and written back. */

import { expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import {
  problemWith,
  readContent,
  viewFor,
  writeContent,
} from '../../../src/ui/tree/contentViews.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test('the view is chosen by what the bytes are', () => {
  expect(viewFor(utf8('plain'))).toBe('text');
  expect(viewFor(utf8(''))).toBe('text');
  expect(viewFor(utf8('12'))).toBe('text');
  expect(viewFor(utf8('{"a": [1]}'))).toBe('json');
  expect(viewFor(utf8('{not json'))).toBe('text');
  expect(viewFor(new Uint8Array([0xff, 0xfe]))).toBe('hex');
  expect(viewFor(new Uint8Array(gzipSync('packed')))).toBe('gzip');
});

test('what a view has read it writes back', async () => {
  const wholes = [
    ['text', utf8('a\u00e9\n')],
    ['hex', Uint8Array.from({ length: 40 }, (_, index) => index * 6)],
  ] as const;
  for (const [view, bytes] of wholes) {
    const read = await readContent(view, bytes);
    if (!read.ok) throw new Error(read.reason);
    expect(await writeContent(view, read.text)).toEqual({ ok: true, bytes });
  }
});

test('JSON is laid out for reading, and what is none cannot be saved', async () => {
  expect(await readContent('json', utf8('{"a":1}'))).toEqual({ ok: true, text: '{\n  "a": 1\n}' });
  expect(problemWith('json', '{"a":')).toMatch(/JSON/);
  expect(await writeContent('json', '{"a":')).toMatchObject({ ok: false });
  expect(problemWith('json', '[1, 2]')).toBeNull();
});

test('hex is taken with or without spaces, and nothing else is', async () => {
  expect(await writeContent('hex', 'DE ad\nbeef')).toEqual({
    ok: true,
    bytes: new Uint8Array([0xde, 0xad, 0xbe, 0xef]),
  });
  expect(problemWith('hex', 'abc')).toMatch(/pairs/);
  expect(problemWith('hex', 'zz')).toMatch(/pairs/);
});

test('gzip is unpacked to be read and packed again to be saved', async () => {
  const packed = new Uint8Array(gzipSync('inside'));
  expect(await readContent('gzip', packed)).toEqual({ ok: true, text: 'inside' });
  const written = await writeContent('gzip', 'other');
  if (!written.ok) throw new Error(written.reason);
  expect(await readContent('gzip', written.bytes)).toEqual({ ok: true, text: 'other' });
  expect(await readContent('gzip', packed.slice(0, 12))).toMatchObject({ ok: false });
  expect(await readContent('gzip', utf8('plain'))).toMatchObject({ ok: false });
});
