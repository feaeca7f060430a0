import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Real ZooKeeper servers beside ours. `scripts/test.mjs interop` says what it needs and when it is left out. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    // A process of its own for each file: servers die with the process that started them.
    pool: 'forks',
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    // A real server that starves has more to complain of than anybody can list; a second failure is ours.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    testTimeout: 400_000,
    hookTimeout: 60_000,
  },
});
