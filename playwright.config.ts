import { defineConfig } from '@playwright/test';
import { chromium } from './test/chromium.ts';

export default defineConfig({
  testDir: 'test',
  // A short storm comes with the others, a long one is asked for: `npm run chaos`.
  testMatch: [
    'chaos/**/*.spec.ts',
    ...(process.env['CHAOS_MINUTES'] === undefined ? ['browser/**/*.spec.ts'] : []),
  ],
  globalSetup: './test/browser/harness/buildPages.ts',
  // A busy machine takes its time to start three tabs; no test waits for this when all is well.
  timeout: 180_000,
  expect: { timeout: 45_000 },
  workers: 1,
  // Where others' work shares the machine a test may starve once; the report names it as flaky all the same.
  retries: process.env['CI'] === 'true' ? 1 : 0,
  reporter: [['list'], ['json', { outputFile: 'test-results/browser.json' }]],
  use: {
    browserName: 'chromium',
    launchOptions: {
      args: ['--no-sandbox'],
      ...chromium(),
    },
  },
});
