/** Makes a failing plan smaller as long as it still fails in the same way: fewer faults, fewer clients, a shorter storm. */

import type { RunPlan } from './runPlan.ts';
import { type RunReport, runPlan } from './runSeed.ts';

const MAX_TRIES_COUNT = 300;

/** The report of the smallest plan found; that of the plan itself if nothing can go. */
export function shrinkPlan(failing: RunReport): RunReport {
  const shrinking = new Shrinking(failing);
  shrinking.withoutFaults();
  for (let clientCount = 1; clientCount < shrinking.best.plan.clientCount; clientCount++) {
    if (shrinking.try({ ...shrinking.best.plan, clientCount })) break;
  }
  const { plan } = shrinking.best;
  shrinking.try({ ...plan, clockRates: plan.clockRates.map(() => 1) });
  shrinking.withoutFaults();
  return shrinking.best;
}

class Shrinking {
  best: RunReport;
  #triesLeft = MAX_TRIES_COUNT;
  readonly #kind: string;

  constructor(failing: RunReport) {
    this.best = failing;
    this.#kind = kindOf(failing.failure);
  }

  /** Takes the plan over if it fails in the same way. */
  try(plan: RunPlan): boolean {
    if (this.#triesLeft-- <= 0) return false;
    const report = runPlan(plan);
    if (kindOf(report.failure) !== this.#kind) return false;
    this.best = report;
    return true;
  }

  /** Halves, quarters, ... of the faults are left out, down to single ones. */
  withoutFaults(): void {
    let size = Math.ceil(this.best.plan.faults.length / 2);
    while (size >= 1) {
      let shrunk = false;
      for (let from = 0; from < this.best.plan.faults.length;) {
        const { plan } = this.best;
        const faults = [...plan.faults.slice(0, from), ...plan.faults.slice(from + size)];
        if (this.try({ ...plan, faults })) shrunk = true;
        else from += size;
      }
      if (!shrunk || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2);
    }
  }
}

/** A failure without what differs from run to run: numbers, paths, times. */
function kindOf(failure: string | null): string {
  if (failure === null) return '';
  return (failure.split('\n')[0] ?? '').replace(
    /0x[0-9a-f]+|\/\S+|[\d.]+|"[^"]*"|\(.*\)|\[.*\]/g,
    '#',
  );
}
