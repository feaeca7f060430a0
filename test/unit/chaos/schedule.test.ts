/** The schedule of a chaos run: a seed's own, within its time, with every kind of fault in it. */

import { expect, test } from 'vitest';
import { drawSchedule } from '../../chaos/schedule.ts';

const DURATION_MS = 300_000;

test('is the same for the same seed, and another for another', () => {
  expect(drawSchedule(7, DURATION_MS)).toEqual(drawSchedule(7, DURATION_MS));
  expect(drawSchedule(8, DURATION_MS)).not.toEqual(drawSchedule(7, DURATION_MS));
});

test('begins and heals every fault within its time, in order', () => {
  const schedule = drawSchedule(7, DURATION_MS);
  for (const [index, { atMs, lastsMs }] of schedule.entries()) {
    expect(atMs).toBeGreaterThan(schedule[index - 1]?.atMs ?? 0);
    expect(atMs + lastsMs).toBeLessThanOrEqual(DURATION_MS + 1);
  }
});

test('has every kind of fault in two minutes', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const kinds = new Set(drawSchedule(seed, 120_000).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([
      'close',
      'closeAll',
      'crash',
      'cutOff',
      'freeze',
      'killBrowser',
      'look',
      'noWebRtc',
      'reload',
      'serverAway',
      'stop',
      'unlink',
      'visit',
    ]);
  }
});
