/** One core's share of `npm run sim`: runs seeds as they are handed in, shrinks one on demand, and tells what came of it. */
import { parentPort, workerData } from 'node:worker_threads';

const { runSeed, shrinkPlan } = await import(workerData.library);

function run(seed) {
  const { failure, eventCount, virtualMs, checkCount, acknowledgedCount, coverage } = runSeed(
    seed,
    workerData.options,
  );
  return {
    kind: 'ran',
    seed,
    failure,
    eventCount,
    virtualMs,
    checkCount,
    acknowledgedCount,
    counts: [...coverage.counts],
  };
}

function shrink(seed) {
  const { triesCount, limitMs } = workerData.shrink;
  const endMs = performance.now() + limitMs;
  const mayGoOn = () => performance.now() < endMs;
  return {
    kind: 'shrunk',
    shrunk: shrinkPlan(runSeed(seed, workerData.options), { triesCount, mayGoOn }),
  };
}

parentPort.on('message', ({ kind, seed }) => {
  parentPort.postMessage(kind === 'run' ? run(seed) : shrink(seed));
});
parentPort.postMessage({ kind: 'ready' });
