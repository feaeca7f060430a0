import { expect, test } from 'vitest';
import { failureLines } from '../../../src/sim/run/failureText.ts';
import { reducedPlan, wholeOf } from '../../../src/sim/run/reducedPlan.ts';
import { type RunPlan, drawPlan } from '../../../src/sim/run/runPlan.ts';
import { shrinkPlan } from '../../../src/sim/run/shrinkPlan.ts';

const PLAN: RunPlan = { ...drawPlan(1), clientCount: 4 };
const [NEEDED, ALSO_NEEDED] = [PLAN.faults.at(1), PLAN.faults.at(-2)];

/** Fails, each time with other numbers, as long as two faults and two clients are left. */
function needsTwo(plan: RunPlan) {
  const isThere = [NEEDED, ALSO_NEEDED].every((fault) => plan.faults.some((one) => one === fault));
  const fails = isThere && plan.clientCount >= 2;
  return { plan, failure: fails ? `broken at ${plan.faults.length} ms` : null };
}

const FAILING = needsTwo(PLAN);
const NO_LIMITS = { triesCount: Infinity, mayGoOn: () => true };

test('a schedule that fails is shrunk to the faults and clients that it takes', () => {
  const { reduction, failure, cutShort } = shrinkPlan(FAILING, NO_LIMITS, needsTwo);
  expect(reduction.faults).toEqual([2, PLAN.faults.length - 1]);
  expect(reduction.clientCount).toBe(2);
  expect(reduction.evenClocks).toBe(true);
  expect(reduction.stormMs).toBeLessThan(PLAN.stormMs);
  expect(failure).toBe('broken at 2 ms');
  expect(cutShort).toBe(false);
  expect(reducedPlan(PLAN, reduction).faults).toEqual([NEEDED, ALSO_NEEDED]);
});

test('what fails in another way is not the same failure', () => {
  const otherwise = (plan: RunPlan) => ({ plan, failure: 'something else' });
  expect(shrinkPlan(FAILING, NO_LIMITS, otherwise).reduction).toEqual(wholeOf(PLAN));
});

test('shrinking ends with its tries or its time, and keeps what it has found', () => {
  for (const count of [0, 1, 5]) {
    let left = count;
    const byTries = shrinkPlan(FAILING, { ...NO_LIMITS, triesCount: count }, needsTwo);
    const byTime = shrinkPlan(FAILING, { ...NO_LIMITS, mayGoOn: () => left-- > 0 }, needsTwo);
    expect(byTries).toEqual(byTime);
    expect(byTries).toMatchObject({ triesCount: count, cutShort: true });
    expect(needsTwo(reducedPlan(PLAN, byTries.reduction)).failure).not.toBeNull();
  }
});

test('whoever reads of it is told both runs, and what has to go wrong', () => {
  const shrunk = shrinkPlan(FAILING, NO_LIMITS, needsTwo);
  const lines = failureLines({ plan: PLAN, failure: 'broken', shrunk, options: '--steps 9' });
  expect(lines.slice(0, 5)).toEqual([
    'Seed 1 fails: broken',
    '  again: npm run sim -- --replay 1 --steps 9',
    expect.stringMatching(
      /^ {2}shrunk: to 2 of \d+ faults, 2 of 4 clients, a storm of \d+ ms, even clocks, after \d+ tries$/,
    ),
    '  which fails: broken at 2 ms',
    `  again: npm run sim -- --replay 1 --steps 9 --faults 2,${PLAN.faults.length - 1} --clients 2 --even-clocks --storm ${shrunk.reduction.stormMs}`,
  ]);
  expect(lines).toHaveLength(8);
});

test('nothing is invented where nothing can be left out', () => {
  const shrunk = shrinkPlan(FAILING, { ...NO_LIMITS, triesCount: 0 }, needsTwo);
  const lines = failureLines({ plan: PLAN, failure: 'broken', shrunk, options: '' });
  expect(lines.at(-1)).toBe('  shrunk: to nothing less, after 0 tries, cut short');
});
