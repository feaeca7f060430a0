/**
 * Jute, ZooKeeper's record encoding: big-endian fields one after the other, no tags, no padding. The writer grows; the
 * reader checks every length against the bytes that are there before it believes it, so that no input makes it allocate.
 */

import { allocateBytes } from '../base/slab.ts';
import { decodeUtf8, encodeInto, maxEncodedBytes } from './utf8.ts';

/** `jute.maxbuffer`: what a client may send in one frame, and the usual limit of everything else. */
export const JUTE_MAX_BUFFER_BYTES = 0xfffff;
/** What a single length inside a record may be at most when read from a stream: `jute.maxbuffer` plus as much extra. */
export const JUTE_MAX_FIELD_BYTES = 2 * JUTE_MAX_BUFFER_BYTES;
/** The smallest element of any vector of ZooKeeper's: a string or buffer that is empty. */
const SMALLEST_ELEMENT_BYTES = 4;

const FIRST_CAPACITY_BYTES = 256;
/** A writer that once grew beyond this gives the memory back at the next `reset`. */
const KEPT_CAPACITY_BYTES = 64 * 1024;
/** What is taken from a writer is cut from buffers of at least so much, and at most so much more than the last piece. */
const TAKEN_SLAB_BYTES = 64 * 1024;
const LARGEST_TAKEN_SLAB_BYTES = 1024 * 1024;
const HIGH_WORD = 0x1_0000_0000;

/**
 * These bytes are no such record. `truncated` means that more bytes might mend it (a stream may wait for them),
 * `malformed` that none can.
 */
export class JuteError extends Error {
  override readonly name = 'JuteError';
  readonly kind: 'truncated' | 'malformed';

  constructor(kind: 'truncated' | 'malformed', message: string) {
    super(message);
    this.kind = kind;
  }
}

