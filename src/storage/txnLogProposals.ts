/** Reads older proposals back from the log files, for a learner that is behind what memory holds. */

import { type Zxid } from '../wire/ids.ts';
import type { CommittedProposal } from './committedLog.ts';
import { logsFrom, readDirectory } from './dataDirectory.ts';
import type { LoaderContext } from './databaseLoader.ts';
import type { StorageDone } from './storageError.ts';
import { readTxnLogs } from './txnLogReader.ts';
import { follows } from './zxidOrder.ts';

/**
 * Transactions up to `lastZxid`, beginning with the file that holds `startZxid`. Null when the files after that one are
 * larger than the limit (0: none; negative: always), or they begin after `startZxid`, or have a gap: then a snapshot is sent instead.
 */
export function readProposals(
  { clock, disk, options }: LoaderContext,
  startZxid: Zxid,
  lastZxid: Zxid,
  sizeLimitBytes: number,
  done: StorageDone<readonly CommittedProposal[] | null>,
): void {
  disk.list((listed) => {
    if (!listed.ok) return done(listed);
    const files = logsFrom(readDirectory(listed.value).logs, startZxid);
    // As ZooKeeper counts: what comes after the file in which the reading begins.
    const sizeBytes = files.slice(1).reduce((sum, file) => sum + file.sizeBytes, 0);
    if (sizeLimitBytes < 0 || (sizeLimitBytes > 0 && sizeBytes > sizeLimitBytes)) {
      return done({ ok: true, value: null });
    }
    const proposals: CommittedProposal[] = [];
    let whole = true;
    readTxnLogs(
      disk,
      clock,
      files,
      ({ zxid, payload }) => {
        if (zxid > lastZxid) return { ok: true, value: 'stop' };
        const last = proposals.at(-1)?.zxid;
        whole =
          last === undefined ? zxid <= startZxid : follows(last, zxid, options.initialZxidCounter);
        if (!whole) return { ok: true, value: 'stop' };
        proposals.push({ zxid, bytes: payload.slice() });
        return { ok: true, value: 'continue' };
      },
      (scan) => {
        if (!scan.ok) return done(scan);
        done({ ok: true, value: whole && proposals.length > 0 ? proposals : null });
      },
    );
  });
}
