/**
 * `npm run chaos`: a storm of faults over real tabs, as long as you like.
 *
 *   npm run chaos -- --minutes 5 --seed 7 --servers 5
 *
 * docs/testing.md says what goes wrong in it and what is checked.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ensureDependencies } from './dependencies.mjs';

const SEED_LIMIT = 1_000_000;
const HELP = `npm run chaos -- [options]
  --minutes N    how long the storm lasts (default 5; 0.5 is half a minute)
  --seed N       which schedule (default: a fresh one, which is printed)
  --servers N    3 or 5 voters (default 3)`;

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
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return refuse(error.message);
  }
}

const { minutes, seed, servers, help } = readOptions();
if (help) {
  console.log(HELP);
  process.exit(0);
}
if (!(Number(minutes) > 0)) refuse(`--minutes wants a number above 0, not "${minutes}".`);
if (!/^\d+$/.test(seed)) refuse(`--seed wants a whole number, not "${seed}".`);
if (servers !== '3' && servers !== '5') refuse(`--servers wants 3 or 5, not "${servers}".`);

ensureDependencies();
const { ensureChromium } = await import('./chromium.mjs');
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
  },
});
process.exit(status ?? 1);
