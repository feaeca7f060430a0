/** The ports of a tab's world, in a real page: WebRTC sockets through the page and past it, BroadcastChannel sockets, and the IndexedDB disk. */

import type { Page } from '@playwright/test';
import { diskAcceptance } from '../acceptance/disk.ts';
import { networkAcceptance } from '../acceptance/network.ts';
import { test } from './harness/servers.ts';

/** The suites' names are known here; their harnesses are in the page. */
function namesOf(register: (note: (name: string) => void) => void): string[] {
  const names: string[] = [];
  register((name) => names.push(name));
  return names;
}

const notHere = () => Promise.reject(new Error('runs in a page only'));
const networkNames = namesOf((note) => networkAcceptance(note, notHere));
const diskNames = namesOf((note) => diskAcceptance(note, notHere));

for (const [suite, names] of [
  ['webrtc', networkNames],
  ['moved', networkNames],
  ['broadcast', networkNames],
  ['disk', diskNames],
] as const) {
  test.describe(`${suite} in a page`, () => {
    let page: Page;

    test.beforeAll(async ({ browser, pagesUrl }) => {
      page = await browser.newPage({ permissions: ['microphone'] });
      await page.goto(pagesUrl);
      await page.waitForFunction(() => 'runAcceptance' in globalThis);
    });
    test.afterAll(() => page.close());

    for (const name of names) {
      test(name, async () => {
        await page.evaluate(([s, n]) => globalThis.runAcceptance(s, n), [suite, name] as const);
      });
    }
  });
}
