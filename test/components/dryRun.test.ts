/** A look before a leap: what is done is what the look has told, and a look is worth nothing once something else is asked for. */

import { expect, test } from 'vitest';
import { DryRun } from '../../src/ui/tree/dryRun.svelte.ts';

test('does what the look has told, and nothing without one', async () => {
  const dry = new DryRun<readonly string[]>();
  const done: string[] = [];
  const carryOut = (): Promise<boolean> =>
    dry.carryOut(
      'Doing',
      (plan) => plan.length,
      (plan) => Promise.resolve(void done.push(...plan)),
    );
  expect(await carryOut()).toBe(false);
  await dry.look('Looking', () => Promise.resolve(['/a', '/b']));
  expect(dry.plan).toEqual(['/a', '/b']);
  expect(await carryOut()).toBe(true);
  expect(done).toEqual(['/a', '/b']);
});

test('a look that ends after something else was asked for tells nothing', async () => {
  const dry = new DryRun<string>();
  let found: (plan: string) => void = () => undefined;
  const looking = dry.look('Looking', () => new Promise((resolve) => (found = resolve)));
  dry.asksAnew();
  found('what nobody wants any more');
  await looking;
  expect(dry.plan).toBeNull();
  expect(dry.problem).toBeNull();
});

test('what went wrong is told in words, and leaves no plan', async () => {
  const dry = new DryRun<string>();
  await dry.look('Looking', () => Promise.reject(new Error('the file is gone')));
  expect(dry.plan).toBeNull();
  expect(dry.problem).toBe('the file is gone');
  await dry.look('Looking', () => Promise.resolve('a plan'));
  expect(dry.problem).toBeNull();
  const done = await dry.carryOut(
    'Doing',
    () => 1,
    () => Promise.reject(new Error('no quorum')),
  );
  expect(done).toBe(false);
  expect(dry.problem).toBe('no quorum');
});
