/** What `npm run sim` and `npm run sim:mutants` use of the simulator. */

export { Coverage } from './coverage.ts';
export { faultText } from './faultText.ts';
export { mermaidOf, replayLines } from './replayText.ts';
export { MUTANTS } from './mutants.ts';
export { runPlan, runSeed } from './runSeed.ts';
export { svgOf } from './sequenceSvg.ts';
export { shrinkPlan } from './shrinkPlan.ts';
