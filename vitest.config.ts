import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'src/**/*.test.ts'],
    // Patience for a busy machine, not a promise of speed: no test waits for it when all is well.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
