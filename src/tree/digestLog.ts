/**
 * Whether this tree is the one its transactions say it is: compares digests, and keeps some for later comparison
 * (`DataTree.compareDigest`, `compareSnapshotDigests`). Tells of a mismatch; what to do then is for others.
 */

import type { TxnDigest } from '../wire/txns.ts';
import { type Zxid, zxid } from '../wire/ids.ts';
import type { JuteReader, JuteWriter } from '../wire/jute.ts';
import { malformed } from '../wire/jute.ts';
import { DIGEST_VERSION } from './treeDigest.ts';

/** The digest of a whole tree right after a transaction. */
export interface ZxidDigest {
  readonly zxid: Zxid;
  readonly version: number;
  readonly treeDigest: bigint;
}

export interface DigestMismatch {
  readonly zxid: Zxid;
  /** What the transaction or the snapshot says. */
  readonly expected: bigint;
  /** What this tree has. */
  readonly actual: bigint;
}

/** Every so many transactions one digest is kept, at most so many of them (`DIGEST_LOG_INTERVAL`, `DIGEST_LOG_LIMIT`). */
const DIGEST_LOG_INTERVAL = 128;
const DIGEST_LOG_LIMIT = 1024;

export class DigestLog {
  readonly #mismatched: (mismatch: DigestMismatch) => void;
  readonly #entries: ZxidDigest[] = [];
  /** A fuzzy snapshot was loaded: until its transactions are replayed up to here no digest can match. */
  #fuzzyUntil: ZxidDigest | null = null;
  #mismatchCount = 0;

  constructor(mismatched: (mismatch: DigestMismatch) => void) {
    this.#mismatched = mismatched;
  }

  /** Oldest first. */
  get entries(): readonly ZxidDigest[] {
    return this.#entries;
  }

  get mismatchCount(): number {
    return this.#mismatchCount;
  }

  /** Takes note of the digest in a snapshot that began at `startZxid` and whose tree has now `actual`. */
  expect(expected: ZxidDigest, startZxid: Zxid, actual: bigint): void {
    // Zxid 0: the snapshot has none. Before the start: the tree was not changed since, so there is nothing fuzzy.
    this.#fuzzyUntil = expected.zxid > 0n && expected.zxid >= startZxid ? expected : null;
    this.#leaveFuzzyState(startZxid, actual);
  }

  /** A transaction has been applied. */
  applied(at: Zxid, treeDigest: () => bigint): void {
    if (this.#fuzzyUntil !== null) this.#leaveFuzzyState(at, treeDigest());
    else if (Number(BigInt.asUintN(32, at)) % DIGEST_LOG_INTERVAL === 0)
      this.#keep(at, treeDigest());
  }

  /** Compares what the transaction's author had after it with what is here; other versions cannot be compared. */
  compare(at: Zxid, digest: TxnDigest, treeDigest: () => bigint): void {
    if (this.#fuzzyUntil !== null || digest.version !== DIGEST_VERSION) return;
    this.#check(at, digest.treeDigest, treeDigest());
  }

  #leaveFuzzyState(at: Zxid, actual: bigint): void {
    const target = this.#fuzzyUntil;
    if (target === null || at < target.zxid) return;
    this.#fuzzyUntil = null;
    if (at === target.zxid && target.version === DIGEST_VERSION)
      this.#check(at, target.treeDigest, actual);
  }

  #check(at: Zxid, expected: bigint, actual: bigint): void {
    if (expected === actual) return;
    this.#mismatchCount++;
    this.#mismatched({ zxid: at, expected, actual });
  }

  #keep(at: Zxid, treeDigest: bigint): void {
    this.#entries.push({ zxid: at, version: DIGEST_VERSION, treeDigest });
    if (this.#entries.length > DIGEST_LOG_LIMIT) this.#entries.shift();
  }
}

/** As it stands between a snapshot's two seals. */
export function writeZxidDigest(writer: JuteWriter, digest: ZxidDigest): void {
  writer.long(digest.zxid);
  writer.int(digest.version);
  writer.long(digest.treeDigest);
}

export function readZxidDigest(reader: JuteReader): ZxidDigest {
  const at = zxid(reader.long());
  const version = reader.int();
  const treeDigest = version < 2 ? hexDigest(reader.string()) : reader.long();
  return { zxid: at, version, treeDigest };
}

/** Version 1 was written as hexadecimal text. */
function hexDigest(text: string | null): bigint {
  if (text === null || text === '') return 0n;
  if (!/^[0-9a-f]{1,16}$/i.test(text)) throw malformed(`digest ${text} is no hexadecimal number`);
  return BigInt.asIntN(64, BigInt(`0x${text}`));
}
