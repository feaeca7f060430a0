/** The history view's Worker: reads a server's directory beside the running server, and holds its history. */

import { expose, proxy, type ProxyMarked } from 'comlink';
import { StoredDirectory } from '../../browser/storedDirectory.ts';
import { type FileSet, fileSetsOf } from '../../inspector/dataFiles.ts';
import {
  type CountProgress,
  type HistoryReport,
  TreeHistory,
} from '../../inspector/treeHistory.ts';

export type ReadingStep = 'reading' | 'applying';
export type StepProgress = (step: ReadingStep, doneCount: number, totalCount: number) => void;

export interface Refreshed {
  readonly report: HistoryReport;
  /** What is there goes on from nothing that was read before: all moments are others. */
  readonly isAnother: boolean;
}

export class HistoryWorker {
  #directory: StoredDirectory | null = null;
  #history: TreeHistory | null = null;

  /** Throws an error for people where the directory cannot be read. */
  async open(databaseName: string, progress: StepProgress): Promise<HistoryReport> {
    this.#directory = new StoredDirectory(databaseName);
    const files = await this.#read((done, total) => progress('reading', done, total));
    this.#history = new TreeHistory(files, (done, total) => progress('applying', done, total));
    return this.#history.report();
  }

  /** To be asked for again after another history came. */
  history(): TreeHistory & ProxyMarked {
    return proxy(this.#opened);
  }

  /** Goes on with what was written since. */
  async refresh(): Promise<Refreshed> {
    const files = await this.#read();
    const isAnother = !this.#opened.extend(files);
    if (isAnother) this.#history = new TreeHistory(files);
    return { report: this.#opened.report(), isAnother };
  }

  async #read(progress?: CountProgress): Promise<FileSet> {
    if (this.#directory === null) throw new Error('No directory is open.');
    const [set] = fileSetsOf(await this.#directory.read(progress));
    return set ?? NO_FILES;
  }

  get #opened(): TreeHistory {
    if (this.#history === null) throw new Error('No history is open.');
    return this.#history;
  }
}

const NO_FILES: FileSet = { folder: '', logs: [], snapshots: [], epochs: [], unknown: [] };

expose(new HistoryWorker());
