import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Adler32, adler32 } from '../../../src/storage/adler32.ts';
import {
  LOG_HEADER_BYTES,
  logHeader,
  TxnLogParser,
  type LogItem,
} from '../../../src/storage/txnLogFormat.ts';
import { createAt, logRecord, z } from './storageWorld.ts';

const entries = [1, 2, 3].map((counter) => createAt(z(1, counter), `value ${counter}`));
const records = entries.map(({ bytes }) => logRecord(bytes));
const log = concat([logHeader(), ...records]);
/** Where each record begins, and where the last one ends. */
const bounds = records.reduce(
  (offsets, record) => [...offsets, (offsets.at(-1) ?? 0) + record.length],
  [LOG_HEADER_BYTES],
);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

interface Reading {
  readonly zxids: readonly bigint[];
  readonly end: Exclude<LogItem, { kind: 'record' } | { kind: 'more' }>;
}

/** Reads a whole file, given in chunks of `chunkBytes`. */
function read(file: Uint8Array, chunkBytes = file.length): Reading {
  const parser = new TxnLogParser();
  const zxids: bigint[] = [];
  let offset = 0;
  for (;;) {
    const item = parser.next();
    switch (item.kind) {
      case 'record':
        zxids.push(item.record.zxid);
        break;
      case 'more':
        if (offset >= file.length) parser.end();
        else parser.push(file.subarray(offset, (offset += Math.max(1, chunkBytes))));
        break;
      default:
        return { zxids, end: item };
    }
  }
}

const zxidsUpTo = (count: number): bigint[] => entries.slice(0, count).map(({ zxid }) => zxid);

describe('Adler-32', () => {
  it('is that of the RFC, however the bytes are cut', () => {
    expect(adler32(new TextEncoder().encode('Wikipedia'))).toBe(0x11e60398);
    expect(adler32(new Uint8Array(100_000).fill(0xff))).toBe(
      naiveAdler(new Uint8Array(100_000).fill(0xff)),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9_000 }), fc.nat(9_000), (bytes, cut) => {
        const sum = new Adler32();
        sum.update(bytes, 0, Math.min(cut, bytes.length));
        sum.update(bytes, Math.min(cut, bytes.length));
        expect(sum.value).toBe(naiveAdler(bytes));
      }),
    );
  });
});

function naiveAdler(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}

describe('a transaction log', () => {
  it('gives its records whatever the chunks it comes in', () => {
    for (let chunkBytes = 1; chunkBytes <= log.length; chunkBytes++) {
      const { zxids, end } = read(log, chunkBytes);
      expect(zxids).toEqual(zxidsUpTo(3));
      expect(end).toEqual({ kind: 'end', sizeBytes: log.length, torn: null });
    }
  });

  it('ends where preallocated space begins', () => {
    for (const padding of [1, 11, 12, 13, 5_000]) {
      const { zxids, end } = read(concat([log, new Uint8Array(padding)]), 64);
      expect(zxids).toEqual(zxidsUpTo(3));
      expect(end).toEqual({ kind: 'end', sizeBytes: log.length, torn: null });
    }
  });

  it('torn at any byte keeps its whole records and tells of the rest', () => {
    for (let length = 0; length < log.length; length++) {
      const wholeCount = Math.max(0, bounds.filter((bound) => bound <= length).length - 1);
      const { zxids, end } = read(log.subarray(0, length));
      expect(zxids).toEqual(zxidsUpTo(wholeCount));
      const sizeBytes = length < LOG_HEADER_BYTES ? 0 : bounds[wholeCount];
      expect(end).toMatchObject({ kind: 'end', sizeBytes });
      const isTorn = end.kind === 'end' && end.torn !== null;
      // The first four bytes of a record are zero, as those of unused space.
      const isVisible = length < LOG_HEADER_BYTES || length - (sizeBytes ?? 0) > 4;
      expect(isTorn).toBe(isVisible);
    }
  });

  it('torn at any byte of preallocated space is cut just the same', () => {
    for (let length = LOG_HEADER_BYTES; length < log.length; length++) {
      const file = new Uint8Array(log.length + 1_000);
      file.set(log.subarray(0, length));
      const wholeCount = bounds.filter((bound) => bound <= length).length - 1;
      const { zxids, end } = read(file, 100);
      // A record may end in zeros of its own, so that it is whole a few bytes early: never is one more lost.
      expect(zxids.length).toBeGreaterThanOrEqual(wholeCount);
      expect(end.kind).toBe('end');
    }
  });

  for (const [kind, file] of [
    ['as we write it', log],
    ['with preallocated space', concat([log, new Uint8Array(300)])],
  ] as const) {
    it(`${kind}: one damaged byte anywhere is an error that names the place, never a shorter history`, () => {
      for (let offset = 0; offset < log.length; offset++) {
        for (const mask of [0x01, 0x02, 0x10, 0x80, 0xff, file[offset] ?? 0]) {
          if (mask === 0) continue;
          const damaged = file.slice();
          damaged[offset] = (damaged[offset] ?? 0) ^ mask;
          const { zxids, end } = read(damaged, 50);
          if (offset >= 8 && offset < LOG_HEADER_BYTES) {
            // The database id says nothing to anybody.
            expect(zxids).toEqual(zxidsUpTo(3));
            continue;
          }
          const place =
            [0, 4, ...bounds.slice(0, -1)].filter((bound) => bound <= offset).at(-1) ?? 0;
          const isEndMark = bounds.includes(offset + 1);
          if (isEndMark && mask === 0x42 && isLastWritten(damaged, offset)) {
            // Only the last byte of the last record is missing: that is what torn means.
            expect(end).toMatchObject({ kind: 'end', sizeBytes: place });
            continue;
          }
          expect(end, `byte ${offset} ^ ${mask}`).toMatchObject({ kind: 'corrupt' });
          if (end.kind === 'corrupt') expect([0, 4, place]).toContain(end.offset);
        }
      }
    });
  }

  it('that goes on after its end is damaged', () => {
    const padded = concat([log, new Uint8Array(200)]);
    padded[log.length + 150] = 1;
    expect(read(padded, 64).end).toMatchObject({ kind: 'corrupt', offset: log.length });
  });

  it('is not taken for one when it is something else', () => {
    expect(read(new TextEncoder().encode('ZKSN and more than a header')).end).toMatchObject({
      kind: 'corrupt',
      offset: 0,
    });
    const future = log.slice();
    future[7] = 3;
    expect(read(future).end).toMatchObject({ kind: 'corrupt', offset: 4 });
  });
});

const isLastWritten = (bytes: Uint8Array, offset: number): boolean =>
  bytes.subarray(offset).every((byte) => byte === 0);
