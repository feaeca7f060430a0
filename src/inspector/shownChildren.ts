/**
 * The children of nodes as a page shows them at a moment: those that are there, and those that the transaction just took.
 * A page that has those of another moment is told only what is different. Pure.
 */

import { childName, parentPath } from '../tree/paths.ts';
import type { PathId } from './knownPaths.ts';
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
      if (gone !== path && parentPath(gone) === path) names.add(childName(gone));
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
    const to = Math.max(since, moment);
    for (const { parent, id } of this.#versions.changedChildren(paths, from, to)) {
      const was = this.#isChangedShown(id, since);
      const is = this.#isChangedShown(id, moment);
      if (was === is) continue;
      const names = byParent.get(parent) ?? { added: [], removed: [] };
      (is ? names.added : names.removed).push(this.#versions.nameOf(id));
      byParent.set(parent, names);
    }
    return paths.map((path) => {
      if (!this.#isShown(path, moment)) return [path, null];
      const { added, removed } = byParent.get(path) ?? { added: [], removed: [] };
      return [path, { kind: 'changes', added, removed }];
    });
  }

  /** It was there at the moment, or just before it. */
  #isChangedShown(id: PathId, moment: number): boolean {
    return (
      this.#versions.hasChanged(moment, id) ||
      (moment > 0 && this.#versions.hasChanged(moment - 1, id))
    );
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
