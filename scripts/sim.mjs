/**
 * `npm run sim`: breaks simulated ensembles, as many as you like.
 *
 *   npm run sim -- --seeds 1000 --servers 3..7 --steps 40000
 *   npm run sim -- --replay 1234
 *
 * docs/testing.md says what is checked.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { ensureDependencies } from './dependencies.mjs';

const DIAGRAM_STEPS_COUNT = 250;
/** How often a run that writes to a file or a pipe says how far it is. */
const LOGGED_PROGRESS_MS = 60_000;
/** A run leaves much garbage and keeps little: with more room for what is young, less of it is copied. */
const YOUNG_GENERATION_MB = 64;
const HELP = `npm run sim -- [options]
  --seeds N        runs so many seeds (default 200)
  --first N        from this one on (default: a fresh one, which is printed)
  --servers A..B   ensembles of so many servers, observers included (default 1..9)
  --steps N        events after which a storm ends (default 40000)
  --jobs N         cores to use (default: all but one)
  --replay N       runs this seed, and tells all that happens
  --shrink         with --replay: first leaves out every fault that is not needed
  --mutant NAME    with this known mistake put in (npm run sim:mutants lists them)
  --out DIR        where traces and diagrams go (default test-results/sim)`;

function readOptions() {
  const whole = (name, value) => {
    if (!/^\d+$/.test(value)) refuse(`--${name} wants a whole number, not "${value}".`);
    return Number(value);
  };
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '200' },
        first: { type: 'string' },
        servers: { type: 'string', default: '1..9' },
        steps: { type: 'string', default: '40000' },
        jobs: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
        replay: { type: 'string' },
        shrink: { type: 'boolean', default: false },
        mutant: { type: 'string' },
        out: { type: 'string', default: 'test-results/sim' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    refuse(error.message);
  }
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const [, low, high = low] = /^(\d+)(?:\.\.(\d+))?$/.exec(values.servers) ?? [];
  if (low === undefined || Number(low) < 1 || Number(high) > 9 || Number(low) > Number(high)) {
    refuse(`--servers wants a number or a range from 1 to 9, as 3..7, not "${values.servers}".`);
  }
  return {
    seedCount: whole('seeds', values.seeds),
    first:
      values.first === undefined
        ? 1_000_000 + Math.floor(Math.random() * 1_000_000_000)
        : whole('first', values.first),
    jobs: Math.max(1, whole('jobs', values.jobs)),
    replay: values.replay === undefined ? null : whole('replay', values.replay),
    shrink: values.shrink,
    mutant: values.mutant ?? null,
    out: values.out,
    plan: {
      servers: [Number(low), Number(high)],
      maxEventCount: whole('steps', values.steps),
    },
  };
}

function refuse(message) {
  console.error(`${message}\n\n${HELP}`);
  process.exit(2);
}

const options = readOptions();
ensureDependencies();
const { buildSimulator, mutation } = await import('./simBuild.mjs');
const library = await buildLibrary();
const simulator = await import(library);
// Not `exit`, which would cut off what a pipe has not taken yet.
process.exitCode = options.replay === null ? await runAll() : replay(options.replay);

/** The simulator as it is, or with the mistake that was asked for. */
async function buildLibrary() {
  const sound = await buildSimulator();
  if (options.mutant === null) return sound;
  const { MUTANTS } = await import(sound);
  const mutant = MUTANTS.find(({ name }) => name === options.mutant);
  if (mutant === undefined) {
    const names = MUTANTS.map(({ name }) => `  ${name}`).join('\n');
    refuse(`No mutant is called "${options.mutant}". They are:\n${names}`);
  }
  return buildSimulator([mutation(mutant)]);
}

/** Plain words in a file, and the end of them as diagrams in two more; answers words and the files' names. */
function writeTrace({ plan, trace }) {
  const { seed } = plan;
  const { entries } = trace;
  const lines = simulator.replayLines(entries);
  const file = (extension) => join(options.out, `seed-${seed}.${extension}`);
  mkdirSync(options.out, { recursive: true });
  writeFileSync(file('txt'), `${lines.join('\n')}\n`);
  writeFileSync(file('mmd'), simulator.mermaidOf(entries, DIAGRAM_STEPS_COUNT));
  const title = `The end of seed ${seed}, last ${DIAGRAM_STEPS_COUNT} steps${options.mutant === null ? '' : `, with the mistake "${options.mutant}"`}`;
  writeFileSync(file('svg'), simulator.svgOf(entries, DIAGRAM_STEPS_COUNT, title));
  const written = `${file('txt')}, ${file('mmd')}, ${file('svg')} (the last ${DIAGRAM_STEPS_COUNT} steps)`;
  return { lines, written };
}

