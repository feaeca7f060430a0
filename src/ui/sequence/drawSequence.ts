/** Draws the rows of a sequence that stand on the screen: lanes, arrows, marks and their words. */

import { flight, type MessageRow, type Row } from '../../narration/eventStore.ts';
import { type MessageKind, messageName, isMessage } from '../../narration/messages.ts';
import { narrate } from '../../narration/narrator.ts';
import type { ProbeRecord } from '../../ports/probe.ts';
import { zxidToString } from '../../wire/ids.ts';
import { MARKS } from '../stage/marks.ts';
import type { Pen } from './pen.ts';
import type { Lanes, SequenceLayout } from './sequenceLayout.ts';

export interface Palette {
  readonly text: string;
  readonly quiet: string;
  readonly line: string;
  readonly accent: string;
  readonly raised: string;
  readonly kinds: Readonly<Record<MessageKind, string>>;
}

export interface Sheet {
  readonly rows: readonly Row[];
  readonly layout: SequenceLayout;
  readonly lanes: Lanes;
  readonly width: number;
  /** What of it is drawn. */
  readonly top: number;
  readonly height: number;
  readonly rem: number;
  readonly palette: Palette;
  readonly selectedId: number | null;
  readonly startMs: number;
}

/** Words closer than this to the words above them are left out: zoom in to read them. */
const LINE_FRACTION = 0.95;

export function drawSequence(pen: Pen, sheet: Sheet): void {
  const { rows, layout, lanes, top, height, palette, rem } = sheet;
  for (const sid of lanes.sids) {
    const x = lanes.x(sid);
    pen.line([x, 0], [x, height], { color: palette.line, width: 2, dashes: [] });
  }
  const { from, to } = layout.visible(top, height);
  let lastWordsY = -Infinity;
  for (let index = from; index < to; index++) {
    const row = rows[index];
    if (row === undefined) continue;
    const ends = layout.ends(index);
    const y = ends.y - top;
    const endY = ends.endY - top;
    const words = y - lastWordsY >= rem * LINE_FRACTION;
    if (words) lastWordsY = y;
    if (row.id === sheet.selectedId) highlight(pen, sheet, y, endY);
    if (row.type === 'message') drawArrow(pen, sheet, row, y, endY, words);
    else drawMark(pen, sheet, row.sid, row.record, y, words);
    if (words) drawTime(pen, sheet, row, y);
  }
}

function highlight(pen: Pen, { width, palette, rem }: Sheet, y: number, endY: number): void {
  const middle = (y + endY) / 2;
  pen.line([0, middle], [width, middle], {
    color: palette.raised,
    width: Math.max(1.3 * rem, endY - y + rem),
    dashes: [],
  });
}

function drawTime(pen: Pen, { startMs, palette, rem }: Sheet, row: Row, y: number): void {
  pen.text(`+${(row.atMs - startMs).toFixed(1)}`, [4.6 * rem, y], {
    color: palette.quiet,
    size: 0.75 * rem,
    align: 'end',
    bold: false,
    mono: true,
  });
}

function drawArrow(
  pen: Pen,
  { lanes, palette, rem }: Sheet,
  row: MessageRow,
  y: number,
  endY: number,
  words: boolean,
): void {
  const color = palette.kinds[row.kind];
  const fromX = lanes.x(row.from);
  const toX = lanes.x(row.to);
  const known = flight(row).receivedMs !== null;
  // One whose receipt was never told ends nowhere.
  const endX = known ? toX : fromX + (toX - fromX) * 0.6;
  const dashes = row.sent === null ? [2, 4] : known ? [] : [6, 4];
  pen.line([fromX, y], [endX, endY], { color, width: 1.5, dashes });
  if (known) drawHead(pen, color, fromX, y, endX, endY, rem);
  const mark = MARKS[row.kind];
  pen.mark(mark.path(0.3 * rem), [fromX, y], color, mark.hollow);
  if (!words) return;
  const label = labelOf(row);
  const fits = label.length * CHARACTER_REM * rem < Math.abs(toX - fromX);
  pen.text(
    fits ? label : (label.split(' ', 1)[0] ?? label),
    [(fromX + endX) / 2, (y + endY) / 2 - 0.45 * rem],
    {
      color,
      size: 0.75 * rem,
      align: 'middle',
      bold: false,
      mono: false,
    },
  );
}

function drawHead(
  pen: Pen,
  color: string,
  fromX: number,
  y: number,
  endX: number,
  endY: number,
  rem: number,
): void {
  const angle = Math.atan2(endY - y, endX - fromX);
  const size = 0.55 * rem;
  const corner = (turn: number): string =>
    `${(-size * Math.cos(angle + turn)).toFixed(2)} ${(-size * Math.sin(angle + turn)).toFixed(2)}`;
  pen.mark(`M0 0L${corner(0.4)}L${corner(-0.4)}Z`, [endX, endY], color, false);
}

/** How wide a character of such words is, about. */
const CHARACTER_REM = 0.42;
/** Left of the lanes stand the times. */
const TIMES_REM = 5;
/** Words of which so few fit are left out. */
const FEWEST_CHARACTERS = 12;
const MOST_CHARACTERS = 64;

function drawMark(
  pen: Pen,
  { lanes, palette, rem, width }: Sheet,
  sid: number,
  record: ProbeRecord,
  y: number,
  words: boolean,
): void {
  const x = lanes.x(sid);
  const told = narrate(record);
  const isTurn = told?.weight === 'turn';
  const color = isTurn ? palette.accent : palette.quiet;
  pen.mark(MARKS.commit.path(isTurn ? 0.4 * rem : 0.25 * rem), [x, y], color, !isTurn);
  if (!words || told === null) return;
  const rightwards = x < width * 0.6;
  const free = rightwards ? width - x : x - TIMES_REM * rem;
  const most = Math.min(MOST_CHARACTERS, Math.floor(free / (CHARACTER_REM * rem)) - 2);
  if (most < FEWEST_CHARACTERS) return;
  const text = told.text.length > most ? `${told.text.slice(0, most - 1)}…` : told.text;
  pen.text(text, [x + (rightwards ? 0.7 : -0.7) * rem, y], {
    color: isTurn ? palette.text : palette.quiet,
    size: 0.75 * rem,
    align: rightwards ? 'start' : 'end',
    bold: isTurn,
    mono: false,
  });
}

/** `PROPOSAL 0x100000003`, `vote for 3`. */
export function labelOf(row: MessageRow): string {
  const event = (row.sent ?? row.received)?.event;
  if (event === undefined || !isMessage(event)) return row.kind;
  const name = messageName(event);
  return event.topic === 'packet' && event.zxid > 0n ? `${name} ${zxidToString(event.zxid)}` : name;
}

/** What is said of a row to who cannot see it. */
export function sayRow(row: Row): string {
  if (row.type === 'mark') return `Server ${row.sid}: ${narrate(row.record)?.text ?? ''}`;
  const { sentMs, receivedMs } = flight(row);
  const took =
    receivedMs === null
      ? 'its receipt was not told'
      : `took ${(receivedMs - sentMs).toFixed(2)} ms`;
  return `${labelOf(row)}, from server ${row.from} to ${row.to}, ${took}`;
}
