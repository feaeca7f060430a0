/** What a page of the history means for the tree that is shown. Plain: nothing is drawn from it. */

import type { ShownNames } from '../../inspector/shownChildren.ts';
import type { ChangeRow } from '../../inspector/treeHistory.ts';
import { withChanges } from '../tree/treeChanges.ts';
import type { RowMark } from '../tree/treeRows.ts';

const MARKS = {
  created: 'added',
  deleted: 'removed',
  replaced: 'renewed',
  changed: 'changed',
  children: 'changed',
} as const satisfies Record<ChangeRow['kind'], RowMark>;

/** By path. */
export const marksOf = (rows: readonly ChangeRow[]): ReadonlyMap<string, RowMark> =>
  new Map(rows.map(({ path, kind }) => [path, MARKS[kind]]));

/** The children of a node, from those that were shown. */
export function namesAfter(shown: readonly string[], told: ShownNames): readonly string[] {
  if (told.kind === 'all') return told.names;
  if (told.added.length + told.removed.length === 0) return shown;
  return withChanges(shown, { added: new Set(told.added), removed: new Set(told.removed) });
}
