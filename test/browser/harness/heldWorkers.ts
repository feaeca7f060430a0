/**
 * Holds back what the Workers of a page answer, so that a test can look at a long work from within. What they tell of
 * their progress goes other ways and comes through.
 */

import type { Page } from '@playwright/test';

/** Of each Worker made from now on whose script has `name` in its address so many answers come through. */
export async function holdAnswers(page: Page, name: string, letThrough: number): Promise<void> {
  await page.evaluate(
    ([part, passing]) => {
      const RealWorker = globalThis.Worker;
      globalThis.Worker = class extends RealWorker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          if (!String(url).includes(part)) return;
          let left = passing;
          // The first who listens, and so before whoever waits for the answers.
          this.addEventListener('message', (event) => {
            left -= 1;
            if (left < 0 && !('heldWorkersAreFree' in globalThis)) event.stopImmediatePropagation();
          });
        }
      };
    },
    [name, letThrough] as const,
  );
}

/** From now on everything comes through; what was held back is lost. */
export const holdNoMore = (page: Page): Promise<void> =>
  page.evaluate(() => {
    Object.assign(globalThis, { heldWorkersAreFree: true });
  });
