/**
 * The bytes of a transaction log (ZooKeeper's `FileTxnLog`): a header, then records of Adler-32 of the payload, length,
 * payload and 'B'. A length of zero, as in preallocated space, is the end. Pure: it is pushed bytes and gives records.
 */

import { zxid, zxidToString, type Zxid } from '../wire/ids.ts';
import type { JuteWriter } from '../wire/jute.ts';
import { Adler32, adler32 } from './adler32.ts';

const MAGIC = 0x5a4b4c47; // ZKLG
const VERSION = 2;
export const LOG_HEADER_BYTES = 16;
/** Checksum and length, before a transaction. */
export const LOG_RECORD_HEAD_BYTES = 12;
const END_OF_RECORD = 0x42;
/** A record that holds as much as a transaction's header. */
const SMALLEST_PAYLOAD_BYTES = 32;
/** In a transaction: after the session id and the cxid. */
const ZXID_OFFSET = 12;

export function logHeader(): Uint8Array {
  const bytes = new Uint8Array(LOG_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, MAGIC);
  view.setInt32(4, VERSION);
  return bytes;
}

/** The payload as it stands in a log: the checksum is a long, of which Adler-32 fills the low half. */
export function writeLogRecord(writer: JuteWriter, payload: Uint8Array): void {
  writer.int(0);
  writer.int(adler32(payload));
  writer.buffer(payload);
  writer.byte(END_OF_RECORD);
}

export interface LogRecord {
  readonly zxid: Zxid;
  /** The transaction as it was proposed: a view of the bytes pushed. */
  readonly payload: Uint8Array;
  /** Where the record begins and ends in its file. */
  readonly offset: number;
  readonly endOffset: number;
}

export type LogItem =
  | { readonly kind: 'record'; readonly record: LogRecord }
  /** Push more, or say that there is no more. */
  | { readonly kind: 'more' }
  /** All read. `torn`: what is wrong with the incomplete record after `sizeBytes`, to be cut; null: nothing. */
  | { readonly kind: 'end'; readonly sizeBytes: number; readonly torn: string | null }
  | { readonly kind: 'corrupt'; readonly offset: number; readonly reason: string };

type State =
  | { readonly at: 'header' }
  | { readonly at: 'records' }
  /** After the last record; all that follows has to be zero. */
  | { readonly at: 'padding'; readonly sizeBytes: number; readonly torn: string | null }
  | { readonly at: 'over'; readonly item: LogItem };

const NO_BYTES = new Uint8Array(0);
const MORE: LogItem = { kind: 'more' };

/** Reads one log file. Records are checked before they are given out. */
export class TxnLogParser {
  #state: State = { at: 'header' };
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = new DataView(NO_BYTES.buffer);
  /** The next byte to look at, in #bytes; and where #bytes begins in the file. */
  #next = 0;
  #base = 0;
  #ended = false;

  /** The next bytes of the file; they may not be changed afterwards. */
  push(bytes: Uint8Array): void {
    const left = this.#bytes.subarray(this.#next);
    this.#base += this.#next;
    this.#next = 0;
    this.#bytes = left.length === 0 ? bytes : concatenated(left, bytes);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  /** Pushed and not yet given out: part of a record. */
  get bufferedBytes(): number {
    return this.#available;
  }

  /** The last record is behind; only zeros may come. */
  get inPadding(): boolean {
    return this.#state.at === 'padding';
  }

  /** The file ends here. */
  end(): void {
    this.#ended = true;
  }

  next(): LogItem {
    for (;;) {
      const item = this.#step();
      if (item !== null) return item;
    }
  }

  /** Null: the state changed, look again. */
  #step(): LogItem | null {
    const state = this.#state;
    switch (state.at) {
      case 'header':
        return this.#readHeader();
      case 'records':
        return this.#readRecord();
      case 'padding':
        return this.#readPadding(state.sizeBytes, state.torn);
      case 'over':
        return state.item;
    }
  }

