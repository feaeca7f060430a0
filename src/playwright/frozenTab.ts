/**
 * A tab in which nothing runs any more, neither the page nor its Worker, while its connections stay open: as when a
 * browser freezes a tab in the background or a laptop goes to sleep. Playwright keeps every page in front, and no browser
 * freezes such a one, so the debugger holds it. Chromium only.
 */

import type { CDPSession, Page } from '@playwright/test';

interface Hold {
  readonly session: CDPSession;
  /** DevTools' names for its Workers. */
  readonly workers: readonly string[];
}

const holds = new WeakMap<Page, Hold>();

export const isFrozen = (page: Page): boolean => holds.has(page);

/** From now on the tab runs nothing, and whoever asks it anything waits, until {@link thaw}. */
export async function freeze(page: Page): Promise<void> {
  if (isFrozen(page)) throw new Error('this tab is frozen already');
  const session = await page.context().newCDPSession(page);
  const workers: string[] = [];
  session.on('Target.attachedToTarget', ({ sessionId }) => workers.push(sessionId));
  // Tells of the Workers that are there before it answers.
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  const hold = { session, workers };
  holds.set(page, hold);
  await tellAll(hold, 'Debugger.enable');
  await tellAll(hold, 'Debugger.pause');
}

/** The tab goes on where it was, and finds how late it is. */
export async function thaw(page: Page): Promise<void> {
  const hold = holds.get(page);
  if (hold === undefined) throw new Error('this tab is not frozen');
  await tellAll(hold, 'Debugger.disable');
  await hold.session.detach();
  holds.delete(page);
}

async function tellAll(
  { session, workers }: Hold,
  method: 'Debugger.enable' | 'Debugger.pause' | 'Debugger.disable',
): Promise<void> {
  const message = JSON.stringify({ id: 1, method });
  for (const sessionId of workers) {
    await session.send('Target.sendMessageToTarget', { sessionId, message });
  }
  await session.send(method);
}
