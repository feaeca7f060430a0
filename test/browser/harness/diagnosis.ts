/** What every tab knew when a test failed: attached to the report, and said in short on the terminal. */

import type { TestInfo } from '@playwright/test';
import { withinTime } from './withinTime.ts';

/** A crashed or frozen page does not answer at all. */
const ANSWER_WAIT_MS = 5_000;
/** So many of the last events go to the terminal; the attachment has all that the tab kept. */
const SHORT_EVENT_COUNT = 60;

interface TabReport {
  readonly title: string;
  readonly body: string;
  /** Event by event, the oldest first. */
  readonly events: readonly string[];
}

/** A page, whoever drives it. */
interface Tab {
  evaluate<Result>(inPage: () => Result): Promise<Awaited<Result>>;
}

/** If the test failed. To be called before the tabs' browser is closed. */
export async function diagnose(tabs: readonly Tab[], testInfo: TestInfo): Promise<void> {
  if (testInfo.status === testInfo.expectedStatus) return;
  for (const [index, tab] of tabs.entries()) {
    const name = `tab ${index + 1} of ${tabs.length}`;
    const { title, body, events } = await reportOf(tab);
    console.log([`-- ${name}: ${title}`, body, ...events.slice(-SHORT_EVENT_COUNT)].join('\n'));
    await testInfo.attach(`${name}, ${title}`, {
      body: [body, ...events].join('\n'),
      contentType: 'text/plain',
    });
  }
}

async function reportOf(tab: Tab): Promise<TabReport> {
  const silent = (why: string): TabReport => ({ title: why, body: '', events: [] });
  const asked = tab.evaluate(tellAll).catch((error: unknown) => silent(String(error)));
  return withinTime(ANSWER_WAIT_MS, asked, silent('does not answer'));
}

/** Runs in the page. */
function tellAll(): TabReport {
  const plain = (value: unknown): string =>
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'bigint' ? `0x${BigInt.asUintN(64, inner).toString(16)}` : inner,
    );
  const room = globalThis.tabkeeper;
  const page = `${document.visibilityState}, ${Math.round(performance.now())} ms old`;
  if (room === undefined) {
    return {
      title: `no seat yet (${page})`,
      body: document.querySelector('body')?.innerText ?? '',
      events: [],
    };
  }
  const { sid, state, serving } = room.status();
  return {
    title: `server ${sid}, ${state}, ${serving ? 'serves' : 'does not serve'} (${page})`,
    body: [
      `status ${plain(room.status())}`,
      ...room.members().map((member) => `member ${plain(member)}`),
      `client ${room.client.state}`,
    ].join('\n'),
    events: room.events.map(
      ({ wallTimeMs, event }) =>
        `${new Date(wallTimeMs).toISOString().slice(14, 23)} ${plain(event)}`,
    ),
  };
}
