/**
 * The `Disk` port over a ZooKeeper data directory: `version-2` below `dataDir` holds snapshots and epochs, the one below
 * `dataLogDir` the transaction logs. It keeps names and bytes; it knows no record.
 */

import {
  accessSync,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  fstatSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Disk, DiskError, DiskResult, Done, FileEntry } from '../ports/disk.ts';

/** ZooKeeper extends a log when less than this is left of what it has preallocated (`FilePadding`). */
const PADDING_MARGIN_BYTES = 4096;
const VERSION_FOLDER = 'version-2';
/** A flush of this length, from its call to its answer, is quick: shorter than to go on without it would take. */
const QUICK_FLUSH_MS = 1;
/** So many quick flushes in a row, and the next one is expected to be quick. */
const QUICK_FLUSHES_COUNT = 8;
/** More than this comes with so much other work that a thread had better flush it. */
const SMALL_FLUSH_BYTES = 4096;

export interface FileDiskOptions {
  readonly dataDir: string;
  /** Where `log.*` goes; the same as `dataDir` unless logs have a device of their own. */
  readonly dataLogDir: string;
  /** Logs grow in steps of this many (sparse) bytes, so that a flush need not write the file's size; 0: byte by byte. */
  readonly preAllocSizeBytes: number;
  /** False: a flush is answered without asking the device (`forceSync=no`): a power cut may lose acknowledged writes. */
  readonly forceSync: boolean;
}

/** A file that is being appended to. */
interface Appended {
  readonly descriptor: number;
  /** Where the next byte goes. */
  sizeBytes: number;
  /** How far the file reaches on the device, zeros included. */
  allocatedBytes: number;
  readonly pending: Uint8Array[];
  /** Written since the last flush. */
  dirty: boolean;
  /** Its folder does not hold it for sure yet. */
  isNew: boolean;
}

type Operation = () => Promise<void>;

export class FileDisk implements Disk {
  readonly #options: FileDiskOptions;
  readonly #dataFolder: string;
  readonly #logFolder: string;
  readonly #appended = new Map<string, Appended>();
  readonly #operations: Operation[] = [];
  #working = false;
  /** Flushes in a row that were quick. */
  #quickFlushCount = 0;
  /** A write that failed: what the device holds is unknown from then on, so nothing is written or answered well any more. */
  #broken: DiskError | null = null;