  get #offset(): number {
    return this.#base + this.#next;
  }

  get #available(): number {
    return this.#bytes.length - this.#next;
  }

  #readHeader(): LogItem | null {
    if (this.#available < LOG_HEADER_BYTES) {
      if (!this.#ended) return MORE;
      const expected = logHeader();
      const partial = this.#bytes.subarray(this.#next);
      return partial.every((byte, at) => byte === expected[at])
        ? this.#over({ kind: 'end', sizeBytes: 0, torn: 'its header is incomplete' })
        : this.#corrupt(0, 'this is no transaction log: it does not begin with ZKLG');
    }
    if (this.#view.getInt32(this.#next) !== MAGIC) {
      return this.#corrupt(0, 'this is no transaction log: it does not begin with ZKLG');
    }
    const version = this.#view.getInt32(this.#next + 4);
    if (version !== VERSION) {
      return this.#corrupt(4, `log format version ${version}; only ${VERSION} is known`);
    }
    this.#next += LOG_HEADER_BYTES;
    this.#state = { at: 'records' };
    return null;
  }

  #readRecord(): LogItem | null {
    if (this.#available < LOG_RECORD_HEAD_BYTES) {
      if (!this.#ended) return MORE;
      const torn = this.#restIsZero() ? null : 'its head is incomplete';
      return this.#over({ kind: 'end', sizeBytes: this.#offset, torn });
    }
    const checksum = this.#view.getBigUint64(this.#next);
    const length = this.#view.getInt32(this.#next + 8);
    if (length === 0) {
      const torn = checksum === 0n ? null : 'only its checksum was written';
      return this.#pad(LOG_RECORD_HEAD_BYTES, torn);
    }
    if (length < 0) return this.#corrupt(this.#offset, `a record of length ${length}`);
    const endMark = this.#next + LOG_RECORD_HEAD_BYTES + length;
    if (endMark >= this.#bytes.length) {
      return this.#ended ? this.#incomplete(checksum, length) : MORE;
    }
    return this.#bytes[endMark] === END_OF_RECORD
      ? this.#complete(checksum, length)
      : this.#unmarked(checksum, length);
  }

  #complete(checksum: bigint, length: number): LogItem {
    const from = this.#next + LOG_RECORD_HEAD_BYTES;
    const found = BigInt(adler32(this.#bytes, from, from + length));
    if (found !== checksum) {
      return this.#corrupt(
        this.#offset,
        `a record of ${length} bytes has the checksum ${found}, not ${checksum} as written`,
      );
    }
    if (length < SMALLEST_PAYLOAD_BYTES) {
      return this.#corrupt(this.#offset, `a record of ${length} bytes is no transaction`);
    }
    const offset = this.#offset;
    this.#next = from + length + 1;
    return {
      kind: 'record',
      record: {
        zxid: zxid(this.#view.getBigInt64(from + ZXID_OFFSET)),
        payload: this.#bytes.subarray(from, from + length),
        offset,
        endOffset: this.#offset,
      },
    };
  }

  /** The file ends within the record: either the crash that tore it, or a damaged length. */
  #incomplete(checksum: bigint, length: number): LogItem {
    const shorter = this.#lengthThatFits(checksum, this.#bytes.length);
    if (shorter !== null) return this.#damagedLength(length, shorter);
    const torn = `the file ends ${this.#available} bytes into a record of ${length + LOG_RECORD_HEAD_BYTES + 1}`;
    return this.#over({ kind: 'end', sizeBytes: this.#offset, torn });
  }

  /** No 'B' where the record should end: torn in preallocated space if only zeros follow, else damaged. */
  #unmarked(checksum: bigint, length: number): LogItem | null {
    const endMark = this.#next + LOG_RECORD_HEAD_BYTES + length;
    const shorter = this.#lengthThatFits(checksum, endMark);
    if (shorter !== null) return this.#damagedLength(length, shorter);
    if (this.#bytes[endMark] !== 0) {
      return this.#corrupt(this.#offset, `a record of ${length} bytes does not end with 'B'`);
    }
    return this.#pad(LOG_RECORD_HEAD_BYTES + length + 1, 'its end was not written');
  }

  #damagedLength(length: number, shorter: number): LogItem {
    return this.#corrupt(
      this.#offset,
      `the length ${length} of a record is damaged: its checksum fits ${shorter} bytes`,
    );
  }

  /**
   * A torn record is cut, so a whole one must not pass for torn because its length was damaged: looks for the length
   * at which the checksum is right and 'B' follows, up to `end`.
   */
  #lengthThatFits(checksum: bigint, end: number): number | null {
    const wanted = Number(checksum);
    const sum = new Adler32();
    const from = this.#next + LOG_RECORD_HEAD_BYTES;
    let summedTo = from;
    for (let at = this.#bytes.indexOf(END_OF_RECORD, from); at >= 0 && at < end;) {
      sum.update(this.#bytes, summedTo, at);
      summedTo = at;
      if (at > from && sum.value === wanted) return at - from;
      at = this.#bytes.indexOf(END_OF_RECORD, at + 1);
    }
    return null;
  }

  /** The log ends here, `skipBytes` into what follows; the rest has to be zero. */
  #pad(skipBytes: number, torn: string | null): null {
    this.#state = { at: 'padding', sizeBytes: this.#offset, torn };
    this.#next += skipBytes;
    return null;
  }

  #readPadding(sizeBytes: number, torn: string | null): LogItem {
    if (!this.#restIsZero()) {
      const nonZero = this.#bytes.findIndex((byte, at) => at >= this.#next && byte !== 0);
      return this.#corrupt(
        sizeBytes,
        torn === null
          ? `the log ends here, but byte ${this.#base + nonZero} is not zero`
          : `a record is damaged (${torn}), but more follows at byte ${this.#base + nonZero}`,
      );
    }
    this.#next = this.#bytes.length;
    return this.#ended ? this.#over({ kind: 'end', sizeBytes, torn }) : MORE;
  }

  #restIsZero(): boolean {
    return isZero(this.#bytes, this.#next);
  }

  #corrupt(offset: number, reason: string): LogItem {
    return this.#over({ kind: 'corrupt', offset, reason });
  }

  #over(item: LogItem): LogItem {
    this.#state = { at: 'over', item };
    return item;
  }
}

export const describeRecord = (file: string, record: LogRecord): string =>
  `transaction ${zxidToString(record.zxid)} at byte ${record.offset} of ${file}`;

function concatenated(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
}

/** By words where they are aligned: a log can end in 64 MiB of zeros. */
function isZero(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (at < bytes.length && (bytes.byteOffset + at) % Uint32Array.BYTES_PER_ELEMENT !== 0) {
    if (bytes[at++] !== 0) return false;
  }
  const wordCount = Math.floor((bytes.length - at) / Uint32Array.BYTES_PER_ELEMENT);
  if (wordCount === 0) return bytes.subarray(at).every((byte) => byte === 0);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, wordCount);
  for (let i = 0; i < wordCount; i++) if (words[i] !== 0) return false;
  at += words.byteLength;
  while (at < bytes.length) if (bytes[at++] !== 0) return false;
  return true;
}
