/** A tree without servers: what is open and selected, over children that are known from the start. */

import { SvelteSet } from 'svelte/reactivity';
import { type ShownTree, TreeRows } from '../../../src/ui/tree/treeRows.ts';

export class WalkedTree implements ShownTree {
  selectedPath = $state('/');
  readonly changed = new SvelteSet<string>();
  readonly #children: ReadonlyMap<string, readonly string[]>;
  readonly #expanded: SvelteSet<string>;
  readonly rows: TreeRows = $derived.by(() => new TreeRows(this.#children, this.#expanded));

  constructor(children: ReadonlyMap<string, readonly string[]>, expanded: readonly string[]) {
    this.#children = children;
    this.#expanded = new SvelteSet(expanded);
  }

  select(path: string): Promise<void> {
    this.selectedPath = path;
    return Promise.resolve();
  }

  toggle(path: string): Promise<void> {
    if (!this.#expanded.delete(path)) this.#expanded.add(path);
    return Promise.resolve();
  }
}
