/**
 * `tabkeeper/playwright`: a `test` whose fixtures serve the app, open rooms of tabs and close them again. WebRTC goes over
 * loopback alone, so that such a test needs no network.
 */

import { fileURLToPath } from 'node:url';
import {
  test as base,
  type PlaywrightTestArgs,
  type PlaywrightTestOptions,
  type PlaywrightWorkerArgs,
  type PlaywrightWorkerOptions,
  type TestType,
} from '@playwright/test';
import { startRoomServer } from '../node/roomServer.ts';
import type { VoterCount } from '../room/roomLink.ts';
import { TabEnsemble } from './tabEnsemble.ts';

export type {
  Automation,
  AutomationMember,
  AutomationStatus,
} from '../browser/automationContract.ts';
export type { VoterCount } from '../room/roomLink.ts';
export { freeze, thaw } from './frozenTab.ts';
export { TabEnsemble } from './tabEnsemble.ts';
export {
  closeTab,
  crash,
  linked,
  newLink,
  openTab,
  PATIENCE_MS,
  read,
  seated,
  sees,
  servesWithout,
  serving,
  status,
  write,
} from './tabs.ts';
export { expect } from '@playwright/test';

/** Chromium makes no WebRTC link over 127.0.0.1 without this, nor without a permission such as the microphone's. */
const LOOPBACK_ARG = '--allow-loopback-in-peer-connection';
/** Next to the folder that this file is built into. */
const APP_FOLDER = fileURLToPath(new URL('../app', import.meta.url));

export interface TabkeeperFixtures {
  /** A room of its own, in this test's `context`, with this many voters (default 3): resolves when all serve. */
  readonly openEnsemble: (servers?: VoterCount) => Promise<TabEnsemble>;
}

export interface TabkeeperWorkerFixtures {
  /** The folder of the built app; the package's own unless you say otherwise. */
  readonly tabkeeperApp: string;
  /** Origins of your pages that embed or open rooms and ask to be clients of their tabs; none unless you say so. */
  readonly tabkeeperEmbedders: readonly string[];
  /** `http://127.0.0.1:<port>/`, where the app and its room server are. */
  readonly tabkeeperUrl: string;
}

export const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & TabkeeperFixtures,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & TabkeeperWorkerFixtures
> = base.extend<TabkeeperFixtures, TabkeeperWorkerFixtures>({
  tabkeeperApp: [APP_FOLDER, { option: true, scope: 'worker' }],
  tabkeeperEmbedders: [[], { option: true, scope: 'worker' }],
  tabkeeperUrl: [
    async ({ tabkeeperApp, tabkeeperEmbedders }, use) => {
      const server = await startRoomServer({
        appFolder: tabkeeperApp,
        host: '127.0.0.1',
        port: 0,
        nextIfTaken: false,
        certificate: null,
        embedders: tabkeeperEmbedders,
      });
      await use(`http://127.0.0.1:${server.port}/`);
      await server.close();
    },
    { scope: 'worker' },
  ],
  launchOptions: [
    async ({ launchOptions, browserName }, use) => {
      const { args = [] } = launchOptions;
      await use(
        browserName === 'chromium'
          ? { ...launchOptions, args: [...args, LOOPBACK_ARG] }
          : launchOptions,
      );
    },
    { scope: 'worker' },
  ],
  permissions: async ({ permissions, browserName }, use) => {
    await use(browserName === 'chromium' ? [...(permissions ?? []), 'microphone'] : permissions);
  },
  openEnsemble: async ({ context, tabkeeperUrl }, use) => {
    await use((servers) => TabEnsemble.open(context, tabkeeperUrl, servers));
  },
});
