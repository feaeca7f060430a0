import fc from 'fast-check';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ACL } from '../../../src/wire/dataRecords.ts';
import { sessionId, zxid } from '../../../src/wire/ids.ts';
import { JuteError } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import {
  type Txn,
  type TxnLogEntry,
  decodeTxn,
  encodeSubTxn,
  encodeTxn,
} from '../../../src/wire/txns.ts';
import { goldenFiles, plain, toHex } from './goldenFiles.ts';
import { spellTxn } from './txnSpelling.ts';

interface LogFile {
  readonly txns?: readonly {
    readonly offset: number;
    readonly length: number;
    readonly decoded: unknown;
  }[];
}

describe('transactions in log files of ZooKeeper', () => {
  for (const file of goldenFiles('disk')) {
    const { txns } = file.content as LogFile;
    const log = new URL(
      `../../../../shared/golden/${file.name.replace(/\.json$/, '')}`,
      import.meta.url,
    );
    if (txns === undefined || !existsSync(log)) continue;
    it(`${file.name}: are understood and encoded back to the same bytes`, () => {
      const bytes = readFileSync(log);
      for (const txn of txns) {
        const payload = bytes.subarray(txn.offset + 12, txn.offset + 12 + txn.length);
        const entry = decodeTxn(payload);
        expect(plain(txn.decoded)).toMatchObject(plain(spellTxn(entry)) as object);
        expect(toHex(encodeTxn(entry))).toBe(toHex(payload));
      }
    });
  }
});

const int = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const path = fc.string({ unit: 'binary' });
const data = fc.option(fc.uint8Array({ maxLength: 30 }));
const acl: fc.Arbitrary<ACL[] | null> = fc.option(
  fc.array(fc.record({ perms: int, id: fc.record({ scheme: path, id: path }) }), { maxLength: 3 }),
);
const node = { path, data, acl };
const is = fc.constant;

const simpleTxn: fc.Arbitrary<Txn> = fc.oneof(
  fc.record({
    type: fc.constantFrom(OpCode.create, OpCode.create2),
    ...node,
    ephemeral: fc.boolean(),
    parentCVersion: int,
  }),
  fc.record({ type: is(OpCode.createContainer), ...node, parentCVersion: int }),
  fc.record({ type: is(OpCode.createTTL), ...node, parentCVersion: int, ttl: long }),
  fc.record({ type: fc.constantFrom(OpCode.delete, OpCode.deleteContainer), path }),
  fc.record({ type: fc.constantFrom(OpCode.setData, OpCode.reconfig), path, data, version: int }),
  fc.record({ type: is(OpCode.setACL), path, acl, version: int }),
  fc.record({ type: is(OpCode.check), path, version: int }),
  fc.record({ type: is(OpCode.createSession), timeOut: int }),
  fc.record({
    type: is(OpCode.closeSession),
    paths2Delete: fc.option(fc.array(path.filter((p) => p !== ''))),
  }),
  fc.record({ type: is(OpCode.error), err: int }),
);
const anyTxn: fc.Arbitrary<Txn> = fc.oneof(
  simpleTxn,
  fc.record({
    type: is(OpCode.multi),
    txns: fc.array(simpleTxn.map(encodeSubTxn), { maxLength: 4 }),
  }),
);

const entry: fc.Arbitrary<TxnLogEntry> = fc
  .record({
    txn: anyTxn,
    clientId: long.map(sessionId),
    cxid: int,
    zxid: long.map(zxid),
    time: fc.maxSafeInteger(),
    digest: fc.option(fc.record({ version: is(2), treeDigest: long })),
  })
  .map(({ txn, digest, ...header }) => ({ header: { ...header, type: txn.type }, txn, digest }));

describe('transactions', () => {
  it('come back from their bytes as they were', () => {
    fc.assert(
      fc.property(entry, (value) => {
        expect(plain(decodeTxn(encodeTxn(value)))).toEqual(plain(value));
      }),
    );
  });

  it('cut short or overwritten anywhere throw nothing but JuteError', () => {
    fc.assert(
      fc.property(entry, fc.nat(), fc.nat(255), fc.nat(), (value, at, byte, length) => {
        const bytes = encodeTxn(value);
        bytes[at % bytes.length] = byte;
        try {
          decodeTxn(bytes.subarray(0, length % (bytes.length + 1)));
        } catch (error) {
          expect(error).toBeInstanceOf(JuteError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('from before parents counted their children are read with -1', () => {
    const header = {
      clientId: sessionId(1n),
      cxid: 1,
      zxid: zxid(1n),
      time: 1,
      type: OpCode.create,
    };
    const txn: Txn = {
      type: OpCode.create,
      path: '/a',
      data: null,
      acl: null,
      ephemeral: false,
      parentCVersion: 7,
    };
    const bytes = encodeTxn({ header, txn, digest: null });
    expect(decodeTxn(bytes.subarray(0, -4)).txn).toEqual({ ...txn, parentCVersion: -1 });
  });

  it('of an unknown type are refused', () => {
    const header = { clientId: sessionId(1n), cxid: 1, zxid: zxid(1n), time: 1, type: 77 };
    const bytes = encodeTxn({ header, txn: { type: OpCode.error, err: 0 }, digest: null });
    expect(() => decodeTxn(bytes)).toThrow('transaction type 77 is unknown');
  });
});
