/** One transaction as a line of a table: when, who, what, to which nodes. Pure. */

import { KeeperError } from '../wire/errorCodes.ts';
import { zxidToString } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';
import { OpCode, opName } from '../wire/opCodes.ts';
import { decodeTxn, type Txn, type TxnLogEntry, txnPaths } from '../wire/txns.ts';
import { counted } from './counted.ts';
import type { TxnPlace } from './txnPlaces.ts';

export interface TxnRow {
  /** Its number among all transactions of the directory, from 0. */
  readonly index: number;
  readonly zxid: string;
  /** The leader's wall clock, milliseconds. */
  readonly time: number;
  readonly session: string;
  readonly type: string;
  /** Every node it names. */
  readonly paths: readonly string[];
  /** What it did beyond its type and path, in a few words. */
  readonly summary: string;
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Null for bytes that pass their checksum and are no transaction all the same. */
export function decodePlace(place: TxnPlace): TxnLogEntry | null {
  try {
    return decodeTxn(place.payload);
  } catch (error) {
    if (!(error instanceof JuteError)) throw error;
    return null;
  }
}

export function txnRow(place: TxnPlace, index: number): TxnRow {
  const entry = decodePlace(place);
  const where = { file: place.file, offset: place.offset, sizeBytes: place.payload.length };
  const zxid = zxidToString(place.zxid);
  if (entry === null) {
    const what = { time: 0, session: '', type: 'unreadable', paths: [] };
    return { index, zxid, ...what, summary: 'these bytes are no transaction', ...where };
  }
  const { header, txn } = entry;
  return {
    index,
    zxid,
    time: header.time,
    session: sessionText(header.clientId),
    type: opName(header.type),
    paths: txnPaths(txn),
    summary: summaryOf(txn),
    ...where,
  };
}

/** `0x10000a1b2c30000` */
export const sessionText = (session: bigint): string =>
  `0x${BigInt.asUintN(64, session).toString(16)}`;

function summaryOf(txn: Txn): string {
  switch (txn.type) {
    case OpCode.create:
    case OpCode.create2:
      return `${bytes(txn.data)}${txn.ephemeral ? ', ephemeral' : ''}`;
    case OpCode.createContainer:
      return `${bytes(txn.data)}, container`;
    case OpCode.createTTL:
      return `${bytes(txn.data)}, lives ${txn.ttl} ms after its last change`;
    case OpCode.delete:
      return '';
    case OpCode.deleteContainer:
      return 'by the leader: it was empty or had outlived its time';
    case OpCode.setData:
      return `${bytes(txn.data)}, version ${txn.version}`;
    case OpCode.reconfig:
      return `new configuration, ${bytes(txn.data)}`;
    case OpCode.setACL:
      return `aversion ${txn.version}`;
    case OpCode.check:
      // ZooKeeper writes the version that was asked for plus one.
      return `version ${txn.version - 1}`;
    case OpCode.createSession:
      return `timeout ${txn.timeOut} ms`;
    case OpCode.closeSession:
      return `${counted(txn.paths2Delete?.length ?? 0, 'ephemeral node')} go with it`;
    case OpCode.error:
      return `refused: ${new KeeperError(txn.err).message}`;
    case OpCode.multi:
      return `${counted(txn.txns.length, 'operation')}: ${txn.txns.map(({ type }) => opName(type)).join(', ')}`;
  }
}

const bytes = (data: Uint8Array | null): string =>
  data === null ? 'no data' : counted(data.length, 'byte');
