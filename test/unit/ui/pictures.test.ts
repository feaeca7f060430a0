/**
 * Pictures that are made of text: the marks of the messages, and the sequence of a start of three tabs that was recorded.
 * `UPDATE_PICTURES=1` writes what is drawn now into `test/pictures`, to be looked at in a browser and reviewed like code.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { recordFromJson } from '../../../src/narration/eventCodec.ts';
import { EventStore } from '../../../src/narration/eventStore.ts';
import { MESSAGE_KINDS } from '../../../src/narration/messages.ts';
import type { ProbeRecord } from '../../../src/ports/probe.ts';
import type { Palette } from '../../../src/ui/sequence/drawSequence.ts';
import { rowsAsSvg } from '../../../src/ui/sequence/exportSequence.ts';
import { filterRows } from '../../../src/ui/sequence/sequenceFilter.ts';
import { lanesOf, SequenceLayout } from '../../../src/ui/sequence/sequenceLayout.ts';
import { MARKS } from '../../../src/ui/stage/marks.ts';

const UPDATE = process.env['UPDATE_PICTURES'] === '1';
const FOLDER = new URL('../../pictures/', import.meta.url);

const WIDTH = 900;
const REM = 16;
const LINE = 28;
const GROUND = '#f6f7f9';
/** The light colours of the page. */
const PALETTE: Palette = {
  text: '#161b24',
  quiet: '#4b5668',
  line: '#d4dae3',
  accent: '#1e55c7',
  raised: '#eef1f5',
  kinds: {
    vote: '#a3202c',
    sync: '#7a2fa8',
    request: '#0a6a78',
    proposal: '#8a4b00',
    ack: '#0b6b3e',
    commit: '#1e55c7',
    ping: '#4b5668',
  },
};

/** An element a line, so that a difference can be read. */
function compare(name: string, svg: string): void {
  const file = new URL(name, FOLDER);
  const drawn = `${svg.replaceAll('><', '>\n<')}\n`;
  if (UPDATE) writeFileSync(file, drawn);
  else expect(drawn).toBe(readFileSync(file, 'utf8'));
}

function recorded(name: string): readonly ProbeRecord[] {
  const lines = readFileSync(new URL(name, FOLDER), 'utf8').trim().split('\n');
  return lines.map((line) => recordFromJson(JSON.parse(line)));
}

test('each kind of message has the mark that it had', () => {
  const marks = MESSAGE_KINDS.map((kind, index) => {
    const { word, hollow, path } = MARKS[kind];
    const color = PALETTE.kinds[kind];
    const fill = hollow ? `fill="none" stroke="${color}" stroke-width="2"` : `fill="${color}"`;
    const y = 20 + 32 * index;
    return (
      `<path d="${path(10)}" transform="translate(20 ${y})" ${fill}/>` +
      `<text x="44" y="${y + 5}" fill="${PALETTE.text}">${word}</text>`
    );
  });
  const height = 8 + 32 * marks.length;
  compare(
    'marks.svg',
    `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="${height}">` +
      `<rect width="160" height="${height}" fill="${GROUND}"/>${marks.join('')}</svg>`,
  );
});

test('the start of three tabs is drawn as it was: votes, epochs, synchronisation, the first write', () => {
  const store = new EventStore();
  for (const record of recorded('start.jsonl')) {
    store.add({ sid: record.sid, records: [record], missedCount: 0 });
  }
  const sids = store.sids.filter((sid) => sid > 0);
  const rows = filterRows(store, {
    kinds: new Set(MESSAGE_KINDS.filter((kind) => kind !== 'ping')),
    marks: true,
    sids: new Set(sids),
    session: '',
    path: '',
  });
  const layout = new SequenceLayout(rows, 'order', LINE, 1);
  const lanes = lanesOf(sids, WIDTH, 5 * REM);
  const { text, isWhole } = rowsAsSvg(
    (top, height) => ({
      rows,
      layout,
      lanes,
      width: WIDTH,
      top,
      height,
      rem: REM,
      palette: PALETTE,
      selectedId: null,
      startMs: rows[0]?.atMs ?? 0,
    }),
    0,
    GROUND,
  );
  expect(isWhole).toBe(true);
  compare('start.svg', text);
});
