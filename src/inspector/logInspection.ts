/**
 * Where the transactions of one log file are, and where the file is torn or damaged. It keeps places, not transactions:
 * a log of a million of them is read again record by record when somebody looks. Pure.
 */

import type { DataFile } from '../storage/dataDirectory.ts';
import { type LogRecord, TxnLogParser } from '../storage/txnLogFormat.ts';
import { follows } from '../storage/zxidOrder.ts';
import { type Zxid, zxidToString } from '../wire/ids.ts';
import type { LoadedFile } from './dataFiles.ts';

/** What is to be said of a file. */
export interface Finding {
  readonly file: string;
  /** The byte it is about; null: the file as a whole. */
  readonly offset: number | null;
  /** `damage`: a server would refuse to start, or lose something. `note`: worth knowing. */
  readonly weight: 'note' | 'damage';
  readonly text: string;
}

/** Where a transaction stands. */
export interface TxnPlace {
  readonly zxid: Zxid;
  /** The name of its file. */
  readonly file: string;
  /** Where its record begins in the file. */
  readonly offset: number;
  readonly payload: Uint8Array;
}

export interface LogInspection {
  readonly file: LoadedFile;
  readonly txns: readonly TxnPlace[];
  readonly findings: readonly Finding[];
  /** Bytes that hold transactions; the rest is preallocated space. */
  readonly usedBytes: number;
}

export function inspectLog(file: LoadedFile): LogInspection {
  const reading = new LogReading(file);
  const txns = reading.push(file.bytes);
  reading.end();
  const { findings, usedBytes } = reading;
  return { file, txns, findings, usedBytes };
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
  readonly #file: DataFile;
  readonly #parser = new TxnLogParser();
  #last: Zxid | null = null;

  constructor(file: DataFile) {
    this.#file = file;
  }

  /** The next bytes of the file; answers the transactions that are whole now, as views of these bytes. */
  push(bytes: Uint8Array): readonly TxnPlace[] {
    this.pushedBytes += bytes.length;
    this.#parser.push(bytes);
    return this.#read();
  }

  /** The file ends here: what is unfinished stays so. */
  end(): void {
    this.#parser.end();
    this.#read();
  }

  #read(): readonly TxnPlace[] {
    const txns: TxnPlace[] = [];
    for (;;) {
      const item = this.#parser.next();
      switch (item.kind) {
        case 'record':
          txns.push(this.#placed(item.record));
          continue;
        case 'more':
          this.usedBytes = this.pushedBytes;
          return txns;
        case 'end':
          this.usedBytes = item.sizeBytes;
          this.#ended(item.torn);
          return txns;
        case 'corrupt':
          this.usedBytes = item.offset;
          if (!this.damaged) this.findings.push(damageFinding(this.#file, item));
          this.damaged = true;
          return txns;
      }
    }
  }

  #placed({ zxid, offset, payload }: LogRecord): TxnPlace {
    const wrong = misplaced(this.#file, this.#last, zxid);
    const file = this.#file.name;
    if (wrong !== null) this.findings.push({ file, offset, weight: 'damage', text: wrong });
    this.#last = zxid;
    return { zxid, file, offset, payload };
  }

  #ended(torn: string | null): void {
    if (torn !== null) this.findings.push(tornFinding(this.#file, this.usedBytes, torn));
    else if (this.#last === null) this.findings.push(emptyFinding(this.#file));
  }
}

/**
 * Transactions by zxid. Where two logs hold the same one, the newer file counts: the older one was cut off from the
 * ensemble.
 */
export function inOrder(
  logs: readonly (readonly TxnPlace[])[],
  findings: Finding[],
): readonly TxnPlace[] {
  const all: TxnPlace[] = [];
  for (const txns of logs) {
    const [first] = txns;
    if (first === undefined) continue;
    const overlapping = all.filter((place) => place.zxid >= first.zxid).length;
    if (overlapping > 0) {
      all.length -= overlapping;
      findings.push({
        file: first.file,
        offset: null,
        weight: 'damage',
        text: `It begins at ${zxidToString(first.zxid)}, before the end of the log in front of it.`,
      });
    }
    for (const place of txns) all.push(place);
  }
  return all;
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
