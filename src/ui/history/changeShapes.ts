/** How a change of a node is marked: by a shape and a word, never by colour alone. */

import type { ChangeKind } from '../../inspector/nodeChange.ts';

export const CHANGE_SHAPES: Readonly<
  Record<ChangeKind, { readonly shape: string; readonly word: string }>
> = {
  created: { shape: '+', word: 'created' },
  deleted: { shape: '−', word: 'deleted' },
  replaced: { shape: '±', word: 'made anew' },
  changed: { shape: '≠', word: 'changed' },
  children: { shape: '≠', word: 'other children' },
};
