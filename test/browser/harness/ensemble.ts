/** A room whose tabs are open and serve, and what tests do to it again and again. */

import type { BrowserContext, Page } from '@playwright/test';
import { TabEnsemble } from '../../../src/playwright/tabEnsemble.ts';
import { servesWithout, status } from '../../../src/playwright/tabs.ts';
import type { VoterCount } from '../../../src/room/roomLink.ts';

export { crash, read, servesWithout, write } from '../../../src/playwright/tabs.ts';

export interface Room {
  readonly url: string;
  readonly pages: readonly Page[];
}

export async function openRoom(
  context: BrowserContext,
  appUrl: string,
  servers: VoterCount = 3,
): Promise<Room> {
  const { url, tabs } = await TabEnsemble.open(context, appUrl, servers);
  return { url, pages: tabs };
}

/** The leader's tab, and the others. */
export async function splitByLeader(
  pages: readonly Page[],
): Promise<{ leader: Page; others: readonly Page[] }> {
  const all = await Promise.all(pages.map(status));
  const leader = pages[all.findIndex(({ state }) => state === 'LEADING')];
  if (leader === undefined) throw new Error(`nobody leads: ${JSON.stringify(all)}`);
  return { leader, others: pages.filter((page) => page !== leader) };
}

/** A room of three as a person at a follower's tab has it before them. */
export interface FollowersView {
  readonly leader: Page;
  /** In front. */
  readonly page: Page;
  readonly other: Page;
}

export async function openAtFollower(
  context: BrowserContext,
  appUrl: string,
): Promise<FollowersView> {
  const { pages } = await openRoom(context, appUrl);
  const { leader, others } = await splitByLeader(pages);
  const [page, other] = others as [Page, Page];
  await page.bringToFront();
  return { leader, page, other };
}

/** Closes the leader's tab as a person does and waits until the others serve under another; answers who led. */
export async function leaderLeaves(leader: Page, others: readonly Page[]): Promise<number> {
  const { sid } = await status(leader);
  await leader.close({ runBeforeUnload: true });
  for (const page of others) await servesWithout(page, sid);
  return sid;
}
