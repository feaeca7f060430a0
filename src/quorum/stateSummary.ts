/** How recent a server's history is: what the leader compares before it may lead (`StateSummary`). Pure. */

import { epoch, zxid, type Epoch, type Zxid } from '../wire/ids.ts';

/** ACKEPOCH's epoch of a learner that has acknowledged the same epoch before: the answer does not count as one. */
export const NO_ACK = epoch(-1);

export interface StateSummary {
  /** Or `NO_ACK`. */
  readonly currentEpoch: Epoch;
  readonly lastZxid: Zxid;
}

/**
 * What a learner reports instead of its last zxid when it needs a snapshot: no history is older, so that ZooKeeper's table
 * ends at SNAP too. Not -1, by which a learner without its disk is known, whose answer is not counted.
 */
export const SNAPSHOT_NEEDED = zxid(-(2n ** 63n));

export const isMoreRecentThan = (one: StateSummary, other: StateSummary): boolean =>
  one.currentEpoch > other.currentEpoch ||
  (one.currentEpoch === other.currentEpoch && one.lastZxid > other.lastZxid);
