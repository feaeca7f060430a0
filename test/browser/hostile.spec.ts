/** Hasty, unlucky and hostile users of a room: links opened again and again, reloads without end, data thrown away, servers gone. */

import type { BrowserContext, Page } from '@playwright/test';
import { openRoom, read, splitByLeader, write } from './harness/ensemble.ts';
import { newLink, openTab, PATIENCE_MS, seated, sees, serving, status } from './harness/room.ts';
import { expect, test } from './harness/servers.ts';
import { switchedServer } from './harness/switchedServer.ts';

const RELOAD_COUNT = 20;

/** Does not wait for the page; a reload that overtakes the one before is the browser's own business. */
const reloadHastily = (page: Page): Promise<unknown> =>
  page.reload({ waitUntil: 'commit' }).catch(() => null);

const clearSiteData = async (page: Page): Promise<void> => {
  const devTools = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await devTools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
};

const sidsOf = async (pages: readonly Page[]): Promise<number[]> => {
  const all = await Promise.all(pages.map(serving));
  return all.map(({ sid }) => sid).sort((left, right) => left - right);
};

test('a tab that is reloaded twenty times in a row, before it has a seat, is the same server with its data', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl);
  const [hasty, other] = pages as [Page, Page, Page];
  const { sid } = await status(hasty);
  await write(other, '/kept', 'yes');
  for (let count = 0; count < RELOAD_COUNT; count++) {
    // A page that has loaded is still on its way into the room.
    await hasty.reload();
  }
  expect(await seated(hasty)).toBe(sid);
  for (const page of pages) await serving(page);
  expect(await read(hasty, '/kept')).toBe('yes');
  expect(await sidsOf(pages)).toEqual([1, 2, 3]);
});

test('all tabs reloaded at once, five times, are the same ensemble again', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl);
  const before = await Promise.all(pages.map(status));
  await write(pages[0] as Page, '/kept', 'yes');
  for (let count = 0; count < 5; count++) {
    await Promise.all(pages.map(reloadHastily));
  }
  const after = await Promise.all(pages.map(serving));
  expect(after.map(({ sid }) => sid)).toEqual(before.map(({ sid }) => sid));
  expect(await read(pages[2] as Page, '/kept')).toBe('yes');
});

