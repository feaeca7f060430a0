/** One tab of a room, from a Playwright test: what its server says of itself, what it holds, and how it goes. */

import { randomBytes } from 'node:crypto';
import { expect, type BrowserContext, type Page } from '@playwright/test';
import type { AutomationStatus } from '../browser/automationContract.ts';
import { formatRoomLink, type VoterCount } from '../room/roomLink.ts';
import { ErrorCode } from '../wire/errorCodes.ts';

/** Longer than any election takes on a busy machine. */
export const PATIENCE_MS = 60_000;

const ROOM_ID_BYTES = 6;
const ROOM_KEY_BYTES = 16;

/** The fragment (`#room=...`) of a new room that nobody else knows. */
export function newLink(servers: VoterCount): string {
  const room = randomBytes(ROOM_ID_BYTES).toString('hex');
  const key = randomBytes(ROOM_KEY_BYTES);
  return formatRoomLink({ room, servers, key, sid: null, observer: false });
}

export async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Waits until the tab has taken a seat; answers its sid. */
export async function seated(page: Page): Promise<number> {
  await page.waitForFunction(() => globalThis.tabkeeper !== undefined, null, {
    timeout: PATIENCE_MS,
  });
  return (await status(page)).sid;
}

/** What the tab's server says of itself now. Rejects while the tab has no seat. */
export function status(page: Page): Promise<AutomationStatus> {
  return page.evaluate(() => {
    if (globalThis.tabkeeper === undefined) throw new Error('this tab has no seat yet');
    return globalThis.tabkeeper.status();
  });
}

/** Waits until the tab's server answers clients. */
export async function serving(page: Page): Promise<AutomationStatus> {
  await page.waitForFunction(() => globalThis.tabkeeper?.status().serving === true, null, {
    timeout: PATIENCE_MS,
  });
  return status(page);
}

/** Waits until the tab serves under another leader than `former`. */
export async function servesWithout(page: Page, former: number): Promise<void> {
  await page.waitForFunction(
    (old) => {
      const now = globalThis.tabkeeper?.status();
      return now?.serving === true && now.leader !== old;
    },
    former,
    { timeout: PATIENCE_MS },
  );
}

/** Creates a node through that tab's server; answers its path. */
export function write(page: Page, path: string, text: string): Promise<string> {
  return page.evaluate(
    async ([at, data]) => {
      if (globalThis.tabkeeper === undefined) throw new Error('this tab has no seat yet');
      return globalThis.tabkeeper.client.create(at, data);
    },
    [path, text] as const,
  );
}

/** What that tab's server holds once it has caught up with the leader; null: no such node. */
export function read(page: Page, path: string): Promise<string | null> {
  return page.evaluate(
    async ([at, noNode]) => {
      const client = globalThis.tabkeeper?.client;
      if (client === undefined) throw new Error('this tab has no seat yet');
      await client.sync('/');
      try {
        const { data } = await client.getData(at);
        return new TextDecoder().decode(data ?? new Uint8Array());
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === noNode) return null;
        throw error;
      }
    },
    [path, ErrorCode.NoNode] as const,
  );
}

/** Waits until the tab sees that server as `presence` says. */
export async function sees(page: Page, sid: number, presence: string): Promise<void> {
  await expect
    .poll(
      () =>
        page.evaluate(
          (wanted) =>
            globalThis.tabkeeper?.members().find((member) => member.sid === wanted)?.presence,
          sid,
        ),
      { timeout: PATIENCE_MS },
    )
    .toBe(presence);
}

/** Waits until the tab has a link of that kind (`webrtc`, `broadcast`), up, to that server. */
export async function linked(page: Page, sid: number, via: string): Promise<void> {
  await expect.poll(() => linkTo(page, sid), { timeout: PATIENCE_MS }).toBe(via);
}

function linkTo(page: Page, sid: number): Promise<string | null> {
  return page.evaluate((wanted) => {
    const link = globalThis.tabkeeper?.members().find((member) => member.sid === wanted)?.link;
    return link?.state === 'up' ? link.via : null;
  }, sid);
}

/** Closes the tab as a person does: the page still says goodbye. */
export async function closeTab(page: Page): Promise<void> {
  const gone = page.waitForEvent('close');
  await page.close({ runBeforeUnload: true });
  await gone;
}

/** The renderer dies as it does when it runs out of memory: no goodbye. Chromium only. */
export async function crash(page: Page): Promise<void> {
  const gone = page.waitForEvent('crash');
  // Playwright reports the navigation that never ends as an error; the crash itself is what is waited for.
  page.goto('chrome://crash').catch(() => undefined);
  await gone;
}
