/** A browser's profile on a disk of its own: a folder, or a small file system in memory that really fills up. */

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';

/** A small file system takes Linux and root. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0;

export class Profile {
  readonly #launch: (folder: string) => Promise<BrowserContext>;
  readonly #folder: string;
  readonly #mounted: boolean;
  readonly #launched: BrowserContext[] = [];

  /** `megabytes`: how small the disk is; null: as large as the machine's. */
  static async make(
    launch: (folder: string) => Promise<BrowserContext>,
    megabytes: number | null,
  ): Promise<Profile> {
    const folder = await mkdtemp(join(tmpdir(), 'tabkeeper-profile-'));
    if (megabytes !== null) {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
    }
    return new Profile(launch, folder, megabytes !== null);
  }

  private constructor(
    launch: (folder: string) => Promise<BrowserContext>,
    folder: string,
    mounted: boolean,
  ) {
    this.#launch = launch;
    this.#folder = folder;
    this.#mounted = mounted;
  }

  get pages(): readonly Page[] {
    return this.#launched.flatMap((context) => context.pages());
  }

  /** Starts a browser on it: one at a time. */
  async launch(): Promise<BrowserContext> {
    const context = await this.#launch(this.#folder);
    this.#launched.push(context);
    return context;
  }

  async remove(): Promise<void> {
    for (const context of this.#launched) await context.close();
    if (this.#mounted) execFileSync('umount', ['--lazy', this.#folder]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Writes into a database of the page's own until the browser refuses. */
export function fillStorage(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('filler');
      request.onupgradeneeded = () => request.result.createObjectStore('blocks');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(new Error(String(request.error)));
    });
    const put = (key: number, bytes: Uint8Array): Promise<boolean> =>
      new Promise((resolve) => {
        const transaction = database.transaction('blocks', 'readwrite', { durability: 'strict' });
        transaction.objectStore('blocks').put(bytes, key);
        transaction.oncomplete = () => resolve(true);
        transaction.onabort = () => resolve(false);
      });
    const block = new Uint8Array(400_000);
    // Bytes by chance, so that the database cannot make them smaller.
    for (let at = 0; at < block.length; at += 50_000) {
      crypto.getRandomValues(block.subarray(at, at + 50_000));
    }
    let key = 0;
    while (await put(key, block)) key += 1;
  });
}
