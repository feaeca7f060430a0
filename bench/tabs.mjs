/**
 * `npm run bench:tabs -- [runs]`: how fast real tabs are on this machine. Prints figures and judges none of them: look
 * at the load average beside them before you believe them.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensureBuilt } from '../scripts/build.mjs';
import { ensureDependencies } from '../scripts/dependencies.mjs';
import { flushOneByOne, keepWriting, noteTimes, writeMany, writeOneByOne } from './inPage.mjs';
import { printTable, quantile, spread } from './table.mjs';
import { writeStages } from './writeStages.mjs';

const RUN_COUNT = 5;
const WRITE_COUNT = 500;
const FLUSH_COUNT = 100;
const OUTSTANDING = 100;
const MANY_FOR_MS = 3_000;
const PATIENCE_MS = 30_000;
const TMPFS = 0x01021994;

process.chdir(join(import.meta.dirname, '..'));
const runCount = Number(process.argv[2] ?? RUN_COUNT);
if (!Number.isSafeInteger(runCount) || runCount < 1) {
  console.error('npm run bench:tabs -- <runs>: a whole number from 1 on.');
  process.exit(2);
}
ensureDependencies();
ensureBuilt();
const { chromium } = await import('@playwright/test');
const { ensureChromium } = await import('../scripts/chromium.mjs');

async function startServer() {
  const server = spawn(process.execPath, ['dist/node/tabkeeper.js', '--port', '0']);
  let said = '';
  for await (const chunk of server.stdout) {
    said += chunk;
    const link = /http:\S+/.exec(said);
    if (link !== null) return { url: link[0], stop: () => server.kill() };
  }
  throw new Error(`the room server ended: ${said}`);
}

const newLink = () =>
  `#room=${randomBytes(6).toString('hex')}&servers=3&key=${randomBytes(16).toString('base64url')}`;

async function openRoom(context, url) {
  const openedMs = Date.now();
  const pages = await Promise.all(
    [1, 2, 3].map(async () => {
      const page = await context.newPage();
      await page.goto(url, { waitUntil: 'commit' });
      return page;
    }),
  );
  for (const page of pages) {
    await page.waitForFunction(() => globalThis.benchTimes.serving > 0, null, {
      timeout: PATIENCE_MS,
      polling: 50,
    });
  }
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
  const leads = await Promise.all(
    pages.map((page) => page.evaluate(() => globalThis.tabkeeper.status().state === 'LEADING')),
  );
  const leader = pages[leads.indexOf(true)];
  const followers = pages.filter((page) => page !== leader);
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

function firstViewBytes() {
  const assets = readdirSync('dist/app/assets').filter((name) => /^(index|worker)-/.test(name));
  const files = ['dist/app/index.html', ...assets.map((name) => `dist/app/assets/${name}`)];
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
}

const server = await startServer();
const profile = mkdtempSync(join(tmpdir(), 'tabkeeper-bench-'));
const inMemory = process.platform === 'linux' && statfsSync(profile).type === TMPFS;
const context = await chromium.launchPersistentContext(profile, {
  executablePath: await ensureChromium(),
  // Links over 127.0.0.1 alone, which a page may use that may use the microphone: no network is measured here.
  args: ['--no-sandbox', '--allow-loopback-in-peer-connection'],
  permissions: ['microphone'],
});
await context.addInitScript(noteTimes);
const runs = [];
for (let index = 0; index < runCount; index++) {
  runs.push(await run(context, server.url));
  console.log(`run ${index + 1} of ${runCount} done, load average ${loadavg()[0].toFixed(1)}`);
}
const { version } = await context.newCDPSession(await context.newPage()).then(async (session) => {
  const { product } = await session.send('Browser.getVersion');
  return { version: product };
});
await context.close();
rmSync(profile, { recursive: true, force: true });
server.stop();

const of = (name) => runs.map((each) => each[name]);
const latency = (name) => {
  const p50 = runs.map((each) => quantile(each[name], 0.5));
  const p99 = runs.map((each) => quantile(each[name], 0.99));
  return `p50 ${spread(p50, 1)}, p99 ${spread(p99, 1)}`;
};
console.log(`
Three tabs, ${runCount} runs, median (least-greatest). ${cpus().length} cores, ${version}, Node ${process.version}.
IndexedDB on ${inMemory ? 'a file system in memory (not a disk!)' : 'disk'}: ${tmpdir()}. Load average before each run: ${of(
  'load',
)
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
