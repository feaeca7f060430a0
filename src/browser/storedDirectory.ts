/**
 * A server's data directory read from IndexedDB beside the running server, from another Worker and in slices, so that
 * the server's writes have their turns; and replaced as a whole, in one transaction, while no server runs.
 */

import { promisifyRequest, type UseStore } from 'idb-keyval';
import type { NamedBytes } from '../inspector/dataFiles.ts';
import { INSTALLING_FILE } from '../storage/dataDirectory.ts';
import { joinRecords, type Segment } from './diskFile.ts';
import {
  asBytes,
  keyOf,
  META_KEY,
  OWNER_KEY,
  readMeta,
  strictStore,
  wholeFile,
} from './diskRecords.ts';

/** Read in one transaction: far less than a tick, after which the server's next write has its turn. */
const SLICE_BYTES = 1024 * 1024;
const SLICE_RECORDS_COUNT = 500;
/** A directory that was changed under the reader is read again, after so long, at most so often. */
const MAX_READS_COUNT = 10;
const READ_AGAIN_AFTER_MS = 100;
/** They are replaced under one key, so they are read in the transaction that lists all. */
const SMALL_FILES = ['acceptedEpoch', 'currentEpoch', 'currentEpoch.tmp'] as const;

export interface StoredFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** How many records it consists of: of a log, how many groups were flushed. */
  readonly recordCount: number;
}

export interface StoredListing {
  readonly files: readonly StoredFile[];
  /** Null: no such file, or no number in it. */
  readonly acceptedEpoch: string | null;
  readonly currentEpoch: string | null;
}

export type BytesProgress = (doneBytes: number, totalBytes: number) => void;

interface Listing {
  /** By name, in order of offset. */
  readonly segments: ReadonlyMap<string, readonly Segment[]>;
  readonly small: ReadonlyMap<string, Uint8Array>;
}

interface KnownFile {
  readonly segments: readonly Segment[];
  readonly bytes: Uint8Array;
}

export class StoredDirectory {
  readonly #store: UseStore;
  /** What was read before: of a log that has grown only the rest is read. */
  #known = new Map<string, KnownFile>();
  #knownEpochs = '';

  constructor(databaseName: string) {
    this.#store = strictStore(databaseName);
  }

  async list(): Promise<StoredListing> {
    const { segments, small } = await this.#list();
    const files = [...segments].map(([name, own]) => ({
      name,
      sizeBytes: sizeOf(own),
      recordCount: own.length,
    }));
    const [acceptedEpoch, currentEpoch] = ['acceptedEpoch', 'currentEpoch'].map((name) =>
      numberText(small.get(name)),
    );
    return { files, acceptedEpoch: acceptedEpoch ?? null, currentEpoch: currentEpoch ?? null };
  }

  /**
   * Every file as it was at one instant: what the server would find if it had crashed then. The bytes may not be changed.
   * Throws an error for people where the directory is never left alone long enough.
   */
  async read(progress: BytesProgress = () => {}): Promise<readonly NamedBytes[]> {
    for (let tries = 0; tries < MAX_READS_COUNT; tries++) {
      if (tries > 0) await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_AFTER_MS));
      const files = await this.#tryRead(await this.#list(), progress);
      if (files !== null) return files;
    }
    throw new Error(
      'The server is changing its files: it takes over another history, or removes old ones. Try again in a moment.',
    );
  }

  /**
   * Makes these files the whole directory, all or nothing: whatever happens before it is done, the old ones are still
   * there. Whoever ran on the directory before can write no more. `signal` undoes it.
   */
  async replace(
    files: readonly NamedBytes[],
    diskId: string,
    owner: string,
    signal: AbortSignal,
    progress: BytesProgress = () => {},
  ): Promise<void> {
    let refusal: Error | null = null;
    let cancel = (): void => {};
    try {
      await this.#store('readwrite', (records) => {
        const { transaction } = records;
        const refuse = (reason: string): void => {
          refusal = new Error(`${reason} Nothing was changed.`);
          transaction.abort();
        };
        cancel = () => refuse('Cancelled.');
        signal.addEventListener('abort', cancel);
        const meta = records.get(META_KEY);
        meta.onsuccess = () => {
          if (readMeta(meta.result)?.diskId !== diskId) {
            refuse('This directory belongs to another server now.');
            return;
          }
          records.put(owner, OWNER_KEY);
          records.delete(everyFile());
          putAll(records, files, progress);
        };
        if (signal.aborted) cancel();
        return promisifyRequest(transaction);
      });
    } catch (error) {
      throw refusal ?? failureText(error);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
    this.#known.clear();
  }

  async #list(): Promise<Listing> {
    return this.#store('readonly', async (records) => {
      const small = SMALL_FILES.map((name) => promisifyRequest(records.getAll(wholeFile(name))));
      const keys = await promisifyRequest(records.getAllKeys(everyFile()));
      const values = await Promise.all(small);
      return {
        segments: segmentsOf(keys),
        small: new Map(
          SMALL_FILES.flatMap((name, index) => {
            const [bytes] = values[index] ?? [];
            return bytes === undefined ? [] : [[name, asBytes(bytes)] as const];
          }),
        ),
      };
    });
  }

  /** Null if the directory was changed in the meantime. */
  async #tryRead(
    { segments, small }: Listing,
    progress: BytesProgress,
  ): Promise<readonly NamedBytes[] | null> {
    if (segments.has(INSTALLING_FILE)) return null;
    this.#forgetOtherReigns(small);
    const totalBytes = [...segments.values()].reduce((sum, own) => sum + sizeOf(own), 0);
    let doneBytes = 0;
    const known = new Map<string, KnownFile>();
    for (const [name, own] of segments) {
      const bytes = small.get(name) ?? (await this.#readFile(name, own, readBytes));
      if (bytes === null) return null;
      known.set(name, { segments: own, bytes });
    }
    this.#known = known;
    return [...known].map(([path, { bytes }]) => ({ path, bytes }));

    function readBytes(count: number): void {
      doneBytes += count;
      progress(doneBytes, totalBytes);
    }
  }

  /** A log is cut, and may then grow under the same keys, only between two reigns. */
  #forgetOtherReigns(small: ReadonlyMap<string, Uint8Array>): void {
    const epochs = SMALL_FILES.map((name) => numberText(small.get(name))).join();
    if (epochs !== this.#knownEpochs) this.#known.clear();
    this.#knownEpochs = epochs;
  }

  async #readFile(
    name: string,
    segments: readonly Segment[],
    done: (bytesCount: number) => void,
  ): Promise<Uint8Array | null> {
    const known = this.#known.get(name);
    const knownCount =
      known !== undefined && beginsWith(segments, known.segments) ? known.segments.length : 0;
    if (known !== undefined && knownCount === segments.length && knownCount > 0) {
      done(known.bytes.length);
      return known.bytes;
    }
    const bytes = new Uint8Array(sizeOf(segments));
    if (known !== undefined && knownCount > 0) {
      bytes.set(known.bytes);
      done(known.bytes.length);
    }
    for (const slice of slicesOf(segments.slice(knownCount))) {
      const values = await this.#readSlice(name, slice);
      if (values === null) return null;
      for (const [index, segment] of slice.entries()) {
        bytes.set(values[index] ?? NO_BYTES, segment.offset);
      }
      done(sizeOf(slice));
    }
    return bytes;
  }

  /** Null if the records are not those that were listed. */
  async #readSlice(name: string, slice: readonly Segment[]): Promise<readonly Uint8Array[] | null> {
    const [first] = slice;
    const last = slice.at(-1);
    if (first === undefined || last === undefined) return [];
    const range = IDBKeyRange.bound(keyOf(name, first), keyOf(name, last));
    const found: readonly unknown[] = await this.#store('readonly', (records) =>
      promisifyRequest(records.getAll(range)),
    );
    const values = found.map(asBytes);
    const same =
      values.length === slice.length &&
      slice.every((segment, index) => values[index]?.length === segment.length);
    return same ? values : null;
  }
}

