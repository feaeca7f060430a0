/** Other pages as clients of a tab's server: those of its own origin, those of another with a person's yes, and hostile ones. */

import type { Frame, Page } from '@playwright/test';
import { startRoomServer } from '../../src/node/roomServer.ts';
import { read } from './harness/ensemble.ts';
import { newLink, serving } from './harness/room.ts';
import { PlainHost } from './harness/plainHost.ts';
import { expect, test as base } from './harness/servers.ts';

interface Places {
  /** Somebody's site: `/guest.html` is his page, `/app/` a copy of the app. */
  readonly site: PlainHost;
  /** `http://127.0.0.1:<port>`: a room server that lets that site embed and open rooms. */
  readonly rooms: string;
}

const test = base.extend<{ guest: Page }, Places>({
  site: [
    async ({}, use) => {
      const site = await PlainHost.start({ '/': 'dist/acceptance', '/app/': 'dist/app' });
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],
  rooms: [
    async ({ site }, use) => {
      const server = await startRoomServer({
        appFolder: 'dist/app',
        host: '127.0.0.1',
        port: 0,
        nextIfTaken: false,
        certificate: null,
        embedders: [site.origin],
      });
      await use(`http://127.0.0.1:${server.port}`);
      await server.close();
    },
    { scope: 'worker' },
  ],
  guest: async ({ context, site }, use) => {
    const page = await context.newPage();
    await page.goto(`${site.origin}/guest.html`);
    await page.waitForFunction(() => globalThis.tabkeeperGuest !== undefined);
    await use(page);
  },
});

const NOBODY_ANSWERS_MS = 2_000;

/** The room of one in a frame of the guest's page. */
async function embed(guest: Page, url: string): Promise<Frame> {
  await guest.evaluate((at) => globalThis.tabkeeperGuest?.embed(at), url);
  const isRoom = (): Frame | undefined => guest.frames().find((one) => one.url() === url);
  await expect.poll(() => isRoom() !== undefined).toBe(true);
  const frame = isRoom();
  if (frame === undefined) throw new Error('the frame has gone');
  await frame.waitForFunction(() => globalThis.tabkeeper?.status().serving === true);
  return frame;
}

/** Loads the room's page again, and waits until its server serves. */
async function reload(room: Frame): Promise<void> {
  await room.evaluate(() => {
    document.documentElement.dataset['before'] = 'yes';
    location.reload();
  });
  await room.waitForFunction(
    () =>
      document.documentElement.dataset['before'] === undefined &&
      globalThis.tabkeeper?.status().serving === true,
  );
}

/** The room of one in a tab that the guest's page has opened. */
async function open(guest: Page, url: string): Promise<Page> {
  const opened = guest.waitForEvent('popup');
  await guest.evaluate((at) => globalThis.tabkeeperGuest?.open(at), url);
  const tab = await opened;
  await serving(tab);
  return tab;
}

/** What comes of a write by the guest, as text. */
const writeAs = (guest: Page, origin: string, path: string, limitMs?: number): Promise<string> =>
  guest.evaluate(
    ([to, at, limit]) =>
      globalThis.tabkeeperGuest?.writeAndRead(to, at, limit) ?? 'this is no guest',
    [origin, path, limitMs] as const,
  );

const readIn = (room: Frame, path: string): Promise<string> =>
  room.evaluate(async (at) => {
    const answer = await globalThis.tabkeeper?.client.getData(at);
    return new TextDecoder().decode(answer?.data ?? new Uint8Array());
  }, path);

test('a page of the same origin is a client of a tab it opened, and nobody is asked', async ({
  guest,
  site,
}) => {
  const tab = await open(guest, `${site.origin}/app/${newLink(1)}`);
  expect(await writeAs(guest, site.origin, '/greeting')).toBe('from the guest');
  expect(await read(tab, '/greeting')).toBe('from the guest');
  await expect(tab.getByTestId('guest-question')).toHaveCount(0);
});

test('a page of another site is let in by the person at the tab, once for as long as the tab is there', async ({
  guest,
  site,
  rooms,
}) => {
  const room = await embed(guest, `${rooms}/${newLink(1)}`);
  const written = writeAs(guest, rooms, '/greeting');
  const question = room.getByRole('dialog');
  await expect(question).toContainText(site.origin);
  await question.getByRole('button', { name: 'Let it in' }).click();
  expect(await written).toBe('from the guest');
  expect(await readIn(room, '/greeting')).toBe('from the guest');

  await reload(room);
  expect(await writeAs(guest, rooms, '/again')).toBe('from the guest');
  await expect(question).toHaveCount(0);
});

test('a guest hears of what changes, over a restart of the tab too', async ({ guest, rooms }) => {
  const url = `${rooms}/${newLink(1)}`;
  const room = await embed(guest, url);
  const heard = guest.evaluate(async (origin) => {
    const mine = globalThis.tabkeeperGuest;
    if (mine === undefined) throw new Error('this is no guest');
    const zk = await mine.connectToTab(mine.tab, { origin, sessionTimeoutMs: 40_000 });
    await zk.create('/door', 'shut');
    return new Promise<string>((resolve) => {
      void zk.getData('/door', ({ name, path }) => resolve(`${name} ${path}`));
      document.title = 'watching';
    });
  }, rooms);
  await room.getByTestId('guest-allow').click();
  await expect(guest).toHaveTitle('watching');
  await reload(room);
  await room.evaluate(async () => {
    await globalThis.tabkeeper?.client.setData('/door', 'open');
  });
  expect(await heard).toBe('NodeDataChanged /door');
});

test('a page that is kept out gets nothing, and the person is not asked again', async ({
  guest,
  site,
  rooms,
}) => {
  const tab = await open(guest, `${rooms}/${newLink(1)}`);
  const written = writeAs(guest, rooms, '/greeting');
  await tab.getByRole('button', { name: 'Keep it out' }).click();
  expect(await written).toBe(
    `KeeperError: NoAuth: the tab does not let pages of ${site.origin} in`,
  );
  expect(await writeAs(guest, rooms, '/again')).toContain('NoAuth');
  await expect(tab.getByTestId('guest-question')).toHaveCount(0);
  expect(await read(tab, '/greeting')).toBeNull();
});

test('a hostile page gets one question asked and closed ports, and the room goes on', async ({
  guest,
  rooms,
}) => {
  const room = await embed(guest, `${rooms}/${newLink(1)}`);
  const wordsHeard = guest.evaluate(async (origin) => {
    const tab = globalThis.tabkeeperGuest?.tab;
    if (tab === undefined) throw new Error('this is no guest');
    const knock = (message: unknown): MessagePort => {
      const { port1, port2 } = new MessageChannel();
      tab.postMessage(message, origin, [port2]);
      return port1;
    };
    for (let count = 0; count < 1_000; count++) {
      tab.postMessage({ tabkeeper: 'connect' }, origin);
      knock({ tabkeeper: 'connect', version: 1 }).postMessage(new Uint8Array(100_000));
      knock({ tabkeeper: 'connect', version: 'g' });
      knock('x'.repeat(count)).postMessage('g');
    }
    const words: unknown[] = [];
    const port = knock({ tabkeeper: 'connect', version: 1 });
    await new Promise<void>((resolve) => {
      port.onmessage = ({ data }: MessageEvent<unknown>) => {
        words.push(data);
        if (data === 'h') port.postMessage('g');
        if (data === 'x') resolve();
      };
      // Not let in yet, it sends what only a client may.
      port.postMessage('g');
      port.postMessage(new Uint8Array(1_000));
    });
    return words;
  }, rooms);
  expect(await wordsHeard).toEqual(['h', 'x']);
  await expect(room.getByTestId('guest-question')).toHaveCount(1);
  await room.getByTestId('guest-refuse').click();
  expect(await writeAs(guest, rooms, '/greeting')).toContain('NoAuth');
  expect(await room.evaluate(() => globalThis.tabkeeper?.client.create('/still', 'here'))).toBe(
    '/still',
  );
});

test('a tab of a room server that names no other site is out of reach for one', async ({
  guest,
  appUrl,
}) => {
  const tab = await open(guest, appUrl + newLink(1));
  const { origin } = new URL(appUrl);
  expect(await writeAs(guest, origin, '/greeting', NOBODY_ANSWERS_MS)).toContain('ConnectionLoss');
  await expect(tab.getByTestId('guest-question')).toHaveCount(0);
});
