/**
 * The digest of a tree, version 2: the sum modulo 2^64 of one CRC-32 a node (`DigestCalculator`, `AdHash`). Two servers
 * with the same digest at the same zxid hold the same tree. Kept without bigints: a sum changes twice a write.
 */

import type { StatPersisted } from '../wire/dataRecords.ts';
import { CRC32_START, crc32Bytes, crc32Finish, crc32Text } from './crc32.ts';
import { ROOT, ZOOKEEPER_NODE_SUBTREE } from './paths.ts';

/** Changes whenever what goes into a node's digest does; servers compare digests of their own version only. */
export const DIGEST_VERSION = 2;

const STAT_BYTES = 60;
const WORD = 0x1_0000_0000;
const statBytes = new Uint8Array(STAT_BYTES);
const statView = new DataView(statBytes.buffer);

/**
 * What one node adds to the digest: an unsigned 32-bit number. Nodes below `/zookeeper/` add 0, since quota figures are
 * each server's own. `stat` is the stored one (cversion = creates, ephemeralOwner with its marks).
 */
export function nodeDigest(path: string, data: Uint8Array | null, stat: StatPersisted): number {
  if (path.startsWith(ZOOKEEPER_NODE_SUBTREE)) return 0;
  let crc = path === ROOT ? CRC32_START : crc32Text(CRC32_START, path);
  if (data !== null) crc = crc32Bytes(crc, data, 0, data.length);
  writeStat(stat);
  return crc32Finish(crc32Bytes(crc, statBytes, 0, STAT_BYTES));
}

function writeStat(stat: StatPersisted): void {
  statView.setBigInt64(0, stat.czxid);
  statView.setBigInt64(8, stat.mzxid);
  statView.setBigInt64(16, stat.pzxid);
  writeTime(24, stat.ctime);
  writeTime(32, stat.mtime);
  statView.setInt32(40, stat.version);
  statView.setInt32(44, stat.cversion);
  statView.setInt32(48, stat.aversion);
  statView.setBigInt64(52, stat.ephemeralOwner);
}

function writeTime(offset: number, milliseconds: number): void {
  const high = Math.floor(milliseconds / WORD);
  statView.setInt32(offset, high);
  statView.setUint32(offset + 4, milliseconds - high * WORD);
}

const sumView = new DataView(new ArrayBuffer(8));

/** A sum modulo 2^64 of unsigned 32-bit numbers (`AdHash`), in two words. */
export class AdHash {
  #high = 0;
  #low = 0;

  add(digest: number): void {
    this.#low += digest;
    if (this.#low < WORD) return;
    this.#low -= WORD;
    this.#high = (this.#high + 1) | 0;
  }

  remove(digest: number): void {
    this.#low -= digest;
    if (this.#low >= 0) return;
    this.#low += WORD;
    this.#high = (this.#high - 1) | 0;
  }

  /** The sum as the signed 64-bit number that transactions and snapshots carry. */
  value(): bigint {
    sumView.setInt32(0, this.#high);
    sumView.setUint32(4, this.#low);
    return sumView.getBigInt64(0);
  }
}
