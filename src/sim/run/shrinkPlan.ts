/** Makes a failing plan smaller as long as it still fails in the same way: fewer faults, fewer clients, a shorter storm. */

import { type Reduction, reducedPlan, wholeOf } from './reducedPlan.ts';
import { LAST_CALM_MS, type RunPlan } from './runPlan.ts';
import { type RunReport, runPlan } from './runSeed.ts';

export interface ShrinkLimits {
  /** Runs, at most. */
  readonly triesCount: number;
  /** Asked before each run: false ends it with what has been found by then. */
  readonly mayGoOn: () => boolean;
}

export interface Shrunk {
  readonly reduction: Reduction;
  /** How the smallest plan that was found fails; as the plan itself if nothing can go. */
  readonly failure: string;
  readonly triesCount: number;
  /** A limit was reached: there may be a smaller one. */
  readonly cutShort: boolean;
}

type Failing = Pick<RunReport, 'plan' | 'failure'>;

/** `run`: plays a plan. */
export function shrinkPlan(
  failing: Failing,
  limits: ShrinkLimits,
  run: (plan: RunPlan) => Failing = runPlan,
): Shrunk {
  const shrinking = new Shrinking(failing, limits, run);
  shrinking.withoutFaults();
  shrinking.withFewerClients();
  shrinking.try({ evenClocks: true });
  shrinking.withoutFaults();
  shrinking.withShorterStorm();
  return shrinking.outcome;
}

class Shrinking {
  readonly #failing: Failing;
  readonly #limits: ShrinkLimits;
  readonly #run: (plan: RunPlan) => Failing;
  readonly #kind: string;
  #best: Reduction;
  #failure: string;
  #triesCount = 0;
  #cutShort = false;

  constructor(failing: Failing, limits: ShrinkLimits, run: (plan: RunPlan) => Failing) {
    this.#failing = failing;
    this.#limits = limits;
    this.#run = run;
    this.#failure = failing.failure ?? '';
    this.#kind = kindOf(this.#failure);
    this.#best = wholeOf(failing.plan);
  }

  get outcome(): Shrunk {
    return {
      reduction: this.#best,
      failure: this.#failure,
      triesCount: this.#triesCount,
      cutShort: this.#cutShort,
    };
  }

  /** Takes the change over if what is left still fails in the same way. */
  try(change: Partial<Reduction>): boolean {
    if (this.#triesCount >= this.#limits.triesCount || !this.#limits.mayGoOn()) {
      this.#cutShort = true;
      return false;
    }
    this.#triesCount++;
    const reduction = { ...this.#best, ...change };
    const { failure } = this.#run(reducedPlan(this.#failing.plan, reduction));
    if (failure === null || kindOf(failure) !== this.#kind) return false;
    this.#best = reduction;
    this.#failure = failure;
    return true;
  }

  /** Halves, quarters, ... of the faults are left out, down to single ones. */
  withoutFaults(): void {
    let size = Math.ceil(this.#best.faults.length / 2);
    while (size >= 1) {
      let shrunk = false;
      for (let from = 0; from < this.#best.faults.length && !this.#cutShort;) {
        const { faults } = this.#best;
        const left = [...faults.slice(0, from), ...faults.slice(from + size)];
        if (this.try({ faults: left })) shrunk = true;
        else from += size;
      }
      if (this.#cutShort) return;
      if (!shrunk || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2);
    }
  }

  withFewerClients(): void {
    for (let clientCount = 1; clientCount < this.#best.clientCount; clientCount++) {
      if (this.try({ clientCount })) return;
    }
  }

  /** It ends soon after the last fault that is left. */
  withShorterStorm(): void {
    const last = this.#best.faults.at(-1);
    const lastMs = last === undefined ? 0 : (this.#failing.plan.faults[last - 1]?.atMs ?? 0);
    const stormMs = Math.ceil(lastMs + LAST_CALM_MS);
    if (stormMs < this.#best.stormMs) this.try({ stormMs });
  }
}

/** A failure without what differs from run to run: numbers, paths, times. */
function kindOf(failure: string): string {
  return (failure.split('\n')[0] ?? '').replace(
    /0x[0-9a-f]+|\/\S+|[\d.]+|"[^"]*"|\(.*\)|\[.*\]/g,
    '#',
  );
}
