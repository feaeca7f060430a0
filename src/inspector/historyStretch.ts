/**
 * Which part of a data directory can be told without a gap up to its newest transaction: the oldest snapshot from which
 * the logs go on unbroken, and those transactions. It says what it had to leave out. Pure.
 */

import { DataTree } from '../tree/dataTree.ts';
import { counterOf, type Zxid, zxid, zxidToString } from '../wire/ids.ts';
import { follows } from '../storage/zxidOrder.ts';
import type { FileSet, LoadedFile } from './dataFiles.ts';
import { type Finding, type LogReading, readLogs } from './logInspection.ts';
import { inspectSnapshot } from './snapshotInspection.ts';
import type { TxnPlaces } from './txnPlaces.ts';

/** What the history rests on. */
export type HistoryFloor =
  /** The empty tree an ensemble begins with. */
  | { readonly kind: 'beginning' }
  /** `zxid` is the last transaction in it. */
  | { readonly kind: 'snapshot'; readonly file: string; readonly zxid: string }
  /** There is nothing to begin with, so what was before the first transaction is missing in every tree. */
  | { readonly kind: 'lost' };

export interface HistoryStretch {
  readonly floor: HistoryFloor;
  /** The tree before the first transaction; whoever gets it may change it. */
  readonly tree: DataTree;
  readonly txns: TxnPlaces;
  /** Transactions that lie in the logs before the floor, where nothing shows what they began from. */
  readonly olderCount: number;
  readonly findings: readonly Finding[];
  /** The newest log, which may grow; null if there is none. */
  readonly newest: { readonly name: string; readonly reading: LogReading } | null;
}

const NOTHING = zxid(0n);

export function historyStretch(files: FileSet): HistoryStretch {
  const findings: Finding[] = [];
  const { places, logs } = readLogs(files.logs, findings);
  for (const { reading } of logs.slice(0, -1)) reading.end();
  const damagedLogs = logs.filter(({ reading }) => reading.damaged).map(({ file }) => file);
  const begin = beginning({ snapshots: files.snapshots, txns: places, damagedLogs }, findings);
  for (const { reading } of logs) findings.push(...reading.findings);
  const last = logs.at(-1);
  const newest = last === undefined ? null : { name: last.file.name, reading: last.reading };
  return { ...begin, findings, newest };
}

interface Parts {
  /** Newest first. */
  readonly snapshots: readonly LoadedFile[];
  readonly txns: TxnPlaces;
  readonly damagedLogs: readonly LoadedFile[];
}

type Beginning = Pick<HistoryStretch, 'floor' | 'tree' | 'txns' | 'olderCount'>;

function beginning(parts: Parts, findings: Finding[]): Beginning {
  const { txns } = parts;
  const gaps = gapsIn(parts);
  const lastGap = gaps.at(-1) ?? 0;
  for (const file of [...parts.snapshots].reverse()) {
    const from = txns.countUpTo(file.zxid);
    if (from < lastGap || !joins(parts, file.zxid, from)) continue;
    const found = inspectSnapshot(file);
    if (found.kind === 'damaged') {
      findings.push(unusable(file, found.reason, found.offset));
      continue;
    }
    return {
      floor: floorOf(file),
      tree: found.tree,
      txns: txns.part(from, txns.length),
      olderCount: from,
    };
  }
  return withoutSnapshot(parts, gaps, findings);
}

/** Up to the first gap: what comes behind it cannot be put on any tree. */
function withoutSnapshot(parts: Parts, gaps: readonly number[], findings: Finding[]): Beginning {
  const { txns } = parts;
  const [gap] = gaps;
  const place = gap === undefined ? null : txns.at(gap);
  if (place !== null) {
    findings.push({
      file: place.file,
      offset: place.offset,
      weight: 'damage',
      text: `The history ends before ${zxidToString(place.zxid)}: transactions are missing there, and no snapshot bridges the gap.`,
    });
  }
  return {
    floor: { kind: joins(parts, NOTHING, 0) ? 'beginning' : 'lost' },
    tree: new DataTree({ extendedTypesEnabled: true }),
    txns: txns.part(0, gap ?? txns.length),
    olderCount: 0,
  };
}

/** Numbers of the transactions that do not go on from the one before; how many there are, if a snapshot goes beyond all. */
function gapsIn(parts: Parts): readonly number[] {
  const { txns } = parts;
  const gaps: number[] = [];
  for (let index = 1; index <= txns.length; index++) {
    const before = txns.zxidAt(index - 1);
    if (before !== null && !joins(parts, before, index)) gaps.push(index);
  }
  return gaps;
}

/** Whether nothing is missing between a state and the transaction with this number, if there is one. */
function joins({ snapshots, damagedLogs, txns }: Parts, before: Zxid, number: number): boolean {
  const next = txns.zxidAt(number);
  const between = ({ zxid: at }: LoadedFile): boolean =>
    at > before && (next === null || at < next);
  // A new epoch's counter 0 is no transaction.
  if (snapshots.some((file) => between(file) && counterOf(file.zxid) !== 0n)) return false;
  if (next === null) return true;
  const own = txns.fileAt(number);
  return follows(before, next) && !damagedLogs.some((file) => file.name !== own && between(file));
}

const floorOf = ({ name, zxid: last }: LoadedFile): HistoryFloor =>
  last === NOTHING
    ? { kind: 'beginning' }
    : { kind: 'snapshot', file: name, zxid: zxidToString(last) };

const unusable = (file: LoadedFile, reason: string, offset: number): Finding => ({
  file: file.name,
  offset,
  weight: 'damage',
  text: `No server would use it: ${reason} (read up to byte ${offset}). The history begins later.`,
});
