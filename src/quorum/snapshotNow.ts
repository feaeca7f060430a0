/** A snapshot because somebody asks for one, besides those that a server takes by itself. It decides whether it may. */

import type { Clock } from '../ports/clock.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import type { CancelSnapshot, SnapshotAnswer } from './runningPeer.ts';

/**
 * Only while the server serves: at other times what is in memory may be about to be cut from history. See
 * `RunningPeer.takeSnapshot`.
 */
export function takeSnapshotNow(
  db: ZKDatabase,
  serving: boolean,
  clock: Clock,
  answer: (answer: SnapshotAnswer) => void,
): CancelSnapshot {
  const refusal = refusalOf(db, serving);
  if (refusal !== null) {
    clock.soon(() => answer({ kind: 'refused', reason: refusal }));
    return () => {};
  }
  let writing = true;
  db.takeSnapshot((taken) => {
    writing = false;
    if (!taken.ok) answer({ kind: 'refused', reason: taken.error.message });
    else if (taken.value === null) answer({ kind: 'abandoned' });
    else answer({ kind: 'taken', ...taken.value });
  });
  return () => {
    if (writing) db.abandonSnapshot();
  };
}

function refusalOf(db: ZKDatabase, serving: boolean): string | null {
  if (!serving)
    return 'A server takes a snapshot only while it serves: without a quorum it does not.';
  if (db.snapshotInProgress) return 'The server is writing a snapshot already.';
  return null;
}
