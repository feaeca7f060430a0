/**
 * `npm run bench:ui -- [rounds]`: whether what a page draws costs its server anything. A room of three tabs says about
 * 1,000 messages a second; the leader's tab is in front with all live views open, or behind another tab, in turns. That
 * other tab is empty, or it moves one square: so much any page in front costs. Prints figures and judges none of them.
 */
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuilt } from '../scripts/build.mjs';
import { ensureDependencies } from '../scripts/dependencies.mjs';
import { drawSquare, moveSquare, takePaced, watchFrames, writeAtPace } from './inPage.mjs';
import {
  countFromCommandLine,
  newLink,
  openBrowser,
  openTabs,
  PATIENCE_MS,
  splitByLeader,
  startServer,
} from './rooms.mjs';
import { ownSeconds } from './processors.mjs';
import { printTable, quantile, spread } from './table.mjs';

const ROUND_COUNT = 5;
const PART_MS = 6_000;
/** After another tab has come to the front. */
const SETTLE_MS = 1_500;
/** The ensemble stands at the top of it, as who looks at it has it; the sequence begins below. */
const WINDOW = { width: 1440, height: 900 };
const MESSAGES_PER_SECOND = 1_000;
/** Of a leader's own client: PROPOSAL, ACK and COMMIT to and from each of two followers; a follower's has REQUEST besides. */
const MESSAGES_PER_WRITE = { leader: 6, follower: 7 };
const WRITES_PER_SECOND =
  MESSAGES_PER_SECOND / (MESSAGES_PER_WRITE.leader + MESSAGES_PER_WRITE.follower);

process.chdir(join(import.meta.dirname, '..'));
const roundCount = countFromCommandLine(ROUND_COUNT, 'npm run bench:ui -- <rounds>');
ensureDependencies();
ensureBuilt();

async function openViews(page) {
  await page.bringToFront();
  await page.getByRole('button', { name: 'Sequence' }).click();
  await page.getByTestId('sequence-count').waitFor({ timeout: PATIENCE_MS });
  await page.getByRole('treeitem', { name: 'bench' }).click();
  await page.getByTestId('node-path').filter({ hasText: '/bench' }).waitFor();
  await page.evaluate(() => document.querySelector('[data-testid=stage]').scrollIntoView());
}

/** A page in which nothing is drawn but one square, which stands. */
async function openOther(context) {
  const page = await context.newPage();
  await page.setViewportSize(WINDOW);
  await page.evaluate(drawSquare);
  return page;
}

/** Seconds that all processors have had nothing to do, what this benchmark with its browser took, and all there were. */
function processorSeconds() {
  const times = cpus().map((cpu) => Object.values(cpu.times).reduce((sum, ms) => sum + ms, 0));
  const idleMs = cpus().reduce((sum, cpu) => sum + cpu.times.idle, 0);
  const all = times.reduce((sum, ms) => sum + ms, 0) / 1000;
  return { idle: idleMs / 1000, ours: ownSeconds(), all };
}

/** What the page in front draws, and how long the writes of both clients take meanwhile. */
async function measure({ leader, follower, session }, front, moves) {
  await front.bringToFront();
  // A headless Chromium goes on drawing it behind another page, and who is in front would pay for that.
  if (moves) await front.evaluate(moveSquare, true);
  await sleep(SETTLE_MS);
  for (const page of [leader, follower]) await page.evaluate(takePaced);
  const beganMs = performance.now();
  const busyBefore = await busySeconds(session);
  const processorsBefore = processorSeconds();
  const drawn = await front.evaluate(watchFrames, PART_MS);
  const processors = processorSeconds();
  if (moves) await front.evaluate(moveSquare, false);
  const ofAll = (seconds) =>
    (seconds(processors) - seconds(processorsBefore)) / (processors.all - processorsBefore.all);
  const busy = (await busySeconds(session)) - busyBefore;
  const [own, other] = await Promise.all(
    [leader, follower].map((page) => page.evaluate(takePaced)),
  );
  const seconds = (performance.now() - beganMs) / 1000;
  const messages =
    own.tookMs.length * MESSAGES_PER_WRITE.leader +
    other.tookMs.length * MESSAGES_PER_WRITE.follower;
  return {
    own: own.tookMs,
    other: other.tookMs,
    failedCount: own.failedCount + other.failedCount,
    drawn,
    busyFraction: busy / seconds,
    idleFraction: ofAll(({ idle }) => idle),
    othersFraction: ofAll(({ all, idle, ours }) => all - idle - ours),
    said: await leader.getByTestId('drawn').textContent(),
    messagesPerSecond: messages / seconds,
    load: loadavg()[0],
  };
}

/** Processor time that the page's own thread has had: its Worker, the server, has another. */
async function busySeconds(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'ThreadTime').value;
}

const server = await startServer();
const browser = await openBrowser();
const pages = await openTabs(browser.context, server.url + newLink());
const {
  leader,
  followers: [follower],
} = await splitByLeader(pages);
const session = await browser.context.newCDPSession(leader);
await session.send('Performance.enable');
const room = { leader, follower, session };
const front = {
  shown: leader,
  hidden: await openOther(browser.context),
  moving: await openOther(browser.context),
};
await leader.setViewportSize(WINDOW);
await leader.evaluate(() => globalThis.tabkeeper.client.create('/bench', 'warm'));
await openViews(leader);
const quiet = await leader.evaluate(watchFrames, PART_MS);
for (const page of [leader, follower]) await page.evaluate(writeAtPace, WRITES_PER_SECOND);

