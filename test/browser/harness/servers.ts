/**
 * Test fixtures: those of `tabkeeper/playwright` over the app as it is built here, and the acceptance pages; browsers with
 * a profile of their own; and what every tab knew, told when a test fails.
 */

import { startRoomServer } from '../../../src/node/roomServer.ts';
import { test as base } from '../../../src/playwright/fixtures.ts';
import { diagnose } from './diagnosis.ts';
import { PlainChromium } from './plainChromium.ts';
import { Profile } from './profile.ts';

interface Servers {
  /** `http://127.0.0.1:<port>/` of the app. */
  readonly appUrl: string;
  /** The same for the pages of `test/browser/pages`. */
  readonly pagesUrl: string;
}

interface Browsers {
  /** A profile that lasts as long as the test; `megabytes`: on a disk that small. */
  readonly newProfile: (megabytes?: number | null) => Promise<Profile>;
  /** Chromium as a person has it: for tabs that are hidden or frozen. */
  readonly plainBrowser: PlainChromium;
  /** Of every test. */
  readonly told: void;
}

export const test = base.extend<Browsers, Servers>({
  tabkeeperApp: ['dist/app', { scope: 'worker' }],
  appUrl: [
    async ({ tabkeeperUrl }, use) => {
      await use(tabkeeperUrl);
    },
    { scope: 'worker' },
  ],
  pagesUrl: [
    async ({}, use) => {
      const server = await startRoomServer({
        appFolder: 'dist/acceptance',
        host: '127.0.0.1',
        port: 0,
        nextIfTaken: false,
        certificate: null,
      });
      await use(`http://127.0.0.1:${server.port}/`);
      await server.close();
    },
    { scope: 'worker' },
  ],
  newProfile: async ({ playwright, launchOptions }, use, testInfo) => {
    const profiles: Profile[] = [];
    const launch = (folder: string) =>
      playwright.chromium.launchPersistentContext(folder, {
        ...launchOptions,
        permissions: ['microphone'],
      });
    await use(async (megabytes: number | null = null) => {
      const profile = await Profile.make(launch, megabytes);
      profiles.push(profile);
      return profile;
    });
    for (const profile of profiles) {
      await diagnose(profile.pages, testInfo);
      await profile.remove();
    }
  },
  plainBrowser: async ({ playwright, launchOptions }, use, testInfo) => {
    const executable = launchOptions.executablePath ?? playwright.chromium.executablePath();
    const browser = await PlainChromium.launch(executable, launchOptions.args ?? []);
    await use(browser);
    await diagnose(browser.tabs, testInfo);
    await browser.close();
  },
  // With the context in the list, so that it ends before that is closed.
  told: [
    async ({ browser, context: _context }, use, testInfo) => {
      await use();
      const pages = browser.contexts().flatMap((context) => context.pages());
      await diagnose(pages, testInfo);
    },
    { auto: true },
  ],
});

export { expect } from '@playwright/test';
