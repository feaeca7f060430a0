/** Tabs that nobody looks at: hidden behind others, frozen by their browser, gone and come back by the back button. */

import type { PlainChromium, PlainTab } from './harness/plainChromium.ts';
import { newLink, openTab, seated } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';

// Several ticks have to pass, whatever the machine.
test.describe.configure({ timeout: 240_000 });

const serves = (tab: PlainTab): Promise<void> =>
  tab.until('it serves', () => globalThis.tabkeeper?.status().serving === true, null);

const statusOf = (tab: PlainTab) =>
  tab.evaluate(() => {
    if (globalThis.tabkeeper === undefined) throw new Error('this tab has no seat yet');
    return globalThis.tabkeeper.status();
  });

const create = (tab: PlainTab, path: string): Promise<string> =>
  tab.evaluate(async (at) => {
    if (globalThis.tabkeeper === undefined) throw new Error('this tab has no seat yet');
    return globalThis.tabkeeper.client.create(at, at);
  }, path);

/** Which of these nodes the tab's server has, once it has caught up with the leader. */
const found = (tab: PlainTab, paths: readonly string[]): Promise<string[]> =>
  tab.evaluate(async (wanted) => {
    if (globalThis.tabkeeper === undefined) throw new Error('this tab has no seat yet');
    const { client } = globalThis.tabkeeper;
    await client.sync('/');
    const there = await Promise.all(wanted.map((path) => client.exists(path)));
    return wanted.filter((_path, index) => there[index] !== null);
  }, paths);

const seesAs = (tab: PlainTab, sid: number, presence: string): Promise<void> =>
  tab.until(
    `it sees server ${sid} as ${presence}`,
    ([wanted, as]) =>
      globalThis.tabkeeper?.members().some((one) => one.sid === wanted && one.presence === as) ===
      true,
    [sid, presence] as const,
  );

interface Room {
  readonly url: string;
  readonly leader: PlainTab;
  readonly followers: readonly [PlainTab, PlainTab];
}

/** Three tabs, none of them in front: the fourth, empty one is. */
async function hiddenRoom(browser: PlainChromium, appUrl: string): Promise<Room> {
  const url = appUrl + newLink(3);
  const tabs = [];
  for (let count = 0; count < 3; count++) tabs.push(await browser.open(url));
  await browser.open(`${appUrl}nothing-here`);
  await Promise.all(tabs.map(serves));
  const states = await Promise.all(tabs.map(statusOf));
  const leader = tabs[states.findIndex(({ state }) => state === 'LEADING')];
  const [one, other] = tabs.filter((tab) => tab !== leader);
  if (leader === undefined || one === undefined || other === undefined) {
    throw new Error(`not one of them leads: ${JSON.stringify(states)}`);
  }
  for (const tab of tabs) expect(await tab.evaluate(() => document.visibilityState)).toBe('hidden');
  return { url, leader, followers: [one, other] };
}

test('hidden tabs go on leading and following, and link to who comes', async ({
  plainBrowser,
  appUrl,
}) => {
  const { url, leader, followers } = await hiddenRoom(plainBrowser, appUrl);
  const before = await statusOf(leader);
  const isChecked = (count: number): boolean => {
    const checks = (globalThis.tabkeeper?.events ?? []).filter(
      ({ event }) => event.topic === 'zab' && event.type === 'pingCheck',
    );
    return checks.length >= count;
  };
  await leader.until('six ticks have gone by', isChecked, 6);
  await create(followers[0], '/hidden');
  expect(await found(followers[1], ['/hidden'])).toEqual(['/hidden']);
  const newcomer = await plainBrowser.open(url);
  await serves(newcomer);
  await create(newcomer, '/new');
  expect(await found(leader, ['/hidden', '/new'])).toEqual(['/hidden', '/new']);
  const { state, leader: sid, epoch } = await statusOf(leader);
  expect({ state, leader: sid, epoch }).toEqual({
    state: 'LEADING',
    leader: before.leader,
    epoch: before.epoch,
  });
});

