/** What whoever ran a seed that fails is told: how to play it again, whole and shrunk, and what has to go wrong. Pure. */

import { faultText } from './faultText.ts';
import { reducedPlan, reductionOptions, reductionText } from './reducedPlan.ts';
import { mermaidOf, replayLines } from './replayText.ts';
import type { RunPlan } from './runPlan.ts';
import type { RunReport } from './runSeed.ts';
import { svgOf } from './sequenceSvg.ts';
import type { Shrunk } from './shrinkPlan.ts';

const DIAGRAM_STEPS_COUNT = 250;

export interface FailedSeed {
  readonly plan: RunPlan;
  readonly failure: string;
  /** Null: nobody has tried. */
  readonly shrunk: Shrunk | null;
  /** Further options of `npm run sim` with which the seed was run. */
  readonly options: string;
}

export function failureLines({ plan, failure, shrunk, options }: FailedSeed): readonly string[] {
  const again = commandOf(plan.seed, options);
  const lines = [`Seed ${plan.seed} fails: ${failure}`, `  again: ${again}`];
  if (shrunk === null) return lines;
  const { reduction, triesCount, cutShort } = shrunk;
  const tries = `after ${triesCount} tries${cutShort ? ', cut short' : ''}`;
  const fewer = reductionOptions(plan, reduction);
  if (fewer === '') return [...lines, `  shrunk: to nothing less, ${tries}`];
  return [
    ...lines,
    `  shrunk: to ${reductionText(plan, reduction)}, ${tries}`,
    `  which fails: ${shrunk.failure.split('\n')[0] ?? ''}`,
    `  again: ${commandOf(plan.seed, options, fewer)}`,
    '  what has to go wrong:',
    ...scheduleLines(reducedPlan(plan, reduction)).map((line) => `  ${line}`),
  ];
}

/** A plan's faults, one a line. */
export function scheduleLines(plan: RunPlan): readonly string[] {
  if (plan.faults.length === 0) return ['nothing: clients are enough'];
  return plan.faults.map(
    (fault) => `${fault.atMs.toFixed(3).padStart(11)} ms  ${faultText(fault)}`,
  );
}

const commandOf = (seed: number, ...options: readonly string[]): string =>
  ['npm run sim -- --replay', seed, ...options.filter((option) => option !== '')].join(' ');

export interface TraceFile {
  readonly name: string;
  readonly text: string;
}

/** A traced run in plain words, and its end as a diagram, Mermaid and SVG. `suffix`: in the names, behind the seed. */
export function traceFiles({ plan, trace }: RunReport, suffix = '', about = ''): TraceFile[] {
  const { entries } = trace;
  const name = `seed-${plan.seed}${suffix}`;
  const title = `The end of seed ${plan.seed}${suffix === '' ? '' : ', shrunk'}, last ${DIAGRAM_STEPS_COUNT} steps${about}`;
  return [
    { name: `${name}.txt`, text: `${replayLines(entries).join('\n')}\n` },
    { name: `${name}.mmd`, text: mermaidOf(entries, DIAGRAM_STEPS_COUNT) },
    { name: `${name}.svg`, text: svgOf(entries, DIAGRAM_STEPS_COUNT, title) },
  ];
}
