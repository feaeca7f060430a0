/** Which records make up one file of a data directory, and what waits to become the next one. Pure. */

/** Large enough to be few, small enough to be written in well under 5 ms and to be read in part. */
const RECORD_BYTES = 256 * 1024;

/** A stored run of bytes. `bytes` is kept until it is known to be stored. */
export interface Segment {
  readonly offset: number;
  readonly length: number;
  bytes: Uint8Array | null;
}

export interface Truncation {
  readonly removed: readonly Segment[];
  /** The segment that the new end falls into, as it stands. */
  readonly cut: Segment | null;
  /** What takes its place (or an empty mark where the file has become empty). */
  readonly left: Segment;
}

export class DiskFile {
  /** In order of offset, without gaps. */
  #segments: Segment[] = [];
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #storedBytes = 0;

  get sizeBytes(): number {
    return this.#storedBytes + this.#waitingBytes;
  }

  get isEmpty(): boolean {
    return this.sizeBytes === 0;
  }

  append(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  /** A record found in the database, in order of its key. */
  found(segment: Segment): void {
    if (segment.offset !== this.#storedBytes) {
      throw new Error(
        `a record begins at ${segment.offset} where ${this.#storedBytes} was expected: the data is damaged`,
      );
    }
    this.#add(segment);
  }

  addRecord(bytes: Uint8Array): Segment {
    return this.#add({ offset: this.#storedBytes, length: bytes.length, bytes });
  }

  /** Makes records of what waits: one, unless it is much. */
  seal(): Segment[] {
    const records = [...joinRecords(this.#waiting)].map((bytes) => this.addRecord(bytes));
    this.#waiting = [];
    this.#waitingBytes = 0;
    return records;
  }

  /** The segments that hold bytes of `[offset, end)`, what waits among them. */
  covering(offset: number, end: number): readonly Segment[] {
    if (end <= offset) return [];
    const found: Segment[] = [];
    for (let index = this.#firstEndingAfter(offset); index < this.#segments.length; index++) {
      const segment = this.#segments[index];
      if (segment === undefined || segment.offset >= end) break;
      found.push(segment);
    }
    let at = this.#storedBytes;
    for (const bytes of this.#waiting) {
      if (at < end && at + bytes.length > offset) {
        found.push({ offset: at, length: bytes.length, bytes });
      }
      at += bytes.length;
    }
    return found;
  }

  /** Call {@link seal} first: what waits is cut too. Cutting behind the end changes nothing. */
  truncate(sizeBytes: number): Truncation {
    const removed: Segment[] = [];
    let cut: Segment | null = null;
    const kept: Segment[] = [];
    for (const segment of this.#segments) {
      if (segment.offset + segment.length <= sizeBytes) kept.push(segment);
      else if (segment.offset < sizeBytes) cut = segment;
      else removed.push(segment);
    }
    const offset = cut?.offset ?? 0;
    const length = cut === null ? 0 : sizeBytes - cut.offset;
    const left = { offset, length, bytes: null };
    this.#segments = kept;
    this.#storedBytes = Math.min(this.#storedBytes, sizeBytes);
    if (cut !== null) this.#segments.push(left);
    return { removed, cut, left };
  }

  #add(segment: Segment): Segment {
    if (segment.length > 0) this.#segments.push(segment);
    this.#storedBytes += segment.length;
    return segment;
  }

  #firstEndingAfter(offset: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const segment = this.#segments[middle];
      if (segment !== undefined && segment.offset + segment.length <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The chunks one after another, in as few records as their size allows, each made when it is asked for. */
export function* joinRecords(chunks: readonly Uint8Array[]): Generator<Uint8Array> {
  let left = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let record = new Uint8Array(Math.min(left, RECORD_BYTES));
  let filled = 0;
  for (const chunk of chunks) {
    for (let taken = 0; taken < chunk.length;) {
      const piece = chunk.subarray(taken, taken + record.length - filled);
      record.set(piece, filled);
      filled += piece.length;
      taken += piece.length;
      left -= piece.length;
      if (filled < record.length) continue;
      yield record;
      record = new Uint8Array(Math.min(left, RECORD_BYTES));
      filled = 0;
    }
  }
}

/** What {@link joinRecords} will make of so many bytes, of which nothing waits in memory: they are written next. */
export function plannedSegments(chunks: readonly Uint8Array[]): Segment[] {
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const segments: Segment[] = [];
  for (let offset = 0; offset < sizeBytes; offset += RECORD_BYTES) {
    segments.push({ offset, length: Math.min(RECORD_BYTES, sizeBytes - offset), bytes: null });
  }
  return segments;
}
