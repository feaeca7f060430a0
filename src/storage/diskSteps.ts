/** Several disk operations one after the other, each begun when the one before is done, up to the first that fails. */

import type { DiskResult, Done } from '../ports/disk.ts';

export type DiskStep = (done: Done<void>) => void;

const DONE: DiskResult<void> = { ok: true, value: undefined };

/** Answers with the first error, else when the last step is done; within this call if there are no steps. */
export function inSequence(steps: readonly DiskStep[], done: Done<void>): void {
  const run = (index: number): void => {
    const step = steps[index];
    if (step === undefined) return done(DONE);
    step((result) => (result.ok ? run(index + 1) : done(result)));
  };
  run(0);
}
