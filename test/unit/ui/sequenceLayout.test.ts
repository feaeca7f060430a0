import { describe, expect, it } from 'vitest';
import type { MessageRow } from '../../../src/narration/eventStore.ts';
import { SequenceLayout } from '../../../src/ui/sequence/sequenceLayout.ts';
import { Flights, standsAt } from '../../../src/ui/stage/flights.ts';

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
  const SKY = { flightCount: 40, beatMs: 100, flightStepMs: 0 };

  it('are all drawn while they are few, and each for as long as it flies', () => {
    const flights = new Flights();
    expect(flights.frame([row(1), row(2)], 0, 0, SKY)).toHaveLength(2);
    expect(flights.frame([], 0, 599, SKY)).toHaveLength(2);
    // The other was sent a millisecond later.
    expect(flights.frame([], 0, 600, SKY)).toHaveLength(1);
    expect(flights.frame([], 0, 601, SKY)).toHaveLength(0);
    expect(flights.drawn).toEqual({ shownCount: 2, allCount: 2 });
  });

  it('are thinned out evenly when they are many, and the rest is counted', () => {
    const flights = new Flights();
    const beat = (number: number) => {
      const fresh = rows.slice(400 * number, 400 * (number + 1));
      return flights.frame(fresh, 100, 100 * number, SKY);
    };
    const first = beat(0);
    expect(first).toHaveLength(7);
    expect(first.at(-1)?.row.id).toBeGreaterThan(300);
    expect(flights.drawn).toEqual({ shownCount: 7, allCount: 500 });
    for (let number = 1; number < 6; number++) beat(number);
    expect(beat(6).length).toBeLessThanOrEqual(40);
    expect(flights.drawn.allCount).toBe(3_500);
    flights.frame([], 0, 2_000, SKY);
    expect(flights.drawn).toEqual({ shownCount: 0, allCount: 0 });
  });

  it('are no more at once than are allowed, however many were', () => {
    const flights = new Flights();
    flights.frame(rows.slice(0, 40), 0, 0, SKY);
    const fewer = { flightCount: 5, beatMs: 250, flightStepMs: 100 };
    expect(flights.frame([row(90)], 0, 100, fewer)).toHaveLength(40);
    expect(flights.frame(rows.slice(100, 200), 0, 900, fewer)).toHaveLength(3);
    expect(flights.drawn).toEqual({ shownCount: 43, allCount: 141 });
  });

  it('set out one after another, as they were sent, and none later than the next come', () => {
    const flights = new Flights();
    const drawn = flights.frame([row(1, 50), row(2, 20), row(3, 900)], 0, 1_000, SKY);
    expect(drawn.map(({ startMs }) => startMs)).toEqual([1_030, 1_000, 1_100]);
  });

  it('stand at a few places one after another where they move only with all else', () => {
    const flights = new Flights();
    const beats = { flightCount: 5, beatMs: 200, flightStepMs: 200 };
    const placesAt = (nowMs: number, sent = [row(1)].slice(1)) =>
      flights.frame(sent, 0, nowMs, beats).map((flight) => standsAt(flight, nowMs));
    // Beats come a little late.
    const places = [placesAt(0, [row(1)]), placesAt(210), placesAt(417)].flat();
    expect(places).toHaveLength(3);
    expect(places).toEqual([...places].sort());
    expect(places[0]).toBeGreaterThan(0);
    expect(places[2]).toBeLessThan(1);
    expect(placesAt(630)).toEqual([]);
  });

  it('that move by themselves stand nowhere', () => {
    const [flight] = new Flights().frame([row(1)], 0, 0, SKY);
    expect(flight && standsAt(flight, 100)).toBeNull();
  });
});