const NO_BYTES = new Uint8Array(0);
/** Strings sort before arrays, so this is every record but what the database says of itself. */
const everyFile = (): IDBKeyRange => IDBKeyRange.lowerBound([]);

const sizeOf = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { length }) => sum + length, 0);

function segmentsOf(keys: readonly IDBValidKey[]): Map<string, Segment[]> {
  const files = new Map<string, Segment[]>();
  for (const key of keys) {
    if (!Array.isArray(key)) continue;
    const [name, offset, length]: readonly IDBValidKey[] = key;
    if (typeof name !== 'string' || typeof offset !== 'number' || typeof length !== 'number')
      continue;
    const own = files.get(name) ?? [];
    own.push({ offset, length, bytes: null });
    files.set(name, own);
  }
  return files;
}

function beginsWith(segments: readonly Segment[], known: readonly Segment[]): boolean {
  const last = known.at(-1);
  const same = segments[known.length - 1];
  return (
    last !== undefined &&
    same !== undefined &&
    same.offset === last.offset &&
    same.length === last.length
  );
}

function* slicesOf(segments: readonly Segment[]): Generator<readonly Segment[]> {
  let slice: Segment[] = [];
  let sizeBytes = 0;
  for (const segment of segments) {
    const isFull = slice.length === SLICE_RECORDS_COUNT || sizeBytes + segment.length > SLICE_BYTES;
    if (isFull && slice.length > 0) {
      yield slice;
      slice = [];
      sizeBytes = 0;
    }
    slice.push(segment);
    sizeBytes += segment.length;
  }
  if (slice.length > 0) yield slice;
}

/** One record after another, each made when it is its turn. */
function putAll(
  store: IDBObjectStore,
  files: readonly NamedBytes[],
  progress: BytesProgress,
): void {
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const records = recordsOf(files);
  let doneBytes = 0;
  const putNext = (): void => {
    const next = records.next();
    if (next.done === true) return;
    const { key, bytes } = next.value;
    store.put(bytes, key).onsuccess = () => {
      doneBytes += bytes.length;
      progress(doneBytes, totalBytes);
      putNext();
    };
  };
  putNext();
}

function* recordsOf(
  files: readonly NamedBytes[],
): Generator<{ readonly key: IDBValidKey; readonly bytes: Uint8Array }> {
  for (const { path: name, bytes } of files) {
    // An empty file is one empty record.
    if (bytes.length === 0)
      yield { key: keyOf(name, { offset: 0, length: 0, bytes: null }), bytes };
    let offset = 0;
    for (const record of joinRecords([bytes])) {
      yield { key: keyOf(name, { offset, length: record.length, bytes: null }), bytes: record };
      offset += record.length;
    }
  }
}

function failureText(error: unknown): Error {
  const isKnown = error instanceof Error || error instanceof DOMException;
  const { name, message } = isKnown ? error : { name: 'unknown', message: String(error) };
  const why =
    name === 'QuotaExceededError'
      ? 'The browser has no room left for these files.'
      : `The browser’s storage failed: ${name} ${message}`.trim();
  return new Error(`${why} Nothing was changed.`, { cause: error });
}

/** The number that a file of ZooKeeper's consists of, as text. */
const numberText = (bytes: Uint8Array | undefined): string | null =>
  /^-?\d{1,19}/.exec(String.fromCharCode(...(bytes ?? NO_BYTES).subarray(0, 20)))?.[0] ?? null;
