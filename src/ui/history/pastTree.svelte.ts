/**
 * The tree as it was at the moment that somebody looks at, asked from a history in a Worker. It has the children of what
 * is open, and is told at each step only what is different there.
 */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { MomentPage, MomentWish } from '../../inspector/treeHistory.ts';
import { parentPath, type RowMark, type ShownTree, TreeRows } from '../tree/treeRows.ts';
import { marksOf, namesAfter } from './momentPages.ts';

const NOTHING_CHANGED: ReadonlySet<string> = new Set();
/** What a transaction changed is brought into sight, unless it is as much as nobody could look at. */
const MAX_REVEALED_COUNT = 20;

/** Whoever has the pages of a history. */
export interface PastPages<P extends MomentPage> {
  page(wish: MomentWish): Promise<P>;
}

export class PastTree<P extends MomentPage = MomentPage> implements ShownTree {
  page: P | null = $state.raw(null);
  selectedPath = $state('/');
  /** At each step, the first node that its transaction changed is chosen. */
  followsChanges = $state(true);
  readonly changed = NOTHING_CHANGED;
  readonly #children = new SvelteMap<string, readonly string[]>();
  readonly #expanded = new SvelteSet<string>(['/']);
  readonly rows: TreeRows = $derived.by(() => new TreeRows(this.#children, this.#expanded));
  readonly #marks: ReadonlyMap<string, RowMark> = $derived(marksOf(this.page?.marks ?? []));

  #history: PastPages<P> | null = null;
  #wanted = 0;
  #asking = false;
  /** The wish has changed while the last one was being answered. */
  #again = false;
  /** A history's own: what another one answers is not to be mixed with it. */
  #generation = 0;
  readonly #failed: (error: unknown) => void;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Another history: nothing of the one before is right. */
  use(history: PastPages<P>): void {
    this.#history = history;
    this.#generation += 1;
    // Whoever was asked before may have ended without an answer.
    this.#asking = false;
    this.#children.clear();
    this.page = null;
  }

  get moment(): number {
    return this.#wanted;
  }

  markOf(path: string): RowMark | null {
    return this.#marks.get(path) ?? null;
  }

  show(moment: number): Promise<void> {
    this.#wanted = moment;
    return this.#refresh();
  }

  async select(path: string): Promise<void> {
    this.selectedPath = path;
    await this.#refresh();
  }

  async toggle(path: string): Promise<void> {
    if (this.#expanded.delete(path)) return;
    this.#expanded.add(path);
    await this.#refresh();
  }

  /** Opens what lies above a path, and chooses it. */
  async reveal(path: string): Promise<void> {
    this.#open(path);
    await this.select(path);
  }

  #open(path: string): void {
    for (let above = path; above !== '/';) {
      above = parentPath(above);
      this.#expanded.add(above);
    }
  }

  /** One question at a time, and of many wishes meanwhile the last: whoever drags a slider waits for no moment between. */
  async #refresh(): Promise<void> {
    this.#again = true;
    if (this.#asking) return;
    this.#asking = true;
    const generation = this.#generation;
    try {
      while (this.#again && generation === this.#generation) {
        this.#again = false;
        await this.#askOnce(generation);
      }
    } catch (error) {
      if (generation === this.#generation) this.#failed(error);
    } finally {
      if (generation === this.#generation) this.#asking = false;
    }
  }

  async #askOnce(generation: number): Promise<void> {
    const history = this.#history;
    if (history === null) return;
    const moment = this.#wanted;
    const open = [...this.#expanded];
    const page = await history.page({
      moment,
      since: this.page?.moment ?? 0,
      known: open.filter((path) => this.#children.has(path)),
      unknown: open.filter((path) => !this.#children.has(path)),
      selected: this.selectedPath,
    });
    if (generation !== this.#generation) return;
    const isStep = this.page?.moment !== page.moment;
    this.#take(page);
    if (isStep && this.followsChanges) this.#lookAtChanges(page);
  }

  #take(page: P): void {
    // What is closed is not told of any more, so it is asked for anew once it is opened again.
    for (const path of [...this.#children.keys()]) {
      if (!page.children.some(([told]) => told === path)) this.#children.delete(path);
    }
    for (const [path, told] of page.children) {
      if (told === null) this.#children.delete(path);
      else this.#children.set(path, namesAfter(this.#children.get(path) ?? [], told));
    }
    this.page = page;
  }

  #lookAtChanges({ marks }: MomentPage): void {
    const [first] = marks;
    if (first === undefined) return;
    for (const { path } of marks.slice(0, MAX_REVEALED_COUNT)) this.#open(path);
    this.selectedPath = first.path;
    this.#again = true;
  }
}
