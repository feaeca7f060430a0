/** The sequence to take away: as a picture, and as the events themselves, one a line. */

import type { Row } from '../../narration/eventStore.ts';
import { recordToJson } from '../../narration/eventCodec.ts';
import { BadEvent } from '../../narration/fieldCodec.ts';
import type { ProbeRecord } from '../../ports/probe.ts';
import { drawSequence, type Sheet } from './drawSequence.ts';
import { SvgPen } from './pen.ts';

/** A picture much taller is no use to anybody, and slow to open. */
const MAX_SVG_HEIGHT = 40_000;

export function rowsAsSvg(
  sheetOf: (top: number, height: number) => Sheet,
  top: number,
  ground: string,
): { readonly text: string; readonly isWhole: boolean } {
  const all = sheetOf(0, 0);
  const isWhole = all.layout.height <= MAX_SVG_HEIGHT;
  const from = isWhole ? 0 : top;
  const height = Math.ceil(Math.min(MAX_SVG_HEIGHT, all.layout.height - from));
  const pen = new SvgPen();
  drawSequence(pen, sheetOf(from, height));
  for (const sid of all.lanes.sids) {
    pen.text(`Server ${sid}`, [all.lanes.x(sid), 0.7 * all.rem], {
      color: all.palette.text,
      size: all.rem,
      align: 'middle',
      bold: true,
      mono: false,
    });
  }
  return { text: pen.toString(all.width, height, ground), isWhole };
}

export function rowsAsJsonLines(rows: readonly Row[]): {
  readonly text: string;
  readonly count: number;
} {
  const records: ProbeRecord[] = rows.flatMap((row) =>
    row.type === 'mark'
      ? [row.record]
      : [row.sent, row.received].filter((record) => record !== null),
  );
  const lines = records.flatMap((record) => lineOf(record) ?? []);
  return { text: lines.map((line) => `${line}\n`).join(''), count: lines.length };
}

/** Null for an event that is too large to be told. */
function lineOf(record: ProbeRecord): string | null {
  try {
    return JSON.stringify(recordToJson(record));
  } catch (error) {
    if (error instanceof BadEvent) return null;
    throw error;
  }
}

export function save(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
