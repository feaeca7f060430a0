/**
 * `npm run bench:ui -- [rounds]`: whether what a page draws costs its server anything. A room of three tabs says about
 * 1,000 messages a second; the leader's tab is in front with all live views open, or behind another tab, in turns. Prints
 * figures and judges none of them.
 */
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuilt } from '../scripts/build.mjs';
import { ensureDependencies } from '../scripts/dependencies.mjs';
import { takePaced, watchFrames, writeAtPace } from './inPage.mjs';
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

const ROUND_COUNT = 5;
const PART_MS = 6_000;
/** After another tab has come to the front. */
const SETTLE_MS = 1_500;
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
}

/** What the leader's page draws, and how long the writes of both clients take, while `front` is the page in front. */
async function measure({ leader, follower, session }, front) {
  await front.bringToFront();
  await sleep(SETTLE_MS);
  for (const page of [leader, follower]) await page.evaluate(takePaced);
  const beganMs = performance.now();
  const busyBefore = await busySeconds(session);
  const drawn = await leader.evaluate(watchFrames, PART_MS);
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
const front = { shown: leader, hidden: await browser.context.newPage() };
await leader.evaluate(() => globalThis.tabkeeper.client.create('/bench', 'warm'));
await openViews(leader);
const quiet = await leader.evaluate(watchFrames, PART_MS);
for (const page of [leader, follower]) await page.evaluate(writeAtPace, WRITES_PER_SECOND);

const rounds = [];
for (let index = 0; index < roundCount; index++) {
  const order = index % 2 === 0 ? ['shown', 'hidden'] : ['hidden', 'shown'];
  const round = {};
  for (const name of order) round[name] = await measure(room, front[name]);
  rounds.push(round);
  console.log(`round ${index + 1} of ${roundCount} done, load average ${loadavg()[0].toFixed(1)}`);
}
const version = await browser.version();
await browser.close();
server.stop();

const of = (name, figure) => rounds.map((round) => figure(round[name]));
const failedCount = rounds.reduce(
  (sum, { shown, hidden }) => sum + shown.failedCount + hidden.failedCount,
  0,
);
const loads = rounds.flatMap(({ shown, hidden }) => [shown.load, hidden.load]);

console.log(`
Three tabs, ${roundCount} rounds of ${PART_MS / 1000} s in front and ${PART_MS / 1000} s behind, median (least-greatest).
${cpus().length} cores, ${version}, Node ${process.version}. IndexedDB on ${browser.disk}.
Load average: ${spread(loads, 1)}. Writes that failed: ${failedCount}. In front the leader's tab has the ensemble, the sequence and the tree open.
`);
const percent = (name) => `${spread(of(name, ({ busyFraction }) => 100 * busyFraction))} %`;
const frameTime = (q) =>
  spread(
    of('shown', ({ drawn }) => quantile(drawn.frames, q)),
    1,
  );
printTable(
  ['what the tab in front draws', 'measured', 'aim'],
  [
    ['messages a second', spread(of('shown', (each) => each.messagesPerSecond)), '1000'],
    [
      'frames a second',
      spread(
        of('shown', ({ drawn }) => drawn.perSecond),
        1,
      ),
      '60',
    ],
    ['a frame, p50', `${frameTime(0.5)} ms`, ''],
    ['a frame, p99', `${frameTime(0.99)} ms`, ''],
    ['tasks of more than 50 ms', spread(of('shown', ({ drawn }) => drawn.longTasks.length)), '0'],
    [
      'the longest of them',
      `${spread(of('shown', ({ drawn }) => Math.max(0, ...drawn.longTasks)))} ms`,
      '',
    ],
    ["the page's thread busy, of its processor", percent('shown'), ''],
    ['the same of the tab behind', percent('hidden'), ''],
    ['for comparison: frames a second while nobody writes', quiet.perSecond.toFixed(1), ''],
    [
      'the same of the tab behind',
      spread(
        of('hidden', ({ drawn }) => drawn.perSecond),
        1,
      ),
      '',
    ],
  ],
);

/** Rounds in which a client's writes came to an end both in front and behind. */
const judged = (client) =>
  rounds.filter(({ shown, hidden }) => shown[client].length > 0 && hidden[client].length > 0);
function latencyRow(label, client, q) {
  const told = judged(client);
  if (told.length === 0) return [label, 'no write came to an end', '', '', ''];
  const shown = told.map((round) => quantile(round.shown[client], q));
  const hidden = told.map((round) => quantile(round.hidden[client], q));
  const ratios = shown.map((value, index) => value / hidden[index]);
  const cells = [`${spread(shown, 1)} ms`, `${spread(hidden, 1)} ms`, spread(ratios, 2), '1.10'];
  return [`${label}, p${q * 100}`, ...cells];
}
console.log('');
printTable(
  ['a write, begun at a steady pace', 'in front', 'behind', 'ratio of a round', 'aim below'],
  [
    latencyRow("from the leader's own page", 'own', 0.5),
    latencyRow("from the leader's own page", 'own', 0.99),
    latencyRow("from a follower's page, always behind", 'other', 0.5),
    latencyRow("from a follower's page, always behind", 'other', 0.99),
  ],
);
