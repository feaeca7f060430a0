import { describe, expect, it } from 'vitest';
import type { MessageRow } from '../../../src/narration/eventStore.ts';
import { SequenceLayout } from '../../../src/ui/sequence/sequenceLayout.ts';
import { Flights } from '../../../src/ui/stage/flights.ts';

const LINE = 20;
const ROW_COUNT = 100_000;

const row = (id: number, atMs = id): MessageRow => ({
  type: 'message',
  id,
  atMs,
  kind: 'ack',
  from: 1,
  to: 2,
  key: '',
  sent: null,
  received: null,
});
const rows = Array.from({ length: ROW_COUNT }, (_, index) => row(index));

describe('the layout of a sequence', () => {
  it.each(['order', 'time'] as const)('asks only for rows on the screen: %s', (spacing) => {
    const layout = new SequenceLayout(rows, spacing, LINE, LINE);
    const top = layout.height / 2;
    const { from, to } = layout.visible(top, 600);
    expect(to - from).toBeLessThan(300);
    for (const index of [from - 1, to]) {
      const { y } = layout.ends(index);
      expect(y < top || y > top + 600).toBe(true);
    }
  });

  it('finds the row under a pointer, and none where there is none', () => {
    const layout = new SequenceLayout(rows, 'order', LINE, 1);
    expect(layout.nearest(layout.ends(777).y)).toBe(777);
    const apart = new SequenceLayout([row(1, 0), row(2, 10_000)], 'time', LINE, 1);
    expect(apart.nearest(5_000)).toBe(-1);
  });

  it('is never taller than a browser can show', () => {
    const days = new SequenceLayout([row(1, 0), row(2, 86_400_000)], 'time', LINE, 64);
    expect(days.height).toBeLessThan(8_100_000);
  });
});

describe('messages on their way', () => {
  it('are all drawn while they are few, and each for as long as it flies', () => {
    const flights = new Flights();
    expect(flights.frame([row(1), row(2)], 0, 0)).toHaveLength(2);
    expect(flights.frame([], 0, 599)).toHaveLength(2);
    expect(flights.frame([], 0, 600)).toHaveLength(0);
    expect(flights.drawn).toEqual({ shownCount: 2, allCount: 2 });
  });

  it('are thinned out evenly when they are many, and the rest is counted', () => {
    const flights = new Flights();
    const drawn = flights.frame(rows.slice(0, 400), 100, 0);
    expect(drawn).toHaveLength(40);
    expect(drawn.at(-1)?.row.id).toBeGreaterThan(350);
    expect(flights.drawn).toEqual({ shownCount: 40, allCount: 500 });
    expect(flights.frame([row(1)], 0, 10)).toHaveLength(40);
    flights.frame([], 0, 2_000);
    expect(flights.drawn).toEqual({ shownCount: 0, allCount: 0 });
  });
});
