/** What the inspector page shows, asked from its Worker. It holds what is on the screen and no more. */

import { proxy, type Remote, transfer } from 'comlink';
import type { NamedBytes } from '../../inspector/dataFiles.ts';
import type { InspectedPage } from '../../inspector/inspectedTree.ts';
import type { InspectionReport, TxnDetail } from '../../inspector/inspection.ts';
import type { HistoryReport, TreeHistory } from '../../inspector/treeHistory.ts';
import type { TxnRow } from '../../inspector/txnRow.ts';
import { PastTree } from '../history/pastTree.svelte.ts';
import { OwnWorker } from '../storage/ownWorker.ts';
import { isCancelled, WorkState } from '../tree/work.svelte.ts';
import type { InspectWorker, OpeningStep } from './inspectWorker.ts';

export type Phase =
  | { readonly kind: 'empty' }
  | { readonly kind: 'reading' }
  | { readonly kind: 'choosing'; readonly folders: readonly string[] }
  | { readonly kind: 'open'; readonly report: InspectionReport }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Rows fetched beyond what is asked for, so that a little scrolling waits for nothing. */
const ROWS_BEYOND = 30;
const STEPS: readonly OpeningStep[] = ['reading', 'verifying', 'applying'];

export class InspectState {
  phase: Phase = $state.raw({ kind: 'empty' });
  readonly work = new WorkState();

  // The table of transactions.
  shownCount = $state(0);
  rows: readonly TxnRow[] = $state.raw([]);
  rowsFrom = $state(0);
  detail: TxnDetail | null = $state.raw(null);

  /** The tree at a moment. */
  readonly tree = new PastTree<InspectedPage>((error) => this.#failTree(error));
  /** Who did what. */
  history: { readonly of: Remote<TreeHistory>; readonly report: HistoryReport } | null =
    $state.raw(null);

  #worker: OwnWorker<InspectWorker> | null = null;
  readonly #makeWorker: () => Worker;

  constructor(makeWorker: () => Worker) {
    this.#makeWorker = makeWorker;
  }

  /** Ends what is open or being read. */
  close(): void {
    const worker = this.#worker;
    this.#worker = null;
    this.work.cancel();
    worker?.end();
    this.history = null;
    this.phase = { kind: 'empty' };
  }

  async read(files: readonly NamedBytes[]): Promise<void> {
    this.close();
    const worker = new OwnWorker<InspectWorker>(this.#makeWorker);
    this.#worker = worker;
    await this.#attempt(worker, async () => {
      this.phase = { kind: 'reading' };
      const buffers = files.map(({ bytes }) => bytes.buffer);
      const folders = await this.work.run(`Reading ${named(files)}`, null, ({ signal }) =>
        worker.answer(worker.remote.receive(transfer([...files], buffers)), signal),
      );
      if (folders.length > 1) this.phase = { kind: 'choosing', folders };
      else await this.#open(worker, 0);
    });
  }

  async choose(index: number): Promise<void> {
    const worker = this.#worker;
    if (worker !== null) await this.#attempt(worker, () => this.#open(worker, index));
  }

  async filter(text: string, types: readonly string[] | null): Promise<void> {
    await this.#ask(async (worker) => {
      this.shownCount = await worker.answer(worker.remote.filter({ text, types }));
      await this.showRows(0, ROWS_BEYOND);
    });
  }

  /** Fetches what lies around these rows, unless it is here. */
  async showRows(from: number, count: number): Promise<void> {
    await this.#ask(async (worker) => {
      const first = Math.max(0, from - ROWS_BEYOND);
      this.rows = await worker.answer(worker.remote.rows(first, count + 2 * ROWS_BEYOND));
      this.rowsFrom = first;
    });
  }

  async pick(row: TxnRow): Promise<void> {
    await this.#ask(async (worker) => {
      this.detail = await worker.answer(worker.remote.detail(row.index));
    });
    const [path] = row.paths;
    if (path !== undefined) await this.tree.reveal(path);
    await this.tree.show(row.index + 1);
  }

  /** The tree after this transaction. */
  async showZxid(zxid: string): Promise<void> {
    await this.#ask(async (worker) =>
      this.tree.show(await worker.answer(worker.remote.momentOf(zxid))),
    );
  }

  async #open(worker: OwnWorker<InspectWorker>, index: number): Promise<void> {
    this.phase = { kind: 'reading' };
    const { report, history } = await this.work.run(
      'Checking every transaction',
      100,
      ({ signal, progress }) => {
        const tell = (step: OpeningStep, done: number, total: number): void => {
          const part = total === 0 ? 1 : done / total;
          progress(Math.floor((100 * (STEPS.indexOf(step) + part)) / STEPS.length), 100);
        };
        return worker.answer(worker.remote.open(index, proxy(tell)), signal);
      },
    );
    this.history = { of: await worker.answer(worker.remote.history()), report: history };
    this.tree.use(worker.remote);
    this.detail = null;
    this.shownCount = report.txnCount;
    this.phase = { kind: 'open', report };
    await this.showRows(0, ROWS_BEYOND);
    await this.tree.show(report.txnCount);
  }

  async #ask(task: (worker: OwnWorker<InspectWorker>) => Promise<void>): Promise<void> {
    const worker = this.#worker;
    if (worker !== null) await this.#attempt(worker, () => task(worker));
  }

  /** What fails after the page has gone on to something else interests nobody. */
  async #attempt(worker: OwnWorker<InspectWorker>, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (worker === this.#worker) this.#fail(error);
    }
  }

  /** Of a tree that is not looked at any more nothing is told. */
  #failTree(error: unknown): void {
    if (this.#worker !== null) this.#fail(error);
  }

  #fail(error: unknown): void {
    this.close();
    this.phase = isCancelled(error)
      ? { kind: 'cancelled' }
      : { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

const named = (files: readonly NamedBytes[]): string =>
  files.length === 1 ? (files[0]?.path ?? '') : `${files.length} files`;
