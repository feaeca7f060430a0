/**
 * A server's data directory in IndexedDB: one database per room and sid, one record per file and flush. A flush is one
 * transaction with strict durability, and every write transaction looks first whether the directory is still ours.
 */

import { keys, promisifyRequest, type UseStore } from 'idb-keyval';
import type { Disk, DiskError, DiskResult, Done, FileEntry } from '../ports/disk.ts';
import {
  asBytes,
  type DiskMeta,
  keyOf,
  META_KEY,
  OWNER_KEY,
  readMeta,
  strictStore,
  wholeFile,
} from './diskRecords.ts';
import { DiskFile, joinRecords, plannedSegments, type Segment } from './diskFile.ts';

export class IndexedDbDisk implements Disk {
  readonly meta: DiskMeta;
  readonly #store: UseStore;
  readonly #owner: string;
  readonly #files = new Map<string, DiskFile>();
  readonly #operations: (() => Promise<void>)[] = [];
  #running = false;
  #failure: DiskError | null = null;

  private constructor(meta: DiskMeta, store: UseStore, owner: string) {
    this.meta = meta;
    this.#store = store;
    this.#owner = owner;
  }

  /**
   * Takes the directory: whoever had it open before can write no more. A new one is marked with `meta`; one that belongs
   * to another disk id is refused with an error.
   */
  static async open(databaseName: string, meta: DiskMeta, owner: string): Promise<IndexedDbDisk> {
    const store = strictStore(databaseName);
    const found = await takeOwnership(store, meta, owner);
    if (found.diskId !== meta.diskId) {
      throw new Error(
        `The data in ${databaseName} belongs to disk ${found.diskId}, not to ${meta.diskId}.`,
      );
    }
    const disk = new IndexedDbDisk(found, store, owner);
    for (const key of await keys<IDBValidKey>(store)) disk.#addRecord(key);
    return disk;
  }

