/** Rooms of real tabs for the benchmarks: the room server as it is built, a browser with a profile on disk, open tabs. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noteTimes } from './inPage.mjs';

export const PATIENCE_MS = 30_000;
const TMPFS = 0x01021994;

/** The number that the command line gives, else `usual`; ends the program with `usage` where it is none. */
export function countFromCommandLine(usual, usage) {
  const count = Number(process.argv[2] ?? usual);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  console.error(`${usage}: a whole number from 1 on.`);
  process.exit(2);
}

export async function startServer() {
  const server = spawn(process.execPath, ['dist/node/tabkeeper.js', '--port', '0']);
  let said = '';
  for await (const chunk of server.stdout) {
    said += chunk;
    const link = /http:\S+/.exec(said);
    if (link !== null) return { url: link[0], stop: () => server.kill() };
  }
  throw new Error(`the room server ended: ${said}`);
}

/** The fragment of a link to a new room of three. */
export const newLink = () =>
  `#room=${randomBytes(6).toString('hex')}&servers=3&key=${randomBytes(16).toString('base64url')}`;

/** A browser on a new profile, whose pages note their times; `disk` says for people where the profile lies. */
export async function openBrowser() {
  const { chromium } = await import('@playwright/test');
  const { ensureChromium } = await import('../scripts/chromium.mjs');
  const profile = mkdtempSync(join(tmpdir(), 'tabkeeper-bench-'));
  const inMemory = process.platform === 'linux' && statfsSync(profile).type === TMPFS;
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await ensureChromium(),
    // Links over 127.0.0.1 alone, which a page may use that may use the microphone: no network is measured here.
    args: ['--no-sandbox', '--allow-loopback-in-peer-connection'],
    permissions: ['microphone'],
  });
  await context.addInitScript(noteTimes);
  return {
    context,
    disk: `${inMemory ? 'a file system in memory (not a disk!)' : 'disk'}: ${tmpdir()}`,
    version: async () => {
      const session = await context.newCDPSession(await context.newPage());
      return (await session.send('Browser.getVersion')).product;
    },
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Opens three tabs on a room at once and waits until all serve. */
export async function openTabs(context, url) {
  const pages = await Promise.all(
    [1, 2, 3].map(async () => {
      const page = await context.newPage();
      await page.goto(url, { waitUntil: 'commit' });
      return page;
    }),
  );
  for (const page of pages) {
    await page.waitForFunction(() => globalThis.benchTimes.serving > 0, null, {
      timeout: PATIENCE_MS,
      polling: 50,
    });
  }
  return pages;
}

/** The leader's tab, and the others. */
export async function splitByLeader(pages) {
  const leads = await Promise.all(
    pages.map((page) => page.evaluate(() => globalThis.tabkeeper.status().state === 'LEADING')),
  );
  const leader = pages[leads.indexOf(true)];
  return { leader, followers: pages.filter((page) => page !== leader) };
}
