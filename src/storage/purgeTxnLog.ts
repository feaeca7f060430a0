/** Removes snapshots and logs that no start can need any more (ZooKeeper's `PurgeTxnLog`). When is others' business. */

import { assert } from '../base/assert.ts';
import type { Disk, Done } from '../ports/disk.ts';
import { logsFrom, readDirectory, type DataDirectory, type DataFile } from './dataDirectory.ts';
import { inSequence } from './diskSteps.ts';
import { finalSeal, SEAL_BYTES } from './snapshotFormat.ts';
import type { StorageDone } from './storageError.ts';

/** ZooKeeper keeps no fewer. */
const MIN_RETAIN_COUNT = 3;

/**
 * Keeps the newest `retainCount` snapshots that are whole by their ends, and every log that may hold transactions beyond
 * the oldest of them. Answers with the names of the files removed.
 */
export function purgeTxnLog(
  disk: Disk,
  retainCount: number,
  done: StorageDone<readonly string[]>,
): void {
  assert(retainCount >= MIN_RETAIN_COUNT, `${retainCount} snapshots are too few to keep`);
  disk.list((listed) => {
    if (!listed.ok) return done(listed);
    const directory = readDirectory(listed.value);
    oldestRetained(disk, directory.snapshots, retainCount, (oldest) => {
      if (!oldest.ok) return done(oldest);
      const names = oldest.value === null ? [] : obsolete(directory, oldest.value);
      const steps = names.map((name) => (next: Done<void>) => disk.remove(name, next));
      inSequence(steps, (result) => done(result.ok ? { ok: true, value: names } : result));
    });
  });
}

/** Oldest first, snapshots before logs: a crash leaves no log behind that a snapshot still there would need. */
function obsolete({ snapshots, logs }: DataDirectory, oldest: DataFile): readonly string[] {
  const needed = logsFrom(logs, oldest.zxid);
  const oldSnapshots = snapshots.filter(({ zxid }) => zxid < oldest.zxid).reverse();
  const oldLogs = logs.filter((log) => log.zxid < oldest.zxid && !needed.includes(log));
  return [...oldSnapshots, ...oldLogs].map(({ name }) => name);
}

/** Null when no snapshot is whole. */
function oldestRetained(
  disk: Disk,
  snapshots: readonly DataFile[],
  retainCount: number,
  done: StorageDone<DataFile | null>,
): void {
  const look = (index: number, found: DataFile | null, foundCount: number): void => {
    const file = snapshots[index];
    if (file === undefined || foundCount === retainCount) return done({ ok: true, value: found });
    const from = Math.max(0, file.sizeBytes - SEAL_BYTES);
    disk.read(file.name, from, SEAL_BYTES, (read) => {
      if (!read.ok) return done(read);
      if (finalSeal(read.value) === null) return look(index + 1, found, foundCount);
      look(index + 1, file, foundCount + 1);
    });
  };
  look(0, null, 0);
}
