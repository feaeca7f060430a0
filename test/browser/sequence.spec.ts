/** What a person does with the sequence: opens it, reads an election and a write in it, chooses an arrow, filters, takes it away. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { readFile } from 'node:fs/promises';
import { leaderLeaves, openAtFollower, write } from './harness/ensemble.ts';
import { status } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';

const MESSAGE_COUNT = 100_000;
const FRAME_COUNT = 120;
/** No frame drops below 30 a second, on a machine that does other things as well. */
const SMOOTH_FRAME_MS = 34;

async function savedBy(page: Page, button: string): Promise<string> {
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  return readFile(await (await saving).path(), 'utf8');
}

interface Line {
  readonly sid: string;
  readonly event: Readonly<Record<string, unknown>>;
}

const linesOf = (text: string): Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** Names of the packets that one server sent another, in order. */
const sentTo = (lines: readonly Line[], from: number, to: number): unknown[] =>
  lines
    .filter(
      ({ sid, event }) =>
        sid === String(from) && event['type'] === 'sent' && event['peer'] === String(to),
    )
    .map(({ event }) => event['packetType']);

/** FOLLOWERINFO, LEADERINFO, ACKEPOCH, DIFF, NEWLEADER, ACK, UPTODATE. */
const FROM_FOLLOWER = [11, 18, 3];
const FROM_LEADER = [17, 13, 10, 12];

test('an election and the start of a reign can be read, every arrow opened, and all of it saved', async ({
  context,
  appUrl,
}) => {
  const { leader, page, other } = await openAtFollower(context, appUrl);
  await page.getByRole('button', { name: 'Sequence' }).click();
  await expect(page.getByLabel('Every message')).toBeChecked();
  const former = await leaderLeaves(leader, [page, other]);
  const { leader: next } = await status(page);
  const follower = [1, 2, 3].find((sid) => sid !== former && sid !== next) ?? 0;
  await write(page, '/written', 'x');

  let lines: Line[] = [];
  await expect(async () => {
    lines = linesOf(await savedBy(page, 'Save as JSON lines'));
    const fromFollower = sentTo(lines, follower, next ?? 0).filter((type) => type !== 5);
    const fromLeader = sentTo(lines, next ?? 0, follower).filter((type) => type !== 5);
    expect(fromFollower.slice(0, 3)).toEqual(FROM_FOLLOWER);
    expect(fromLeader.slice(0, 4)).toEqual(FROM_LEADER);
  }).toPass();
  const votes = lines.filter(({ event }) => event['type'] === 'notificationSent');
  expect(votes.length).toBeGreaterThan(2);

  const svg = await savedBy(page, 'Save as SVG');
  expect(svg).toMatch(/^<svg /);
  for (const word of [
    'Server 1',
    'FOLLOWERINFO',
    'LEADERINFO',
    'ACKEPOCH',
    'NEWLEADER',
    'UPTODATE',
    `vote for ${next}`,
  ]) {
    expect(svg).toContain(word);
  }

  const rows = page.getByTestId('sequence-rows');
  await page.getByTestId('sequence-path').fill('/written');
  await expect(page.getByTestId('sequence-count')).toHaveText(/^[1-9]\d? of /);
  await rows.focus();
  const detail = page.getByTestId('message-detail');
  await page.keyboard.press('Home');
  for (let step = 0; step < 10; step++) {
    if ((await detail.textContent())?.includes('PROPOSAL') === true) break;
    await page.keyboard.press('ArrowDown');
  }
  await expect(detail).toContainText('PROPOSAL');
  await expect(detail.getByRole('row', { name: /type PROPOSAL/ })).toContainText('00 00 00 02');
  await expect(detail.getByRole('row', { name: /path/ })).toContainText('/written');
  await expect(rows.getByRole('option')).toContainText('from server');
  const { violations } = await new AxeBuilder({ page })
    .include('[data-testid="sequence"]')
    .analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);

  // Filters that leave nothing say so, and those by hand bring everything back.
  await page.getByTestId('sequence-session').fill('0xdead');
  await expect(page.getByTestId('sequence-count')).toHaveText(/^0 of /);
  await page.getByTestId('sequence-session').fill('');
  await page.getByTestId('sequence-path').fill('');
  await page.getByLabel('to scale').check();
  const box = await rows.boundingBox();
  if (box === null) throw new Error('the sequence is not there');
  await rows.click({ position: { x: box.width / 2, y: box.height - 20 } });
});

