/**
 * `npm run bench:tabs -- [runs]`: how fast real tabs are on this machine. Prints figures and judges none of them: look
 * at the load average beside them before you believe them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensureBuilt } from '../scripts/build.mjs';
import { ensureDependencies } from '../scripts/dependencies.mjs';
import { flushOneByOne, keepWriting, writeMany, writeOneByOne } from './inPage.mjs';
import {
  countFromCommandLine,
  newLink,
  openBrowser,
  openTabs,
  PATIENCE_MS,
  splitByLeader,
  startServer,
} from './rooms.mjs';
import { printTable, quantile, spread } from './table.mjs';
import { writeStages } from './writeStages.mjs';

const RUN_COUNT = 5;
const WRITE_COUNT = 500;
const FLUSH_COUNT = 100;
const OUTSTANDING = 100;
const MANY_FOR_MS = 3_000;

process.chdir(join(import.meta.dirname, '..'));
const runCount = countFromCommandLine(RUN_COUNT, 'npm run bench:tabs -- <runs>');
ensureDependencies();
ensureBuilt();

async function openRoom(context, url) {
  const openedMs = Date.now();
  const pages = await openTabs(context, url);
  const times = await Promise.all(pages.map((page) => page.evaluate(() => globalThis.benchTimes)));
  const loaded = Math.max(...times.map((each) => each.loaded));
  const serving = times.map((each) => each.serving).sort((a, b) => a - b);
  return {
    pages,
    loadMs: loaded - openedMs,
    seatedMs: Math.max(...times.map((each) => each.seated)) - loaded,
    quorumMs: serving[1] - loaded,
    allMs: serving[2] - loaded,
    allFromOpenMs: serving[2] - openedMs,
  };
}

async function closeLeader(leader, survivor) {
  await survivor.evaluate(keepWriting);
  await survivor.waitForFunction(() => globalThis.benchWrites.length > 20);
  await leader.close({ runBeforeUnload: true });
  const found = await survivor.waitForFunction(
    () => {
      const closed = Number(localStorage.getItem('bench/closed'));
      const first = globalThis.benchWrites.find(({ began }) => closed > 0 && began > closed);
      return first && { failOverMs: first.ended - closed };
    },
    null,
    { timeout: PATIENCE_MS, polling: 50 },
  );
  return (await found.jsonValue()).failOverMs;
}

async function run(context, appUrl) {
  const loadBefore = loadavg()[0];
  const { pages, ...opening } = await openRoom(context, appUrl + newLink());
  const { leader, followers } = await splitByLeader(pages);
  await leader.evaluate(() => localStorage.removeItem('bench/closed'));
  await leader.evaluate(() => globalThis.tabkeeper.client.create('/bench', 'warm'));
  const [follower] = followers;
  await follower.evaluate(writeOneByOne, WRITE_COUNT / 5);
  const figures = {
    load: loadBefore,
    ...opening,
    flushMs: await follower.evaluate(flushOneByOne, FLUSH_COUNT),
    followerMs: await follower.evaluate(writeOneByOne, WRITE_COUNT),
    leaderMs: await leader.evaluate(writeOneByOne, WRITE_COUNT),
    stages: await writeStages(follower, leader),
    followerRate: await follower.evaluate(writeMany, {
      outstanding: OUTSTANDING,
      forMs: MANY_FOR_MS,
    }),
    leaderRate: await leader.evaluate(writeMany, { outstanding: OUTSTANDING, forMs: MANY_FOR_MS }),
    failOverMs: await closeLeader(leader, followers[0]),
  };
  for (const page of followers) await page.close();
  return figures;
}

/** What the page names itself, and the Worker that it always starts. */
function firstViewBytes() {
  const page = readFileSync('dist/app/index.html', 'utf8');
  const named = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, file]) => file);
  const worker = readdirSync('dist/app/assets').find((name) => /^worker-.*\.js$/.test(name));
  const files = ['index.html', ...named, `assets/${worker}`].map((file) => `dist/app/${file}`);
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
}

const server = await startServer();
const browser = await openBrowser();
const runs = [];
for (let index = 0; index < runCount; index++) {
  runs.push(await run(browser.context, server.url));
  console.log(`run ${index + 1} of ${runCount} done, load average ${loadavg()[0].toFixed(1)}`);
}
const version = await browser.version();
await browser.close();
server.stop();

const of = (name) => runs.map((each) => each[name]);
const latency = (name) => {
  const p50 = runs.map((each) => quantile(each[name], 0.5));
  const p99 = runs.map((each) => quantile(each[name], 0.99));
  return `p50 ${spread(p50, 1)}, p99 ${spread(p99, 1)}`;
};
console.log(`
Three tabs, ${runCount} runs, median (least-greatest). ${cpus().length} cores, ${version}, Node ${process.version}.
IndexedDB on ${browser.disk}. Load average before each run: ${of('load')
  .map((load) => load.toFixed(1))
  .join(', ')}.
`);
printTable(
  ['what', 'measured', 'aim'],
  [
    ['three tabs opened to the last one loaded', `${spread(of('loadMs'))} ms`, ''],
    ['last tab loaded to all seated', `${spread(of('seatedMs'))} ms`, ''],
    ['last tab loaded to a quorum serving', `${spread(of('quorumMs'))} ms`, '1500 ms'],
    ['last tab loaded to all serving', `${spread(of('allMs'))} ms`, ''],
    ['three tabs opened to all serving', `${spread(of('allFromOpenMs'))} ms`, ''],
    ["leader's tab closed to the next write", `${spread(of('failOverMs'))} ms`, '500 ms'],
    ['for comparison: one flush of IndexedDB', `${latency('flushMs')} ms`, ''],
    ["a write, from a follower's tab", `${latency('followerMs')} ms`, 'p50 4 ms'],
    ["a write, from the leader's tab", `${latency('leaderMs')} ms`, ''],
    [
      `${OUTSTANDING} outstanding, from a follower's tab`,
      `${spread(of('followerRate'))} /s`,
      '5000 /s',
    ],
    [`${OUTSTANDING} outstanding, from the leader's tab`, `${spread(of('leaderRate'))} /s`, ''],
    ['first view, gzip', `${(firstViewBytes() / 1000).toFixed(1)} kB`, '150 kB'],
  ],
);

const stage = (name) => {
  const p50 = runs.map(({ stages }) => quantile(stages[name], 0.5));
  return `${spread(p50, 1)} ms`;
};
console.log("\nWhere a write from a follower's tab goes, one at a time, p50 of each part:\n");
printTable(
  ['part', 'measured'],
  [
    ['its page to its server to the leader, which proposes it', stage('toLeader')],
    ['proposed to committed: on the disks of two of three', stage('toCommit')],
    ["of that the follower's flush", stage('flush')],
    ['committed to applied by the follower', stage('toApplied')],
    ['applied to answered in the page', stage('toClient')],
  ],
);
