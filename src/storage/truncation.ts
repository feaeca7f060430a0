/**
 * Cuts history back to one transaction (`FileTxnSnapLog.truncateLog`), with the snapshots that are newer: ZooKeeper leaves
 * those, loads them again, and has cut nothing (ZOOKEEPER-1549). It first proves that what is left is whole.
 *
 * Then it goes from the newest backwards: logs behind the cut, the cut itself, the newer snapshots. So at every moment
 * the disk holds the old history up to some point at or behind the cut, and a crash leaves a server that only has to be
 * told to truncate again.
 */

import { zxidToString, type Zxid } from '../wire/ids.ts';
import {
  cutLog,
  endsAt,
  loadDatabaseUpTo,
  type LoadedState,
  type LoaderContext,
} from './databaseLoader.ts';
import { inSequence, type DiskStep } from './diskSteps.ts';
import { failure, type StorageDone } from './storageError.ts';
import { LOG_HEADER_BYTES } from './txnLogFormat.ts';

/** Answers `cannotTruncate`, having changed nothing, unless exactly the history up to `zxid` can be kept. */
export function truncateDatabase(
  context: LoaderContext,
  zxid: Zxid,
  done: StorageDone<LoadedState>,
): void {
  loadDatabaseUpTo(context, zxid, (loaded) => {
    if (!loaded.ok) return done(loaded);
    if (!endsAt(loaded.value, zxid)) {
      return done(failure('cannotTruncate', '', cannotBeCut(loaded.value, zxid)));
    }
    const { steps, removed } = cut(context, loaded.value, zxid);
    inSequence(steps, (result) => {
      if (!result.ok) return done(result);
      const { probe } = context;
      if (probe.watches('storage')) {
        probe.emit({ topic: 'storage', type: 'truncated', zxid, removed });
      }
      done(loaded);
    });
  });
}

function cannotBeCut({ snapshot, zxid: end }: LoadedState, zxid: Zxid): string {
  const found =
    snapshot === null
      ? 'no snapshot here is that old'
      : `what is here up to it ends at ${zxidToString(end)}`;
  return `the log cannot be cut to ${zxidToString(zxid)}: ${found}.`;
}

function cut(
  { disk }: LoaderContext,
  { directory, beyond }: LoadedState,
  zxid: Zxid,
): { readonly steps: readonly DiskStep[]; readonly removed: readonly string[] } {
  const removing =
    (name: string): DiskStep =>
    (done) =>
      disk.remove(name, done);
  const snapshots = directory.snapshots.filter((file) => file.zxid > zxid).map(({ name }) => name);
  if (beyond === null) return { steps: snapshots.map(removing), removed: snapshots };

  const { file, record } = beyond;
  const later = directory.logs.filter((log) => log.zxid > file.zxid);
  const logs = later.map(({ name }) => name).reverse();
  const keptBytes = record.offset === LOG_HEADER_BYTES ? 0 : record.offset;
  const emptied = keptBytes === 0 ? [file.name] : [];
  return {
    steps: [...logs.map(removing), cutLog(disk, file, keptBytes), ...snapshots.map(removing)],
    removed: [...logs, ...emptied, ...snapshots],
  };
}
