/** A room of tabs that are servers of one ensemble, as a Playwright test drives it: who leads, who goes, who comes back. */

import { expect, type BrowserContext, type Page } from '@playwright/test';
import type { AutomationStatus } from '../browser/automationContract.ts';
import type { VoterCount } from '../room/roomLink.ts';
import { isFrozen } from './frozenTab.ts';
import { closeTab, crash, newLink, openTab, PATIENCE_MS, seated, serving, status } from './tabs.ts';

export class TabEnsemble {
  /** The room's link: whoever opens it joins. */
  readonly url: string;
  readonly #context: BrowserContext;
  readonly #tabs = new Set<Page>();

  private constructor(context: BrowserContext, url: string) {
    this.#context = context;
    this.url = url;
  }

  /** A room of its own with as many tabs as it has voters; waits until all of them serve. `appUrl` ends in a slash. */
  static async open(
    context: BrowserContext,
    appUrl: string,
    servers: VoterCount = 3,
  ): Promise<TabEnsemble> {
    const ensemble = new TabEnsemble(context, appUrl + newLink(servers));
    for (let count = 0; count < servers; count++) await ensemble.#add();
    await ensemble.waitForQuorum();
    return ensemble;
  }

  /** The tabs that are open, in the order in which they were opened. */
  get tabs(): readonly Page[] {
    return [...this.#tabs];
  }

  /**
   * Opens the room's link once more and waits until that tab serves: it becomes a server that has left, on that
   * server's data, or an observer when all voters are here.
   */
  async reopen(): Promise<Page> {
    const tab = await this.#add();
    await seated(tab);
    await serving(tab);
    return tab;
  }

  /** Waits until all open tabs, but for frozen ones, serve under one leader that is one of them. */
  async waitForQuorum(): Promise<void> {
    await this.#agreement();
  }

  /** The leader's tab; waits for one. */
  async leader(): Promise<Page> {
    return (await this.#agreement()).leader;
  }

  /** The tabs that follow the leader, observers among them; waits for one to lead. */
  async followers(): Promise<readonly Page[]> {
    return (await this.#agreement()).followers;
  }

  /** Closes the leader's tab as a person does; answers the sid it had. */
  async closeLeader(): Promise<number> {
    const leader = await this.leader();
    const { sid } = await status(leader);
    await closeTab(leader);
    return sid;
  }

  /** The renderer of that tab (by default the leader's) dies without a goodbye; answers the sid it had. Chromium only. */
  async crash(tab?: Page): Promise<number> {
    const victim = tab ?? (await this.leader());
    const { sid } = await status(victim);
    await crash(victim);
    return sid;
  }

  async #add(): Promise<Page> {
    const tab = await openTab(this.#context, this.url);
    this.#tabs.add(tab);
    const gone = (): void => void this.#tabs.delete(tab);
    tab.on('close', gone);
    tab.on('crash', gone);
    return tab;
  }

  async #agreement(): Promise<{ leader: Page; followers: readonly Page[] }> {
    let leader: Page | undefined;
    let followers: readonly Page[] = [];
    await expect(async () => {
      const tabs = this.tabs.filter((tab) => !isFrozen(tab));
      const all = await Promise.all(tabs.map(status));
      leader = tabs[all.findIndex((one) => allFollow(all, one))];
      followers = tabs.filter((tab) => tab !== leader);
      if (leader === undefined) throw new Error(`no leader for all tabs yet: ${describe(all)}`);
    }).toPass({ timeout: PATIENCE_MS, intervals: [POLL_INTERVAL_MS] });
    if (leader === undefined) throw new Error('no leader');
    return { leader, followers };
  }
}

const POLL_INTERVAL_MS = 50;

const allFollow = (all: readonly AutomationStatus[], leader: AutomationStatus): boolean =>
  leader.state === 'LEADING' &&
  all.every((one) => one.serving && one.leader === leader.sid && one.epoch === leader.epoch);

const describe = (all: readonly AutomationStatus[]): string =>
  all
    .map(({ sid, state, serving: serves }) => `${sid} ${state}${serves ? ', serving' : ''}`)
    .join('; ') || 'no tab is open';
