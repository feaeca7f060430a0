/**
 * Appends transactions to the newest log file. A file is begun at the first append after a start, a roll or a cut; an old
 * one is never appended to. What is flushed together goes to the disk in one piece.
 */

import type { Disk, DiskError } from '../ports/disk.ts';
import type { Zxid } from '../wire/ids.ts';
import { logName } from './dataDirectory.ts';
import { JuteWriter } from '../wire/jute.ts';
import { logHeader, writeLogRecord } from './txnLogFormat.ts';

/** So much is handed to the disk before anybody asks for a flush. */
const LARGEST_GROUP_BYTES = 1024 * 1024;

interface OpenLog {
  readonly name: string;
  sizeBytes: number;
}

export class TxnLogWriter {
  readonly #disk: Disk;
  readonly #failed: (error: DiskError) => void;
  #file: OpenLog | null = null;
  /** Records of {@link #file} that the disk has not been given yet. */
  readonly #group = new JuteWriter();
  /** Something was appended after the last flush was asked for. */
  #unflushed = false;

  /** `failed` is told of an error that no caller's flush asked about. */
  constructor(disk: Disk, failed: (error: DiskError) => void) {
    this.#disk = disk;
    this.#failed = failed;
  }

  /** Bytes of the file now written to; 0 before the first append. */
  get sizeBytes(): number {
    return this.#file === null ? 0 : this.#file.sizeBytes;
  }

  /** Writes the payload as it is; answers how many bytes the log grew by. */
  append(payload: Uint8Array, zxid: Zxid): number {
    const file = this.#file ?? this.#begin(zxid);
    const before = this.#group.length;
    writeLogRecord(this.#group, payload);
    const sizeBytes = this.#group.length - before;
    file.sizeBytes += sizeBytes;
    this.#unflushed = true;
    if (this.#group.length >= LARGEST_GROUP_BYTES) this.#handOver(file);
    return sizeBytes;
  }

  /** To be called before every flush of the disk. */
  flushing(): void {
    if (this.#file !== null) this.#handOver(this.#file);
    this.#unflushed = false;
  }

  roll(): void {
    if (this.#file !== null) this.#handOver(this.#file);
    this.#file = null;
  }

  #handOver(file: OpenLog): void {
    if (this.#group.length === 0) return;
    this.#disk.append(file.name, this.#group.take());
  }

  /**
   * What the last file still holds unflushed has to reach the disk before anything of the next one: a crash that kept
   * only the later file would leave a gap.
   */
  #begin(zxid: Zxid): OpenLog {
    if (this.#unflushed) {
      this.#disk.flush((result) => {
        if (!result.ok) this.#failed(result.error);
      });
    }
    const header = logHeader();
    const file = { name: logName(zxid), sizeBytes: header.length };
    this.#disk.append(file.name, header);
    this.#file = file;
    return file;
  }
}
