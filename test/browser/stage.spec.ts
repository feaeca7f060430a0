/** What a person sees of the ensemble as it lives: the ring, messages on their way, and why things happened. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import {
  leaderLeaves,
  openAtFollower,
  openRoom,
  splitByLeader,
  write,
} from './harness/ensemble.ts';
import { newLink, openTab, serving, status } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';

const onRing = (page: Page, sid: number) =>
  page.getByTestId('ring').locator(`[data-testid="ring-server"][data-sid="${sid}"]`);

/** The ring shows that server's epoch and zxid as the server itself says them. */
async function ringShows(page: Page, server: Page): Promise<void> {
  await expect(async () => {
    const { sid, epoch, zxid } = await status(server);
    expect(await onRing(page, sid).textContent()).toContain(`epoch ${epoch}, ${zxid}`);
  }).toPass();
}

/** Kinds of the messages that the ring has drawn since. */
async function watchMessages(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen = new Set<string>();
    Object.assign(globalThis, { seenKinds: seen });
    const look = (): void => {
      for (const mark of document.querySelectorAll('[data-testid="message"]')) {
        seen.add((mark as SVGElement).dataset['kind'] ?? '');
      }
      requestAnimationFrame(look);
    };
    look();
  });
  return () =>
    page.evaluate(() => [...(globalThis as unknown as { seenKinds: Set<string> }).seenKinds]);
}

test('every tab shows the whole ensemble: who leads, which epoch, which zxid, how all are linked', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl);
  const { leader, others } = await splitByLeader(pages);
  await write(leader, '/color', 'blue');
  const { sid } = await status(leader);
  for (const page of [leader, ...others]) {
    await page.bringToFront();
    await expect(onRing(page, sid)).toHaveAttribute('data-state', 'LEADING');
    await ringShows(page, leader);
    for (const other of others) {
      const follower = await status(other);
      await expect(onRing(page, follower.sid)).toHaveAttribute('data-state', 'FOLLOWING');
    }
    // The link between the two others is known only because they tell.
    await expect(page.getByTestId('link').and(page.locator('[data-state="up"]'))).toHaveCount(3);
    await expect(page.getByRole('img', { name: /Server \d: Leading, epoch 1/ })).toBeVisible();
  }
});

test('a seat that nobody has taken is shown as one', async ({ context, appUrl }) => {
  const page = await openTab(context, appUrl + newLink(3));
  await expect(onRing(page, 3)).toContainText('seat not taken');
});

test('messages travel as they are sent, each kind a mark of its own, once they are asked for', async ({
  context,
  appUrl,
}) => {
  const { leader, page } = await openAtFollower(context, appUrl);
  const kinds = await watchMessages(page);
  await page.getByLabel('Every message').check();
  await expect
    .poll(async () => {
      await leader.evaluate(() => globalThis.tabkeeper?.client.setData('/', 'x'));
      return kinds();
    })
    .toEqual(expect.arrayContaining(['proposal', 'ack', 'commit', 'ping']));
  await page.getByLabel('Every message').uncheck();
});

test('what is too much to be drawn is said', async ({ context, appUrl }) => {
  const { leader, page } = await openAtFollower(context, appUrl);
  await page.getByLabel('Every message').check();
  const writing = leader.evaluate(async () => {
    const client = globalThis.tabkeeper?.client;
    if (client === undefined) return;
    for (let round = 0; round < 40; round++) {
      await Promise.all(Array.from({ length: 50 }, () => client.setData('/', 'x')));
    }
  });
  await expect(page.getByTestId('drawn')).toHaveText(
    /^\d+ of \d+ messages of the last second are drawn\./,
  );
  await writing;
});

test('an election is seen and explained, down to the votes and the rule', async ({
  context,
  appUrl,
}) => {
  const { leader, page, other } = await openAtFollower(context, appUrl);
  const kinds = await watchMessages(page);
  const former = await leaderLeaves(leader, [page, other]);
  const next = Math.max((await status(page)).sid, (await status(other)).sid);
  await expect(onRing(page, former)).toContainText('closed its tab');
  await expect(onRing(page, next)).toHaveAttribute('data-state', 'LEADING');
  expect(await kinds()).toContain('vote');

  const reason = page
    .getByTestId('reason')
    .filter({ hasText: /wins over .*: same epoch 1, same zxid 0x[0-9a-f]+, higher id/ })
    .first();
  await reason.locator('summary').click();
  await expect(reason.getByText('The better vote')).toBeVisible();
  await expect(reason.getByText(`votes for ${next}, epoch 1`).first()).toBeVisible();
  await expect(reason.getByTestId('source')).toHaveText('FastLeaderElection.totalOrderPredicate');
  // What the server that is gone told stays.
  await expect(
    page
      .getByTestId('reason')
      .filter({ hasText: `Server ${former}` })
      .first(),
  ).toBeAttached();
});

test('a leader whose followers are gone steps down, and says with how many it was left', async ({
  context,
  appUrl,
}) => {
  const { leader, page, other } = await openAtFollower(context, appUrl);
  const { sid } = await status(leader);
  await leader.bringToFront();
  await page.close({ runBeforeUnload: true });
  await other.close({ runBeforeUnload: true });
  const reason = leader
    .getByTestId('reason')
    .filter({ hasText: `Steps down: only 1 of 3 in sync (${sid})` })
    .first();
  await reason.locator('summary').click();
  await expect(reason.getByText('The rule.')).toBeVisible();
  await expect(onRing(leader, sid)).toContainText(`Votes for ${sid}: 1 of 3`);
  await expect(leader.getByTestId('standing')).toContainText('No quorum.');
});

test('what the marks mean is told where they stand', async ({ context, appUrl }) => {
  const page = await openTab(context, appUrl + newLink(3));
  await page.getByText('What do the marks mean?').click();
  const legend = page.getByTestId('legend');
  await expect(legend).toContainText('a quorum has it on disk: apply it');
  await expect(legend).toContainText('silent: nothing has come over it for a while');
});

test('tabs over a BroadcastChannel tell each other as well', async ({ context, appUrl }) => {
  await context.addInitScript(() => {
    // A browser whose WebRTC never finds anybody.
    Object.defineProperty(RTCPeerConnection.prototype, 'setRemoteDescription', {
      value: () => new Promise(() => {}),
    });
  });
  const link = appUrl + newLink(3);
  const pages: Page[] = [];
  for (let count = 0; count < 3; count++) pages.push(await openTab(context, link));
  await Promise.all(pages.map(serving));
  const [page] = pages as [Page, Page, Page];
  await page.bringToFront();
  for (const each of pages) {
    const { sid, state } = await status(each);
    await expect(onRing(page, sid)).toHaveAttribute('data-state', state);
    await ringShows(page, each);
  }
  await expect(page.getByRole('img', { name: 'link 1 to 2: BroadcastChannel' })).toBeVisible();
  await expect(page.getByTestId('reason').filter({ hasText: 'Server 2' }).first()).toBeAttached();
});

test('a judge of accessibility finds nothing on the room page, light or dark', async ({
  context,
  appUrl,
}) => {
  const { page } = await openAtFollower(context, appUrl);
  await page.getByTestId('reason').first().locator('summary').click();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    ).toEqual([]);
  }
});
