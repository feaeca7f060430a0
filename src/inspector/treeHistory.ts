/**
 * The history of a tree, asked in plain values so that it can live in a Worker: what was at any moment, what each
 * transaction changed, what lies between two moments, and all that ever happened to one node. It can grow as the log
 * does; it changes no file. Pure.
 *
 * A moment is a number: how many of its transactions had happened. Moment 0 is what it begins with.
 */

import { epochOf, parseZxid, sidOfSession, type Zxid, zxid, zxidToString } from '../wire/ids.ts';
import { LOG_RECORD_HEAD_BYTES } from '../storage/txnLogFormat.ts';
import { follows } from '../storage/zxidOrder.ts';
import { opName } from '../wire/opCodes.ts';
import type { FileSet, LoadedFile } from './dataFiles.ts';
import { type HistoryFloor, historyStretch, type HistoryStretch } from './historyStretch.ts';
import { type Finding, LogReading } from './logInspection.ts';
import { type ChangeKind, changeKind } from './nodeChange.ts';
import { type NodeReport, nodeReport } from './nodeReport.ts';
import { nodeStory, type NodeStory } from './nodeStory.ts';
import { ShownChildren, type ShownNames } from './shownChildren.ts';
import { TreeVersions } from './treeVersions.ts';
import { txnSentence, type TxnTale } from './txnSentence.ts';
import { type FoundTxn, type TxnPlaces } from './txnPlaces.ts';
import { decodePlace, sessionText } from './txnRow.ts';

export interface HistoryReport {
  readonly floor: HistoryFloor;
  readonly txnCount: number;
  /** Null where there is no transaction. */
  readonly firstZxid: string | null;
  readonly lastZxid: string | null;
  /** Reigns in their order, each with how many transactions it has here. */
  readonly epochs: readonly { readonly epoch: number; readonly count: number }[];
  readonly olderCount: number;
  readonly findings: readonly Finding[];
}

/** A node that differs between two moments. */
export interface ChangeRow {
  readonly path: string;
  readonly kind: ChangeKind;
}

export interface Difference {
  readonly path: string;
  readonly kind: ChangeKind | null;
  readonly before: NodeReport | null;
  readonly after: NodeReport | null;
}

/** What a page draws of one moment. */
export interface MomentPage {
  readonly moment: number;
  /** Of the last transaction that had happened; of the floor at moment 0. */
  readonly zxid: string;
  readonly nodeCount: number;
  /** Null at moment 0. */
  readonly tale: TxnTale | null;
  /** It and those around it, oldest first. */
  readonly around: readonly TxnTale[];
  /** What that transaction did to nodes of its own; at most `MAX_MARKS`. */
  readonly marks: readonly ChangeRow[];
  /** How many nodes of their own it changed. */
  readonly markCount: number;
  /** Children by path, or how they differ from those of `since`; null: no such node. */
  readonly children: readonly (readonly [path: string, names: ShownNames | null])[];
  /** The node asked for, or as it was just before the transaction that removed it. */
  readonly node: NodeReport | null;
  readonly nodeIsGone: boolean;
}

export interface MomentWish {
  readonly moment: number;
  /** The moment whose children the page has of `known`. */
  readonly since: number;
  readonly known: readonly string[];
  /** Paths whose children it has not. */
  readonly unknown: readonly string[];
  readonly selected: string;
}

interface GrownLog {
  readonly file: LoadedFile;
  readonly reading: LogReading;
  /** Those that are new. */
  readonly txns: readonly FoundTxn[];
}

interface Continuation {
  readonly logs: readonly GrownLog[];
  readonly newest: HistoryStretch['newest'];
}

export type CountProgress = (doneCount: number, totalCount: number) => void;

/** A page marks no more rows than somebody could look at. */
const MAX_MARKS = 500;
/** So many transactions are told on each side of the one that is looked at. */
const TALES_AROUND = 3;
const PROGRESS_EVERY = 500;

export class TreeHistory {
  readonly #floor: HistoryFloor;
  readonly #olderCount: number;
  readonly #findings: readonly Finding[];
  readonly #txns: TxnPlaces;
  readonly #versions: TreeVersions;
  readonly #children: ShownChildren;
  #newest: HistoryStretch['newest'];
  #compared: readonly ChangeRow[] = [];

