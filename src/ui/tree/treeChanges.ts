/** What watch events said since the page last caught up. Plain: nothing is drawn from it. */

import { nameOf, parentPath } from './treeRows.ts';

export interface ChildChanges {
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
}

export interface TreeChanges {
  /** Nodes to mark as just changed. */
  readonly paths: readonly string[];
  /** Names that came and went, by parent. */
  readonly parents: ReadonlyMap<string, ChildChanges>;
  /** The selected node is to be read again. */
  readonly selected: boolean;
}

export class ChangeBatch {
  readonly #paths = new Set<string>();
  /** By path: whether it is there, as the last event said. */
  readonly #there = new Map<string, boolean>();
  #selected = false;

  path(path: string): void {
    this.#paths.add(path);
  }

  child(path: string, there: boolean): void {
    this.#there.set(path, there);
  }

  selected(): void {
    this.#selected = true;
  }

  /** All of it, and begins anew. */
  take(): TreeChanges {
    const parents = new Map<string, { added: Set<string>; removed: Set<string> }>();
    for (const [path, there] of this.#there) {
      const parent = parentPath(path);
      const changes = parents.get(parent) ?? { added: new Set(), removed: new Set() };
      (there ? changes.added : changes.removed).add(nameOf(path));
      parents.set(parent, changes);
    }
    const taken = { paths: [...this.#paths], parents, selected: this.#selected };
    this.#paths.clear();
    this.#there.clear();
    this.#selected = false;
    return taken;
  }
}

/** Sorted names with those that came and without those that went: one pass, however many there are. */
export function withChanges(
  names: readonly string[],
  { added, removed }: ChildChanges,
): readonly string[] {
  const coming = [...added].sort();
  const merged: string[] = [];
  let next = 0;
  for (const name of names) {
    for (; next < coming.length && (coming[next] ?? '') < name; next++) {
      merged.push(coming[next] ?? '');
    }
    if (coming[next] === name) next += 1;
    if (!removed.has(name)) merged.push(name);
  }
  return [...merged, ...coming.slice(next)];
}
