/**
 * Where the transactions of a directory's logs lie, in their order. It has the bytes of the files and 20 more for each
 * transaction; what a transaction says is read from them again whenever somebody looks. Pure.
 */

import { LOG_RECORD_HEAD_BYTES } from '../storage/txnLogFormat.ts';
import { type Zxid, zxid } from '../wire/ids.ts';
import { LongColumn, NumberColumn } from './columns.ts';

/** Where a transaction stands. */
export interface TxnPlace {
  readonly zxid: Zxid;
  /** The name of its file. */
  readonly file: string;
  /** Where its record begins in the file. */
  readonly offset: number;
  /** A view of the file's bytes. */
  readonly payload: Uint8Array;
}

/** A transaction found in a file, without its bytes. */
export interface FoundTxn {
  readonly zxid: Zxid;
  readonly offset: number;
  readonly sizeBytes: number;
}

interface PlacedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

export class TxnPlaces {
  readonly #files: PlacedFile[] = [];
  readonly #zxids = new LongColumn();
  readonly #fileIndexes = new NumberColumn();
  readonly #offsets = new NumberColumn();
  readonly #sizes = new NumberColumn();

  get length(): number {
    return this.#zxids.length;
  }

  /** The file that what is added from now on lies in; a file known already has these bytes now. */
  open(file: PlacedFile): void {
    const known = this.#files.findIndex(({ name }) => name === file.name);
    if (known < 0) this.#files.push(file);
    else this.#files[known] = file;
  }

  /** In the file that was opened last. */
  add({ zxid: at, offset, sizeBytes }: FoundTxn): void {
    this.#zxids.push(at);
    this.#fileIndexes.push(this.#files.length - 1);
    this.#offsets.push(offset);
    this.#sizes.push(sizeBytes);
  }

  /** Null: there is no such transaction. */
  at(index: number): TxnPlace | null {
    if (!this.#has(index)) return null;
    return {
      zxid: zxid(this.#zxids.at(index)),
      file: this.fileAt(index),
      offset: this.#offsets.at(index),
      payload: this.payloadAt(index),
    };
  }

  zxidAt(index: number): Zxid | null {
    return this.#has(index) ? zxid(this.#zxids.at(index)) : null;
  }

  fileAt(index: number): string {
    return this.#files[this.#fileIndexes.at(index)]?.name ?? '';
  }

  /** A view of the file's bytes. */
  payloadAt(index: number): Uint8Array {
    if (!this.#has(index)) return NO_BYTES;
    const from = this.#offsets.at(index) + LOG_RECORD_HEAD_BYTES;
    const { bytes } = this.#files[this.#fileIndexes.at(index)] ?? { bytes: NO_BYTES };
    return bytes.subarray(from, from + this.#sizes.at(index));
  }

  /** How many are up to this one. */
  countUpTo(wanted: Zxid): number {
    let count = 0;
    for (let index = 0; index < this.length; index++) if (this.#zxids.at(index) <= wanted) count++;
    return count;
  }

  /** As {@link countUpTo}, and quick: for places that are known to be in ascending order. */
  momentOf(wanted: Zxid): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#zxids.at(middle) <= wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets the last ones, so that so many are left. */
  cutTo(length: number): void {
    for (const column of [this.#zxids, this.#fileIndexes, this.#offsets, this.#sizes]) {
      column.cutTo(length);
    }
  }

  /** Some of them, in the same files. */
  part(from: number, to: number): TxnPlaces {
    const part = new TxnPlaces();
    part.#files.push(...this.#files);
    for (let index = Math.max(0, from); index < Math.min(to, this.length); index++) {
      part.#zxids.push(this.#zxids.at(index));
      part.#fileIndexes.push(this.#fileIndexes.at(index));
      part.#offsets.push(this.#offsets.at(index));
      part.#sizes.push(this.#sizes.at(index));
    }
    return part;
  }

  #has(index: number): boolean {
    return index >= 0 && index < this.length;
  }
}