test('a write is found by its znode, its session, its kinds and its servers, and an arrow is clicked', async ({
  context,
  appUrl,
}) => {
  const { page, leader } = await openAtFollower(context, appUrl);
  const [{ sid }, { sid: leaderSid }] = [await status(page), await status(leader)];
  await page.getByRole('button', { name: 'Sequence' }).click();
  await expect(page.getByTestId('sequence-rows')).toBeVisible();
  await write(page, '/found', 'x');
  const session = await page.evaluate(
    () => `0x${globalThis.tabkeeper?.client.sessionId.toString(16) ?? ''}`,
  );
  const count = page.getByTestId('sequence-count');
  const shown = async (): Promise<number> => Number.parseInt(await count.innerText(), 10);
  // This tab's own end of each: the request, the proposal, the acknowledgement and the commit.
  await page.getByTestId('sequence-path').fill('/found');
  await expect.poll(shown).toBeGreaterThanOrEqual(4);
  await page.getByTestId('sequence-session').fill(session);
  await expect.poll(shown).toBeGreaterThanOrEqual(4);

  const kinds = page.getByRole('group', { name: 'Kinds' });
  for (const kind of ['vote', 'sync', 'proposal', 'ack', 'commit', 'what happens in a server']) {
    await kinds.getByRole('checkbox', { name: kind }).uncheck();
  }
  await expect.poll(shown).toBe(1);
  const rows = page.getByTestId('sequence-rows');
  const box = await rows.boundingBox();
  if (box === null) throw new Error('the sequence is not there');
  await rows.click({ position: { x: box.width / 2, y: 20 } });
  const detail = page.getByTestId('message-detail');
  await expect(detail).toContainText(`REQUEST, server ${sid} to server ${leaderSid}`);
  await expect(detail.getByRole('row', { name: /session/ })).toContainText(session);
  await expect(detail.getByRole('row', { name: /operation/ })).toContainText('create');

  const servers = page.getByRole('group', { name: 'Servers' });
  await servers.getByRole('checkbox', { name: String(leaderSid) }).uncheck();
  await expect(rows).toContainText('Nothing that is kept passes these filters.');
});

test('a hundred thousand messages are taken in and scrolled through smoothly', async ({
  page,
  pagesUrl,
}, testInfo) => {
  await page.goto(pagesUrl);
  await page.waitForFunction(() => 'showSequence' in globalThis);
  const tookMs = await page.evaluate((count) => globalThis.showSequence(count), MESSAGE_COUNT);
  await expect(page.getByTestId('sequence-count')).toHaveText(
    `${MESSAGE_COUNT} of ${MESSAGE_COUNT} kept events`,
  );
  const frames = await page.evaluate(async (count) => {
    const rows = document.querySelector('[data-testid="sequence-rows"]');
    if (rows === null) throw new Error('no sequence');
    const times: number[] = [];
    let lastMs = await new Promise<number>(requestAnimationFrame);
    for (let frame = 0; frame < count; frame++) {
      rows.scrollTop = (rows.scrollHeight * frame) / count;
      const nowMs = await new Promise<number>(requestAnimationFrame);
      times.push(nowMs - lastMs);
      lastMs = nowMs;
    }
    return times.sort((a, b) => a - b);
  }, FRAME_COUNT);
  const [median, most] = [0.5, 0.95].map(
    (part) => frames[Math.floor(frames.length * part)] ?? Infinity,
  );
  const figures = `taken in within ${tookMs.toFixed(0)} ms; a frame while scrolling: median ${median?.toFixed(1)} ms, 95 % within ${most?.toFixed(1)} ms`;
  testInfo.annotations.push({ type: 'figures', description: figures });
  console.log(figures);
  expect(median).toBeLessThan(SMOOTH_FRAME_MS);
});