function replay(seed) {
  let report = simulator.runSeed(seed, options.plan);
  if (report.failure !== null && options.shrink) {
    const before = report.plan.faults.length;
    report = simulator.shrinkPlan(report);
    const left = report.plan.faults.length;
    console.log(
      left === 0
        ? `It fails without any of the ${before} faults.`
        : `It fails with ${left} of the ${before} faults alone.`,
    );
  }
  report = simulator.runPlan(report.plan, { trace: true });
  const { lines, written } = writeTrace(report);
  console.log(lines.join('\n'));
  console.log(report.plan.faults.length === 0 ? '\nNo faults.' : '\nFaults:');
  for (const fault of report.plan.faults)
    console.log(`${fault.atMs.toFixed(3).padStart(11)} ms  ${simulator.faultText(fault)}`);
  console.log(`Written: ${written}`);
  console.log(
    report.failure === null ? `Seed ${seed} breaks nothing.` : `Seed ${seed}: ${report.failure}`,
  );
  return report.failure === null ? 0 : 1;
}

/** What to type to see that seed's run again. */
function replayOf(seed) {
  const { plan, mutant } = options;
  const [low, high] = plan.servers;
  return [
    `npm run sim -- --replay ${seed} --servers ${low}..${high} --steps ${plan.maxEventCount} --shrink`,
    ...(mutant === null ? [] : [`--mutant "${mutant}"`]),
  ].join(' ');
}

async function runAll() {
  const started = performance.now();
  const total = { runs: 0, events: 0, virtualMs: 0, checks: 0, acknowledged: 0 };
  const coverage = new simulator.Coverage();
  const failures = [];
  let end = options.first + options.seedCount;
  let next = options.first;
  console.log(`Seeds ${options.first} to ${end - 1}, on ${options.jobs} core(s).`);
  const seconds = () => (performance.now() - started) / 1000;
  const progress = () =>
    `${total.runs}/${options.seedCount} runs, ${failures.length} failed, ${(total.virtualMs / 3_600_000).toFixed(2)} virtual hours, ${Math.round(total.events / seconds())} events/s`;
  const onTerminal = process.stdout.isTTY === true;
  const show = onTerminal
    ? () => process.stdout.write(`\r\x1b[K${progress()}`)
    : () => console.log(progress());
  const timer = setInterval(show, onTerminal ? 500 : LOGGED_PROGRESS_MS);
  // The seeds under way are finished, and the account is given of those that were run. The second time ends it at once.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => (end = next));
  const note = (result) => {
    total.runs++;
    total.events += result.eventCount;
    total.virtualMs += result.virtualMs;
    total.checks += result.checkCount;
    total.acknowledged += result.acknowledgedCount;
    coverage.add(result.counts);
    if (result.failure === null) return;
    failures.push(result);
    const again = simulator.runSeed(result.seed, { ...options.plan, trace: true });
    const { written } = writeTrace(again);
    console.log(
      `\nSeed ${result.seed} fails: ${result.failure}\n  again: ${replayOf(result.seed)}\n  written: ${written}`,
    );
  };
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./simWorker.mjs', import.meta.url), {
        workerData: { library, options: options.plan },
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      });
      worker.on('error', reject);
      worker.on('message', (result) => {
        if (result.ready !== true) note(result);
        if (next < end) worker.postMessage(next++);
        else worker.terminate().then(resolve, reject);
      });
    });
  await Promise.all(Array.from({ length: options.jobs }, work));
  clearInterval(timer);
  if (onTerminal) process.stdout.write('\r\x1b[K');
  report(total, coverage, seconds());
  console.log(`\n${total.runs - failures.length} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

function report(total, coverage, seconds) {
  console.log('\nHow often what happened:');
  for (const [what, count] of [...coverage.counts].sort()) {
    console.log(`${String(count).padStart(10)}  ${what}`);
  }
  const holes = coverage.holes();
  console.log(
    holes.length === 0
      ? '\nNo holes.'
      : `\nNever happened (a hole, or too few seeds): ${holes.join('; ')}`,
  );
  const hours = total.virtualMs / 3_600_000;
  console.log(
    `\n${total.runs} runs, ${total.events} events, ${total.checks} checks, ${total.acknowledged} writes acknowledged in ${seconds.toFixed(1)} s: ` +
      `${Math.round(total.events / seconds)} events/s, ${(hours / (seconds / 60)).toFixed(2)} virtual hours per real minute`,
  );
}
