/**
 * Transactions: what is proposed, logged and applied. Their bytes are made once by the leader and kept by everybody, so
 * `encodeTxn` is for leaders and tests; everyone else decodes.
 */

import { unreachable } from '../base/assert.ts';
import { type ACL, readACLs, writeACLs } from './dataRecords.ts';
import { type SessionId, type Zxid, sessionId, zxid } from './ids.ts';
import type { JuteWriter } from './jute.ts';
import { JuteReader, malformed, readStrings, readVector, toBytes, writeStrings } from './jute.ts';
import { OpCode } from './opCodes.ts';

export interface TxnHeader {
  readonly clientId: SessionId;
  readonly cxid: number;
  readonly zxid: Zxid;
  /** Wall time in milliseconds at the leader. */
  readonly time: number;
  /** An {@link OpCode}. */
  readonly type: number;
}

export interface CreateTxn {
  readonly type: typeof OpCode.create | typeof OpCode.create2;
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[] | null;
  readonly ephemeral: boolean;
  /** -1 in logs from before it was recorded (`CreateTxnV0`). */
  readonly parentCVersion: number;
}

export interface CreateContainerTxn {
  readonly type: typeof OpCode.createContainer;
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[] | null;
  readonly parentCVersion: number;
}

export interface CreateTTLTxn {
  readonly type: typeof OpCode.createTTL;
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[] | null;
  readonly parentCVersion: number;
  readonly ttl: bigint;
}

export interface DeleteTxn {
  readonly type: typeof OpCode.delete | typeof OpCode.deleteContainer;
  readonly path: string;
}

/** Also a reconfiguration: the new text of `/zookeeper/config`. */
export interface SetDataTxn {
  readonly type: typeof OpCode.setData | typeof OpCode.reconfig;
  readonly path: string;
  readonly data: Uint8Array | null;
  /** The version the node has afterwards. */
  readonly version: number;
}

export interface SetACLTxn {
  readonly type: typeof OpCode.setACL;
  readonly path: string;
  readonly acl: readonly ACL[] | null;
  /** The aversion the node has afterwards. */
  readonly version: number;
}

export interface CheckVersionTxn {
  readonly type: typeof OpCode.check;
  readonly path: string;
  /** The version that was checked plus one, as ZooKeeper writes it. */
  readonly version: number;
}

export interface CreateSessionTxn {
  readonly type: typeof OpCode.createSession;
  /** Milliseconds. */
  readonly timeOut: number;
}

export interface CloseSessionTxn {
  readonly type: typeof OpCode.closeSession;
  /** The session's ephemeral nodes; null if the transaction has no body, as before 3.6. */
  readonly paths2Delete: readonly string[] | null;
}

/** A write that failed: it has a zxid and is logged like any other. */
export interface ErrorTxn {
  readonly type: typeof OpCode.error;
  readonly err: number;
}

export interface MultiTxn {
  readonly type: typeof OpCode.multi;
  readonly txns: readonly SubTxn[];
}

/** One transaction inside a multi, its body still in bytes: see {@link decodeSubTxn}. */
export interface SubTxn {
  readonly type: number;
  readonly data: Uint8Array | null;
}

export type Txn =
  | CreateTxn
  | CreateContainerTxn
  | CreateTTLTxn
  | DeleteTxn
  | SetDataTxn
  | SetACLTxn
  | CheckVersionTxn
  | CreateSessionTxn
  | CloseSessionTxn
  | ErrorTxn
  | MultiTxn;

/** The digest of the whole tree after the transaction. */
export interface TxnDigest {
  readonly version: number;
  readonly treeDigest: bigint;
}

export interface TxnLogEntry {
  readonly header: TxnHeader;
  readonly txn: Txn;
  /** Null where none was recorded, as for errors. */
  readonly digest: TxnDigest | null;
}

const TXN_DIGEST_BYTES = 12;
const SMALLEST_SUB_TXN_BYTES = 8;

/** The bytes that go into a PROPOSAL and into the log. */
export function encodeTxn(entry: TxnLogEntry): Uint8Array {
  return toBytes((writer) => {
    writeTxnHeader(writer, entry.header);
    writeTxn(writer, entry.txn);
    if (entry.digest !== null) writeTxnDigest(writer, entry.digest);
  });
}

/** Throws `JuteError` for anything that is no transaction. Buffers are views of `bytes`. */
export function decodeTxn(bytes: Uint8Array): TxnLogEntry {
  const reader = new JuteReader(bytes);
  const header = readTxnHeader(reader);
  const txn = readTxn(reader, header.type);
  const digest = reader.remaining === 0 ? null : readTxnDigest(reader);
  return { header, txn, digest };
}

/** The transaction inside a multi. */
export function decodeSubTxn(sub: SubTxn): Txn {
  if (sub.data === null) throw malformed(`transaction of type ${sub.type} in a multi has no body`);
  if (sub.type === OpCode.multi) throw malformed('a multi inside a multi');
  return readTxn(new JuteReader(sub.data), sub.type);
}

/** Every node that it names. Throws `JuteError` for a multi whose parts are no transactions. */
export function txnPaths(txn: Txn): readonly string[] {
  switch (txn.type) {
    case OpCode.multi:
      return txn.txns.flatMap((sub) => txnPaths(decodeSubTxn(sub)));
    case OpCode.closeSession:
      return txn.paths2Delete ?? [];
    case OpCode.createSession:
    case OpCode.error:
      return [];
    default:
      return [txn.path];
  }
}

