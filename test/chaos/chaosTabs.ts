/**
 * The browser of a chaos run and its tabs: opened, closed, crashed, frozen, cut off. Tabs are really hidden and frozen
 * here, since Playwright is asked to leave the browser as it is; the profile outlives the browser, which may be killed.
 */

import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevTools, type PlainTab, startChromium } from '../browser/harness/plainChromium.ts';
import { installIsolation } from './isolation.ts';

const POLL_MS = 50;
const LOAD_WITHIN_MS = 60_000;
/** A frozen tab does not answer at all. */
const ANSWER_WAIT_MS = 20_000;

export interface ChaosTab {
  readonly name: string;
  readonly page: Page;
  /** What is being done to it; null: nothing, so it can be asked and struck. */
  trouble: string | null;
  gone: boolean;
  /** As Playwright's `evaluate`, which notes every call as a step and slows down with their number. Rejects when the tab goes. */
  ask<Argument, Result>(
    inPage: (argument: Argument) => Result,
    argument: Argument,
  ): Promise<Awaited<Result>>;
}

interface Running {
  readonly process: ChildProcess;
  readonly browser: Browser;
  readonly context: BrowserContext;
  readonly devTools: DevTools;
}

export interface ChaosTabsOptions {
  readonly executable: string;
  readonly args: readonly string[];
  readonly url: string;
  /** Something that a page must never do: an error that nobody catches. */
  readonly problem: (text: string) => void;
}

class OpenTab implements ChaosTab {
  readonly name: string;
  readonly page: Page;
  trouble: string | null = 'opening';
  gone = false;
  readonly #plain: PlainTab;
  readonly #goings = new Set<() => void>();

  constructor(name: string, page: Page, plain: PlainTab) {
    this.name = name;
    this.page = page;
    this.#plain = plain;
  }

  ask<Argument, Result>(
    inPage: (argument: Argument) => Result,
    argument: Argument,
  ): Promise<Awaited<Result>> {
    return new Promise((resolve, reject) => {
      const going = (): void => reject(new Error(`${this.name} is gone`));
      if (this.gone) return going();
      this.#goings.add(going);
      this.#plain
        .evaluate(inPage, argument)
        .finally(() => this.#goings.delete(going))
        .then(resolve, reject);
    });
  }

  noteGone(): void {
    this.gone = true;
    for (const going of this.#goings) going();
    this.#goings.clear();
  }
}

export class ChaosTabs {
  readonly #options: ChaosTabsOptions;
  readonly #profile: string;
  #running: Running;
  #tabs: OpenTab[] = [];
  #count = 0;

  static async launch(options: ChaosTabsOptions): Promise<ChaosTabs> {
    const profile = await mkdtemp(join(tmpdir(), 'tabkeeper-chaos-'));
    return new ChaosTabs(options, profile, await start(options, profile));
  }

  private constructor(options: ChaosTabsOptions, profile: string, running: Running) {
    this.#options = options;
    this.#profile = profile;
    this.#running = running;
  }

  /** Those that are there, whatever is done to them. */
  get all(): readonly ChaosTab[] {
    return this.#tabs;
  }

  /** Those that nothing is being done to. */
  get healthy(): readonly ChaosTab[] {
    return this.#tabs.filter(({ trouble }) => trouble === null);
  }

  async open(): Promise<ChaosTab> {
    const { context, devTools } = this.#running;
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    const { targetInfo } = await session.send('Target.getTargetInfo');
    const tab = new OpenTab(
      `tab ${++this.#count}`,
      page,
      await devTools.attach(targetInfo.targetId),
    );
    this.#tabs.push(tab);
    const gone = (): void => {
      tab.noteGone();
      this.#tabs = this.#tabs.filter((one) => one !== tab);
    };
    page.on('close', gone);
    page.on('crash', gone);
    page.on('pageerror', (error) => this.#options.problem(`${tab.name}: ${String(error)}`));
    await this.load(tab);
    tab.trouble = null;
    return tab;
  }

  /** Tries, as a person would, until the page comes: the room server may be away. */
  async load(tab: ChaosTab): Promise<void> {
    await until(`${tab.name} has its page`, LOAD_WITHIN_MS, async () => {
      if (tab.gone) return true;
      await tab.page.goto(this.#options.url, { waitUntil: 'commit' });
      return true;
    });
    if (tab.gone) throw new Error(`${tab.name} is gone`);
  }

  async close(tab: ChaosTab): Promise<void> {
    const gone = tab.page.waitForEvent('close');
    await tab.page.close({ runBeforeUnload: true });
    await gone;
  }

  async crash(tab: ChaosTab): Promise<void> {
    const session = await this.#running.context.newCDPSession(tab.page);
    const gone = tab.page.waitForEvent('crash');
    // The renderer does not live to answer.
    session.send('Page.crash').catch(() => undefined);
    await gone;
    await tab.page.close();
  }

  /** As a browser does with a hidden tab; answers how it is thawed. */
  async freeze(tab: ChaosTab): Promise<() => Promise<unknown>> {
    const session = await this.#running.context.newCDPSession(tab.page);
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    return () => session.send('Page.setWebLifecycleState', { state: 'active' });
  }

  /** No tab is there any more, nor the browser: it is started again on its profile. */
  async killBrowser(): Promise<void> {
    const { process, browser } = this.#running;
    const ended = new Promise((resolve) => process.once('exit', resolve));
    const disconnected = new Promise((resolve) => browser.once('disconnected', resolve));
    process.kill('SIGKILL');
    await Promise.all([ended, disconnected]);
    for (const tab of this.#tabs) tab.noteGone();
    this.#tabs = [];
    this.#running = await start(this.#options, this.#profile);
  }

  async end(): Promise<void> {
    const { process, browser } = this.#running;
    const ended = new Promise((resolve) => process.once('exit', resolve));
    await browser.close();
    process.kill();
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function start(
  { executable, args, url }: ChaosTabsOptions,
  profile: string,
): Promise<Running> {
  const { process, endpoint } = await startChromium(executable, profile, args);
  const browser = await chromium.connectOverCDP(endpoint, { noDefaults: true });
  const [context] = browser.contexts();
  if (context === undefined) throw new Error('this Chromium has no window');
  await context.grantPermissions(['microphone'], { origin: new URL(url).origin });
  await context.addInitScript(installIsolation);
  return { process, browser, context, devTools: await DevTools.connect(endpoint) };
}

/**
 * Asks again and again until `condition` holds; a tab that cannot be asked does not fulfil it, nor one that does not
 * answer. Answers how long it took.
 */
export async function until(
  what: string,
  withinMs: number,
  condition: () => Promise<boolean> | boolean,
): Promise<number> {
  const beganMs = performance.now();
  for (;;) {
    const held = await within(ANSWER_WAIT_MS, condition);
    const tookMs = performance.now() - beganMs;
    if (held) return tookMs;
    if (tookMs > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function within(
  waitMs: number,
  condition: () => Promise<boolean> | boolean,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), waitMs);
  });
  const held = await Promise.race([Promise.resolve(condition()).catch(() => false), late]);
  clearTimeout(timer);
  return held;
}
