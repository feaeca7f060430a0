/**
 * Where the transactions of one log file are, and where the file is torn or damaged. It keeps places, not transactions:
 * a log of a million of them is read again record by record when somebody looks. Pure.
 */

import { follows } from '../storage/zxidOrder.ts';
import { TxnLogParser } from '../storage/txnLogFormat.ts';
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

/** Where a transaction stands: its payload is `bytes.subarray(start, end)` of its file. */
export interface TxnPlace {
  readonly zxid: Zxid;
  readonly file: LoadedFile;
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
  const parser = new TxnLogParser();
  parser.push(file.bytes);
  parser.end();
  const txns: TxnPlace[] = [];
  const findings: Finding[] = [];
  for (;;) {
    const item = parser.next();
    switch (item.kind) {
      case 'record': {
        const { zxid, offset, payload } = item.record;
        const wrong = misplaced(file, txns.at(-1)?.zxid ?? null, zxid);
        if (wrong !== null)
          findings.push({ file: file.name, offset, weight: 'damage', text: wrong });
        txns.push({ zxid, file, offset, payload });
        continue;
      }
      case 'more':
      case 'end': {
        const usedBytes = item.kind === 'end' ? item.sizeBytes : file.sizeBytes;
        const torn = item.kind === 'end' ? item.torn : null;
        if (torn !== null) findings.push(tornFinding(file, usedBytes, torn));
        if (txns.length === 0 && torn === null) findings.push(emptyFinding(file));
        return { file, txns, findings, usedBytes };
      }
      case 'corrupt':
        findings.push({
          file: file.name,
          offset: item.offset,
          weight: 'damage',
          text: `Damaged at byte ${item.offset}: ${item.reason}. Nothing after it can be trusted.`,
        });
        return { file, txns, findings, usedBytes: item.offset };
    }
  }
}

/** What is wrong with the zxid of the next record, or null. */
function misplaced(file: LoadedFile, previous: Zxid | null, next: Zxid): string | null {
  if (previous === null) {
    return next === file.zxid
      ? null
      : `The first transaction is ${zxidToString(next)}, which is not what the file's name says.`;
  }
  return follows(previous, next)
    ? null
    : `${zxidToString(next)} comes after ${zxidToString(previous)}: what was between them is missing.`;
}

const tornFinding = (file: LoadedFile, offset: number, torn: string): Finding => ({
  file: file.name,
  offset,
  weight: 'note',
  text: `The last record was never finished: ${torn}. A server cuts it at byte ${offset} when it starts; nobody was told that it happened.`,
});

const emptyFinding = (file: LoadedFile): Finding => ({
  file: file.name,
  offset: null,
  weight: 'note',
  text: 'It holds no transaction.',
});
