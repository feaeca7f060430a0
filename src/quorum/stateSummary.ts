/** How recent a server's history is: what the leader compares before it may lead (`StateSummary`). Pure. */

import type { Epoch, Zxid } from '../wire/ids.ts';

export interface StateSummary {
  /** -1: this epoch was accepted before; the answer does not count as one. */
  readonly currentEpoch: Epoch;
  readonly lastZxid: Zxid;
}

export const isMoreRecentThan = (one: StateSummary, other: StateSummary): boolean =>
  one.currentEpoch > other.currentEpoch ||
  (one.currentEpoch === other.currentEpoch && one.lastZxid > other.lastZxid);
