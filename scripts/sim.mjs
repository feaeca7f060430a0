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

/** How often a run that writes to a file or a pipe says how far it is. */
const LOGGED_PROGRESS_MS = 60_000;
/** A run leaves much garbage and keeps little: with more room for what is young, less of it is copied. */
const YOUNG_GENERATION_MB = 64;
/** A schedule that fails is shrunk within these limits, and no more of them than that in one series. */
const SHRINK_TRIES_COUNT = 300;
const SHRINK_LIMIT_S = 60;
const SHRUNK_SEEDS_COUNT = 3;
const HELP = `npm run sim -- [options]
  --seeds N        runs so many seeds (default 200)
  --first N        from this one on (default: a fresh one, which is printed)
  --servers A..B   ensembles of so many servers, observers included (default 1..9)
  --steps N        events after which a storm ends (default 40000)
  --jobs N         cores to use (default: all)
  --replay N       runs this seed, and tells all that happens
  --no-shrink      does not look for a smaller schedule that fails as well (it does for the first ${SHRUNK_SEEDS_COUNT}
                   seeds that fail, with at most ${SHRINK_TRIES_COUNT} tries and ${SHRINK_LIMIT_S} s each)
  --shrink         with --replay: looks for the smaller schedule first
  --faults N,N     with --replay: these faults of the seed's only (none: no fault)
  --clients N      with --replay: so many clients only
  --even-clocks    with --replay: no clock is faster than another
  --storm MS       with --replay: the storm ends then
  --no-extras      without rows of faults, slow readers and settings of all kinds
  --mutant NAME    with this known mistake put in (npm run sim:mutants lists them)
  --out DIR        where traces and diagrams go (default test-results/sim)`;

function readOptions() {
  const whole = (name, value) => {
    if (!/^\d+$/.test(value)) refuse(`--${name} wants a whole number, not "${value}".`);
    return Number(value);
  };
  const numbersOf = (value) =>
    value === 'none' ? [] : value.split(',').map((number) => whole('faults', number));
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '200' },
        first: { type: 'string' },
        servers: { type: 'string', default: '1..9' },
        steps: { type: 'string', default: '40000' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        replay: { type: 'string' },
        shrink: { type: 'boolean', default: false },
        'no-shrink': { type: 'boolean', default: false },
        faults: { type: 'string' },
        clients: { type: 'string' },
        'even-clocks': { type: 'boolean', default: false },
        storm: { type: 'string' },
        'no-extras': { type: 'boolean', default: false },
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
    shrink: values['no-shrink'] ? 'never' : values.shrink ? 'first' : 'failing',
    reduction: {
      ...(values.faults === undefined ? {} : { faults: numbersOf(values.faults) }),
      ...(values.clients === undefined ? {} : { clientCount: whole('clients', values.clients) }),
      ...(values['even-clocks'] ? { evenClocks: true } : {}),
      ...(values.storm === undefined ? {} : { stormMs: Number(values.storm) }),
    },
    mutant: values.mutant ?? null,
    out: values.out,
    plan: {
      servers: [Number(low), Number(high)],
      maxEventCount: whole('steps', values.steps),
      extras: !values['no-extras'],
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

/** Plain words in a file, and the end of them as diagrams in two more; answers the files' names. */
function writeTrace(report, suffix = '') {
  const about = options.mutant === null ? '' : `, with the mistake "${options.mutant}"`;
  mkdirSync(options.out, { recursive: true });
  const names = simulator.traceFiles(report, suffix, about).map(({ name, text }) => {
    const file = join(options.out, name);
    writeFileSync(file, text);
    return file;
  });
  return names.join(', ');
}

function replay(seed) {
  const plan = simulator.drawPlan(seed, options.plan);
  let reduction = { ...simulator.wholeOf(plan), ...options.reduction };
  if (options.shrink === 'first') {
    const failing = simulator.runPlan(simulator.reducedPlan(plan, reduction));
    if (failing.failure !== null) {
      const shrunk = simulator.shrinkPlan({ ...failing, plan }, shrinkLimits());
      console.log(failedText({ plan, failure: failing.failure, shrunk }));
      ({ reduction } = shrunk);
    }
  }
  const report = simulator.runPlan(simulator.reducedPlan(plan, reduction), { trace: true });
  console.log(simulator.replayLines(report.trace.entries).join('\n'));
  console.log('\nFaults:');
  console.log(simulator.scheduleLines(report.plan).join('\n'));
  console.log(`Written: ${writeTrace(report)}`);
  console.log(
    report.failure === null ? `Seed ${seed} breaks nothing.` : `Seed ${seed}: ${report.failure}`,
  );
  return report.failure === null ? 0 : 1;
}

function shrinkLimits() {
  const endMs = performance.now() + SHRINK_LIMIT_S * 1000;
  return { triesCount: SHRINK_TRIES_COUNT, mayGoOn: () => performance.now() < endMs };
}

function failedText({ plan, failure, shrunk }) {
  const [low, high] = options.plan.servers;
  const asRun = [
    ...(low === 1 && high === 9 ? [] : [`--servers ${low}..${high}`]),
    ...(options.plan.maxEventCount === 40_000 ? [] : [`--steps ${options.plan.maxEventCount}`]),
    ...(options.plan.extras ? [] : ['--no-extras']),
    ...(options.mutant === null ? [] : [`--mutant "${options.mutant}"`]),
  ].join(' ');
  return simulator.failureLines({ plan, failure, shrunk, options: asRun }).join('\n');
}

/** Tells of a seed that fails all there is to tell, and writes its traces. */
function tellFailed({ seed, failure }, shrunk) {
  const plan = simulator.drawPlan(seed, options.plan);
  const written = [writeTrace(simulator.runPlan(plan, { trace: true }))];
  if (shrunk !== null) {
    const smaller = simulator.reducedPlan(plan, shrunk.reduction);
    written.push(writeTrace(simulator.runPlan(smaller, { trace: true }), '-shrunk'));
  }
  console.log(`\n${failedText({ plan, failure, shrunk })}\n  written: ${written.join(', ')}`);
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
  };
  let shrinkingCount = 0;
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./simWorker.mjs', import.meta.url), {
        workerData: {
          library,
          options: options.plan,
          shrink: { triesCount: SHRINK_TRIES_COUNT, limitMs: SHRINK_LIMIT_S * 1000 },
        },
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      });
      worker.on('error', reject);
      let failed = null;
      worker.on('message', (result) => {
        if (result.kind === 'ran') note(result);
        if (result.kind === 'shrunk') tellFailed(failed, result.shrunk);
        if (result.kind === 'ran' && result.failure !== null) {
          if (options.shrink !== 'never' && shrinkingCount < SHRUNK_SEEDS_COUNT) {
            shrinkingCount++;
            failed = result;
            console.log(`\nSeed ${result.seed} fails; looking for a smaller schedule that does.`);
            return worker.postMessage({ kind: 'shrink', seed: result.seed });
          }
          tellFailed(result, null);
        }
        if (next < end) return worker.postMessage({ kind: 'run', seed: next++ });
        worker.terminate().then(resolve, reject);
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
