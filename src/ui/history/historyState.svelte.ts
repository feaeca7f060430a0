/** The history view's state: a server's history in a Worker, the moment that is looked at, and what follows the log. */

import { proxy, type Remote } from 'comlink';
import type { HistoryReport, TreeHistory } from '../../inspector/treeHistory.ts';
import type { Admin } from '../../room/admin.ts';
import { zxidToString } from '../../wire/ids.ts';
import { OwnWorker } from '../storage/ownWorker.ts';
import { pacedLooks } from '../storage/pacedLooks.ts';
import { isCancelled, WorkState } from '../tree/work.svelte.ts';
import type { HistoryWorker, ReadingStep } from './historyWorker.ts';
import { PastTree } from './pastTree.svelte.ts';

/** The two steps of opening, as parts of a hundred. */
const STEP_STARTS: Readonly<Record<ReadingStep, number>> = { reading: 0, applying: 50 };
const STEP_PERCENT = 50;

export class HistoryState {
  report: HistoryReport | null = $state.raw(null);
  history: Remote<TreeHistory> | null = $state.raw(null);
  /** How many transactions are committed; null while no leader says so. */
  committed: number | null = $state(null);
  /** Shows the newest committed transaction whenever there is another one. */
  following = $state(true);
  problem: string | null = $state(null);
  /** Somebody has ended the reading. */
  cancelled = $state(false);
  readonly work = new WorkState();
  readonly tree = new PastTree((error) => this.#fail(error));
  readonly #server: Admin;
  readonly #makeWorker: () => Worker;
  #worker: OwnWorker<HistoryWorker> | null = null;
  #stops: (() => void)[] = [];

  constructor(server: Admin, makeWorker: () => Worker) {
    this.#server = server;
    this.#makeWorker = makeWorker;
  }

  /** Reads all there is, and then what comes; ends what was open before. */
  async open(): Promise<void> {
    this.close();
    const worker = new OwnWorker<HistoryWorker>(this.#makeWorker);
    this.#worker = worker;
    try {
      const report = await this.work.run('Reading the log', 100, ({ signal, progress }) => {
        const tell = (step: ReadingStep, done: number, total: number): void => {
          const part = total === 0 ? 1 : done / total;
          progress(Math.floor(STEP_STARTS[step] + STEP_PERCENT * part), 100);
        };
        const { databaseName } = this.#server.directory;
        return worker.answer(worker.remote.open(databaseName, proxy(tell)), signal);
      });
      await this.#use(worker, report);
      this.following = true;
      await this.#followCommits();
      this.#stops = [
        pacedLooks(() => this.#look(worker), true),
        this.#server.onChange(() => void this.#followCommits()),
      ];
    } catch (error) {
      if (this.#worker === worker) this.#fail(error);
    }
  }

  close(): void {
    this.work.cancel();
    for (const stop of this.#stops.splice(0)) stop();
    this.#worker?.end();
    this.#worker = null;
    this.history = null;
    this.report = null;
    this.problem = null;
    this.cancelled = false;
  }

  /** Somebody looks at this moment, and stays there. */
  async goTo(moment: number): Promise<void> {
    this.following = false;
    await this.tree.show(this.#within(moment));
  }

  /** Where it is no transaction here, to the last one before it. */
  async goToZxid(zxid: string): Promise<void> {
    const { history } = this;
    if (history !== null) await this.goTo(await history.momentOf(zxid));
  }

  async follow(wanted: boolean): Promise<void> {
    this.following = wanted;
    if (wanted) await this.tree.show(this.#newest);
  }

  get #newest(): number {
    return this.committed ?? this.report?.txnCount ?? 0;
  }

  #within(moment: number): number {
    return Math.min(Math.max(0, moment), this.report?.txnCount ?? 0);
  }

  /** What was written since; of another history the moment with the same zxid, if it has one. */
  async #look(worker: OwnWorker<HistoryWorker>): Promise<void> {
    try {
      const { report, isAnother } = await worker.answer(worker.remote.refresh());
      if (isAnother) {
        const zxid = this.tree.page?.zxid ?? '0x0';
        await this.#use(worker, report);
        if (!this.following) await this.goToZxid(zxid);
      } else if (report.lastZxid !== this.report?.lastZxid) {
        this.report = report;
        // Those that come after it are others.
        if (!this.following) await this.tree.show(this.tree.moment);
      }
      this.problem = null;
      await this.#followCommits();
    } catch (error) {
      // Looked at again in a while: a server that changes its files leaves them alone soon.
      if (this.#worker === worker) this.problem = textOf(error);
    }
  }

  async #use(worker: OwnWorker<HistoryWorker>, report: HistoryReport): Promise<void> {
    const history = await worker.answer(worker.remote.history());
    this.report = report;
    this.history = history;
    this.tree.use(history);
  }

  async #followCommits(): Promise<void> {
    const { history } = this;
    if (history === null) return;
    const { serving, zxid } = this.#server.status();
    const committed = serving ? await history.momentOf(zxidToString(zxid)) : null;
    if (history !== this.history) return;
    this.committed = committed;
    if (this.following && this.tree.page?.moment !== this.#newest) {
      await this.tree.show(this.#newest);
    }
  }

  #fail(error: unknown): void {
    this.close();
    if (isCancelled(error)) this.cancelled = true;
    else this.problem = textOf(error);
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
