/**
 * `npm run chaos`: a storm of faults over real tabs, as long as you like.
 *
 *   npm run chaos -- --minutes 5 --seed 7 --servers 5
 *   npm run chaos -- --minutes 1 --seed 7 --mutant "a transaction is acknowledged before it is flushed"
 *
 * docs/testing.md says what goes wrong in it and what is checked.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ensureDependencies } from './dependencies.mjs';

const SEED_LIMIT = 1_000_000;
const HELP = `npm run chaos -- [options]
  --minutes N    how long the storm lasts (default 5; 0.5 is half a minute)
  --seed N       which schedule (default: a fresh one, which is printed)
  --servers N    3 or 5 voters (default 3)
  --mutant NAME  with this known mistake put in (npm run sim:mutants lists them): a storm that finds it fails`;

function refuse(why) {
  console.error(`${why}\n${HELP}`);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: String(randomInt(1, SEED_LIMIT)) },
        servers: { type: 'string', default: '3' },
        mutant: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return refuse(error.message);
  }
}

const { minutes, seed, servers, mutant, help } = readOptions();
if (help) {
  console.log(HELP);
  process.exit(0);
}
if (!(Number(minutes) > 0)) refuse(`--minutes wants a number above 0, not "${minutes}".`);
if (!/^\d+$/.test(seed)) refuse(`--seed wants a whole number, not "${seed}".`);
if (servers !== '3' && servers !== '5') refuse(`--servers wants 3 or 5, not "${servers}".`);

ensureDependencies();
const { ensureChromium } = await import('./chromium.mjs');
const app = mutant === undefined ? null : await buildMutant(mutant);
console.log(`A storm of ${minutes} minutes over ${servers} tabs, seed ${seed}.`);
const { status } = spawnSync('npx', ['--no-install', 'playwright', 'test', 'test/chaos'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: {
    ...process.env,
    CHROMIUM_PATH: await ensureChromium(),
    CHAOS_MINUTES: minutes,
    CHAOS_SEED: seed,
    CHAOS_SERVERS: servers,
    ...(app === null ? {} : { CHAOS_APP: app }),
  },
});
if (app !== null) rmSync(app, { recursive: true, force: true });
process.exit(status ?? 1);

/** The app with that mistake in it; answers its folder. */
async function buildMutant(name) {
  const { build } = await import('vite');
  const { buildSimulator, mutation } = await import('./simBuild.mjs');
  const { MUTANTS } = await import(await buildSimulator());
  const mistake = MUTANTS.find((one) => one.name === name);
  if (mistake === undefined) refuse(`No mutant is called "${name}".`);
  const outDir = `dist/chaos-${process.pid}`;
  const plugins = [mutation(mistake)];
  await build({ logLevel: 'warn', build: { outDir }, plugins, worker: { plugins: () => plugins } });
  return outDir;
}
