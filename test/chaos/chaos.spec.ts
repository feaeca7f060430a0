/**
 * Real tabs in a storm: for some time tabs are opened, closed, crashed, frozen and cut off by a seed's schedule while
 * three clients write, and then what the clients were told is judged. Half a minute with one seed in `npm test`;
 * `npm run chaos` makes it longer, and draws another.
 */

import { chromium, expect } from '@playwright/test';
import { newLink } from '../../src/playwright/tabs.ts';
import type { VoterCount } from '../../src/room/roomLink.ts';
import { diagnose } from '../browser/harness/diagnosis.ts';
import { test } from '../browser/harness/servers.ts';
import { switchedServer } from '../browser/harness/switchedServer.ts';
import { type ChaosRun, report, story, summary, type Timing } from './account.ts';
import { ChaosTabs } from './chaosTabs.ts';
import { until } from './until.ts';
import { compare, readRegisters, recover } from './ending.ts';
import { History } from './history.ts';
import { describeFault, drawSchedule } from './schedule.ts';
import { Strikes } from './strikes.ts';
import { Witness } from './witness.ts';
import { FOLDERS, ROOT, Writers } from './writers.ts';

const CLIENT_COUNT = 3;
/** The storm of `npm test`: faults of nine kinds, and the browser is killed in the midst of them. */
const SHORT_MS = 27_000;
const SHORT_SEED = 232;
/** Opening, healing and judging, however long the storm is and however slow the machine. */
const AROUND_MS = 1_200_000;
/** Clients can write if a write was acknowledged no longer ago. */
const SERVED_MS = 500;
/** In the time of a quick machine, as the next. */
const OPENING_WITHIN_MS = 60_000;
const ENDING_WITHIN_MS = 200_000;

const given = (name: string): number | null => {
  const text = process.env[name];
  return text === undefined ? null : Number(text);
};
const stormMs = (given('CHAOS_MINUTES') ?? SHORT_MS / 60_000) * 60_000;
const voterCount: VoterCount = given('CHAOS_SERVERS') === 5 ? 5 : 3;
const seed = given('CHAOS_SEED') ?? SHORT_SEED;
const appFolder = process.env['CHAOS_APP'] ?? 'dist/app';

test.describe.configure({ timeout: stormMs + AROUND_MS });

test(`a storm of faults, seed ${seed}, ${voterCount} servers`, async ({
  launchOptions,
}, testInfo) => {
  const problems: string[] = [];
  const roomServer = await switchedServer(appFolder);
  const tabs = await ChaosTabs.launch({
    executable: launchOptions.executablePath ?? chromium.executablePath(),
    args: launchOptions.args ?? [],
    url: roomServer.url + newLink(voterCount),
    problem: (text) => problems.push(text),
  });
  const beganMs = performance.now();
  const nowMs = (): number => performance.now() - beganMs;
  const history = new History();
  const strikes = new Strikes(
    tabs,
    roomServer,
    voterCount,
    nowMs,
    () => nowMs() - history.lastAcknowledgedMs < SERVED_MS,
  );
  const witness = new Witness(tabs, voterCount, nowMs);
  const schedule = drawSchedule(seed, stormMs);
  const writers = new Writers(tabs, history, nowMs);
  const run: ChaosRun = {
    seed,
    history,
    strikes,
    witness,
    schedule: schedule.map(describeFault),
  };
  let timing: Timing | null = null;
  const storm = async (): Promise<void> => {
    await openAll(tabs);
    const startMs = nowMs();
    witness.start();
    writers.start(CLIENT_COUNT, seed);
    const isLost = (): boolean => problems.length + history.violations.length > 0;
    await strikes.run(schedule, startMs + stormMs, isLost);
    const { quorumMs, allMs } = await recover(tabs, voterCount);
    await writers.stop();
    const spent = { fromMs: startMs, toMs: nowMs() };
    await readRegisters(tabs, history, nowMs);
    problems.push(...(await compare(tabs, history)));
    timing = { storm: spent, quorumMs, allMs, answersMs: tabs.pulse.answersMs };
  };
  let isOver = false;
  const limitMs = stormMs + ENDING_WITHIN_MS;
  const tooLate = async (): Promise<void> => {
    await until('the end', Infinity, () => isOver || tabs.pulse.nowMs > limitMs);
    if (!isOver) throw new Error(`all was not over after ${limitMs} ms`);
  };
  try {
    await Promise.race([storm(), tooLate()]);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  isOver = true;
  await writers.stop();
  history.judge();
  problems.push(...history.violations);
  console.log(
    `seed ${seed}: ${timing === null ? 'it did not come to its end' : summary(run, timing)}`,
  );
  await testInfo.attach('what was done and seen', {
    body: story(run),
    contentType: 'text/plain',
  });
  if (problems.length > 0) {
    testInfo.status = 'failed';
    await report(testInfo, run, problems);
    await diagnose(
      tabs.all.map(({ page }) => page),
      testInfo,
    );
  }
  witness.stop();
  await tabs.end();
  await roomServer.stop();
  expect(problems.slice(0, 5), `seed ${seed}: npm run chaos -- --seed ${seed}`).toEqual([]);
});

async function openAll(tabs: ChaosTabs): Promise<void> {
  for (let count = 0; count < voterCount; count++) await tabs.open();
  for (const tab of tabs.all) {
    const serves = (): Promise<boolean> =>
      tab.ask(() => globalThis.tabkeeper?.status().serving === true, null);
    await until('a tab serves', OPENING_WITHIN_MS, serves, tabs.pulse);
  }
  const [first] = tabs.all;
  // Where the pages are starved even a session of the beginning may expire: then its successor goes on.
  const areThere = (): Promise<boolean> | boolean =>
    first === undefined ? false : first.ask(makeNodes, [ROOT, ...FOLDERS]);
  await until('the folders are there', OPENING_WITHIN_MS, areThere, tabs.pulse);
}

/** Runs in the page. True when all are there. */
async function makeNodes(paths: readonly string[]): Promise<boolean> {
  const client = globalThis.tabkeeper?.client;
  if (client === undefined) return false;
  for (const path of paths) {
    if ((await client.exists(path)) === null) await client.create(path);
  }
  return true;
}
