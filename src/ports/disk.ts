/**
 * One server's data directory as the core sees it: named append-only files, where nothing counts as written before a
 * flush has been answered. Interfaces only.
 *
 * Operations take effect in the order of the calls and are answered in that order, each exactly once, never inside the
 * call itself. After an error the disk's state is unknown: the server that owns it stops and starts again from a fresh
 * read. Names are those of ZooKeeper's `version-2` directory (`log.100000001`, `snapshot.0`, `acceptedEpoch`, ...).
 */

export type DiskResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: DiskError };

export type Done<T> = (result: DiskResult<T>) => void;

export interface DiskError {
  readonly kind:
    /** No such file. */
    | 'missing'
    /** No room left, or over the quota. */
    | 'full'
    /** Another owner has taken this directory: this server must stop. */
    | 'fenced'
    /** Anything else the medium says. */
    | 'failed';
  readonly file: string;
  /** For a person: what was tried and what the medium answered. */
  readonly message: string;
}

export interface FileEntry {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface Disk {
  list(done: Done<readonly FileEntry[]>): void;
  /** Up to `length` bytes from `offset`; fewer at the end of the file. The bytes belong to the caller. */
  read(name: string, offset: number, length: number, done: Done<Uint8Array>): void;
  /**
   * Adds bytes to the end, making the file if it is new. Not durable, and not answered, until the next `flush`.
   * The caller may not change the bytes afterwards.
   */
  append(name: string, bytes: Uint8Array): void;
  /** Answered when everything appended before this call, to any file, survives a crash. */
  flush(done: Done<void>): void;
  /** Cuts the file to `sizeBytes`, durably. */
  truncate(name: string, sizeBytes: number, done: Done<void>): void;
  /** Makes the whole file these bytes, all or nothing, durably: after a crash it is the old file or the new one. */
  replace(name: string, chunks: readonly Uint8Array[], done: Done<void>): void;
  /** Removes the file, durably. A file that is not there is no error. */
  remove(name: string, done: Done<void>): void;
}
