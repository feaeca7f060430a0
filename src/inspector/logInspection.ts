/**
 * Where the transactions of one log file are, and where the file is torn or damaged. It keeps places, not transactions:
 * a log of a million of them is read again record by record when somebody looks. Pure.
 */

import type { DataFile } from '../storage/dataDirectory.ts';
import { type LogRecord, TxnLogParser } from '../storage/txnLogFormat.ts';
import { follows } from '../storage/zxidOrder.ts';
import { type Zxid, zxid, zxidToString } from '../wire/ids.ts';
import type { LoadedFile } from './dataFiles.ts';
import { type FoundTxn, TxnPlaces } from './txnPlaces.ts';

const PROGRESS_EVERY = 1_000;

/** What is to be said of a file. */
export interface Finding {
  readonly file: string;
  /** The byte it is about; null: the file as a whole. */
  readonly offset: number | null;
  /** `damage`: a server would refuse to start, or lose something. `note`: worth knowing. */
  readonly weight: 'note' | 'damage';
  readonly text: string;
}

export interface LogInspection {
  readonly file: LoadedFile;
  readonly reading: LogReading;
}

/**
 * Transactions by zxid. Where two logs hold the same one, the newer file counts: the older one was cut off from the
 * ensemble. The newest log may still go on.
 */
export function readLogs(
  files: readonly LoadedFile[],
  findings: Finding[],
  progress: (doneBytes: number, totalBytes: number) => void = () => undefined,
): { readonly places: TxnPlaces; readonly logs: readonly LogInspection[] } {
  const places = new TxnPlaces();
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  let doneBytes = 0;
  const logs = files.map((file) => {
    places.open(file);
    const reading = new LogReading(file);
    reading.push(file.bytes, (found) => {
      if (reading.txnCount === 1) giveWay(places, file, found.zxid, findings);
      if (reading.txnCount % PROGRESS_EVERY === 0) progress(doneBytes + found.offset, totalBytes);
      places.add(found);
    });
    doneBytes += file.bytes.length;
    progress(doneBytes, totalBytes);
    return { file, reading };
  });
  return { places, logs };
}

/** What other logs have from this zxid on is not this history. */
function giveWay(places: TxnPlaces, file: DataFile, first: Zxid, findings: Finding[]): void {
  const before = places.countUpTo(zxid(first - 1n));
  if (before === places.length) return;
  places.cutTo(before);
  findings.push({
    file: file.name,
    offset: null,
    weight: 'damage',
    text: `It begins at ${zxidToString(first)}, before the end of the log in front of it.`,
  });
}

/** One log file that may still grow while it is read. */
export class LogReading {
  readonly findings: Finding[] = [];
  /** The end of the last whole record, or of all bytes where they are to go on. */
  usedBytes = 0;
  /** How much of the file was pushed. */
  pushedBytes = 0;
  /** Nothing after this can be trusted. */
  damaged = false;
  txnCount = 0;
  readonly #file: DataFile;
  readonly #parser = new TxnLogParser();
  #last: Zxid | null = null;

  constructor(file: DataFile) {
    this.#file = file;
  }

  /** The next bytes of the file; tells of the transactions that are whole now. */
  push(bytes: Uint8Array, found: (txn: FoundTxn) => void): void {
    this.pushedBytes += bytes.length;
    this.#parser.push(bytes);
    this.#read(found);
  }

  /** The file ends here: what is unfinished stays so. */
  end(): void {
    this.#parser.end();
    this.#read(() => undefined);
  }

  #read(found: (txn: FoundTxn) => void): void {
    for (;;) {
      const item = this.#parser.next();
      switch (item.kind) {
        case 'record':
          found(this.#placed(item.record));
          continue;
        case 'more':
          this.usedBytes = this.pushedBytes;
          return;
        case 'end':
          this.usedBytes = item.sizeBytes;
          this.#ended(item.torn);
          return;
        case 'corrupt':
          this.usedBytes = item.offset;
          if (!this.damaged) this.findings.push(damageFinding(this.#file, item));
          this.damaged = true;
          return;
      }
    }
  }

  #placed({ zxid: at, offset, payload }: LogRecord): FoundTxn {
    const wrong = misplaced(this.#file, this.#last, at);
    const file = this.#file.name;
    if (wrong !== null) this.findings.push({ file, offset, weight: 'damage', text: wrong });
    this.#last = at;
    this.txnCount += 1;
    return { zxid: at, offset, sizeBytes: payload.length };
  }

  #ended(torn: string | null): void {
    if (torn !== null) this.findings.push(tornFinding(this.#file, this.usedBytes, torn));
    else if (this.#last === null) this.findings.push(emptyFinding(this.#file));
  }
}

/** What is wrong with the zxid of the next record, or null. */
function misplaced(file: DataFile, previous: Zxid | null, next: Zxid): string | null {
  if (previous === null) {
    return next === file.zxid
      ? null
      : `The first transaction is ${zxidToString(next)}, which is not what the file's name says.`;
  }
  return follows(previous, next)
    ? null
    : `${zxidToString(next)} comes after ${zxidToString(previous)}: what was between them is missing.`;
}

const damageFinding = (
  file: DataFile,
  { offset, reason }: { readonly offset: number; readonly reason: string },
): Finding => ({
  file: file.name,
  offset,
  weight: 'damage',
  text: `Damaged at byte ${offset}: ${reason}. Nothing after it can be trusted.`,
});

const tornFinding = (file: DataFile, offset: number, torn: string): Finding => ({
  file: file.name,
  offset,
  weight: 'note',
  text: `The last record was never finished: ${torn}. A server cuts it at byte ${offset} when it starts; nobody was told that it happened.`,
});

const emptyFinding = (file: DataFile): Finding => ({
  file: file.name,
  offset: null,
  weight: 'note',
  text: 'It holds no transaction.',
});