export class JuteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  /** Where in the buffer what is being written begins; what lies before it was taken. */
  #start = 0;
  #end = 0;
  #leastCapacityBytes = 0;

  constructor(capacityBytes = FIRST_CAPACITY_BYTES) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** A signed 32-bit number. */
  int(value: number): void {
    const at = this.#advance(4);
    this.#view.setInt32(at, value);
  }

  /** A signed 64-bit number. */
  long(value: bigint): void {
    const at = this.#advance(8);
    this.#view.setBigInt64(at, value);
  }

  /** A 64-bit field that holds milliseconds: a safe integer. */
  time(milliseconds: number): void {
    const at = this.#advance(8);
    this.#view.setInt32(at, Math.floor(milliseconds / HIGH_WORD));
    this.#view.setInt32(at + 4, milliseconds % HIGH_WORD);
  }

  bool(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  byte(value: number): void {
    const at = this.#advance(1);
    this.#bytes[at] = value;
  }

  string(value: string | null): void {
    if (value === null) return this.int(-1);
    this.#reserve(4 + maxEncodedBytes(value.length));
    const at = this.#end;
    this.#end = encodeInto(value, this.#bytes, at + 4);
    this.#view.setInt32(at, this.#end - at - 4);
  }

  buffer(value: Uint8Array | null): void {
    if (value === null) return this.int(-1);
    this.int(value.length);
    this.raw(value);
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void {
    const at = this.#advance(value.length);
    this.#bytes.set(value, at);
  }

  /** Overwrites an int written before: a length that is known only at the end. */
  patchInt(offset: number, value: number): void {
    this.#view.setInt32(this.#start + offset, value);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    const bytes = allocateBytes(this.length);
    bytes.set(this.#written());
    return bytes;
  }

  /** What was written, not copied: the caller's from now on. Begins anew. */
  take(): Uint8Array {
    const bytes = this.#written();
    this.#leastCapacityBytes = Math.min(
      Math.max(bytes.length, TAKEN_SLAB_BYTES),
      LARGEST_TAKEN_SLAB_BYTES,
    );
    this.#start = this.#end;
    return bytes;
  }

  /** Begins anew. */
  reset(): void {
    this.#end = this.#start;
    if (this.#bytes.length > KEPT_CAPACITY_BYTES) this.#resize(FIRST_CAPACITY_BYTES);
  }

  #written(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  #advance(count: number): number {
    this.#reserve(count);
    const at = this.#end;
    this.#end = at + count;
    return at;
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const { length } = this;
    this.#resize(Math.max(length + count, length * 2, this.#leastCapacityBytes));
  }

  #resize(capacityBytes: number): void {
    const { length } = this;
    const grown = new Uint8Array(Math.max(capacityBytes, FIRST_CAPACITY_BYTES));
    grown.set(this.#written());
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
    this.#start = 0;
    this.#end = length;
  }
}

/** Two words make a long here: a reader of its own `DataView` would cost more than most records take to read. */
const longView = new DataView(new ArrayBuffer(8));

/** Reads `bytes` from `offset` to `end`. Every method throws {@link JuteError} rather than read beyond the end. */
export class JuteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#end = end;
  }

  /** Where in `bytes` the next field begins. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  int(): number {
    return this.#intAt(this.#advance(4));
  }

  long(): bigint {
    const at = this.#advance(8);
    longView.setInt32(0, this.#intAt(at));
    longView.setInt32(4, this.#intAt(at + 4));
    return longView.getBigInt64(0);
  }

  /** A 64-bit field that holds milliseconds. */
  time(): number {
    const at = this.#advance(8);
    const value = this.#intAt(at) * HIGH_WORD + (this.#intAt(at + 4) >>> 0);
    if (!Number.isSafeInteger(value)) throw malformed(`time ${value} at byte ${at} is no time`);
    return value;
  }

  bool(): boolean {
    return this.#bytes[this.#advance(1)] !== 0;
  }

  string(): string | null {
    const length = this.#fieldLength();
    if (length === -1) return null;
    const at = this.#advance(length);
    return decodeUtf8(this.#bytes, at, at + length);
  }

  /** A string that the protocol knows no null for. */
  requiredString(): string {
    const at = this.#offset;
    const value = this.string();
    if (value === null) throw malformed(`null string at byte ${at} where one is required`);
    return value;
  }

  /** A view of the bytes read, not a copy. */
  buffer(): Uint8Array | null {
    const length = this.#fieldLength();
    if (length === -1) return null;
    return this.raw(length);
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /**
   * How many elements of at least `elementBytes` each follow; -1 for a null vector. Any other negative count stands for
   * none, as in ZooKeeper, which counts up to it.
   */
  vectorLength(elementBytes = SMALLEST_ELEMENT_BYTES): number {
    const count = this.int();
    if (count < -1) return 0;
    if (count > 0 && count * elementBytes > this.remaining)
      throw this.#tooShort(count * elementBytes);
    return count;
  }

  /** The int at the offset, without moving on. */
  peekInt(): number {
    if (this.remaining < 4) throw this.#tooShort(4);
    return this.#intAt(this.#offset);
  }

  /** `#advance` has seen to it that the four bytes are there: `?? 0` only satisfies the compiler. */
  #intAt(at: number): number {
    const bytes = this.#bytes;
    return (
      ((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)
    );
  }

  #fieldLength(): number {
    const at = this.#offset;
    const length = this.int();
    if (length < -1) throw malformed(`length ${length} at byte ${at} is negative`);
    return length;
  }

  #advance(count: number): number {
    const at = this.#offset;
    if (at + count > this.#end) throw this.#tooShort(count);
    this.#offset = at + count;
    return at;
  }

  #tooShort(wanted: number): JuteError {
    return new JuteError(
      'truncated',
      `${wanted} bytes wanted at byte ${this.#offset}, ${this.remaining} left`,
    );
  }
}

/** A vector through the writer of its elements; null is written as -1. */
export function writeVector<T>(
  writer: JuteWriter,
  values: readonly T[] | null,
  writeElement: (writer: JuteWriter, value: T) => void,
): void {
  if (values === null) return writer.int(-1);
  writer.int(values.length);
  for (const value of values) writeElement(writer, value);
}

/** A vector through the reader of its elements, which take at least `elementBytes` each. */
export function readVector<T>(
  reader: JuteReader,
  readElement: (reader: JuteReader) => T,
  elementBytes = SMALLEST_ELEMENT_BYTES,
): T[] | null {
  const count = reader.vectorLength(elementBytes);
  if (count === -1) return null;
  const values: T[] = [];
  for (let i = 0; i < count; i++) values.push(readElement(reader));
  return values;
}

/** A vector of strings, none of them null; a null vector is read as an empty one. */
export function readStrings(reader: JuteReader): string[] {
  return readVector(reader, readRequiredString) ?? [];
}

export function writeStrings(writer: JuteWriter, values: readonly string[]): void {
  writeVector(writer, values, writeString);
}

const readRequiredString = (reader: JuteReader): string => reader.requiredString();
const writeString = (writer: JuteWriter, value: string): void => writer.string(value);

export const malformed = (message: string): JuteError => new JuteError('malformed', message);

const scratch = new JuteWriter();

/** The bytes that `write` writes, as an array of their own. `write` may not call this again. */
export function toBytes(write: (writer: JuteWriter) => void): Uint8Array {
  scratch.reset();
  write(scratch);
  return scratch.toBytes();
}
