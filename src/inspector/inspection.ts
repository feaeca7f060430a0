/**
 * A data directory opened for reading: what its files are worth, its transactions as a table, the tree at any zxid. It
 * answers in plain values, so that it can live in a Worker; it changes no file. Pure.
 */

import type { DigestMismatch } from '../tree/digestLog.ts';
import { parseZxid, zxid, zxidToString } from '../wire/ids.ts';
import { opName } from '../wire/opCodes.ts';
import { counted } from './counted.ts';
import type { FileSet, LoadedFile } from './dataFiles.ts';
import { type Finding, type LogInspection, readLogs } from './logInspection.ts';
import { type NodeReport, nodeReport } from './nodeReport.ts';
import { inspectSnapshot } from './snapshotInspection.ts';
import { TreeTimeline, type UsableSnapshot } from './treeTimeline.ts';
import type { TxnPlaces } from './txnPlaces.ts';
import { txnFields, type TxnField } from './txnFields.ts';
import { decodePlace, txnRow, type TxnRow } from './txnRow.ts';

export interface FileReport {
  readonly name: string;
  readonly kind: 'log' | 'snapshot' | 'epoch' | 'unknown';
  readonly sizeBytes: number;
  /** What it holds, in words. */
  readonly holds: string;
  readonly verdict: 'whole' | 'note' | 'damaged';
}

export interface InspectionReport {
  readonly folder: string;
  readonly files: readonly FileReport[];
  readonly findings: readonly Finding[];
  readonly txnCount: number;
  /** Types of the transactions there are, with how many of each. */
  readonly types: readonly { readonly type: string; readonly count: number }[];
  readonly firstZxid: string;
  readonly lastZxid: string;
  /** How many transactions carry the digest of the tree after them, and how many of these fit. */
  readonly digests: { readonly carried: number; readonly wrong: number; readonly checked: boolean };
}

export interface TxnFilter {
  /** Part of a path, session id or zxid, as they are printed; empty: all. */
  readonly text: string;
  /** Null: all. */
  readonly types: readonly string[] | null;
}

export interface TxnDetail {
  readonly row: TxnRow;
  readonly payload: Uint8Array;
  readonly fields: readonly TxnField[];
}

export interface TreeReport {
  readonly zxid: string;
  readonly base: string | null;
  readonly lacksBeginning: boolean;
  readonly nodeCount: number;
  readonly digest: string;
}

export class Inspection {
  readonly report: InspectionReport;
  readonly #txns: TxnPlaces;
  readonly #timeline: TreeTimeline;
  /** Numbers of the transactions that the filter lets through. */
  #shown: readonly number[];

  constructor(files: FileSet, progress: InspectionProgress = () => undefined) {
    const findings: Finding[] = [];
    const { places, logs } = readLogs(files.logs, findings, (done, total) =>
      progress('reading', done, total),
    );
    for (const { reading } of logs) {
      reading.end();
      findings.push(...reading.findings);
    }
    const snapshots = usableSnapshots(files.snapshots, findings);
    this.#txns = places;
    this.#timeline = new TreeTimeline(snapshots, places);
    this.#shown = allOf(places);
    const { types, carried } = surveyOf(places);
    const digests = verifyDigests({ snapshots, txns: places, carried }, findings, (done) =>
      progress('verifying', done, places.length),
    );
    this.report = {
      folder: files.folder,
      files: fileReports(files, logs, findings),
      findings,
      txnCount: places.length,
      types,
      firstZxid: zxidToString(this.#timeline.first),
      lastZxid: zxidToString(this.#timeline.last),
      digests,
    };
  }

  /** Answers how many transactions are left. */
  filter({ text, types }: TxnFilter): number {
    const wanted = text.trim().toLowerCase();
    const ofType = types === null ? null : new Set(types);
    this.#shown = allOf(this.#txns).filter((index) => {
      if (wanted === '' && ofType === null) return true;
      const row = this.#row(index);
      if (row === null || (ofType !== null && !ofType.has(row.type))) return false;
      const hay = `${row.zxid} ${row.session} ${row.paths.join(' ')}`.toLowerCase();
      return hay.includes(wanted);
    });
    return this.#shown.length;
  }

