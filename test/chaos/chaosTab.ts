/** One tab of a chaos run. Whatever is asked of it or done to it ends, at the latest when the tab or its browser does. */

import type { Page } from '@playwright/test';
import type { PlainTab } from '../browser/harness/plainChromium.ts';

export interface ChaosTab {
  readonly name: string;
  readonly page: Page;
  /** What is being done to it; null: nothing, so it can be asked and struck. */
  trouble: string | null;
  /** Cut off from some or all others: it can be asked all the same. */
  isolated: boolean;
  readonly gone: boolean;
  /** As Playwright's `evaluate`, which notes every call as a step and slows down with their number. Rejects when the tab goes. */
  ask<Argument, Result>(
    inPage: (argument: Argument) => Result,
    argument: Argument,
  ): Promise<Awaited<Result>>;
  /** The browser shows it; the tab that was there is hidden. */
  front(): Promise<void>;
  /** As a browser does with a hidden tab: nothing runs in it any more. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  reload(): Promise<void>;
}

export class OpenTab implements ChaosTab {
  readonly name: string;
  readonly page: Page;
  trouble: string | null = 'opening';
  isolated = false;
  readonly #plain: PlainTab;
  readonly #goings = new Set<() => void>();
  #gone = false;

  constructor(name: string, page: Page, plain: PlainTab) {
    this.name = name;
    this.page = page;
    this.#plain = plain;
  }

  get gone(): boolean {
    return this.#gone;
  }

  ask<Argument, Result>(
    inPage: (argument: Argument) => Result,
    argument: Argument,
  ): Promise<Awaited<Result>> {
    return this.whileThere(() => this.#plain.evaluate(inPage, argument));
  }

  front(): Promise<void> {
    return this.whileThere(() => this.#plain.front());
  }

  freeze(): Promise<void> {
    return this.whileThere(() => this.#plain.freeze());
  }

  thaw(): Promise<void> {
    return this.whileThere(() => this.#plain.thaw());
  }

  async reload(): Promise<void> {
    await this.whileThere(() => this.page.reload({ waitUntil: 'commit' }));
  }

  noteGone(): void {
    this.#gone = true;
    for (const going of this.#goings) going();
    this.#goings.clear();
  }

  /** Does what ends the tab: over when the tab is gone, whether or not it lived to answer. */
  async end(action: () => Promise<void>): Promise<void> {
    const went = new Promise<void>((resolve) => this.#goings.add(resolve));
    if (this.#gone) return;
    await Promise.race([went, action().then(() => went)]);
  }

  /** Rejects when the tab goes before `action` is over. */
  whileThere<Result>(action: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const going = (): void => reject(new Error(`${this.name} is gone`));
      if (this.#gone) return going();
      this.#goings.add(going);
      action()
        .finally(() => this.#goings.delete(going))
        .then(resolve, reject);
    });
  }
}
