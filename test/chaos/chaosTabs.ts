/**
 * The browser of a chaos run and its tabs: opened, closed, crashed, killed with the browser. Tabs are really hidden and
 * frozen here, since Playwright is asked to leave the browser as it is; the profile outlives the browser.
 */

import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeTab, crash } from '../../src/playwright/tabs.ts';
import { DevTools, type PlainTab, startChromium } from '../browser/harness/plainChromium.ts';
import { type ChaosTab, OpenTab } from './chaosTab.ts';
import { installIsolation } from './isolation.ts';
import { Pulse } from './pulse.ts';
import { holdWrites, installSlowDisk } from './slowDisk.ts';
import { until } from './until.ts';

const LOAD_WITHIN_MS = 60_000;
/** Much longer than it takes until an answer has come from the other servers, and has been told to a client and to us. */
const DISK_HOLD_MS = 60;

interface Running {
  readonly process: ChildProcess;
  readonly browser: Browser;
  readonly context: BrowserContext;
  readonly devTools: DevTools;
  /** A page with nothing in it. */
  readonly blank: PlainTab;
  /** The process has ended, and Playwright knows. */
  readonly ended: Promise<void>;
}

export interface ChaosTabsOptions {
  readonly executable: string;
  readonly args: readonly string[];
  readonly url: string;
  /** Something that a page must never do: an error that nobody catches. */
  readonly problem: (text: string) => void;
}

export class ChaosTabs {
  readonly #options: ChaosTabsOptions;
  readonly #profile: string;
  /** Stops at {@link end}. */
  readonly pulse: Pulse;
  /** While the browser is being started again: the one that comes. */
  #running: Promise<Running>;
  #tabs: OpenTab[] = [];
  #count = 0;

  static async launch(options: ChaosTabsOptions): Promise<ChaosTabs> {
    const profile = await mkdtemp(join(tmpdir(), 'tabkeeper-chaos-'));
    return new ChaosTabs(options, profile, await start(options, profile));
  }

  private constructor(options: ChaosTabsOptions, profile: string, running: Running) {
    this.#options = options;
    this.#profile = profile;
    this.#running = Promise.resolve(running);
    this.pulse = new Pulse(async () => {
      const { blank } = await this.#running;
      await blank.evaluate(() => 0);
    });
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
    const tab = await this.#newTab();
    await this.load(tab);
    tab.trouble = null;
    return tab;
  }

  /** Tries, as a person would, until the page comes: the room server may be away. */
  async load(tab: ChaosTab): Promise<void> {
    const load = async (): Promise<boolean> => {
      if (tab.gone) return true;
      await tab.page.goto(this.#options.url, { waitUntil: 'commit' });
      return true;
    };
    await until(`${tab.name} has its page`, LOAD_WITHIN_MS, load, this.pulse);
    if (tab.gone) throw new Error(`${tab.name} is gone`);
  }

  async close(tab: ChaosTab): Promise<void> {
    await this.#open(tab).end(() => closeTab(tab.page));
  }

  async crash(tab: ChaosTab): Promise<void> {
    const running = await this.#running;
    await this.#open(tab).end(() => crash(tab.page));
    await whileItRuns(running, () => tab.page.close());
  }

  /** No tab is there any more, nor the browser: it is started again on its profile. */
  async killBrowser(): Promise<void> {
    const running = await this.#running;
    this.#running = this.#replace(running);
    await this.#running;
  }

  async end(): Promise<void> {
    this.pulse.stop();
    const { process, browser, ended } = await this.#running;
    await Promise.race([browser.close(), ended]);
    process.kill();
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  async #newTab(): Promise<OpenTab> {
    const running = await this.#running;
    const page = await whileItRuns(running, () => running.context.newPage());
    const plain = await whileItRuns(running, () => attach(running, page));
    const tab = new OpenTab(`tab ${++this.#count}`, page, plain);
    this.#tabs.push(tab);
    const gone = (): void => {
      tab.noteGone();
      this.#tabs = this.#tabs.filter((one) => one !== tab);
    };
    page.on('close', gone);
    page.on('crash', gone);
    page.on('pageerror', (error) => this.#options.problem(`${tab.name}: ${String(error)}`));
    if (page.isClosed()) gone();
    return tab;
  }

  #open(tab: ChaosTab): OpenTab {
    const open = this.#tabs.find((one) => one === tab);
    if (open === undefined) throw new Error(`${tab.name} is gone`);
    return open;
  }

  async #replace({ process, ended }: Running): Promise<Running> {
    process.kill('SIGKILL');
    // A busy machine takes its time to bury it: nobody is asked any more who cannot hear.
    for (const tab of this.#tabs) tab.noteGone();
    this.#tabs = [];
    await ended;
    return start(this.#options, this.#profile);
  }
}

/** Rejects when the browser ends: Playwright does not answer for all that a killed browser was asked. */
async function whileItRuns<Result>(
  { ended }: Running,
  action: () => Promise<Result>,
): Promise<Result> {
  const gone = ended.then((): never => {
    throw new Error('the browser has ended');
  });
  return Promise.race([action(), gone]);
}

async function start(
  { executable, args, url }: ChaosTabsOptions,
  profile: string,
): Promise<Running> {
  const { process, endpoint } = await startChromium(executable, profile, args);
  const exited = new Promise<void>((resolve) => process.once('exit', () => resolve()));
  const browser = await chromium.connectOverCDP(endpoint, { noDefaults: true });
  const disconnected = new Promise<void>((resolve) =>
    browser.once('disconnected', () => resolve()),
  );
  const [context] = browser.contexts();
  if (context === undefined) throw new Error('this Chromium has no window');
  await context.grantPermissions(['microphone'], { origin: new URL(url).origin });
  const devTools = await DevTools.connect(endpoint);
  const [first] = context.pages();
  if (first === undefined) throw new Error('this Chromium has no page');
  const blank = await attach({ context, devTools }, first);
  await context.addInitScript(installIsolation);
  const slow = { holdWrites: String(holdWrites), holdMs: DISK_HOLD_MS };
  await context.addInitScript(installSlowDisk, slow);
  const ended = Promise.all([exited, disconnected]).then(() => undefined);
  return { process, browser, context, devTools, blank, ended };
}

/** The page through DevTools of its own. */
async function attach(
  { context, devTools }: Pick<Running, 'context' | 'devTools'>,
  page: Page,
): Promise<PlainTab> {
  const session = await context.newCDPSession(page);
  const { targetInfo } = await session.send('Target.getTargetInfo');
  return devTools.attach(targetInfo.targetId);
}
