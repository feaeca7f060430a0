import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CRC32_START, crc32Bytes, crc32Finish, crc32Text } from '../../../src/tree/crc32.ts';
import { DigestLog, type DigestMismatch } from '../../../src/tree/digestLog.ts';
import { readZxidDigest, writeZxidDigest } from '../../../src/tree/digestLog.ts';
import { AdHash, nodeDigest } from '../../../src/tree/treeDigest.ts';
import { zxid } from '../../../src/wire/ids.ts';
import { JuteReader, JuteWriter } from '../../../src/wire/jute.ts';
import { Replica } from './treeFixture.ts';

/** The CRC as its definition has it: bit by bit. */
function slowCrc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('CRC-32', () => {
  it('of "123456789" is the check value of its definition', () => {
    expect(crc32Finish(crc32Text(CRC32_START, '123456789'))).toBe(0xcbf43926);
  });

  it('eight bytes at a time is that bit by bit, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        const state = crc32Bytes(CRC32_START, bytes, 0, at);
        expect(crc32Finish(crc32Bytes(state, bytes, at, bytes.length))).toBe(slowCrc32(bytes));
      }),
    );
  });

  it('of text is that of its UTF-8 bytes, of half a surrogate pair that of a question mark', () => {
    const encoder = new TextEncoder();
    const codePoint = fc.oneof(
      fc.integer({ min: 0, max: 0x7ff }),
      fc.integer({ min: 0x800, max: 0xd7ff }),
      fc.integer({ min: 0xe000, max: 0x10ffff }),
    );
    fc.assert(
      fc.property(fc.array(codePoint, { maxLength: 20 }), (points) => {
        const text = String.fromCodePoint(...points);
        const expected = slowCrc32(encoder.encode(text));
        expect(crc32Finish(crc32Text(CRC32_START, text))).toBe(expected);
      }),
    );
    expect(crc32Text(CRC32_START, 'a\ud800b')).toBe(crc32Text(CRC32_START, 'a?b'));
  });
});

describe('the sum of digests', () => {
  it('is that of 64-bit numbers', () => {
    const change = fc.record({ digest: fc.nat({ max: 0xffffffff }), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const hash = new AdHash();
        let expected = 0n;
        for (const { digest, add } of changes) {
          if (add) hash.add(digest);
          else hash.remove(digest);
          expected += add ? BigInt(digest) : -BigInt(digest);
        }
        expect(hash.value()).toBe(BigInt.asIntN(64, expected));
      }),
    );
  });

  it('leaves out what is below /zookeeper/ and does not care how the root is called', () => {
    const { tree } = new Replica();
    const root = tree.getNode('/');
    if (root === null) throw new Error('no root');
    expect(nodeDigest('/zookeeper/quota/a', new Uint8Array(3), root)).toBe(0);
    expect(nodeDigest('/', null, root)).toBe(nodeDigest('', null, root));
    expect(nodeDigest('/zookeeper', null, root)).not.toBe(0);
  });

  it('is 0 and compared with nothing when digests are off', () => {
    const replica = new Replica({ digestEnabled: false });
    replica.create('/a');
    expect(replica.tree.treeDigest()).toBe(0n);
  });
});

describe('a digest that is not what it should be', () => {
  it('is told, and counted', () => {
    const mismatches: DigestMismatch[] = [];
    const replica = new Replica();
    replica.create('/a');
    const { header, txn, digest } = replica.log[0] ?? { header: null, txn: null, digest: null };
    if (header === null || digest === null) throw new Error('nothing logged');
    const other = new Replica({ digestMismatched: (mismatch) => mismatches.push(mismatch) });
    other.create('/b');
    other.tree.processTxn(header, txn, digest);
    expect(mismatches).toEqual([
      { zxid: header.zxid, expected: digest.treeDigest, actual: other.tree.treeDigest() },
    ]);
    expect(other.tree.digestMismatchCount).toBe(1);
  });

  it('is passed over in another version, and until a fuzzy snapshot is replayed', () => {
    const mismatches: DigestMismatch[] = [];
    const log = new DigestLog((mismatch) => mismatches.push(mismatch));
    log.compare(zxid(5n), { version: 3, treeDigest: 1n }, () => 2n);
    log.expect({ zxid: zxid(7n), version: 2, treeDigest: 9n }, zxid(5n), 0n);
    log.compare(zxid(6n), { version: 2, treeDigest: 1n }, () => 2n);
    expect(mismatches).toEqual([]);
    log.applied(zxid(7n), () => 8n);
    expect(mismatches).toEqual([{ zxid: 7n, expected: 9n, actual: 8n }]);
    log.compare(zxid(8n), { version: 2, treeDigest: 1n }, () => 2n);
    expect(mismatches.length).toBe(2);
  });

  it('in a snapshot is found at once if the snapshot is not fuzzy, and ignored if it is older than that', () => {
    const mismatches: DigestMismatch[] = [];
    const log = new DigestLog((mismatch) => mismatches.push(mismatch));
    log.expect({ zxid: zxid(4n), version: 2, treeDigest: 9n }, zxid(5n), 0n);
    log.expect({ zxid: zxid(0n), version: 2, treeDigest: 0n }, zxid(0n), 3n);
    expect(mismatches).toEqual([]);
    log.expect({ zxid: zxid(5n), version: 2, treeDigest: 9n }, zxid(5n), 0n);
    expect(mismatches).toEqual([{ zxid: 5n, expected: 9n, actual: 0n }]);
  });
});

describe('digests for later comparison', () => {
  it('are kept every 128 transactions', () => {
    const replica = new Replica();
    for (let i = 0; i < 300; i++) replica.setData('/', `${i}`);
    expect(replica.tree.digestLog.map((entry) => entry.zxid & 0xffffffffn)).toEqual([128n, 256n]);
    expect(replica.tree.digestLog[0]?.treeDigest).toBe(replica.log[127]?.digest?.treeDigest);
  });

  it('are written and read as snapshots have them, version 1 in hexadecimal', () => {
    const writer = new JuteWriter();
    const digest = { zxid: zxid(5n), version: 2, treeDigest: -3n };
    writeZxidDigest(writer, digest);
    expect(readZxidDigest(new JuteReader(writer.toBytes()))).toEqual(digest);
    writer.reset();
    writer.long(6n);
    writer.int(1);
    writer.string('ff');
    const old = readZxidDigest(new JuteReader(writer.toBytes()));
    expect(old).toEqual({ zxid: 6n, version: 1, treeDigest: 255n });
  });
});
