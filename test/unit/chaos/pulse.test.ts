/** Bounds in the time of a quick machine: longer on a slow one, and never without end. */

import { expect, test } from 'vitest';
import { paceOf } from '../../chaos/pulse.ts';

test('time goes by in full where an empty page answers at once', () => {
  expect([0, 5, 40].map(paceOf)).toEqual([1, 1, 1]);
});

test('time goes by slower on a slow machine, but never stands still', () => {
  expect([80, 160, 1_000, 60_000].map(paceOf)).toEqual([0.5, 0.25, 0.2, 0.2]);
});
