/** What a room of tabs promises: one tree, nothing acknowledged lost, whoever is closed, crashed or full. */

import type { Page } from '@playwright/test';
import {
  crash,
  leaderLeaves,
  openRoom,
  read,
  servesWithout,
  splitByLeader,
  write,
} from './harness/ensemble.ts';
import { newLink, openTab, PATIENCE_MS, seated, sees, serving, status } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';
import { canMount, fillStorage } from './harness/profile.ts';

test('what one tab writes the others read', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl);
  const [first, ...rest] = pages;
  expect(await write(first as Page, '/greeting', 'hello')).toBe('/greeting');
  for (const page of rest) expect(await read(page, '/greeting')).toBe('hello');
});

test('a watch set in one tab fires when another tab writes', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl);
  const [watcher, writer] = pages as [Page, Page, Page];
  await write(writer, '/watched', 'before');
  const fired = watcher.evaluate(async () => {
    const client = globalThis.tabkeeper?.client;
    if (client === undefined) throw new Error('not joined');
    await client.sync('/');
    return new Promise<{ type: number; path: string }>((resolve, reject) => {
      client
        .exists('/watched', ({ type, path }) => resolve({ type, path }))
        .then(() => document.body.setAttribute('data-armed', ''), reject);
    });
  });
  await watcher.waitForSelector('body[data-armed]');
  await writer.evaluate(() => globalThis.tabkeeper?.client.setData('/watched', 'after'));
  expect(await fired).toEqual({ type: 3, path: '/watched' });
});

test('the leader’s tab is closed and opened again: no acknowledged write is lost', async ({
  context,
  appUrl,
}) => {
  const { url, pages } = await openRoom(context, appUrl);
  const { leader, others } = await splitByLeader(pages);
  await write(leader, '/before', '1');
  const former = await leaderLeaves(leader, others);
  await write(others[0] as Page, '/while', '2');

  const reopened = await openTab(context, url);
  expect(await seated(reopened)).toBe(former);
  expect((await serving(reopened)).state).toBe('FOLLOWING');
  await write(reopened, '/after', '3');
  for (const page of [reopened, ...others]) {
    expect(await read(page, '/before')).toBe('1');
    expect(await read(page, '/while')).toBe('2');
    expect(await read(page, '/after')).toBe('3');
  }
});

test('the leader’s renderer crashes: the two left go on at once', async ({ context, appUrl }) => {
  const { pages } = await openRoom(context, appUrl);
  const { leader, others } = await splitByLeader(pages);
  const former = (await status(leader)).sid;
  await write(leader, '/kept', 'yes');
  await crash(leader);
  for (const page of others) await servesWithout(page, former);
  expect(await read(others[0] as Page, '/kept')).toBe('yes');
  await sees(others[1] as Page, former, 'crashed');
});

test('a fourth tab observes: it reads, writes through the leader, and has no vote', async ({
  context,
  appUrl,
}) => {
  const { url, pages } = await openRoom(context, appUrl);
  await write(pages[0] as Page, '/seen', 'by all');
  const fourth = await openTab(context, url);
  const { state, sid, servers } = await serving(fourth);
  expect(state).toBe('OBSERVING');
  expect(servers).not.toContain(sid);
  expect(await read(fourth, '/seen')).toBe('by all');
  await write(fourth, '/written', 'by an observer');
  expect(await read(pages[2] as Page, '/written')).toBe('by an observer');
});

test('with one voter left nothing is served, and the page says what it waits for', async ({
  context,
  appUrl,
}) => {
  const { url, pages } = await openRoom(context, appUrl);
  const [kept, ...closed] = pages as [Page, Page, Page];
  for (const page of closed) await page.close({ runBeforeUnload: true });
  await kept.waitForFunction(() => globalThis.tabkeeper?.status().serving === false, null, {
    timeout: PATIENCE_MS,
  });
  await expect(kept.getByTestId('standing')).toContainText('Waiting for 1 more server');
  await serving(await openTab(context, url));
  await serving(kept);
  await expect(kept.getByTestId('standing')).not.toContainText('No quorum');
});

test('a session that nobody keeps alive expires with its ephemerals, and its tab opens a new one', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl);
  const { leader: other, others } = await splitByLeader(pages);
  const [paused] = others as [Page, Page];
  await paused.evaluate(async () => {
    const room = globalThis.tabkeeper;
    await room?.client.create('/mine', 'x', { mode: 1 });
    room?.stop();
  });
  await expect.poll(() => read(other, '/mine'), { timeout: 60_000 }).toBeNull();
  await paused.evaluate(() => globalThis.tabkeeper?.start());
  await serving(paused);
  await expect
    .poll(() => paused.evaluate(() => globalThis.tabkeeper?.client.state), {
      timeout: PATIENCE_MS,
    })
    .toBe('connected');
  expect(await write(paused, '/again', 'y')).toBe('/again');
  await expect(paused.getByRole('treeitem', { name: 'again' })).toBeVisible();
});

test('a second browser joins through the room server', async ({ browser, appUrl }) => {
  const url = appUrl + newLink(3);
  const contexts = await Promise.all([browser.newContext(), browser.newContext()]);
  const pages = await Promise.all(contexts.map((context) => openTab(context, url)));
  await Promise.all(pages.map(serving));
  await write(pages[0] as Page, '/across', 'browsers');
  expect(await read(pages[1] as Page, '/across')).toBe('browsers');
  for (const context of contexts) await context.close();
});

test('all tabs are closed and opened again: every acknowledged write is there', async ({
  newProfile,
  appUrl,
}) => {
  const profile = await newProfile();
  const before = await profile.launch();
  const { url, pages } = await openRoom(before, appUrl);
  for (let number = 0; number < 20; number++) {
    await write(pages[number % 3] as Page, `/n${number}`, `value ${number}`);
  }
  await before.close();

  const after = await profile.launch();
  const again = [];
  for (let count = 0; count < 3; count++) again.push(await openTab(after, url));
  await Promise.all(again.map(serving));
  for (let number = 0; number < 20; number++) {
    expect(await read(again[number % 3] as Page, `/n${number}`)).toBe(`value ${number}`);
  }
});

test('a server whose disk is full stops and says so; the others go on', async ({
  context,
  newProfile,
  appUrl,
}) => {
  test.skip(!canMount, 'making a disk that is really full takes Linux and root');
  const narrow = await (await newProfile(48)).launch();
  const url = appUrl + newLink(3);
  const first = await openTab(context, url);
  await seated(first);
  const second = await openTab(context, url);
  await seated(second);
  const third = await openTab(narrow, url);
  await Promise.all([first, second, third].map(serving));

  await fillStorage(third);
  await first.evaluate(async () => {
    const client = globalThis.tabkeeper?.client;
    if (client === undefined) throw new Error('not joined');
    const block = 'x'.repeat(500_000);
    // If it is the leader that stops, a write in flight may end in doubt: then it is tried again.
    const createSurely = async (path: string): Promise<void> => {
      try {
        await client.create(path, block);
      } catch {
        await client.connected();
        if ((await client.exists(path)) === null) await createSurely(path);
      }
    };
    for (let number = 0; number < 8; number++) await createSurely(`/block${number}`);
  });
  await third.waitForFunction(() => globalThis.tabkeeper?.status().stopped !== null, null, {
    timeout: PATIENCE_MS,
  });
  await expect(third.getByTestId('standing')).toContainText('This server has stopped');
  for (const page of [first, second]) await serving(page);
  expect(await read(second, '/block7')).toHaveLength(500_000);
});