test('a frozen leader is seen as silent, replaced, and follows when it thaws', async ({
  plainBrowser,
  appUrl,
}) => {
  const { leader, followers } = await hiddenRoom(plainBrowser, appUrl);
  const { sid, epoch } = await statusOf(leader);
  await create(leader, '/before');
  await leader.freeze();
  for (const tab of followers) {
    await seesAs(tab, sid, 'silent');
    await tab.until(
      'it serves under another leader',
      (former) => {
        const now = globalThis.tabkeeper?.status();
        return now?.serving === true && now.leader !== former;
      },
      sid,
    );
  }
  await followers[0].until(
    'the page says so',
    () => document.body.innerText.includes('gone silent'),
    null,
  );
  await create(followers[0], '/while');
  // It still takes itself for the leader when this runs, at the first moment that it can.
  const late = create(leader, '/late').then(
    () => true,
    () => false,
  );
  await leader.thaw();
  const acknowledged = await late;
  await leader.until(
    'it follows',
    () => {
      const now = globalThis.tabkeeper?.status();
      return now?.serving === true && now.state === 'FOLLOWING';
    },
    null,
  );
  expect((await statusOf(leader)).epoch).toBeGreaterThan(epoch);
  for (const tab of followers) await seesAs(tab, sid, 'here');
  const paths = ['/before', '/while', '/late'];
  const kept = await found(followers[0], paths);
  expect(kept).toEqual(paths.slice(0, kept.length));
  expect(kept.length).toBeGreaterThanOrEqual(acknowledged ? 3 : 2);
  for (const tab of [leader, followers[1]]) expect(await found(tab, paths)).toEqual(kept);
});

test('a frozen follower is missed by nobody and catches up when it thaws', async ({
  plainBrowser,
  appUrl,
}) => {
  const { leader, followers } = await hiddenRoom(plainBrowser, appUrl);
  const [frozen, other] = followers;
  const { sid } = await statusOf(frozen);
  const { epoch } = await statusOf(leader);
  await frozen.freeze();
  await seesAs(leader, sid, 'silent');
  await create(other, '/while');
  await frozen.thaw();
  await seesAs(leader, sid, 'here');
  await serves(frozen);
  expect(await found(frozen, ['/while'])).toEqual(['/while']);
  for (const tab of [leader, other, frozen]) expect((await statusOf(tab)).epoch).toBe(epoch);
});

test('a page that comes back out of the browser’s cache is that server anew', async ({
  context,
  appUrl,
}) => {
  const page = await openTab(context, appUrl + newLink(1));
  expect(await seated(page)).toBe(1);
  const reloaded = page.waitForEvent('load');
  await page.evaluate(() => {
    document.body.setAttribute('data-old', '');
    dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
  });
  await reloaded;
  await expect(page.locator('body[data-old]')).toHaveCount(0);
  expect(await seated(page)).toBe(1);
});

test('a tab that went elsewhere and back is that server again, with its data', async ({
  plainBrowser,
  appUrl,
}) => {
  const tab = await plainBrowser.open(appUrl + newLink(1));
  await serves(tab);
  await create(tab, '/kept');
  await tab.evaluate((elsewhere) => {
    document.body.setAttribute('data-old', '');
    location.assign(elsewhere);
  }, `${appUrl}nothing-here`);
  await tab.until('it is elsewhere', () => globalThis.tabkeeper === undefined, null);
  await tab.evaluate(() => history.back());
  // A page out of the browser's cache says for a moment longer what it was.
  await tab.until(
    'a new page serves',
    () =>
      document.querySelector('[data-old]') === null &&
      globalThis.tabkeeper?.status().serving === true,
    null,
  );
  expect((await statusOf(tab)).sid).toBe(1);
  expect(await found(tab, ['/kept'])).toEqual(['/kept']);
});