  /** Rows of the filtered table. */
  rows(from: number, count: number): readonly TxnRow[] {
    return this.#shown.slice(from, from + count).flatMap((index) => this.#row(index) ?? []);
  }

  /** Null if there is no such transaction. */
  detail(index: number): TxnDetail | null {
    const place = this.#txns.at(index);
    if (place === null) return null;
    // A copy: the page gets these bytes, not the whole file that they are a view of.
    const payload = place.payload.slice();
    return { row: txnRow(place, index), payload, fields: txnFields(payload) };
  }

  /** The zxid of a transaction by its number; before the first one: where the timeline begins. */
  zxidAt(index: number): string {
    return zxidToString(this.#txns.zxidAt(index) ?? this.#timeline.first);
  }

  /** How many transactions had happened once this one had. */
  momentOf(wanted: string): number {
    return this.#txns.countUpTo(parseZxid(wanted));
  }

  treeAt(wanted: string): TreeReport {
    const { tree, zxid: last, base, lacksBeginning } = this.#timeline.at(parseZxid(wanted));
    return {
      zxid: zxidToString(last),
      base: base?.name ?? null,
      lacksBeginning,
      nodeCount: tree.nodeCount,
      digest: zxidToString(zxid(tree.treeDigest())),
    };
  }

  /** Names of a node's children in the tree at `wanted`, sorted; null if it has no such node. */
  childrenAt(wanted: string, path: string): readonly string[] | null {
    const node = this.#timeline.at(parseZxid(wanted)).tree.getNode(path);
    return node === null ? null : [...node.children].sort();
  }

  nodeAt(wanted: string, path: string): NodeReport | null {
    const { tree } = this.#timeline.at(parseZxid(wanted));
    const node = tree.getNode(path);
    const stat = tree.statOf(path);
    if (node === null || stat === null) return null;
    const { data, ephemeralOwner } = node;
    return nodeReport(path, { data, stat, acl: tree.aclOf(node), ephemeralOwner });
  }

  #row(index: number): TxnRow | null {
    const place = this.#txns.at(index);
    return place === null ? null : txnRow(place, index);
  }
}

/** What is being done, and how far that is. */
export type InspectionProgress = (
  step: 'reading' | 'verifying',
  doneCount: number,
  totalCount: number,
) => void;

const allOf = ({ length }: TxnPlaces): readonly number[] => Array.from({ length }, (_, at) => at);

/** How many there are of each type, and how many carry a digest. */
function surveyOf(txns: TxnPlaces): {
  readonly types: InspectionReport['types'];
  readonly carried: number;
} {
  const counts = new Map<string, number>();
  let carried = 0;
  for (let index = 0; index < txns.length; index++) {
    const place = txns.at(index);
    const entry = place === null ? null : decodePlace(place);
    const type = entry === null ? 'unreadable' : opName(entry.header.type);
    counts.set(type, (counts.get(type) ?? 0) + 1);
    if (entry !== null && entry.digest !== null) carried++;
  }
  const types = [...counts].map(([type, count]) => ({ type, count }));
  return { types: types.sort((left, right) => right.count - left.count), carried };
}

/** Newest first; what is wrong with the others goes into `findings`. */
function usableSnapshots(
  files: readonly LoadedFile[],
  findings: Finding[],
): readonly UsableSnapshot[] {
  return files.flatMap((file) => {
    const found = inspectSnapshot(file);
    if (found.kind === 'damaged') {
      findings.push({
        file: file.name,
        offset: found.offset,
        weight: 'damage',
        text: `No server would use it: ${found.reason} (read up to byte ${found.offset}). A server takes the next older snapshot.`,
      });
      return [];
    }
    const until = found.digest?.zxid ?? file.zxid;
    return [{ file, fuzzyUntil: until > file.zxid ? until : file.zxid }];
  });
}

