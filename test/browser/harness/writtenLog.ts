/** A transaction log of any length, written by our own writer as a server writes it: creates, changes and deletions. */

import { logHeader, writeLogRecord } from '../../../src/storage/txnLogFormat.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { sessionId, zxid } from '../../../src/wire/ids.ts';
import { toBytes } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { encodeTxn, type Txn } from '../../../src/wire/txns.ts';

/** Begun at server 2. */
const SESSION = sessionId((2n << 56n) | 7n);
const BEGINNING_MS = Date.UTC(2026, 0, 1);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const create = (path: string, text = ''): Txn => ({
  type: OpCode.create,
  path,
  data: bytes(text),
  acl: OPEN_ACL_UNSAFE,
  ephemeral: false,
  parentCVersion: -1,
});

export const set = (path: string, text: string, version: number): Txn => ({
  type: OpCode.setData,
  path,
  data: bytes(text),
  version,
});

/** The zxid of the transaction with this number, from 1: all are of epoch 1. */
export const zxidText = (number: number): string => `0x1${number.toString(16).padStart(8, '0')}`;

/** The whole file, to be called `log.100000001`. */
export function logOf(txns: readonly Txn[]): Buffer {
  const records = txns.map((txn, index) => {
    const header = {
      clientId: SESSION,
      cxid: index,
      zxid: zxid((1n << 32n) + BigInt(index + 1)),
      time: BEGINNING_MS + index,
      type: txn.type,
    };
    const payload = encodeTxn({ header, txn, digest: null });
    return toBytes((writer) => writeLogRecord(writer, payload));
  });
  return Buffer.concat([logHeader(), ...records]);
}
