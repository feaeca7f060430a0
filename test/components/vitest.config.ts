import { svelte } from '@sveltejs/vite-plugin-svelte';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { chromium } from '../chromium.ts';

/** Single components in a real Chromium, without a room around them. */
export default defineConfig({
  plugins: [svelte({ configFile: false })],
  // Known from the start: a page that finds another of these in mid-test would load anew.
  optimizeDeps: {
    include: ['comlink', 'fflate', '@noble/hashes/*', 'svelte', 'svelte/reactivity'],
  },
  test: {
    include: ['test/components/**/*.test.ts'],
    // Patience for a busy machine, not a promise of speed: no test waits for it when all is well.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { args: ['--no-sandbox'], ...chromium() } }),
      instances: [{ browser: 'chromium', viewport: { width: 1280, height: 900 } }],
    },
  },
});
