/** What the inspector page shows, asked from its Worker. It holds what is on the screen and no more. */

import { releaseProxy, type Remote, transfer, wrap } from 'comlink';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { NamedBytes } from '../../inspector/dataFiles.ts';
import type { InspectionReport, TreeReport, TxnDetail } from '../../inspector/inspection.ts';
import type { HistoryReport, TreeHistory } from '../../inspector/treeHistory.ts';
import type { NodeReport } from '../../inspector/nodeReport.ts';
import type { TxnRow } from '../../inspector/txnRow.ts';
import { parentPath, TreeRows } from '../tree/treeRows.ts';
import type { InspectWorker } from './inspectWorker.ts';

export type Phase =
  | { readonly kind: 'empty' }
  | { readonly kind: 'reading'; readonly what: string }
  | { readonly kind: 'choosing'; readonly folders: readonly string[] }
  | { readonly kind: 'open'; readonly report: InspectionReport }
  | { readonly kind: 'failed'; readonly reason: string };

/** Rows fetched beyond what is asked for, so that a little scrolling waits for nothing. */
const ROWS_BEYOND = 30;

export class InspectState {
  phase: Phase = $state.raw({ kind: 'empty' });

  // The table of transactions.
  shownCount = $state(0);
  rows: readonly TxnRow[] = $state.raw([]);
  rowsFrom = $state(0);
  detail: TxnDetail | null = $state.raw(null);

  // The tree at a moment.
  momentIndex = $state(0);
  tree: TreeReport | null = $state.raw(null);
  node: NodeReport | null = $state.raw(null);
  selectedPath = $state('/');
  readonly #children = new SvelteMap<string, readonly string[]>();
  readonly #expanded = new SvelteSet<string>(['/']);
  readonly treeRows: TreeRows = $derived.by(() => new TreeRows(this.#children, this.#expanded));

  /** Who did what, made when somebody asks for it. */
  history: { readonly of: Remote<TreeHistory>; readonly report: HistoryReport } | null =
    $state.raw(null);

  #worker: Worker | null = null;
  #remote: Remote<InspectWorker> | null = null;
  readonly #makeWorker: () => Worker;

  constructor(makeWorker: () => Worker) {
    this.#makeWorker = makeWorker;
  }

  /** Ends what is open or being read. */
  close(): void {
    this.#remote?.[releaseProxy]();
    this.#worker?.terminate();
    this.#remote = null;
    this.#worker = null;
    this.history = null;
    this.phase = { kind: 'empty' };
  }

  async read(files: readonly NamedBytes[]): Promise<void> {
    this.close();
    this.#worker = this.#makeWorker();
    const remote = wrap<InspectWorker>(this.#worker);
    this.#remote = remote;
    await this.#attempt(remote, async () => {
      this.phase = { kind: 'reading', what: named(files) };
      const buffers = files.map(({ bytes }) => bytes.buffer);
      const folders = await remote.receive(transfer([...files], buffers));
      if (folders.length > 1) this.phase = { kind: 'choosing', folders };
      else await this.#open(remote, 0);
    });
  }

  async choose(index: number): Promise<void> {
    const remote = this.#remote;
    if (remote === null) return;
    await this.#attempt(remote, () => this.#open(remote, index));
  }

  async filter(text: string, types: readonly string[] | null): Promise<void> {
    await this.#ask(async (remote) => {
      this.shownCount = await remote.filter({ text, types });
      await this.showRows(0, ROWS_BEYOND);
    });
  }

  /** Fetches what lies around these rows, unless it is here. */
  async showRows(from: number, count: number): Promise<void> {
    await this.#ask(async (remote) => {
      const first = Math.max(0, from - ROWS_BEYOND);
      this.rows = await remote.rows(first, count + 2 * ROWS_BEYOND);
      this.rowsFrom = first;
    });
  }

  async pick(row: TxnRow): Promise<void> {
    await this.#ask(async (remote) => {
      this.detail = await remote.detail(row.index);
    });
    const [path] = row.paths;
    if (path !== undefined) this.#reveal(path);
    await this.showMoment(row.index + 1);
  }

  /** The tree after so many transactions. */
  async showMoment(index: number): Promise<void> {
    this.momentIndex = index;
    await this.#refreshTree();
  }

  /** The tree after this transaction. */
  async showZxid(zxid: string): Promise<void> {
    await this.#ask(async (remote) => this.showMoment(await remote.momentOf(zxid)));
  }

  async openHistory(): Promise<void> {
    await this.#ask(async (remote) => {
      const history = await remote.history();
      this.history = { of: history, report: await history.report() };
    });
  }

  async select(path: string): Promise<void> {
    this.selectedPath = path;
    await this.#refreshTree();
  }

  async toggle(path: string): Promise<void> {
    if (this.#expanded.delete(path)) return;
    this.#expanded.add(path);
    await this.#refreshTree();
  }

  /** Opens what lies above a path, and chooses it. */
  #reveal(path: string): void {
    this.selectedPath = path;
    for (let above = path; above !== '/';) {
      above = parentPath(above);
      this.#expanded.add(above);
    }
  }

  async #open(remote: Remote<InspectWorker>, index: number): Promise<void> {
    this.phase = { kind: 'reading', what: 'checking every transaction' };
    const report = await remote.open(index);
    this.detail = null;
    this.selectedPath = '/';
    this.shownCount = report.txnCount;
    this.phase = { kind: 'open', report };
    await this.showRows(0, ROWS_BEYOND);
    await this.showMoment(report.txnCount);
  }

  async #refreshTree(): Promise<void> {
    await this.#ask(async (remote) => {
      const index = this.momentIndex;
      const selected = this.selectedPath;
      // Number 0 is before the first transaction: what the oldest snapshot holds.
      const zxid = await remote.zxidAt(index - 1);
      const page = await remote.tree(zxid, [...this.#expanded], selected);
      if (index !== this.momentIndex || selected !== this.selectedPath) return;
      this.#children.clear();
      for (const [path, names] of page.children) this.#children.set(path, names);
      this.tree = page;
      this.node = page.node;
      if (page.node === null && selected !== '/') await this.select(parentPath(selected));
    });
  }

  async #ask(task: (remote: Remote<InspectWorker>) => Promise<void>): Promise<void> {
    const remote = this.#remote;
    if (remote !== null) await this.#attempt(remote, () => task(remote));
  }

  /** What fails after the page has gone on to something else interests nobody. */
  async #attempt(remote: Remote<InspectWorker>, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (remote !== this.#remote) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.close();
      this.phase = { kind: 'failed', reason };
    }
  }
}

const named = (files: readonly NamedBytes[]): string =>
  files.length === 1 ? (files[0]?.path ?? '') : `${files.length} files`;