/** Replays everything from the oldest snapshot and compares each digest on the way. */
function verifyDigests(
  { snapshots, txns, carried }: Verified,
  findings: Finding[],
  progress: (doneCount: number) => void,
): InspectionReport['digests'] {
  const mismatches: DigestMismatch[] = [];
  const timeline = new TreeTimeline(snapshots.slice(-1), txns, (found) => mismatches.push(found));
  // What lies before the snapshot begins from a tree that nobody has; and the way leads only forward.
  let reached = snapshots.at(-1)?.file.zxid ?? zxid(0n);
  for (let index = 0; index < txns.length; index += VERIFIED_AT_A_TIME) {
    progress(index);
    const next = txns.zxidAt(index) ?? reached;
    if (next <= reached) continue;
    reached = next;
    timeline.at(reached);
  }
  const { lacksBeginning } = timeline.at(timeline.last);
  if (lacksBeginning) return { carried, wrong: 0, checked: false };
  const [first] = mismatches;
  if (first !== undefined) findings.push(mismatchFinding(first, txns, snapshots));
  return { carried, wrong: mismatches.length, checked: true };
}

const VERIFIED_AT_A_TIME = 2_000;

interface Verified {
  readonly snapshots: readonly UsableSnapshot[];
  readonly txns: TxnPlaces;
  /** How many transactions have a digest. */
  readonly carried: number;
}

function mismatchFinding(
  { zxid: at, expected, actual }: DigestMismatch,
  txns: TxnPlaces,
  snapshots: readonly UsableSnapshot[],
): Finding {
  const found = txns.at(txns.countUpTo(at) - 1);
  const place = found?.zxid === at ? found : null;
  return {
    file: place?.file ?? snapshots.at(-1)?.file.name ?? '',
    offset: place?.offset ?? null,
    weight: 'damage',
    text:
      `From ${zxidToString(at)} on this server's tree is not the leader's: ` +
      `the digest should be ${hex(expected)} and is ${hex(actual)}.`,
  };
}

function fileReports(
  files: FileSet,
  logs: readonly LogInspection[],
  findings: readonly Finding[],
): readonly FileReport[] {
  const verdictOf = (name: string): FileReport['verdict'] => {
    const weights = findings.filter(({ file }) => file === name).map(({ weight }) => weight);
    if (weights.includes('damage')) return 'damaged';
    return weights.length > 0 ? 'note' : 'whole';
  };
  return [
    ...files.snapshots.map((file): FileReport => {
      const { name, sizeBytes } = file;
      return {
        name,
        kind: 'snapshot',
        sizeBytes,
        holds: snapshotHolds(file),
        verdict: verdictOf(name),
      };
    }),
    ...logs.map(({ file: { name, sizeBytes }, reading: { txnCount, usedBytes } }): FileReport => {
      const holds = `${counted(txnCount, 'transaction')} in ${usedBytes} bytes`;
      return { name, kind: 'log', sizeBytes, holds, verdict: verdictOf(name) };
    }),
    ...files.epochs.map(({ name, text }): FileReport => ({
      name,
      kind: 'epoch',
      sizeBytes: text.length,
      holds: text.trim(),
      verdict: 'whole',
    })),
    ...files.unknown.map((name): FileReport => ({
      name,
      kind: 'unknown',
      sizeBytes: 0,
      holds: 'not one of ZooKeeper’s data files, left alone',
      verdict: 'note',
    })),
  ];
}

function snapshotHolds(file: LoadedFile): string {
  const found = inspectSnapshot(file);
  if (found.kind === 'damaged') return found.reason;
  const fuzzy =
    found.digest !== null && found.digest.zxid > file.zxid
      ? `, written while transactions up to ${zxidToString(found.digest.zxid)} came`
      : '';
  return `${counted(found.tree.nodeCount - 1, 'node')}, ${counted(found.sessions.size, 'session')}${fuzzy}`;
}

const hex = (digest: bigint): string => zxidToString(zxid(digest));
