/**
 * Reads a run of log files, oldest first, in slices, and hands each checked record to a visitor. It says where a file is
 * damaged or torn and changes nothing on disk; whether the records make a history is the visitor's business.
 */

import type { Clock } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import { zxidToString } from '../wire/ids.ts';
import type { DataFile } from './dataDirectory.ts';
import { failure, type StorageDone, type StorageResult } from './storageError.ts';
import { LOG_HEADER_BYTES, TxnLogParser, type LogItem, type LogRecord } from './txnLogFormat.ts';

const READ_BYTES = 256 * 1024;
/** Behind the last record only zeros are looked for: up to 64 MiB of them that a server killed has preallocated. */
const PADDING_READ_BYTES = 4 * 1024 * 1024;
/** What is visited before other events get their turn: well under 5 ms of replay. */
const SLICE_RECORDS_COUNT = 128;
const SLICE_BYTES = 128 * 1024;

/** Visits one record: go on, look no further, or fail with what is wrong with it. */
export type LogVisitor = (record: LogRecord, file: DataFile) => StorageResult<'continue' | 'stop'>;

/** A file whose last record is incomplete, or that holds no record at all. */
export interface TornLog {
  readonly file: DataFile;
  /** What to keep of it; 0 when nothing in it is worth keeping. */
  readonly keptBytes: number;
  readonly reason: string;
}

export interface LogScan {
  readonly torn: readonly TornLog[];
  /** Bytes of the files, read or not. */
  readonly sizeBytes: number;
}

export function readTxnLogs(
  disk: Disk,
  clock: Clock,
  files: readonly DataFile[],
  visit: LogVisitor,
  done: StorageDone<LogScan>,
): void {
  new LogReading(disk, clock, files, visit, done).begin();
}

class LogReading {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #files: readonly DataFile[];
  readonly #visit: LogVisitor;
  readonly #done: StorageDone<LogScan>;
  readonly #torn: TornLog[] = [];

  constructor(
    disk: Disk,
    clock: Clock,
    files: readonly DataFile[],
    visit: LogVisitor,
    done: StorageDone<LogScan>,
  ) {
    this.#disk = disk;
    this.#clock = clock;
    this.#files = files;
    this.#visit = visit;
    this.#done = done;
  }

  begin(): void {
    this.#clock.soon(() => this.#openFile(0));
  }

  #openFile(index: number): void {
    const file = this.#files[index];
    if (file === undefined) return this.#finish();
    this.#readMore({ file, index, parser: new TxnLogParser(), readBytes: 0, recordCount: 0 });
  }

  /** Reads at least as much as still waits unparsed, so that a huge record is not copied over and over. */
  #readMore(open: OpenFile): void {
    const usualBytes = open.parser.inPadding ? PADDING_READ_BYTES : READ_BYTES;
    const wantedBytes = Math.max(usualBytes, open.parser.bufferedBytes);
    this.#disk.read(open.file.name, open.readBytes, wantedBytes, (result) => {
      if (!result.ok) return this.#done(result);
      open.readBytes += result.value.length;
      open.parser.push(result.value);
      if (result.value.length < wantedBytes) open.parser.end();
      this.#parse(open);
    });
  }

  #parse(open: OpenFile): void {
    let sliceBytes = 0;
    for (let count = 0; count < SLICE_RECORDS_COUNT && sliceBytes < SLICE_BYTES; count++) {
      const item = open.parser.next();
      if (item.kind !== 'record') return this.#interrupted(open, item);
      if (open.recordCount === 0 && item.record.zxid !== open.file.zxid) {
        const reason = `it begins with transaction ${zxidToString(item.record.zxid)}, which is not what its name says`;
        return this.#damaged(open.file, item.record.offset, reason);
      }
      open.recordCount++;
      sliceBytes += item.record.payload.length;
      const visited = this.#visit(item.record, open.file);
      if (!visited.ok) return this.#done(visited);
      if (visited.value === 'stop') return this.#finish();
    }
    this.#clock.soon(() => this.#parse(open));
  }

  #interrupted(open: OpenFile, item: Exclude<LogItem, { kind: 'record' }>): void {
    switch (item.kind) {
      case 'more':
        return this.#readMore(open);
      case 'corrupt':
        return this.#damaged(open.file, item.offset, item.reason);
      case 'end':
        return this.#endFile(open, item.sizeBytes, item.torn);
    }
  }

  #damaged(file: DataFile, offset: number, reason: string): void {
    this.#done(
      failure(
        'corrupt',
        file.name,
        `${file.name} is damaged at byte ${offset}: ${reason}. ` +
          'Restore the file from a copy, or put a new server in the place of this one.',
      ),
    );
  }

  #endFile(open: OpenFile, sizeBytes: number, torn: string | null): void {
    const { file, index } = open;
    if (open.recordCount === 0) {
      if (index < this.#files.length - 1) {
        const message = `${file.name} holds no transaction, but ${this.#files[index + 1]?.name} comes after it.`;
        return this.#done(failure('incomplete', file.name, message));
      }
      this.#torn.push({ file, keptBytes: 0, reason: torn ?? 'it holds no transaction' });
    } else if (torn !== null) {
      this.#torn.push({ file, keptBytes: Math.max(sizeBytes, LOG_HEADER_BYTES), reason: torn });
    }
    this.#openFile(index + 1);
  }

  #finish(): void {
    const sizeBytes = this.#files.reduce((sum, file) => sum + file.sizeBytes, 0);
    this.#done({ ok: true, value: { torn: this.#torn, sizeBytes } });
  }
}

interface OpenFile {
  readonly file: DataFile;
  readonly index: number;
  readonly parser: TxnLogParser;
  readBytes: number;
  recordCount: number;
}