  constructor(files: FileSet, progress: CountProgress = () => undefined) {
    const stretch = historyStretch(files);
    this.#floor = stretch.floor;
    this.#olderCount = stretch.olderCount;
    this.#findings = stretch.findings;
    this.#newest = stretch.newest;
    this.#txns = stretch.txns;
    this.#versions = new TreeVersions(stretch.tree, (moment) => this.#txns.payloadAt(moment - 1));
    this.#children = new ShownChildren(this.#versions);
    this.#catchUp(progress);
  }

  report(): HistoryReport {
    const first = this.#txns.zxidAt(0);
    const last = this.#txns.zxidAt(this.#txns.length - 1);
    return {
      floor: this.#floor,
      txnCount: this.#txns.length,
      firstZxid: first === null ? null : zxidToString(first),
      lastZxid: last === null ? null : zxidToString(last),
      epochs: this.#epochs(),
      olderCount: this.#olderCount,
      findings: this.#findings,
    };
  }

  /**
   * Goes on with what the same directory holds now. False where that is no continuation, since the log was cut or another
   * history is there: then this one is of no use any more.
   */
  extend(files: FileSet): boolean {
    const more = this.#continuation(files);
    if (more === null) return false;
    this.#newest = more.newest;
    for (const { file, txns } of more.logs) {
      this.#txns.open(file);
      for (const txn of txns) this.#txns.add(txn);
    }
    this.#catchUp(() => undefined);
    return true;
  }

  /** How many transactions had happened once this one had. */
  momentOf(wanted: string): number {
    return this.#txns.momentOf(parseZxid(wanted));
  }

  zxidAt(moment: number): string {
    const at = this.#txns.zxidAt(moment - 1);
    if (at !== null) return zxidToString(at);
    return this.#floor.kind === 'snapshot' ? this.#floor.zxid : '0x0';
  }

