/** A part of what a seed's plan has, so that a shrunk run is told, and played again, in one line. Pure. */

import type { RunPlan } from './runPlan.ts';

export interface Reduction {
  /** The numbers of the faults that are left, the plan's first being 1. */
  readonly faults: readonly number[];
  readonly clientCount: number;
  /** All clocks run as fast as time. */
  readonly evenClocks: boolean;
  readonly stormMs: number;
}

/** Nothing left out. */
export function wholeOf(plan: RunPlan): Reduction {
  return {
    faults: plan.faults.map((_, index) => index + 1),
    clientCount: plan.clientCount,
    evenClocks: false,
    stormMs: plan.stormMs,
  };
}

export function reducedPlan(plan: RunPlan, reduction: Reduction): RunPlan {
  const { faults, clientCount, evenClocks, stormMs } = reduction;
  return {
    ...plan,
    faults: plan.faults.filter((_, index) => faults.includes(index + 1)),
    clientCount,
    clockRates: evenClocks ? plan.clockRates.map(() => 1) : plan.clockRates,
    stormMs,
  };
}

/** What `npm run sim -- --replay SEED` has to be given besides to play just that. */
export function reductionOptions(plan: RunPlan, reduction: Reduction): string {
  const whole = wholeOf(plan);
  const { faults, clientCount, evenClocks, stormMs } = reduction;
  return [
    ...(faults.length === whole.faults.length ? [] : [`--faults ${faults.join() || 'none'}`]),
    ...(clientCount === whole.clientCount ? [] : [`--clients ${clientCount}`]),
    ...(evenClocks ? ['--even-clocks'] : []),
    ...(stormMs === whole.stormMs ? [] : [`--storm ${stormMs}`]),
  ].join(' ');
}

/** What is left of the plan, in words. */
export function reductionText(plan: RunPlan, reduction: Reduction): string {
  const { faults, clientCount, evenClocks, stormMs } = reduction;
  return [
    faults.length === 0 ? 'no fault' : `${faults.length} of ${plan.faults.length} faults`,
    `${clientCount} of ${plan.clientCount} clients`,
    `a storm of ${stormMs.toFixed(0)} ms`,
    ...(evenClocks ? ['even clocks'] : []),
  ].join(', ');
}
