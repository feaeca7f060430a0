/**
 * Runs a seed that has to be sound. The first one of a process that is not is shrunk, within limits; its traces go to
 * `test-results/sim/`, and the test fails with all that a person needs to see it again.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failureLines, traceFiles } from '../../../src/sim/run/failureText.ts';
import { reducedPlan } from '../../../src/sim/run/reducedPlan.ts';
import type { PlanOptions } from '../../../src/sim/run/runPlan.ts';
import { type RunReport, runPlan, runSeed } from '../../../src/sim/run/runSeed.ts';
import { type Shrunk, shrinkPlan } from '../../../src/sim/run/shrinkPlan.ts';

const TRACES_DIR = 'test-results/sim';
const SHRINK_TRIES_COUNT = 200;
/** 0: never. */
const SHRINK_LIMIT_S = Number(process.env['SIM_SHRINK_S'] ?? 30);

let isFirst = true;

export function soundSeed(seed: number, options: Partial<PlanOptions> = {}): RunReport {
  const report = runSeed(seed, options);
  if (report.failure !== null) tellFailed(report, report.failure, options.extras !== false);
  return report;
}

function tellFailed(report: RunReport, failure: string, extras: boolean): never {
  const { plan } = report;
  const shrunk = isFirst && SHRINK_LIMIT_S > 0 ? shrink(report) : null;
  isFirst = false;
  const files = traceFiles(runPlan(plan, { trace: true }));
  if (shrunk !== null) {
    const smaller = reducedPlan(plan, shrunk.reduction);
    files.push(...traceFiles(runPlan(smaller, { trace: true }), '-shrunk'));
  }
  mkdirSync(TRACES_DIR, { recursive: true });
  for (const { name, text } of files) writeFileSync(join(TRACES_DIR, name), text);
  const written = files.map(({ name }) => join(TRACES_DIR, name)).join(', ');
  const lines = failureLines({ plan, failure, shrunk, options: extras ? '' : '--no-extras' });
  throw new Error([...lines, `  written: ${written}`].join('\n'));
}

function shrink(report: RunReport): Shrunk {
  const endMs = performance.now() + SHRINK_LIMIT_S * 1000;
  return shrinkPlan(report, {
    triesCount: SHRINK_TRIES_COUNT,
    mayGoOn: () => performance.now() < endMs,
  });
}
