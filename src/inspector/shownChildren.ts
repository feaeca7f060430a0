/**
 * The children of nodes as a page shows them at a moment: those that are there, and those that the transaction just took.
 * A page that has those of another moment is told only what is different. Pure.
 */

import { childName, parentPath, ROOT } from '../tree/paths.ts';
import type { TreeVersions } from './treeVersions.ts';

export type ShownNames =
  /** Sorted. */
  | { readonly kind: 'all'; readonly names: readonly string[] }
  | {
      readonly kind: 'changes';
      readonly added: readonly string[];
      readonly removed: readonly string[];
    };

export class ShownChildren {
  readonly #versions: TreeVersions;

  constructor(versions: TreeVersions) {
    this.#versions = versions;
  }

  /** Null: there is no such node. */
  all(path: string, moment: number): ShownNames | null {
    if (!this.#isShown(path, moment)) return null;
    const names = new Set(this.#versions.childNamesAt(moment, path));
    for (const gone of this.#gone(moment)) {
      if (parentPath(gone) === path) names.add(childName(gone));
    }
    return { kind: 'all', names: [...names].sort() };
  }

  /** How the children of `paths`, which were shown at `since`, differ at `moment`. */
  changes(
    paths: readonly string[],
    since: number,
    moment: number,
  ): readonly (readonly [string, ShownNames | null])[] {
    const byParent = new Map<string, { added: string[]; removed: string[] }>();
    // What the transaction before the earlier moment took is shown there, and no longer later.
    const from = Math.max(0, Math.min(since, moment) - 1);
    for (const path of this.#versions.changedBetween(from, Math.max(since, moment))) {
      const was = this.#isShown(path, since);
      const is = this.#isShown(path, moment);
      if (was === is || path === ROOT) continue;
      const parent = parentPath(path);
      const names = byParent.get(parent) ?? { added: [], removed: [] };
      (is ? names.added : names.removed).push(childName(path));
      byParent.set(parent, names);
    }
    return paths.map((path) => {
      if (!this.#isShown(path, moment)) return [path, null];
      const { added, removed } = byParent.get(path) ?? { added: [], removed: [] };
      return [path, { kind: 'changes', added, removed }];
    });
  }

  #isShown(path: string, moment: number): boolean {
    if (this.#versions.isThere(moment, path)) return true;
    return moment > 0 && this.#isGone(path, moment);
  }

  #gone(moment: number): readonly string[] {
    if (moment === 0) return [];
    return this.#versions.changedAfter(moment - 1).filter((path) => this.#isGone(path, moment));
  }

  #isGone(path: string, moment: number): boolean {
    return this.#versions.isThere(moment - 1, path) && !this.#versions.isThere(moment, path);
  }
}