test('ten tabs opened at once by one link are three voters and seven observers, and all serve', async ({
  context,
  appUrl,
}) => {
  const url = appUrl + newLink(3);
  const pages = await Promise.all(Array.from({ length: 10 }, () => openTab(context, url)));
  expect(await sidsOf(pages)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await write(pages[9] as Page, '/of-ten', 'x');
  for (const page of pages) expect(await read(page, '/of-ten')).toBe('x');
});

test('of two tabs that ask for one sid at once one gets it, and the other once it is free', async ({
  context,
  appUrl,
}) => {
  const url = `${appUrl + newLink(3)}&sid=2`;
  const pages = await Promise.all([openTab(context, url), openTab(context, url)]);
  const [winner, loser] = await Promise.all(
    pages.map(async (page) => {
      await page.waitForFunction(
        () =>
          globalThis.tabkeeper !== undefined ||
          document.body.innerText.includes('is running in another tab'),
      );
      return page.evaluate(() => globalThis.tabkeeper !== undefined);
    }),
  ).then((seats) => [pages[seats.indexOf(true)], pages[seats.indexOf(false)]]);
  if (winner === undefined || loser === undefined) throw new Error('both or neither got the seat');
  await winner.close({ runBeforeUnload: true });
  await loser.reload();
  expect(await seated(loser)).toBe(2);
});

test('seven servers serve while three of them are closed, and not while four are', async ({
  context,
  appUrl,
}) => {
  const { url, pages } = await openRoom(context, appUrl, 7);
  const { others } = await splitByLeader(pages);
  const [kept, ...rest] = others as [Page, ...Page[]];
  const closing = pages.filter((page) => page !== kept).slice(0, 3);
  await Promise.all(closing.map((page) => page.close({ runBeforeUnload: true })));
  await expect.poll(async () => (await status(kept)).serving, { timeout: PATIENCE_MS }).toBe(true);
  await expect
    .poll(() => write(kept, '/four', 'of seven').catch(() => null), { timeout: PATIENCE_MS })
    .not.toBeNull();
  const fourth = rest.find((page) => !closing.includes(page));
  await fourth?.close({ runBeforeUnload: true });
  await expect(kept.getByTestId('standing')).toContainText('Waiting for 1 more server', {
    timeout: PATIENCE_MS,
  });
  const back = await openTab(context, url);
  await serving(back);
  expect(await read(back, '/four')).toBe('of seven');
});

test('the leader goes to another page and back while the others go on', async ({
  context,
  appUrl,
}) => {
  const { pages } = await openRoom(context, appUrl);
  const { leader, others } = await splitByLeader(pages);
  const { sid } = await status(leader);
  await write(leader, '/kept', 'yes');
  await leader.goto('about:blank');
  await Promise.all(others.map(serving));
  for (let count = 0; count < 3; count++) {
    await leader.goBack();
    await leader.goForward();
  }
  await leader.goBack();
  expect(await seated(leader)).toBe(sid);
  await serving(leader);
  expect(await read(leader, '/kept')).toBe('yes');
});

test('a connection that the browser closed, as for a machine that sleeps, is replaced by whoever dials over it', async ({
  context,
  appUrl,
}) => {
  await context.addInitScript(() => {
    let asleep = false;
    const connections = new Set<RTCPeerConnection>();
    addEventListener('slept', () => {
      asleep = true;
      for (const connection of connections) connection.close();
      connections.clear();
    });
    addEventListener('awake', () => (asleep = false));
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.add(this);
      }

      override createDataChannel(label: string, init?: RTCDataChannelInit): RTCDataChannel {
        const channel = super.createDataChannel(label, init);
        // Nobody on this side is told of it.
        channel.addEventListener('close', (event) => {
          if (asleep) event.stopImmediatePropagation();
        });
        return channel;
      }
    };
  });
  const { pages } = await openRoom(context, appUrl);
  const errors: string[] = [];
  for (const page of pages) page.on('pageerror', (error) => errors.push(error.message));
  const all = await Promise.all(pages.map(status));
  // The highest sid is the one that dials.
  const sleeper = pages[all.findIndex(({ sid }) => sid === 3)] as Page;
  await sleeper.evaluate(() => globalThis.tabkeeper?.stop());
  await sleeper.waitForFunction(() => globalThis.tabkeeper?.status().stopped !== null);
  // Long before the silence of a link is noticed.
  await sleeper.evaluate(() => {
    dispatchEvent(new Event('slept'));
    globalThis.tabkeeper?.start();
  });
  await serving(sleeper);
  await sleeper.evaluate(() => dispatchEvent(new Event('awake')));
  for (const page of pages) await serving(page);
  await write(sleeper, '/awake', 'yes');
  for (const page of pages) expect(await read(page, '/awake')).toBe('yes');
  expect(errors).toEqual([]);
});

test('a browser that throws away its site data under running servers stops them with a reason, and others keep all', async ({
  browser,
  appUrl,
}) => {
  const url = appUrl + newLink(3);
  const [steady, careless] = await Promise.all([browser.newContext(), browser.newContext()]);
  const pages = [await openTab(steady, url), await openTab(steady, url)];
  await Promise.all(pages.map(serving));
  const victim = await openTab(careless, url);
  await serving(victim);
  await write(victim, '/kept', 'yes');
  await clearSiteData(victim);
  await write(pages[0] as Page, '/after', 'x');
  await victim.waitForFunction(() => globalThis.tabkeeper?.status().stopped !== null, null, {
    timeout: PATIENCE_MS,
  });
  // It depends on the moment whether a write finds the data gone, or is ended by their going.
  await expect(victim.getByTestId('standing')).toContainText(/has deleted|Force close delete/);
  for (const page of pages) await serving(page);
  await victim.reload();
  await serving(victim);
  // Whoever comes without its disk has no vote that could forget what it has acknowledged.
  expect((await status(victim)).state).toBe('OBSERVING');
  expect(await read(victim, '/kept')).toBe('yes');
  expect(await read(victim, '/after')).toBe('x');
  for (const context of [steady, careless]) await context.close();
});

