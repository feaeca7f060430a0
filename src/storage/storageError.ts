/** How the storage tells that something went wrong: what the disk answered, or what the files on it turned out to hold. */

import type { DiskError } from '../ports/disk.ts';

export interface StorageError {
  readonly kind:
    | DiskError['kind']
    /** The bytes of a file are not what ZooKeeper would have written: damaged, or of another format. */
    | 'corrupt'
    /** History is missing: a gap between transactions, or logs whose snapshot is not there. */
    | 'incomplete'
    /** The log cannot be cut to the zxid asked for; nothing on disk was changed. */
    | 'cannotTruncate';
  /** The file it is about; empty when it is about none or several. */
  readonly file: string;
  /** For a person: what, where (with the byte), and what to do. */
  readonly message: string;
}

export type StorageResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: StorageError };

/** Called exactly once, never inside the call it answers. */
export type StorageDone<T> = (result: StorageResult<T>) => void;

export const failure = (
  kind: StorageError['kind'],
  file: string,
  message: string,
): { readonly ok: false; readonly error: StorageError } => ({
  ok: false,
  error: { kind, file, message },
});
