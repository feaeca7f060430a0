/** What `npm run sim` and `npm run sim:mutants` use of the simulator. */

export { Coverage } from './coverage.ts';
export { failureLines, scheduleLines, traceFiles } from './failureText.ts';
export { MUTANTS } from './mutants.ts';
export { reducedPlan, wholeOf } from './reducedPlan.ts';
export { replayLines } from './replayText.ts';
export { drawPlan } from './runPlan.ts';
export { runPlan, runSeed } from './runSeed.ts';
export { shrinkPlan } from './shrinkPlan.ts';
