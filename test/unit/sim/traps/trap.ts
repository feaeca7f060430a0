/** Faults that ZooKeeper has had, or could have, each played until it would show. */

import { assert, test } from 'vitest';
import { MUTANTS } from '../../../../src/sim/run/mutants.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** By name, the mutants under which this test has to fail. */
    mutants?: readonly string[];
  }
}

/**
 * A test that fails if what mends the fault is taken out. `mutants` names the lines to break, which stand with their files
 * in `src/sim/run/mutants.ts`; `npm run sim:mutants` breaks each of them and sees this test fail.
 */
export function trap(
  title: string,
  mutants: readonly string[],
  play: () => Promise<void> | void,
): void {
  test(title, async ({ task }) => {
    task.meta.mutants = mutants;
    for (const name of mutants) {
      assert(
        MUTANTS.some((mutant) => mutant.name === name),
        `there is a mutant "${name}"`,
      );
    }
    await play();
  });
}
