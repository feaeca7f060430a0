/** All that happened to one node, from its versions. Pure. */

import { zxidToString } from '../wire/ids.ts';
import { type ChangeKind, changeKind, changeText } from './nodeChange.ts';
import type { NodeState } from './nodeReport.ts';
import type { VersionStep } from './treeVersions.ts';
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

/** `steps` newest first, null for what only brought or took children; `before`: as it was when the history begins. */
export function nodeStory(
  path: string,
  steps: Iterable<VersionStep | null>,
  before: NodeState | null,
  count: number,
  taleAt: (moment: number) => TxnTale | null,
): NodeStory {
  const lines: StoryLine[] = [];
  let lineCount = 0;
  let childrenCount = 0;
  for (const step of steps) {
    if (step === null) {
      childrenCount++;
      continue;
    }
    lineCount++;
    if (lines.length < count) lines.push(...lineOf(path, step, taleAt(step.moment)));
  }
  return {
    path,
    lines,
    lineCount,
    childrenCount,
    before: before === null ? null : birthOf(before),
  };
}

function lineOf(
  path: string,
  { before, after }: VersionStep,
  tale: TxnTale | null,
): readonly StoryLine[] {
  const kind = changeKind(before, after);
  if (tale === null || kind === null) return [];
  const text = changeText(path, before, after);
  return [{ ...tale, kind, text, version: after?.stat.version ?? null }];
}

const birthOf = ({ stat }: NodeState): NodeStory['before'] => ({
  czxid: zxidToString(stat.czxid),
  ctime: stat.ctime,
  mzxid: zxidToString(stat.mzxid),
  mtime: stat.mtime,
});
