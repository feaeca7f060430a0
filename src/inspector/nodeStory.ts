/** All that happened to one node, from its versions. Pure. */

import { zxidToString } from '../wire/ids.ts';
import { type ChangeKind, changeKind, changeText } from './nodeChange.ts';
import type { NodeVersion } from './treeVersions.ts';
import type { TxnTale } from './txnSentence.ts';

/** One transaction that touched the node. */
export interface StoryLine extends TxnTale {
  readonly kind: ChangeKind;
  /** What it did to this node alone. */
  readonly text: string;
  /** The node's version afterwards; null where it is gone. */
  readonly version: number | null;
}

export interface NodeStory {
  readonly path: string;
  /** Newest first. */
  readonly lines: readonly StoryLine[];
  /** How many there are, the lines among them. */
  readonly lineCount: number;
  /** How often only its children came or went; these are no lines. */
  readonly childrenCount: number;
  /** What the history begins with knows of it; null: it was not there then. */
  readonly before: {
    readonly czxid: string;
    readonly ctime: number;
    readonly mzxid: string;
    readonly mtime: number;
  } | null;
}

interface Step {
  readonly moment: number;
  readonly kind: ChangeKind;
  readonly text: string;
  readonly version: number | null;
}

/** `versions` oldest first, as `TreeVersions` has them. */
export function nodeStory(
  path: string,
  versions: readonly NodeVersion[],
  count: number,
  taleAt: (moment: number) => TxnTale | null,
): NodeStory {
  const all = stepsOf(path, versions);
  const own = all.filter(({ kind }) => kind !== 'children');
  const lines = own
    .slice(Math.max(0, own.length - count))
    .reverse()
    .flatMap(({ moment, ...step }) => {
      const tale = taleAt(moment);
      return tale === null ? [] : [{ ...tale, ...step }];
    });
  const first = versions[0]?.state ?? null;
  return {
    path,
    lines,
    lineCount: own.length,
    childrenCount: all.length - own.length,
    before:
      first === null
        ? null
        : {
            czxid: zxidToString(first.stat.czxid),
            ctime: first.stat.ctime,
            mzxid: zxidToString(first.stat.mzxid),
            mtime: first.stat.mtime,
          },
  };
}

function stepsOf(path: string, versions: readonly NodeVersion[]): readonly Step[] {
  return versions.slice(1).flatMap(({ from, state }, index) => {
    const before = versions[index]?.state ?? null;
    const kind = changeKind(before, state);
    if (kind === null) return [];
    const text = changeText(path, before, state);
    return [{ moment: from, kind, text, version: state?.stat.version ?? null }];
  });
}