test('when all servers lose their site data at once, the tabs say so, and closed and opened again they are a new ensemble', async ({
  context,
  appUrl,
}) => {
  const { url, pages } = await openRoom(context, appUrl);
  await write(pages[0] as Page, '/gone', 'with the data');
  await clearSiteData(pages[0] as Page);
  // Nobody can acknowledge this.
  const refused = write(pages[0] as Page, '/later', 'x').then(
    () => false,
    () => true,
  );
  for (const page of pages) {
    await page.waitForFunction(() => globalThis.tabkeeper?.status().serving === false, null, {
      timeout: PATIENCE_MS,
    });
  }
  // All leave before the first comes back: whoever meets a tab that still remembers the lost servers is none of them.
  for (const page of pages) await page.goto('about:blank');
  for (const page of pages) await page.goto(url);
  expect(await refused).toBe(true);
  expect(await sidsOf(pages)).toEqual([1, 2, 3]);
  expect(await read(pages[1] as Page, '/gone')).toBeNull();
  await write(pages[2] as Page, '/new', 'yes');
});

test('where only observers are left and no voter’s data, the page says that this room is over, also in a tab that takes a seat over', async ({
  browser,
  appUrl,
}) => {
  const url = appUrl + newLink(3);
  const [owner, visitor] = await Promise.all([browser.newContext(), browser.newContext()]);
  const voters = await Promise.all([1, 2, 3].map(() => openTab(owner, url)));
  await Promise.all(voters.map(seated));
  const observer = await openTab(visitor, url);
  expect(await seated(observer)).toBe(4);
  for (const sid of [1, 2, 3]) await sees(observer, sid, 'here');
  await Promise.all(voters.map((page) => page.goto('about:blank')));

  const standing = (page: Page) => page.getByTestId('standing');
  const inTime = { timeout: PATIENCE_MS };
  await expect(standing(observer)).toHaveAttribute('data-standing', 'lostData', inTime);
  await expect(standing(observer)).toContainText(
    'this browser does not have the data of servers 1, 2 and 3',
  );
  const taker = await openTab(visitor, `${url}&sid=2`);
  expect(await seated(taker)).toBe(2);
  await taker.waitForFunction(
    () => globalThis.tabkeeper?.status().zxid === '0xffffffffffffffff',
    null,
    inTime,
  );
  for (const page of [observer, taker]) {
    await expect(standing(page)).toContainText('0 servers that can vote are here', inTime);
  }
  await standing(observer).getByRole('link', { name: 'open a new room' }).click();
  await expect(observer.getByTestId('open-room')).toBeVisible();
  for (const context of [owner, visitor]) await context.close();
});

test('the room server goes and comes back under two browsers: the links stay, and newcomers find everybody', async ({
  browser,
}) => {
  const server = await switchedServer();
  const url = server.url + newLink(3);
  const contexts = await Promise.all(
    [1, 2, 3].map(() => browser.newContext({ permissions: ['microphone'] })),
  );
  const [one, two, late] = contexts as [BrowserContext, BrowserContext, BrowserContext];
  const pages = [await openTab(one, url), await openTab(two, url)];
  await Promise.all(pages.map(serving));
  const { epoch } = await status(pages[0] as Page);
  await server.stop();
  await write(pages[0] as Page, '/while', 'away');
  expect(await read(pages[1] as Page, '/while')).toBe('away');
  await server.start();
  const third = await openTab(late, url);
  expect((await serving(third)).sid).toBe(3);
  expect(await read(third, '/while')).toBe('away');
  expect((await status(pages[0] as Page)).epoch).toBe(epoch);
  for (const context of contexts) await context.close();
  await server.stop();
});
