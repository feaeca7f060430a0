/**
 * A data directory in memory, as a `Disk`: a server can be started on files that lie nowhere yet, to see what it says to
 * them. Nothing of it lasts, and what was given is not changed.
 */

import type { Clock } from '../ports/clock.ts';
import type { Disk, DiskError, Done, FileEntry } from '../ports/disk.ts';
import type { NamedBytes } from './dataFiles.ts';

const NO_BYTES = new Uint8Array(0);

export class MemoryDirectory implements Disk {
  readonly #clock: Clock;
  readonly #files: Map<string, Uint8Array>;

  constructor(files: readonly NamedBytes[], clock: Clock) {
    this.#clock = clock;
    this.#files = new Map(files.map(({ path, bytes }) => [path, bytes]));
  }

  list(done: Done<readonly FileEntry[]>): void {
    const entries = [...this.#files].map(([name, { length: sizeBytes }]) => ({ name, sizeBytes }));
    this.#answer(done, entries);
  }

  read(name: string, offset: number, length: number, done: Done<Uint8Array>): void {
    const bytes = this.#files.get(name);
    if (bytes === undefined) this.#missing(name, done);
    else this.#answer(done, bytes.slice(offset, offset + length));
  }

  append(name: string, bytes: Uint8Array): void {
    this.#files.set(name, joined([this.#files.get(name) ?? NO_BYTES, bytes]));
  }

  flush(done: Done<void>): void {
    this.#answer(done, undefined);
  }

  truncate(name: string, sizeBytes: number, done: Done<void>): void {
    const bytes = this.#files.get(name);
    if (bytes === undefined) {
      this.#missing(name, done);
      return;
    }
    this.#files.set(name, bytes.subarray(0, sizeBytes));
    this.#answer(done, undefined);
  }

  replace(name: string, chunks: readonly Uint8Array[], done: Done<void>): void {
    this.#files.set(name, joined(chunks));
    this.#answer(done, undefined);
  }

  remove(name: string, done: Done<void>): void {
    this.#files.delete(name);
    this.#answer(done, undefined);
  }

  #answer<T>(done: Done<T>, value: T): void {
    this.#clock.soon(() => done({ ok: true, value }));
  }

  #missing<T>(file: string, done: Done<T>): void {
    const error: DiskError = { kind: 'missing', file, message: `There is no file ${file}.` };
    this.#clock.soon(() => done({ ok: false, error }));
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
