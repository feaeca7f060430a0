/** One core's share of `npm run sim`: runs seeds as they are handed in, and tells what came of them. */
import { parentPort, workerData } from 'node:worker_threads';

const { runSeed } = await import(workerData.library);

parentPort.on('message', (seed) => {
  const { failure, eventCount, virtualMs, checkCount, acknowledgedCount, coverage } = runSeed(
    seed,
    workerData.options,
  );
  parentPort.postMessage({
    seed,
    failure,
    eventCount,
    virtualMs,
    checkCount,
    acknowledgedCount,
    counts: [...coverage.counts],
  });
});
parentPort.postMessage({ ready: true });