  list(done: Done<readonly FileEntry[]>): void {
    const entries = [...this.#files].map(([name, file]) => ({ name, sizeBytes: file.sizeBytes }));
    this.#enqueue('', done, () => Promise.resolve(entries));
  }

  read(name: string, offset: number, length: number, done: Done<Uint8Array>): void {
    const file = this.#files.get(name);
    if (file === undefined) {
      this.#enqueueMissing(name, done);
      return;
    }
    const end = Math.min(offset + length, file.sizeBytes);
    const segments = file.covering(offset, end);
    this.#enqueue(name, done, () => this.#read(name, offset, end, segments));
  }

  append(name: string, bytes: Uint8Array): void {
    this.#file(name).append(bytes);
  }

  flush(done: Done<void>): void {
    const writes = [...this.#files].flatMap(([name, file]) => this.#pending(name, file));
    this.#enqueue('', done, async () => {
      if (writes.length === 0) return;
      await this.#write((records) => {
        for (const { name, segment, bytes } of writes) records.put(bytes, keyOf(name, segment));
        return 'all';
      });
      for (const { segment } of writes) segment.bytes = null;
    });
  }

  truncate(name: string, sizeBytes: number, done: Done<void>): void {
    const file = this.#files.get(name);
    if (file === undefined) {
      this.#enqueueMissing(name, done);
      return;
    }
    const writes = this.#pending(name, file);
    const { removed, cut, left } = file.truncate(sizeBytes);
    this.#enqueue(name, done, async () => {
      await this.#write((records) => {
        for (const { segment, bytes } of writes) records.put(bytes, keyOf(name, segment));
        for (const segment of removed) records.delete(keyOf(name, segment));
        if (cut !== null) {
          const reading = records.get(keyOf(name, cut));
          reading.onsuccess = () => {
            records.delete(keyOf(name, cut));
            records.put(asBytes(reading.result).slice(0, left.length), keyOf(name, left));
          };
        } else if (file.isEmpty) {
          records.put(new Uint8Array(0), keyOf(name, left));
        }
        return cut === null ? 'all' : 'more';
      });
      for (const { segment } of writes) segment.bytes = null;
    });
  }

  /** The records are made and handed over one at a time: other events have their turns while a snapshot is written. */
  replace(name: string, chunks: readonly Uint8Array[], done: Done<void>): void {
    const file = new DiskFile();
    this.#files.set(name, file);
    const segments = plannedSegments(chunks);
    for (const segment of segments) file.found(segment);
    this.#enqueue(name, done, () =>
      this.#write((store) => {
        store.delete(wholeFile(name));
        // An empty file is one empty record.
        if (segments.length === 0) store.put(new Uint8Array(0), [name, 0, 0]);
        const records = joinRecords(chunks);
        const putFrom = (index: number): void => {
          const segment = segments[index];
          const { value } = records.next();
          if (segment === undefined || !(value instanceof Uint8Array)) return;
          const put = store.put(value, keyOf(name, segment));
          put.onsuccess = () => putFrom(index + 1);
        };
        putFrom(0);
        return segments.length > 1 ? 'more' : 'all';
      }),
    );
  }

  remove(name: string, done: Done<void>): void {
    this.#files.delete(name);
    this.#enqueue(name, done, () =>
      this.#write((records) => {
        records.delete(wholeFile(name));
        return 'all';
      }),
    );
  }

  #addRecord(key: IDBValidKey): void {
    if (!Array.isArray(key)) return;
    const [name, offset, length] = key;
    if (typeof name !== 'string' || typeof offset !== 'number' || typeof length !== 'number')
      return;
    this.#file(name).found({ offset, length, bytes: null });
  }

  #file(name: string): DiskFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new DiskFile();
      this.#files.set(name, file);
    }
    return file;
  }

  #pending(name: string, file: DiskFile): FileRecord[] {
    return file.seal().flatMap((segment) => {
      const { bytes } = segment;
      return bytes === null ? [] : [{ name, segment, bytes }];
    });
  }

  async #read(
    name: string,
    offset: number,
    end: number,
    segments: readonly Segment[],
  ): Promise<Uint8Array> {
    const result = new Uint8Array(Math.max(0, end - offset));
    const stored = segments.filter((segment) => segment.bytes === null);
    const values = await this.#store('readonly', (records) =>
      Promise.all(stored.map((segment) => promisifyRequest(records.get(keyOf(name, segment))))),
    );
    const found = new Map(stored.map((segment, index) => [segment, asBytes(values[index])]));
    for (const segment of segments) {
      const bytes = segment.bytes ?? found.get(segment) ?? new Uint8Array(0);
      if (bytes.length < segment.length) {
        throw new Error(`record ${segment.offset} of ${name} is missing or damaged`);
      }
      const from = Math.max(offset, segment.offset);
      const to = Math.min(end, segment.offset + segment.length);
      result.set(bytes.subarray(from - segment.offset, to - segment.offset), from - offset);
    }
    return result;
  }

  /**
   * One write transaction, undone as a whole if the directory is no longer ours. `change` says whether it has asked for
   * all it wants: then the transaction need not wait for what it is answered.
   */
  async #write(change: (records: IDBObjectStore) => 'all' | 'more'): Promise<void> {
    let refusal: Error | null = null;
    try {
      await this.#store('readwrite', (records) => {
        const { transaction } = records;
        const owner = records.get(OWNER_KEY);
        const asked = change(records);
        owner.onsuccess = () => {
          if (owner.result !== this.#owner) {
            // A directory without any owner is not the one that we took.
            refusal = owner.result === undefined ? new DeletedError() : new FencedError();
            transaction.abort();
          } else if (asked === 'all') transaction.commit();
        };
        return promisifyRequest(transaction);
      });
    } catch (error) {
      throw refusal ?? error;
    }
  }

  #enqueueMissing<T>(name: string, done: Done<T>): void {
    const answer = this.#missing<T>(name);
    this.#operations.push(async () => done(this.#failed<T>() ?? answer));
    void this.#run();
  }

  #missing<T>(name: string): DiskResult<T> {
    const message = `There is no file ${name}.`;
    return { ok: false, error: { kind: 'missing', file: name, message } };
  }

  #failed<T>(): DiskResult<T> | null {
    return this.#failure === null ? null : { ok: false, error: this.#failure };
  }

  #enqueue<T>(file: string, done: Done<T>, operation: () => Promise<T>): void {
    this.#operations.push(async () => {
      let result = this.#failed<T>();
      if (result === null) {
        try {
          result = { ok: true, value: await operation() };
        } catch (error) {
          this.#failure = diskError(file, error);
          result = { ok: false, error: this.#failure };
        }
      }
      done(result);
    });
    void this.#run();
  }

  /** One operation at a time, in the order of the calls. */
  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // The sockets' microtasks come first: what this event has to say is under way before the disk is asked.
    await Promise.resolve();
    await Promise.resolve();
    for (let next = this.#operations.shift(); next !== undefined; next = this.#operations.shift()) {
      await next();
    }
    this.#running = false;
  }
}

interface FileRecord {
  readonly name: string;
  readonly segment: Segment;
  readonly bytes: Uint8Array;
}

class FencedError extends Error {
  override readonly name = 'FencedError';
}

class DeletedError extends Error {
  override readonly name = 'DeletedError';
}

async function takeOwnership(store: UseStore, meta: DiskMeta, owner: string): Promise<DiskMeta> {
  let found: DiskMeta | null = null;
  await store('readwrite', (records) => {
    const reading = records.get(META_KEY);
    reading.onsuccess = () => {
      found = readMeta(reading.result);
      if (found === null) records.put(meta, META_KEY);
      if (found === null || found.diskId === meta.diskId) records.put(owner, OWNER_KEY);
    };
    return promisifyRequest(records.transaction);
  });
  return found ?? meta;
}

function diskError(file: string, error: unknown): DiskError {
  if (error instanceof FencedError) {
    const message = 'Another tab has taken over this server and its data.';
    return { kind: 'fenced', file, message };
  }
  if (error instanceof DeletedError) {
    const message =
      'The browser has deleted this server’s data while it ran, as when site data is cleared. Reload this tab to join the room anew.';
    return { kind: 'failed', file, message };
  }
  const name = error instanceof Error || error instanceof DOMException ? error.name : 'unknown';
  const detail = error instanceof Error || error instanceof DOMException ? error.message : '';
  if (name === 'QuotaExceededError') {
    const message = `The browser has no room left for this server's data. ${detail}`.trim();
    return { kind: 'full', file, message };
  }
  return {
    kind: 'failed',
    file,
    message: `The browser's storage failed: ${name} ${detail}`.trim(),
  };
}
