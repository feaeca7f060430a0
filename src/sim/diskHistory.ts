/**
 * What a simulated disk would give back after a crash at this instant, read by nothing of the storage's own code: the
 * transactions in its logs, its newest snapshot, its epochs.
 */

import { assert } from '../base/assert.ts';
import { type Epoch, type Zxid, epoch, zxid } from '../wire/ids.ts';
import type { DurableChange, SimDisk } from './simDisk.ts';

const ACCEPTED_EPOCH_FILE = 'acceptedEpoch';
const CURRENT_EPOCH_FILE = 'currentEpoch';
const LOG_HEADER_BYTES = 16;
/** Adler-32 (as a long) and length. */
const RECORD_HEAD_BYTES = 12;
/** In a transaction's bytes the zxid comes after session id and cxid. */
const ZXID_OFFSET_BYTES = 12;
const RECORD_END = 0x42;

/** Stands for a transaction's bytes: its checksum and length. */
export type Fingerprint = number;

interface LogFile {
  parsedBytes: number;
  readonly zxids: Zxid[];
}

export class DiskHistory {
  readonly #disk: SimDisk;
  readonly #logs = new Map<string, LogFile>();
  readonly #entries = new Map<Zxid, Fingerprint>();
  #snapshotZxid: Zxid | null = null;
  #acceptedEpoch: Epoch | null = null;
  #currentEpoch: Epoch | null = null;
  readonly #found: (zxid: Zxid, transaction: Uint8Array) => void;

  /** `found` is told each transaction as it appears; its bytes are a view, to be copied if they are kept. */
  constructor(disk: SimDisk, found: (zxid: Zxid, transaction: Uint8Array) => void = () => {}) {
    this.#disk = disk;
    this.#found = found;
  }

  /** The zxid of the newest snapshot; null if there is none. */
  get snapshotZxid(): Zxid | null {
    return this.#snapshotZxid;
  }

  get acceptedEpoch(): Epoch | null {
    return this.#acceptedEpoch;
  }

  get currentEpoch(): Epoch | null {
    return this.#currentEpoch;
  }

  /** What the log holds at that zxid. */
  fingerprint(of: Zxid): Fingerprint | undefined {
    return this.#entries.get(of);
  }

  get entries(): ReadonlyMap<Zxid, Fingerprint> {
    return this.#entries;
  }

  /** The transaction is in the log, or in a snapshot. */
  holds(of: Zxid): boolean {
    return this.#entries.has(of) || (this.#snapshotZxid !== null && of <= this.#snapshotZxid);
  }

  /** The last transaction that would be there after a restart. */
  get lastZxid(): Zxid {
    let last = this.#snapshotZxid ?? zxid(0n);
    for (const entry of this.#entries.keys()) if (entry > last) last = entry;
    return last;
  }

  /** Reads what has changed, and that alone; answers with the transactions found. */
  update(change: DurableChange): ReadonlyMap<Zxid, Fingerprint> {
    const fresh = new Map<Zxid, Fingerprint>();
    switch (change.kind) {
      case 'flushed':
        for (const name of change.names) this.#readFile(name, fresh);
        break;
      case 'file':
        this.#forget(change.name);
        this.#readFile(change.name, fresh);
        break;
      case 'crashed':
      case 'wiped':
        this.#readAll(fresh);
        break;
    }
    return fresh;
  }

  #readFile(name: string, fresh: Map<Zxid, Fingerprint>): void {
    if (name.startsWith('log.')) this.#readLog(name, fresh);
    else if (name === ACCEPTED_EPOCH_FILE) this.#acceptedEpoch = this.#readEpoch(name);
    else if (name === CURRENT_EPOCH_FILE) this.#currentEpoch = this.#readEpoch(name);
    else if (name.startsWith('snapshot.')) this.#readSnapshotNames(this.#disk.names());
  }

  #readAll(fresh: Map<Zxid, Fingerprint>): void {
    const names = this.#disk.names();
    this.#readSnapshotNames(names);
    this.#acceptedEpoch = this.#readEpoch(ACCEPTED_EPOCH_FILE);
    this.#currentEpoch = this.#readEpoch(CURRENT_EPOCH_FILE);
    this.#forgetShortened();
    for (const name of [...this.#logs.keys()]) if (!names.includes(name)) this.#forget(name);
    for (const name of names) if (name.startsWith('log.')) this.#readLog(name, fresh);
  }

  #readSnapshotNames(names: readonly string[]): void {
    this.#snapshotZxid = null;
    for (const name of names) {
      if (!/^snapshot\.[0-9a-f]+$/.test(name) || this.#disk.durable(name) === null) continue;
      const of = zxid(BigInt.asIntN(64, BigInt(`0x${name.slice('snapshot.'.length)}`)));
      if (this.#snapshotZxid === null || of > this.#snapshotZxid) this.#snapshotZxid = of;
    }
  }

  #readEpoch(name: string): Epoch | null {
    const bytes = this.#disk.durable(name);
    if (bytes === null) return null;
    const text = new TextDecoder().decode(bytes);
    assert(/^-?\d+$/.test(text), `${name} holds "${text}", which is no epoch`);
    return epoch(BigInt(text));
  }

  /** A cut that was under way at the crash may have come to its end without an answer. */
  #forgetShortened(): void {
    for (const [name, { parsedBytes }] of [...this.#logs]) {
      const bytes = this.#disk.durable(name);
      if (bytes !== null && bytes.length < parsedBytes) this.#forget(name);
    }
  }

  #forget(name: string): void {
    const log = this.#logs.get(name);
    this.#logs.delete(name);
    for (const of of log?.zxids ?? []) this.#entries.delete(of);
  }

  #readLog(name: string, fresh: Map<Zxid, Fingerprint>): void {
    const bytes = this.#disk.durable(name);
    if (bytes === null) return this.#forget(name);
    const log = this.#logs.get(name) ?? { parsedBytes: LOG_HEADER_BYTES, zxids: [] };
    this.#logs.set(name, log);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    while (log.parsedBytes + RECORD_HEAD_BYTES <= bytes.length) {
      const at = log.parsedBytes;
      const length = view.getInt32(at + 8);
      const endBytes = at + RECORD_HEAD_BYTES + length + 1;
      if (length <= 0 || endBytes > bytes.length || bytes[endBytes - 1] !== RECORD_END) return;
      const of = zxid(view.getBigInt64(at + RECORD_HEAD_BYTES + ZXID_OFFSET_BYTES));
      const fingerprint = view.getUint32(at + 4) * 0x10_0000 + length;
      log.zxids.push(of);
      log.parsedBytes = endBytes;
      this.#entries.set(of, fingerprint);
      fresh.set(of, fingerprint);
      this.#found(of, bytes.subarray(at + RECORD_HEAD_BYTES, endBytes - 1));
    }
  }
}