/** What a part in front was like, so that a bad one can be told from the others. */
function wordsOf({ drawn, own, othersFraction, load }) {
  const drawnCounts = drawn.said.flatMap(
    ({ words = '' }) => /^(\d+) of \d+ messages/.exec(words)?.[1] ?? [],
  );
  const messages = drawnCounts.length === 0 ? 'all' : spread(drawnCounts.map(Number));
  const shortCount = drawn.said.filter(({ words = '' }) => words.includes('busy')).length;
  return [
    `${drawn.perSecond.toFixed(1)} frames a second in front, a write ${quantile(own, 0.5)?.toFixed(1)} ms`,
    `${messages} messages drawn of a second, "busy" in ${shortCount} of ${drawn.said.length} looks`,
    `others had ${(100 * othersFraction).toFixed(0)} % of all processors, load average ${load.toFixed(1)}`,
  ].join('; ');
}

const rounds = [];
for (let index = 0; index < roundCount; index++) {
  const order = ['shown', 'hidden', 'moving'];
  if (index % 2 === 1) order.reverse();
  const round = {};
  for (const name of order) round[name] = await measure(room, front[name], name === 'moving');
  rounds.push(round);
  console.log(`round ${index + 1} of ${roundCount}: ${wordsOf(round.shown)}`);
}
const version = await browser.version();
await browser.close();
server.stop();

const of = (name, figure) => rounds.map((round) => figure(round[name]));
const parts = rounds.flatMap((round) => Object.values(round));
const failedCount = parts.reduce((sum, part) => sum + part.failedCount, 0);
const loads = parts.map(({ load }) => load);

console.log(`
Three tabs, ${roundCount} rounds of ${PART_MS / 1000} s each with the leader's tab in front, behind an empty one, and behind one that moves a
square; median (least-greatest). A window of ${WINDOW.width} x ${WINDOW.height}.
${cpus().length} cores, ${version}, Node ${process.version}. IndexedDB on ${browser.disk}.
Load average: ${spread(loads, 1)}. Writes that failed: ${failedCount}. The leader's tab has the ensemble (on the screen), the
sequence and the tree open, and says: ${rounds.at(-1).shown.said.replace(/\s+/g, ' ').trim()}
`);
const NAMES = ['shown', 'hidden', 'moving'];
const row = (label, figure, digits = 0, unit = '') => [
  label,
  ...NAMES.map((name) => `${spread(of(name, figure), digits)}${unit}`),
];
const percent = (label, fraction) => row(label, (part) => 100 * fraction(part), 0, ' %');
printTable(
  ['', "the leader's tab in front", 'behind an empty tab', 'behind a moving square'],
  [
    row('messages a second (aim: 1000)', (part) => part.messagesPerSecond),
    row('frames a second in front (aim: 60)', ({ drawn }) => drawn.perSecond, 1),
    row('a frame, p50, ms', ({ drawn }) => quantile(drawn.frames, 0.5), 1),
    row('a frame, p99, ms', ({ drawn }) => quantile(drawn.frames, 0.99), 1),
    row('tasks of more than 50 ms in front (aim: 0)', ({ drawn }) => drawn.longTasks.length),
    row('the longest of them, ms', ({ drawn }) => Math.max(0, ...drawn.longTasks)),
    percent("the leader's page busy, of one processor", ({ busyFraction }) => busyFraction),
    percent('of all processors idle', ({ idleFraction }) => idleFraction),
    percent('of all processors taken by others', ({ othersFraction }) => othersFraction),
  ],
);
console.log(
  `\nWhile nobody writes, its tab in front: ${quiet.perSecond.toFixed(1)} frames a second.`,
);

/** Rounds in which a client's writes came to an end with every page in front. */
const judged = (client) =>
  rounds.filter((round) => NAMES.every((name) => round[name][client].length > 0));
function latencyRow(label, client, q) {
  const told = judged(client);
  if (told.length === 0) return [label, 'no write came to an end'];
  const times = NAMES.map((name) => told.map((round) => quantile(round[name][client], q)));
  const [, hidden] = times;
  const ratio = (values) =>
    spread(
      values.map((value, index) => value / hidden[index]),
      2,
    );
  const cells = times.map((values) => `${spread(values, 1)} ms`);
  return [`${label}, p${q * 100}`, ...cells, ratio(times[0]), ratio(times[2])];
}
console.log('');
printTable(
  [
    'a write, begun at a steady pace',
    'in front',
    'behind an empty tab',
    'behind a moving square',
    'in front : behind (aim: 1.10)',
    'square : behind',
  ],
  [
    latencyRow("from the leader's own page", 'own', 0.5),
    latencyRow("from the leader's own page", 'own', 0.99),
    latencyRow("from a follower's page, always behind", 'other', 0.5),
    latencyRow("from a follower's page, always behind", 'other', 0.99),
  ],
);
