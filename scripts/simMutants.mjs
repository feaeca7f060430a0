/**
 * `npm run sim:mutants`: puts one mistake at a time into the protocol and shows that the simulator finds it, with the seed
 * and the number of events it took. A mutant that survives is a hole in the checks.
 *
 * It runs the scenarios of `test/unit/sim/traps/` that name the mutant, which have to fail, and then seeds.
 *
 *   npm run sim:mutants -- --only epoch --seeds 400
 *   npm run sim:mutants -- --traps
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import { ensureDependencies } from './dependencies.mjs';

const TRAPS_DIR = 'test/unit/sim/traps';
/** A mutant of a rule for even numbers, weights or observers needs some runs before it is even touched. */
const DEFAULT_SEEDS_COUNT = '400';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seeds: { type: 'string', default: DEFAULT_SEEDS_COUNT },
    first: { type: 'string', default: '1' },
    traps: { type: 'boolean', default: false },
  },
});

ensureDependencies();
const { buildSimulator, editsOf, mutation } = await import('./simBuild.mjs');
const { MUTANTS } = await import(await buildSimulator());
const matching = MUTANTS.filter(({ name, issues = [] }) =>
  [name, ...issues].some((text) => text.includes(values.only)),
);
if (matching.length === 0) {
  console.error(
    `No mutant is called "${values.only}". They are:\n${MUTANTS.map(({ name }) => name).join('\n')}`,
  );
  process.exit(2);
}

let survived = 0;
const trapped = await runTraps([]);
const named = new Map();
for (const { title, mutants } of trapped)
  for (const name of mutants) named.set(name, [...(named.get(name) ?? []), title]);

const wanted = values.traps ? matching.filter(({ name }) => named.has(name)) : matching;
for (const mutant of wanted) {
  const outdated = editsOf(mutant).find(
    ({ file, from }) => readFileSync(`src/${file}`, 'utf8').split(from).length !== 2,
  );
  if (outdated !== undefined) {
    survived++;
    console.log(
      `OUTDATED  ${mutant.name}: its line does not stand in src/${outdated.file} exactly once; mend src/sim/run/mutants.ts`,
    );
    continue;
  }
  const lines = [...(await trapLines(mutant)), ...(await seedLines(mutant))];
  const ok = lines.length > 0 && lines.every(({ found }) => found);
  if (!ok) survived++;
  const issues = mutant.issues === undefined ? '' : ` (${mutant.issues.join(', ')})`;
  console.log(`${ok ? 'found   ' : 'SURVIVED'}  ${mutant.name}${issues}`);
  for (const { text } of lines) console.log(`          ${text}`);
}
console.log(`\n${wanted.length - survived} passed, ${survived} failed`);
process.exitCode = survived === 0 ? 0 : 1;

/** Each scenario that names the mutant has to fail with it. */
async function trapLines(mutant) {
  const titles = named.get(mutant.name) ?? [];
  if (titles.length === 0) return [];
  const results = await runTraps([mutation(mutant)], titles);
  return titles.map((title) => {
    const failure = results.find((result) => result.title === title)?.failure ?? null;
    return failure === null
      ? { found: false, text: `the scenario does not notice: ${title}` }
      : { found: true, text: `scenario "${title}": ${brief(failure)}` };
  });
}

async function seedLines(mutant) {
  if (values.traps) return [];
  const { runSeed } = await import(await buildSimulator([mutation(mutant)]));
  const found = hunt(runSeed);
  return [
    found === null
      ? { found: false, text: `by none of ${values.seeds} seeds from ${values.first} on` }
      : {
          found: true,
          text: `seed ${found.seed} (run ${found.runs}), after ${found.eventCount} events: ${found.failure}`,
        },
    ...(found === null ? [] : [{ found: true, text: `again: ${replayOf(mutant, found.seed)}` }]),
  ];
}

function replayOf({ name }, seed) {
  return `npm run sim -- --mutant "${name}" --replay ${seed} --shrink`;
}

function hunt(runSeed) {
  const first = Number(values.first);
  for (let seed = first; seed < first + Number(values.seeds); seed++) {
    const { failure, eventCount } = runSeed(seed);
    if (failure !== null)
      return { seed, runs: seed - first + 1, eventCount, failure: brief(failure) };
  }
  return null;
}

/** The scenarios as the source is with these plugins: title, mutants and failure of each. */
async function runTraps(plugins, titles = null) {
  const pattern = titles?.map((title) => title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const vitest = await startVitest(
    'test',
    [TRAPS_DIR],
    {
      watch: false,
      reporters: [{}],
      ...(pattern === undefined ? {} : { testNamePattern: pattern }),
    },
    { plugins },
  );
  const results = vitest.state.getTestModules().flatMap((module) => {
    const failed = module.errors()[0]?.message;
    if (failed !== undefined && plugins.length === 0) throw new Error(failed);
    return [...module.children.allTests()].map((test) => ({
      title: test.name,
      mutants: test.meta().mutants ?? [],
      failure: test.result().errors?.[0]?.message ?? failed ?? null,
    }));
  });
  await vitest.close();
  if (plugins.length === 0) {
    const broken = results.find(({ failure }) => failure !== null);
    if (broken !== undefined)
      throw new Error(`"${broken.title}" fails without any mutant: ${broken.failure}`);
  }
  return results;
}

function brief(failure) {
  return failure.split('\n')[0].slice(0, 200);
}
