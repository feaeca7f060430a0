import { describe, test } from 'vitest';
import type { Disk } from '../../../src/ports/disk.ts';
import { MemoryDirectory } from '../../../src/testing/memoryDisk.ts';
import { diskAcceptance, type DiskHarness } from '../../acceptance/disk.ts';

const LIMIT_MS = 10_000;

function memoryHarness(): Promise<DiskHarness> {
  const directory = new MemoryDirectory();
  let disk: Disk = directory.open();
  return Promise.resolve({
    get disk() {
      return disk;
    },
    crash: async () => {
      await directory.crash();
      disk = directory.open();
    },
    until: async (condition, what) => {
      const end = performance.now() + LIMIT_MS;
      while (!condition()) {
        if (performance.now() > end) throw new Error(`did not come: ${what}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    stop: () => Promise.resolve(),
  });
}

describe('the memory disk of an ensemble in a test', () => {
  diskAcceptance(test, memoryHarness);
});