  /** Transactions in their order, the first one the one after `from`. */
  tales(from: number, count: number): readonly TxnTale[] {
    const tales: TxnTale[] = [];
    const end = Math.min(from + count, this.#txns.length);
    for (let index = Math.max(0, from); index < end; index++) {
      const tale = this.#tale(index + 1);
      if (tale !== null) tales.push(tale);
    }
    return tales;
  }

  page({ moment, since, known, unknown, selected }: MomentWish): MomentPage {
    const changed =
      moment === 0 ? [] : this.#rows(this.#versions.changedAfter(moment - 1), moment - 1, moment);
    const now = this.#versions.nodeAt(moment, selected);
    const before = now === null && moment > 0 ? this.#versions.nodeAt(moment - 1, selected) : null;
    const shown = now ?? before;
    return {
      moment,
      zxid: this.zxidAt(moment),
      nodeCount: this.#versions.nodeCountAt(moment),
      tale: this.#tale(moment),
      around: this.tales(moment - 1 - TALES_AROUND, 2 * TALES_AROUND + 1),
      marks: changed.slice(0, MAX_MARKS),
      markCount: changed.length,
      children: [
        ...this.#children.changes(known, since, moment),
        ...unknown.map((path) => [path, this.#children.all(path, moment)] as const),
      ],
      node: shown === null ? null : nodeReport(selected, shown),
      nodeIsGone: now === null && before !== null,
    };
  }

  /** All that happened to one node, the newest first, `count` at most. */
  story(path: string, count: number): NodeStory {
    const steps = this.#versions.stepsOf(path);
    const before = this.#versions.nodeAt(0, path);
    return nodeStory(path, steps, before, count, (moment) => this.#tale(moment));
  }

  /** Finds what differs between two moments, for {@link compared}; `text` is part of a path. */
  compare(from: number, to: number, text: string): readonly { kind: ChangeKind; count: number }[] {
    const wanted = text.trim().toLowerCase();
    const paths = this.#versions
      .changedBetween(from, to)
      .filter((path) => path.toLowerCase().includes(wanted));
    this.#compared = this.#rows([...paths].sort(), from, to);
    return KINDS.map((kind) => ({
      kind,
      count: this.#compared.filter((row) => row.kind === kind).length,
    }));
  }

  /** Rows of the last comparison, by path. */
  compared(from: number, count: number): readonly ChangeRow[] {
    return this.#compared.slice(from, from + count);
  }

  difference(from: number, to: number, path: string): Difference {
    const before = this.#versions.nodeAt(from, path);
    const after = this.#versions.nodeAt(to, path);
    return {
      path,
      kind: changeKind(before, after),
      before: before === null ? null : nodeReport(path, before),
      after: after === null ? null : nodeReport(path, after),
    };
  }

  /** Applies what is in the list and not yet in the tree. */
  #catchUp(progress: CountProgress): void {
    const { length } = this.#txns;
    for (let index = this.#versions.last; index < length; index++) {
      if (index % PROGRESS_EVERY === 0) progress(index, length);
      const place = this.#txns.at(index);
      this.#versions.apply(place === null ? null : decodePlace(place));
    }
    progress(length, length);
  }

  #continuation(files: FileSet): Continuation | null {
    const known = this.#newest;
    const from = files.logs.findIndex(({ name }) => name === known?.name);
    const [grown, ...others] = from < 0 ? [] : files.logs.slice(from);
    if (known === null || grown === undefined || known.reading.damaged) return null;
    const { reading } = known;
    if (grown.bytes.length < reading.pushedBytes || !this.#stillHolds(grown.bytes)) return null;
    // A copy of the new bytes alone: of a view the reading would keep the whole file.
    const logs = [
      grow(grown, reading, grown.bytes.slice(reading.pushedBytes)),
      ...others.map((file) => grow(file, new LogReading(file), file.bytes)),
    ];
    const isGood = logs.every(({ reading: { damaged } }) => !damaged);
    if (!isGood || !this.#goesOnWith(logs.flatMap(({ txns }) => txns))) return null;
    const last = logs.at(-1);
    return {
      logs,
      newest: { name: last?.file.name ?? known.name, reading: last?.reading ?? reading },
    };
  }

  /** The same transaction at the same place, and so the same history up to it. */
  #stillHolds(bytes: Uint8Array): boolean {
    const last = this.#txns.at(this.#txns.length - 1);
    if (last === null || last.file !== this.#newest?.name) return true;
    const at = last.offset + LOG_RECORD_HEAD_BYTES;
    return last.payload.every((byte, index) => bytes[at + index] === byte);
  }

  #goesOnWith(txns: readonly FoundTxn[]): boolean {
    let before = this.#txns.zxidAt(this.#txns.length - 1) ?? this.#floorZxid;
    return txns.every(({ zxid: next }) => {
      const goesOn = follows(before, next);
      before = next;
      return goesOn;
    });
  }

  get #floorZxid(): Zxid {
    return zxid(this.#floor.kind === 'snapshot' ? BigInt(this.#floor.zxid) : 0n);
  }

  #tale(moment: number): TxnTale | null {
    const place = this.#txns.at(moment - 1);
    if (place === null) return null;
    const entry = decodePlace(place);
    const paths = this.#versions.changedAfter(moment - 1);
    const steps = paths.map((path) => ({
      path,
      before: this.#versions.nodeAt(moment - 1, path),
      after: this.#versions.nodeAt(moment, path),
    }));
    const session = entry?.header.clientId ?? 0n;
    return {
      moment,
      zxid: zxidToString(place.zxid),
      time: entry?.header.time ?? null,
      type: entry === null ? 'unreadable' : opName(entry.header.type),
      sentence: txnSentence(entry, steps),
      session: sessionText(session),
      sid: session === 0n ? null : Number(sidOfSession(session)),
      cxid: entry?.header.cxid ?? 0,
      file: place.file,
      offset: place.offset,
      sizeBytes: place.payload.length,
    };
  }

  /** Nodes whose own data, list or being differs. */
  #rows(paths: readonly string[], from: number, to: number): readonly ChangeRow[] {
    return paths.flatMap((path) => {
      const kind = this.#versions.kindBetween(from, to, path);
      return kind === null || kind === 'children' ? [] : [{ path, kind }];
    });
  }

  #epochs(): HistoryReport['epochs'] {
    const epochs: { epoch: number; count: number }[] = [];
    for (let index = 0; index < this.#txns.length; index++) {
      const epoch = Number(epochOf(this.#txns.zxidAt(index) ?? this.#floorZxid));
      const last = epochs.at(-1);
      if (last?.epoch === epoch) last.count += 1;
      else epochs.push({ epoch, count: 1 });
    }
    return epochs;
  }
}

const KINDS: readonly ChangeKind[] = ['created', 'deleted', 'replaced', 'changed'];

function grow(file: LoadedFile, reading: LogReading, fresh: Uint8Array): GrownLog {
  const txns: FoundTxn[] = [];
  reading.push(fresh, (found) => txns.push(found));
  return { file, reading, txns };
}
