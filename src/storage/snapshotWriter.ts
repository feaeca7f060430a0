/** Writes a frozen database to its snapshot file: in slices while work goes on, and all or nothing. */

import type { Clock, Timer } from '../ports/clock.ts';
import type { Disk, DiskResult } from '../ports/disk.ts';
import { Adler32 } from './adler32.ts';
import { snapshotName } from './dataDirectory.ts';
import type { FrozenDatabase } from './frozenDatabase.ts';
import { snapshotHeader, snapshotTail } from './snapshotFormat.ts';
import type { StorageDone } from './storageError.ts';

export interface WrittenSnapshot {
  readonly file: string;
  readonly sizeBytes: number;
}

export class SnapshotWriting {
  readonly file: string;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #frozen: FrozenDatabase;
  readonly #done: StorageDone<WrittenSnapshot | null>;
  readonly #chunks: Uint8Array[] = [];
  readonly #sum = new Adler32();
  #sizeBytes = 0;
  /** The slice to come; null once the file is being written. */
  #timer: Timer | null;

  /** Answers null if it was abandoned. */
  constructor(
    disk: Disk,
    clock: Clock,
    frozen: FrozenDatabase,
    done: StorageDone<WrittenSnapshot | null>,
  ) {
    this.file = snapshotName(frozen.zxid);
    this.#disk = disk;
    this.#clock = clock;
    this.#frozen = frozen;
    this.#done = done;
    this.#add(snapshotHeader());
    this.#timer = clock.soon(() => this.#slice());
  }

  /**
   * What it froze is about to be cut from history. False if the file is being written already: that comes first, and
   * whoever cuts finds it there.
   */
  abandon(): boolean {
    if (this.#timer === null) return false;
    this.#timer.cancel();
    this.#timer = null;
    this.#frozen.end();
    this.#clock.soon(() => this.#done({ ok: true, value: null }));
    return true;
  }

  #slice(): void {
    const bytes = this.#frozen.next();
    if (bytes === null) return this.#write();
    this.#add(bytes);
    this.#timer = this.#clock.soon(() => this.#slice());
  }

  #add(bytes: Uint8Array): void {
    this.#sum.update(bytes);
    this.#chunks.push(bytes);
    this.#sizeBytes += bytes.length;
  }

  /** The log comes first: a snapshot is never ahead of the log it belongs to. */
  #write(): void {
    this.#timer = null;
    const tail = snapshotTail(this.#sum, this.#frozen.digest);
    this.#chunks.push(tail);
    const written = { file: this.file, sizeBytes: this.#sizeBytes + tail.length };
    let flushed: DiskResult<void> | null = null;
    this.#disk.flush((result) => {
      flushed = result;
    });
    this.#disk.replace(this.file, this.#chunks, (replaced) => {
      const result = flushed?.ok === false ? flushed : replaced;
      this.#done(result.ok ? { ok: true, value: written } : result);
    });
  }
}
