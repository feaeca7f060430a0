/** How one node's bytes differ from another's, line by line: as JSON, as text, or as hex. Pure. */

import { hexOf, textOf } from '../tree/contentViews.ts';

export interface DiffLine {
  readonly mark: 'same' | 'added' | 'removed';
  readonly text: string;
}

export interface DataDiff {
  /** As what the bytes are shown. */
  readonly as: 'text' | 'json' | 'hex';
  readonly lines: readonly DiffLine[];
  /** Lines that are the same and left out, beside `lines`. */
  readonly hiddenCount: number;
  /** Only so many bytes of each side are compared; null: all are. */
  readonly comparedBytes: number | null;
}

/** So many lines on each side are compared one by one; of more the middle is shown as replaced. */
const MAX_COMPARED_LINES = 400;
/** Lines that are the same, kept around those that are not. */
const CONTEXT_LINES = 3;
const MAX_SHOWN_BYTES = 64 * 1024;

const NO_BYTES = new Uint8Array(0);

/** Null stands for no data, or no node. */
export function dataDiff(before: Uint8Array | null, after: Uint8Array | null): DataDiff {
  const left = (before ?? NO_BYTES).subarray(0, MAX_SHOWN_BYTES);
  const right = (after ?? NO_BYTES).subarray(0, MAX_SHOWN_BYTES);
  const as = kindOf(left, right);
  const lines = diffLines(linesOf(left, as), linesOf(right, as));
  const shown = withoutTheSame(lines);
  const isCut = Math.max(before?.length ?? 0, after?.length ?? 0) > MAX_SHOWN_BYTES;
  return {
    as,
    lines: shown,
    hiddenCount: lines.length - shown.length,
    comparedBytes: isCut ? MAX_SHOWN_BYTES : null,
  };
}

/** Whether two nodes' bytes are the same from `offset` on. */
export function isSameBehind({ before, after }: Sides, offset: number): boolean {
  const left = (before?.data ?? NO_BYTES).subarray(offset);
  const right = (after?.data ?? NO_BYTES).subarray(offset);
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

interface Sides {
  readonly before: { readonly data: Uint8Array | null } | null;
  readonly after: { readonly data: Uint8Array | null } | null;
}

function kindOf(left: Uint8Array, right: Uint8Array): DataDiff['as'] {
  const texts = [textOf(left), textOf(right)];
  if (texts.includes(null)) return 'hex';
  const isJson = texts.some((text) => prettyJson(text ?? '') !== null);
  const allRead = texts.every((text) => text === '' || prettyJson(text ?? '') !== null);
  return isJson && allRead ? 'json' : 'text';
}

function linesOf(data: Uint8Array, as: DataDiff['as']): readonly string[] {
  if (data.length === 0) return [];
  if (as === 'hex') return hexOf(data).split('\n');
  const text = textOf(data) ?? '';
  return (as === 'json' ? (prettyJson(text) ?? text) : text).split('\n');
}

/**
 * Without the commas at the ends of lines: they would make a line another one for the next one's sake. Null for what is no
 * JSON object or list: a number or a word is as well shown as text.
 */
function prettyJson(text: string): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2).replace(/,$/gm, '');
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The longest common part stays; what is only on the left goes, what is only on the right comes. */
function diffLines(left: readonly string[], right: readonly string[]): readonly DiffLine[] {
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head++;
  let tail = 0;
  while (
    tail < left.length - head &&
    tail < right.length - head &&
    left[left.length - 1 - tail] === right[right.length - 1 - tail]
  )
    tail++;
  const same = (lines: readonly string[]): DiffLine[] => marked('same', lines);
  return [
    ...same(left.slice(0, head)),
    ...diffMiddle(left.slice(head, left.length - tail), right.slice(head, right.length - tail)),
    ...same(left.slice(left.length - tail)),
  ];
}

const marked = (mark: DiffLine['mark'], lines: readonly string[]): DiffLine[] =>
  lines.map((text) => ({ mark, text }));

function diffMiddle(left: readonly string[], right: readonly string[]): readonly DiffLine[] {
  if (Math.max(left.length, right.length) > MAX_COMPARED_LINES) {
    return [...marked('removed', left), ...marked('added', right)];
  }
  const common = commonLengths(left, right);
  const width = right.length + 1;
  const lines: DiffLine[] = [];
  let at = 0;
  let to = 0;
  while (at < left.length || to < right.length) {
    const text = left[at];
    const other = right[to];
    if (text !== undefined && text === other) {
      lines.push({ mark: 'same', text });
      at++;
      to++;
    } else if (
      text !== undefined &&
      (other === undefined ||
        (common[(at + 1) * width + to] ?? 0) >= (common[at * width + to + 1] ?? 0))
    ) {
      lines.push({ mark: 'removed', text });
      at++;
    } else {
      lines.push({ mark: 'added', text: other ?? '' });
      to++;
    }
  }
  return lines;
}

/** At `at * (right.length + 1) + to`: the length of the longest common part of what is left from there. */
function commonLengths(left: readonly string[], right: readonly string[]): Uint16Array {
  const width = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * width);
  for (let at = left.length - 1; at >= 0; at--) {
    for (let to = right.length - 1; to >= 0; to--) {
      const next = (at + 1) * width + to;
      lengths[at * width + to] =
        left[at] === right[to]
          ? (lengths[next + 1] ?? 0) + 1
          : Math.max(lengths[next] ?? 0, lengths[at * width + to + 1] ?? 0);
    }
  }
  return lengths;
}

function withoutTheSame(lines: readonly DiffLine[]): readonly DiffLine[] {
  const near = new Set<number>();
  for (const [index, { mark }] of lines.entries()) {
    if (mark === 'same') continue;
    for (let at = index - CONTEXT_LINES; at <= index + CONTEXT_LINES; at++) near.add(at);
  }
  return lines.filter((_, index) => near.has(index));
}
