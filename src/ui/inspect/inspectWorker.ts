/** The inspector's Worker: unpacks what was dropped and holds the opened directory, so that the page stays quick. */

import { expose, proxy, type ProxyMarked } from 'comlink';
import { type FileSet, fileSetsOf, type NamedBytes } from '../../inspector/dataFiles.ts';
import { type InspectedPage, InspectedTree } from '../../inspector/inspectedTree.ts';
import {
  Inspection,
  type InspectionReport,
  type TxnDetail,
  type TxnFilter,
} from '../../inspector/inspection.ts';
import { type HistoryReport, type MomentWish, TreeHistory } from '../../inspector/treeHistory.ts';
import type { TxnRow } from '../../inspector/txnRow.ts';
import { unpackFiles } from '../../inspector/unpackedFiles.ts';

/** What opening is at; each takes about as long as the others. */
export type OpeningStep = 'reading' | 'verifying' | 'applying';
export type OpeningProgress = (step: OpeningStep, doneCount: number, totalCount: number) => void;

export interface Opened {
  readonly report: InspectionReport;
  readonly history: HistoryReport;
}

interface OpenDirectory {
  readonly inspection: Inspection;
  readonly history: TreeHistory;
  readonly tree: InspectedTree;
}

export class InspectWorker {
  #sets: readonly FileSet[] = [];
  #opened: OpenDirectory | null = null;

  /** Answers the folders of the servers found. Throws an error for people where a file cannot be unpacked. */
  receive(files: readonly NamedBytes[]): readonly string[] {
    this.#opened = null;
    this.#sets = fileSetsOf(unpackFiles(files));
    return this.#sets.map(({ folder }) => folder);
  }

  open(index: number, progress: OpeningProgress): Opened {
    const set = this.#sets[index];
    if (set === undefined || (set.logs.length === 0 && set.snapshots.length === 0)) {
      throw new Error(
        'There is no log.* and no snapshot.* file in it. Drop files of a version-2 folder, or a zip of one.',
      );
    }
    const inspection = new Inspection(set, progress);
    const history = new TreeHistory(set, (done, total) => progress('applying', done, total));
    this.#opened = { inspection, history, tree: new InspectedTree(inspection, history) };
    return { report: inspection.report, history: history.report() };
  }

  filter(filter: TxnFilter): number {
    return this.#open.inspection.filter(filter);
  }

  rows(from: number, count: number): readonly TxnRow[] {
    return this.#open.inspection.rows(from, count);
  }

  detail(index: number): TxnDetail | null {
    return this.#open.inspection.detail(index);
  }

  page(wish: MomentWish): InspectedPage {
    return this.#open.tree.page(wish);
  }

  momentOf(zxid: string): number {
    return this.#open.inspection.momentOf(zxid);
  }

  history(): TreeHistory & ProxyMarked {
    return proxy(this.#open.history);
  }

  get #open(): OpenDirectory {
    if (this.#opened === null) throw new Error('Nothing is open.');
    return this.#opened;
  }
}

expose(new InspectWorker());