export function encodeSubTxn(txn: Txn): SubTxn {
  return { type: txn.type, data: toBytes((writer) => writeTxn(writer, txn)) };
}

/** The type of a transaction as {@link decodeTxn} reads it, without decoding it; null for bytes that are too few. */
export function txnTypeOf(bytes: Uint8Array): number | null {
  if (bytes.length < TXN_HEADER_BYTES) return null;
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(TXN_HEADER_BYTES - 4);
}

/** Session, cxid, zxid, time and type. */
const TXN_HEADER_BYTES = 8 + 4 + 8 + 8 + 4;

function readTxnHeader(reader: JuteReader): TxnHeader {
  return {
    clientId: sessionId(reader.long()),
    cxid: reader.int(),
    zxid: zxid(reader.long()),
    time: reader.time(),
    type: reader.int(),
  };
}

function writeTxnHeader(writer: JuteWriter, header: TxnHeader): void {
  writer.long(header.clientId);
  writer.int(header.cxid);
  writer.long(header.zxid);
  writer.time(header.time);
  writer.int(header.type);
}

function readTxnDigest(reader: JuteReader): TxnDigest {
  return { version: reader.int(), treeDigest: reader.long() };
}

function writeTxnDigest(writer: JuteWriter, digest: TxnDigest): void {
  writer.int(digest.version);
  writer.long(digest.treeDigest);
}

function readTxn(reader: JuteReader, type: number): Txn {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
      return readCreateTxn(reader, type);
    case OpCode.createContainer:
      return { type, ...readNewNode(reader), parentCVersion: reader.int() };
    case OpCode.createTTL:
      return { type, ...readNewNode(reader), parentCVersion: reader.int(), ttl: reader.long() };
    case OpCode.delete:
    case OpCode.deleteContainer:
      return { type, path: reader.requiredString() };
    case OpCode.setData:
    case OpCode.reconfig:
      return { type, path: reader.requiredString(), data: reader.buffer(), version: reader.int() };
    case OpCode.setACL:
      return { type, path: reader.requiredString(), acl: readACLs(reader), version: reader.int() };
    case OpCode.check:
      return { type, path: reader.requiredString(), version: reader.int() };
    case OpCode.createSession:
      return { type, timeOut: reader.int() };
    case OpCode.closeSession:
      return { type, paths2Delete: hasClosePaths(reader) ? readStrings(reader) : null };
    case OpCode.error:
      return { type, err: reader.int() };
    case OpCode.multi:
      return { type, txns: readVector(reader, readSubTxn, SMALLEST_SUB_TXN_BYTES) ?? [] };
    default:
      throw malformed(`transaction type ${type} is unknown`);
  }
}

function readCreateTxn(reader: JuteReader, type: CreateTxn['type']): CreateTxn {
  const node = readNewNode(reader);
  const ephemeral = reader.bool();
  return { type, ...node, ephemeral, parentCVersion: reader.remaining === 0 ? -1 : reader.int() };
}

function readNewNode(reader: JuteReader): Pick<CreateTxn, 'path' | 'data' | 'acl'> {
  return { path: reader.requiredString(), data: reader.buffer(), acl: readACLs(reader) };
}

/**
 * Without a body only the digest is left, if anything: 12 bytes that begin with its version, 2. No list of two paths
 * is as short as that.
 */
function hasClosePaths(reader: JuteReader): boolean {
  if (reader.remaining === 0) return false;
  return !(reader.remaining === TXN_DIGEST_BYTES && reader.peekInt() === 2);
}

function readSubTxn(reader: JuteReader): SubTxn {
  return { type: reader.int(), data: reader.buffer() };
}

function writeTxn(writer: JuteWriter, txn: Txn): void {
  switch (txn.type) {
    case OpCode.create:
    case OpCode.create2:
      writeNewNode(writer, txn);
      writer.bool(txn.ephemeral);
      return writer.int(txn.parentCVersion);
    case OpCode.createContainer:
      writeNewNode(writer, txn);
      return writer.int(txn.parentCVersion);
    case OpCode.createTTL:
      writeNewNode(writer, txn);
      writer.int(txn.parentCVersion);
      return writer.long(txn.ttl);
    case OpCode.delete:
    case OpCode.deleteContainer:
      return writer.string(txn.path);
    case OpCode.setData:
    case OpCode.reconfig:
      writer.string(txn.path);
      writer.buffer(txn.data);
      return writer.int(txn.version);
    case OpCode.setACL:
      writer.string(txn.path);
      writeACLs(writer, txn.acl);
      return writer.int(txn.version);
    case OpCode.check:
      writer.string(txn.path);
      return writer.int(txn.version);
    case OpCode.createSession:
      return writer.int(txn.timeOut);
    case OpCode.closeSession:
      return txn.paths2Delete === null ? undefined : writeStrings(writer, txn.paths2Delete);
    case OpCode.error:
      return writer.int(txn.err);
    case OpCode.multi:
      return writeSubTxns(writer, txn.txns);
    default:
      unreachable(txn);
  }
}

function writeNewNode(writer: JuteWriter, node: Pick<CreateTxn, 'path' | 'data' | 'acl'>): void {
  writer.string(node.path);
  writer.buffer(node.data);
  writeACLs(writer, node.acl);
}

function writeSubTxns(writer: JuteWriter, txns: readonly SubTxn[]): void {
  writer.int(txns.length);
  for (const sub of txns) {
    writer.int(sub.type);
    writer.buffer(sub.data);
  }
}