  /** Makes the folders where they are missing; throws when it may not. */
  constructor(options: FileDiskOptions) {
    this.#options = options;
    this.#dataFolder = join(options.dataDir, VERSION_FOLDER);
    this.#logFolder = join(options.dataLogDir, VERSION_FOLDER);
    mkdirSync(this.#dataFolder, { recursive: true });
    mkdirSync(this.#logFolder, { recursive: true });
    accessSync(this.#dataFolder, constants.R_OK | constants.W_OK);
    accessSync(this.#logFolder, constants.R_OK | constants.W_OK);
  }

  list(done: Done<readonly FileEntry[]>): void {
    this.#enqueue('', done, async () => {
      this.#writePending();
      const folders = new Set([this.#dataFolder, this.#logFolder]);
      const lists = await Promise.all([...folders].map((folder) => this.#listFolder(folder)));
      return lists.flat();
    });
  }

  read(name: string, offset: number, length: number, done: Done<Uint8Array>): void {
    this.#enqueue(name, done, async () => {
      this.#writePending();
      const file = await open(this.#path(name), 'r');
      try {
        const sizeBytes = this.#appended.get(name)?.sizeBytes ?? (await file.stat()).size;
        const bytes = new Uint8Array(Math.max(0, Math.min(length, sizeBytes - offset)));
        let filled = 0;
        while (filled < bytes.length) {
          const { bytesRead } = await file.read(
            bytes,
            filled,
            bytes.length - filled,
            offset + filled,
          );
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return bytes.subarray(0, filled);
      } finally {
        await file.close();
      }
    });
  }

  append(name: string, bytes: Uint8Array): void {
    if (!this.#working) {
      // Nothing is under way, so there is no order to keep.
      this.#queueAppend(name, bytes);
      return;
    }
    this.#operations.push(() => {
      this.#queueAppend(name, bytes);
      return Promise.resolve();
    });
  }

  flush(done: Done<void>): void {
    this.#enqueue('', done, async () => {
      // Sockets are written at the end of the round of events too, and were asked before: what others wait for leaves first.
      await endOfRound();
      const addedBytes = this.#writePending();
      if (this.#options.forceSync) await this.#syncAppended(addedBytes);
      await this.#syncNewNames();
    });
  }

  truncate(name: string, sizeBytes: number, done: Done<void>): void {
    this.#enqueue(name, done, async () => {
      this.#writePending();
      this.#forget(name);
      const file = await open(this.#path(name), 'r+');
      try {
        if ((await file.stat()).size > sizeBytes) await file.truncate(sizeBytes);
        await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  replace(name: string, chunks: readonly Uint8Array[], done: Done<void>): void {
    this.#enqueue(name, done, async () => {
      this.#forget(name);
      const path = this.#path(name);
      // The name ZooKeeper's own atomic writes use; `currentEpoch.tmp` means something to it at start.
      const temporary = `${path}.tmp`;
      const file = await open(temporary, 'w');
      try {
        for (const chunk of chunks) await writeWhole(file, chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      await this.#syncFolder(name);
    });
  }

  remove(name: string, done: Done<void>): void {
    this.#enqueue(name, done, async () => {
      this.#forget(name);
      await rm(this.#path(name), { force: true });
      await this.#syncFolder(name);
    });
  }

  /** Gives the descriptors back once everything asked for has been answered. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#operations.push(() => {
        for (const name of [...this.#appended.keys()]) this.#forget(name);
        resolve();
        return Promise.resolve();
      });
      this.#work();
    });
  }

  #path(name: string): string {
    return join(name.startsWith('log.') ? this.#logFolder : this.#dataFolder, name);
  }

  #enqueue<T>(file: string, done: Done<T>, run: () => Promise<T>): void {
    this.#operations.push(async () => {
      done(
        this.#broken === null ? await this.#attempt(file, run) : { ok: false, error: this.#broken },
      );
    });
    this.#work();
  }

  async #attempt<T>(file: string, run: () => Promise<T>): Promise<DiskResult<T>> {
    try {
      return { ok: true, value: await run() };
    } catch (cause) {
      const error = toDiskError(file, cause);
      if (error.kind !== 'missing') this.#broken = error;
      return { ok: false, error };
    }
  }

  #queueAppend(name: string, bytes: Uint8Array): void {
    if (this.#broken !== null) return;
    try {
      this.#openForAppend(name).pending.push(bytes);
    } catch (cause) {
      // An append has no answer of its own: the next call's answer tells.
      this.#broken = toDiskError(name, cause);
    }
  }

  #work(): void {
    if (this.#working) return;
    this.#working = true;
    queueMicrotask(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    for (let next = this.#operations.shift(); next !== undefined; next = this.#operations.shift()) {
      await next();
    }
    this.#working = false;
  }

  #openForAppend(name: string): Appended {
    const known = this.#appended.get(name);
    if (known !== undefined) return known;
    const descriptor = openSync(this.#path(name), constants.O_RDWR | constants.O_CREAT, 0o644);
    const sizeBytes = fstatSync(descriptor).size;
    const file: Appended = {
      descriptor,
      sizeBytes,
      allocatedBytes: sizeBytes,
      pending: [],
      dirty: true,
      isNew: sizeBytes === 0,
    };
    this.#appended.set(name, file);
    return file;
  }

  /** Hands what was appended to the kernel: a copy in memory, so not worth a thread. Returns how many bytes it was. */
  #writePending(): number {
    let addedBytes = 0;
    for (const [name, file] of this.#appended) {
      if (file.pending.length === 0) continue;
      const bytes = file.pending.length === 1 ? file.pending[0] : Buffer.concat(file.pending);
      if (bytes === undefined) continue;
      file.pending.length = 0;
      this.#preallocate(name, file, bytes.length);
      let written = 0;
      while (written < bytes.length) {
        written += writeSync(
          file.descriptor,
          bytes,
          written,
          bytes.length - written,
          file.sizeBytes + written,
        );
      }
      file.sizeBytes += bytes.length;
      file.allocatedBytes = Math.max(file.allocatedBytes, file.sizeBytes);
      file.dirty = true;
      addedBytes += bytes.length;
    }
    return addedBytes;
  }

  #preallocate(name: string, file: Appended, addedBytes: number): void {
    const step = this.#options.preAllocSizeBytes;
    if (step <= 0 || !name.startsWith('log.')) return;
    const needed = file.sizeBytes + addedBytes + PADDING_MARGIN_BYTES;
    if (needed < file.allocatedBytes) return;
    // As ZooKeeper does: whole steps behind the bytes that were there.
    file.allocatedBytes = Math.max(file.allocatedBytes, file.sizeBytes);
    while (file.allocatedBytes <= needed) file.allocatedBytes += step;
    ftruncateSync(file.descriptor, file.allocatedBytes);
  }

  /**
   * A thread costs more than a quick device takes: to wake it and be woken is a third of such a flush. So where nothing
   * else goes on, the flush is waited for here. One that takes longer, of the device or of a busy process, makes the next
   * ones go to a thread again.
   */
  async #syncAppended(addedBytes: number): Promise<void> {
    const dirty = [...this.#appended.values()].filter((file) => file.dirty);
    const startMs = performance.now();
    for (const file of dirty) file.dirty = false;
    if (this.#quickFlushCount >= QUICK_FLUSHES_COUNT && addedBytes <= SMALL_FLUSH_BYTES) {
      for (const { descriptor } of dirty) fdatasyncSync(descriptor);
    } else {
      await Promise.all(dirty.map(({ descriptor }) => syncInThread(descriptor)));
    }
    const wasQuick = performance.now() - startMs < QUICK_FLUSH_MS;
    this.#quickFlushCount = wasQuick ? this.#quickFlushCount + 1 : 0;
  }

  async #syncNewNames(): Promise<void> {
    for (const [name, file] of this.#appended) {
      if (!file.isNew) continue;
      file.isNew = false;
      if (this.#options.forceSync) await this.#syncFolder(name);
    }
  }

  #forget(name: string): void {
    const file = this.#appended.get(name);
    if (file === undefined) return;
    closeSync(file.descriptor);
    this.#appended.delete(name);
  }

  async #listFolder(folder: string): Promise<FileEntry[]> {
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return Promise.all(
      files.map(async ({ name }) => ({
        name,
        sizeBytes: this.#appended.get(name)?.sizeBytes ?? (await stat(join(folder, name))).size,
      })),
    );
  }

  /** A new name is durable only once its folder is. */
  async #syncFolder(name: string): Promise<void> {
    if (process.platform === 'win32') return;
    const folder = await open(name.startsWith('log.') ? this.#logFolder : this.#dataFolder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

const endOfRound = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function syncInThread(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
}

function toDiskError(file: string, error: unknown): DiskError {
  const { code, message } =
    error instanceof Error
      ? (error as NodeJS.ErrnoException)
      : { code: '', message: String(error) };
  return { kind: kindOf(code), file, message };
}

function kindOf(code: string | undefined): DiskError['kind'] {
  if (code === 'ENOENT') return 'missing';
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'full' : 'failed';
}
