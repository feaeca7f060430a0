/**
 * A server's data directory in memory, which outlives the server: each life opens it anew, and what the life before had
 * not flushed is gone. For tests that want real servers and no folders.
 */

import type { Disk, DiskError, Done, FileEntry } from '../ports/disk.ts';
import type { DataDirectory } from './dataDirectory.ts';

type Chunks = Uint8Array[];

/** The medium: durable files by name, as lists of chunks so that a log may grow cheaply. */
export class MemoryDirectory implements DataDirectory {
  readonly files = new Map<string, Chunks>();
  #owner: MemoryDisk | null = null;

  /** The directory for a new life; the one before has lost it, and what it had not flushed. */
  open(): Disk {
    this.#owner?.abandon();
    this.#owner = new MemoryDisk(this);
    return this.#owner;
  }

  /** The life that holds it ends here. */
  crash(): Promise<void> {
    this.#owner?.abandon();
    this.#owner = null;
    return Promise.resolve();
  }
}

class MemoryDisk implements Disk {
  readonly #directory: MemoryDirectory;
  /** What was appended since the last flush, by file. */
  readonly #unflushed = new Map<string, Chunks>();
  #operations: (() => void)[] = [];
  #abandoned = false;

  constructor(directory: MemoryDirectory) {
    this.#directory = directory;
  }

  list(done: Done<readonly FileEntry[]>): void {
    this.#enqueue(() => {
      const names = new Set([...this.#directory.files.keys(), ...this.#unflushed.keys()]);
      const value = [...names].map((name) => ({ name, sizeBytes: this.#bytesOf(name).length }));
      done({ ok: true, value });
    });
  }

  read(name: string, offset: number, length: number, done: Done<Uint8Array>): void {
    this.#enqueue(() => {
      if (!this.#has(name)) return done({ ok: false, error: missing('read', name) });
      done({ ok: true, value: this.#bytesOf(name).slice(offset, offset + length) });
    });
  }

  append(name: string, bytes: Uint8Array): void {
    this.#enqueue(() => chunksOf(this.#unflushed, name).push(bytes));
  }

  flush(done: Done<void>): void {
    this.#enqueue(() => {
      this.#makeDurable();
      done(DONE);
    });
  }

  truncate(name: string, sizeBytes: number, done: Done<void>): void {
    this.#enqueue(() => {
      if (!this.#has(name)) return done({ ok: false, error: missing('truncate', name) });
      this.#put(name, [this.#bytesOf(name).slice(0, sizeBytes)]);
      done(DONE);
    });
  }

  replace(name: string, chunks: readonly Uint8Array[], done: Done<void>): void {
    this.#enqueue(() => {
      this.#put(name, [...chunks]);
      done(DONE);
    });
  }

  remove(name: string, done: Done<void>): void {
    this.#enqueue(() => {
      this.#unflushed.delete(name);
      this.#directory.files.delete(name);
      done(DONE);
    });
  }

  abandon(): void {
    this.#abandoned = true;
    this.#operations = [];
  }

  #enqueue(operation: () => void): void {
    if (this.#abandoned) return;
    this.#operations.push(operation);
    if (this.#operations.length === 1) setImmediate(() => this.#work());
  }

  /** What is asked for from inside an answer waits for the next turn, as at a real disk. */
  #work(): void {
    const count = this.#operations.length;
    for (let index = 0; index < count; index++) this.#operations[index]?.();
    this.#operations.splice(0, count);
    if (this.#operations.length > 0) setImmediate(() => this.#work());
  }

  #makeDurable(): void {
    for (const [name, chunks] of this.#unflushed) {
      chunksOf(this.#directory.files, name).push(...chunks);
    }
    this.#unflushed.clear();
  }

  #put(name: string, chunks: Chunks): void {
    this.#unflushed.delete(name);
    this.#directory.files.set(name, chunks);
  }

  #has(name: string): boolean {
    return this.#directory.files.has(name) || this.#unflushed.has(name);
  }

  /** Joins a file's chunks where they are many, so that reading a log piece by piece joins it only once. */
  #bytesOf(name: string): Uint8Array {
    const durable = joined(this.#directory.files.get(name) ?? []);
    if (this.#directory.files.has(name)) this.#directory.files.set(name, [durable]);
    const unflushed = this.#unflushed.get(name);
    return unflushed === undefined ? durable : joined([durable, ...unflushed]);
  }
}

const DONE = { ok: true, value: undefined } as const;

const missing = (operation: string, file: string): DiskError => ({
  kind: 'missing',
  file,
  message: `${operation} ${file}: no such file`,
});

function joined(chunks: Chunks): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  return new Uint8Array(Buffer.concat(chunks));
}

function chunksOf(files: Map<string, Chunks>, name: string): Chunks {
  const known = files.get(name);
  if (known !== undefined) return known;
  const chunks: Chunks = [];
  files.set(name, chunks);
  return chunks;
}
