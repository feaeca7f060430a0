/** Places where the browser gives a page less: a machine without a network, a page that is no secure context. */

import { chromium, type Route } from '@playwright/test';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { extname, join } from 'node:path';
import { startRoomServer } from '../../src/node/roomServer.ts';
import { expect, test } from './harness/servers.ts';
import { read, write } from './harness/ensemble.ts';
import { linked, newLink, openTab, seated, serving } from './harness/room.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

/** Answers for the server, which cannot be reached from inside the namespace. */
async function fromDisk(route: Route): Promise<void> {
  const { pathname } = new URL(route.request().url());
  const path = pathname === '/' ? '/index.html' : pathname;
  const body = await readFile(join('dist/app', path));
  await route.fulfill({ body, contentType: TYPES[extname(path)] ?? 'application/octet-stream' });
}

test('without any network three tabs of one browser are an ensemble all the same', async ({}, {
  project,
}) => {
  const able = spawnSync('unshare', ['--net', 'true']).status === 0;
  test.skip(!able, 'this machine does not let a test make a network namespace');
  const { launchOptions } = project.use;
  const browser = await chromium.launch({
    executablePath: join(import.meta.dirname, 'harness/noNetwork.sh'),
    args: ['--no-sandbox'],
    env: {
      ...process.env,
      TABKEEPER_CHROMIUM: launchOptions?.executablePath ?? chromium.executablePath(),
    },
  });
  const context = await browser.newContext();
  await context.route('**/*', fromDisk);
  const url = `http://127.0.0.1:8080/${newLink(3)}`;
  const pages = await Promise.all([1, 2, 3].map(() => openTab(context, url)));
  const all = await Promise.all(pages.map(serving));
  const at = (sid: number) => {
    const page = pages[all.findIndex((status) => status.sid === sid)];
    if (page === undefined) throw new Error(`no tab is server ${sid}`);
    return page;
  };
  await linked(at(1), 2, 'broadcast');
  await expect(at(1).getByTestId('members')).toContainText('BroadcastChannel');
  await write(at(1), '/flight', 'mode');
  expect(await read(at(3), '/flight')).toBe('mode');
  await browser.close();
});

test('over plain http from another machine, without locks, tabs still get seats of their own', async ({
  context,
}) => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  test.skip(address === undefined, 'this machine has no address but loopback');
  const server = await startRoomServer({
    appFolder: 'dist/app',
    host: '0.0.0.0',
    port: 0,
    nextIfTaken: false,
    certificate: null,
  });
  const url = `http://${address}:${server.port}/${newLink(3)}`;
  const pages = await Promise.all([1, 2, 3, 4].map(() => openTab(context, url)));
  const all = await Promise.all(pages.map(serving));
  expect(await pages[0]?.evaluate(() => isSecureContext || 'locks' in navigator)).toBe(false);
  expect(all.map(({ sid }) => sid).sort()).toEqual([1, 2, 3, 4]);
  await server.close();
});

/** No locks; and `deaf` keeps all that comes for the page's signalling until `hears`. */
function withoutLocksOrEars(): void {
  Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
  let deaf = false;
  const kept: (() => void)[] = [];
  addEventListener('deaf', () => (deaf = true));
  addEventListener('hears', () => {
    deaf = false;
    for (const hear of kept.splice(0)) hear();
  });
  const listen = (source: BroadcastChannel | WebSocket): void => {
    source.addEventListener('message', (event) => {
      const { data } = event as MessageEvent<unknown>;
      if (!deaf) return;
      event.stopImmediatePropagation();
      kept.push(() => source.dispatchEvent(new MessageEvent('message', { data })));
    });
  };
  globalThis.BroadcastChannel = class extends BroadcastChannel {
    constructor(name: string) {
      super(name);
      listen(this);
    }
  };
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL) {
      super(url);
      listen(this);
    }
  };
}

test('without locks, a tab whose seat and disk were given away because it did not answer gets another seat', async ({
  context,
  appUrl,
}) => {
  await context.addInitScript(withoutLocksOrEars);
  const url = appUrl + newLink(3);
  const slow = await openTab(context, url);
  expect(await seated(slow)).toBe(1);
  await slow.evaluate(() => dispatchEvent(new Event('deaf')));
  const other = await openTab(context, url);
  expect(await seated(other)).toBe(1);
  await slow.evaluate(() => dispatchEvent(new Event('hears')));
  // One of the two starts over, at any moment; which one is theirs to find out.
  await expect(async () => {
    const sids = await Promise.all([slow, other].map(seated));
    expect(sids.sort()).toEqual([1, 2]);
  }).toPass();
});
