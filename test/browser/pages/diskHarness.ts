/** The disk acceptance suite's directory: a fresh IndexedDB database for each test. */

import type { DiskHarness } from '../../acceptance/disk.ts';
import { IndexedDbDisk } from '../../../src/browser/indexedDbDisk.ts';
import { until } from './waiting.ts';

let count = 0;

export async function makeDiskHarness(): Promise<DiskHarness> {
  const name = `acceptance/${Date.now()}/${++count}`;
  const meta = { diskId: '0'.repeat(32), trustEmpty: true };
  let life = 1;
  let disk = await IndexedDbDisk.open(name, meta, `owner ${life}`);
  return {
    get disk() {
      return disk;
    },
    crash: async () => {
      disk = await IndexedDbDisk.open(name, meta, `owner ${++life}`);
    },
    until,
    stop: async () => void indexedDB.deleteDatabase(name),
  };
}
