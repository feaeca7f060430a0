/**
 * The bytes around a tree in a snapshot file (ZooKeeper's `FileSnap`, `SnapStream`): header and sessions before it, then
 * a seal (Adler-32 of everything so far and "/"), the tree's digest, and a seal again. Pure.
 */

import type { ZxidDigest } from '../tree/digestLog.ts';
import { readZxidDigest, writeZxidDigest } from '../tree/digestLog.ts';
import { JuteReader, JuteWriter, malformed, toBytes } from '../wire/jute.ts';
import type { Adler32 } from './adler32.ts';

const MAGIC = 0x5a4b534e; // ZKSN
const VERSION = 2;
/** Snapshots carry this where logs carry 0. */
const DATABASE_ID = -1n;
export const SNAPSHOT_HEADER_BYTES = 16;
export const SEAL_BYTES = 13;
const SEAL_PATH = '/';

export function snapshotHeader(): Uint8Array {
  return toBytes((writer) => {
    writer.int(MAGIC);
    writer.int(VERSION);
    writer.long(DATABASE_ID);
  });
}

/** Throws `JuteError` for what is no snapshot's header. */
export function checkSnapshotHeader(bytes: Uint8Array): void {
  const reader = new JuteReader(bytes);
  if (reader.int() !== MAGIC) throw malformed('it does not begin with ZKSN');
  const version = reader.int();
  if (version !== VERSION) throw malformed(`format version ${version}; only ${VERSION} is known`);
}

/**
 * What follows the tree; `sum` is over all before it. Before the first transaction the digest is zxid 0 and no more; a
 * server that keeps none (null) writes neither a digest nor its seal.
 */
export function snapshotTail(sum: Adler32, digest: ZxidDigest | null): Uint8Array {
  const writer = new JuteWriter();
  writeSeal(writer, sum);
  if (digest === null) return writer.toBytes();
  const seal = writer.toBytes();
  sum.update(seal);
  const stored = digest.zxid > 0n ? digest : { ...digest, treeDigest: 0n };
  writeZxidDigest(writer, stored);
  sum.update(writer.toBytes(), SEAL_BYTES);
  writeSeal(writer, sum);
  return writer.toBytes();
}

/**
 * Checks what follows the tree and gives the digest; null where there is none, as before 3.6 and where digests are off. `sum` is over all before
 * it. Throws `JuteError` for a seal that does not fit.
 */
export function readSnapshotTail(bytes: Uint8Array, sum: Adler32): ZxidDigest | null {
  const reader = new JuteReader(bytes);
  checkSeal(bytes, reader, sum);
  if (reader.remaining === 0) return null;
  const digestStart = reader.offset;
  const digest = readZxidDigest(reader);
  sum.update(bytes, digestStart, reader.offset);
  checkSeal(bytes, reader, sum);
  // 3.9 adds the last zxid, in a section of its own. The file's name says enough.
  if (reader.remaining > 0) {
    sum.update(reader.raw(8));
    checkSeal(bytes, reader, sum);
  }
  if (reader.remaining > 0) throw malformed(`${reader.remaining} bytes after the last seal`);
  return digest;
}

/** The checksum in the seal that ends a snapshot, given its last {@link SEAL_BYTES}; null if that is no seal. */
export function finalSeal(bytes: Uint8Array): number | null {
  if (bytes.length !== SEAL_BYTES) return null;
  const reader = new JuteReader(bytes);
  const checksum = Number(reader.long());
  return reader.int() === 1 && reader.raw(1)[0] === SEAL_PATH.charCodeAt(0) ? checksum : null;
}

function writeSeal(writer: JuteWriter, sum: Adler32): void {
  writer.long(BigInt(sum.value));
  writer.string(SEAL_PATH);
}

/** The seal at the reader's offset, which is then part of `sum` too. */
function checkSeal(bytes: Uint8Array, reader: JuteReader, sum: Adler32): void {
  const from = reader.offset;
  const found = reader.long();
  if (found !== BigInt(sum.value)) {
    throw malformed(`a seal has the checksum ${found}, but the bytes before it have ${sum.value}`);
  }
  if (reader.string() !== SEAL_PATH) throw malformed('a seal does not end with "/"');
  sum.update(bytes, from, reader.offset);
}
