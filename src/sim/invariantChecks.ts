/** The scales of {@link Invariants}: counts what is checked, and ends the run at the first check that does not hold. */

import type { Simulation } from './simWorld.ts';

/** Honest servers did what they must never do: a bug, with the seed that shows it. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

export class InvariantChecks {
  readonly #simulation: Simulation;
  #count = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** How many single checks were made: a run that checked nothing proves nothing. */
  get count(): number {
    return this.#count;
  }

  /** Throws an {@link InvariantViolation} with that description unless it holds. */
  that(holds: boolean, describe: () => string): void {
    this.#count++;
    if (holds) return;
    const { seed, time } = this.#simulation;
    throw new InvariantViolation(`seed ${seed}, ${time.nowMs.toFixed(3)} ms: ${describe()}`);
  }
}
