/**
 * How a leader brings a learner to its own history: ZooKeeper 3.8's table (`LearnerHandler.syncFollower`) as a pure
 * function from what both know to what is sent. It sends nothing and reads no disk: where the table needs older
 * transactions than memory holds, it says so, and is asked again with what the log gave.
 */

import { counterOf, epochOf, zxidToString } from '../wire/ids.ts';
import type { Zxid } from '../wire/ids.ts';
import { SNAPSHOT_NEEDED } from './stateSummary.ts';

/** A committed transaction as it was proposed and logged. */
export interface CommittedProposal {
  readonly zxid: Zxid;
  readonly bytes: Uint8Array;
}

/** What the decision rests on, all of one moment. */
export interface SyncSituation {
  readonly peerLastZxid: Zxid;
  readonly lastProcessedZxid: Zxid;
  /** The last transactions applied here, oldest first, without gaps. */
  readonly committedLog: readonly CommittedProposal[];
  /** `snapshotSizeFactor` is not negative: older transactions may be read from the log on disk. */
  readonly txnLogSyncEnabled: boolean;
  readonly forceSnapshotSync: boolean;
}

/** What is sent before NEWLEADER. */
export interface SyncPlan {
  readonly sync: 'DIFF' | 'TRUNC' | 'TRUNC+DIFF' | 'SNAP';
  /** The zxid in the DIFF, TRUNC or SNAP packet. */
  readonly opZxid: Zxid;
  /** Sent after it, each followed by its COMMIT. */
  readonly proposals: readonly CommittedProposal[];
  /** The last transaction the learner has after all that: forwarding starts behind it. */
  readonly lastQueuedZxid: Zxid;
  /** The rule that applied, in words. */
  readonly reason: string;
}

export type SyncDecision =
  | { readonly kind: 'plan'; readonly plan: SyncPlan }
  /** Read the log on disk from the transaction `fromZxid` on (or the one before it) and call {@link planFromTxnLog}. */
  | { readonly kind: 'readTxnLog'; readonly fromZxid: Zxid };

/** Decides from memory alone, or asks for the log. */
export function planSync(situation: SyncSituation): SyncDecision {
  const { peerLastZxid, lastProcessedZxid } = situation;
  const { minCommittedLog, maxCommittedLog } = committedRange(situation);
  if (situation.forceSnapshotSync) {
    return plan(snapshot(lastProcessedZxid, 'snapshots are forced by configuration'));
  }
  if (peerLastZxid === SNAPSHOT_NEEDED) {
    return plan(
      snapshot(lastProcessedZxid, 'the learner could not cut its history, and asks for it'),
    );
  }
  if (peerLastZxid === lastProcessedZxid) {
    return plan({
      sync: 'DIFF',
      opZxid: peerLastZxid,
      proposals: [],
      lastQueuedZxid: peerLastZxid,
      reason: 'the learner is where the leader is',
    });
  }
  if (peerLastZxid > maxCommittedLog && !isNewEpochZxid(peerLastZxid)) {
    return plan({
      sync: 'TRUNC',
      opZxid: maxCommittedLog,
      proposals: [],
      lastQueuedZxid: maxCommittedLog,
      reason: `the learner is ahead of the last committed transaction ${zxidToString(maxCommittedLog)}`,
    });
  }
  if (minCommittedLog <= peerLastZxid && peerLastZxid <= maxCommittedLog) {
    return plan(planFromHistory(situation, situation.committedLog, 'the committed log in memory'));
  }
  if (peerLastZxid < minCommittedLog && situation.txnLogSyncEnabled) {
    return { kind: 'readTxnLog', fromZxid: peerLastZxid };
  }
  return plan(
    snapshot(
      lastProcessedZxid,
      peerLastZxid < minCommittedLog
        ? 'the learner is older than the committed log, and the log on disk may not be used'
        : 'no rule for a learner whose zxid opens an epoch later than the last transaction here',
    ),
  );
}

/**
 * Decides with what the log on disk gave: `logged` oldest first, from a transaction not after the learner's, or empty
 * when the log does not reach back that far or is larger than a snapshot is worth.
 */
export function planFromTxnLog(
  situation: SyncSituation,
  logged: readonly CommittedProposal[],
): SyncPlan {
  const { minCommittedLog } = committedRange(situation);
  if (logged.length === 0) {
    return snapshot(
      situation.lastProcessedZxid,
      'the log on disk does not reach back to the learner, or a snapshot is smaller',
    );
  }
  // Both are in order: the log on disk up to where memory begins, and memory from there.
  const olderCount = logged.findIndex(({ zxid }) => zxid > minCommittedLog);
  const older = olderCount < 0 ? logged : logged.slice(0, olderCount);
  const lastOlder = older.at(-1);
  if (lastOlder === undefined || lastOlder.zxid < minCommittedLog) {
    return snapshot(
      situation.lastProcessedZxid,
      `a gap between the log on disk and the committed log at ${zxidToString(minCommittedLog)}`,
    );
  }
  const history = older.concat(situation.committedLog);
  return planFromHistory(situation, history, 'the log on disk and the committed log');
}

/** The first transaction the learner lacks decides: DIFF if its own last one is ours, else TRUNC to the one before. */
function planFromHistory(
  situation: SyncSituation,
  history: readonly CommittedProposal[],
  source: string,
): SyncPlan {
  const { peerLastZxid, lastProcessedZxid } = situation;
  const { maxCommittedLog } = committedRange(situation);
  const { common, proposals, gap } = split(history, peerLastZxid);
  const lastQueuedZxid = proposals.at(-1)?.zxid ?? peerLastZxid;
  const next = proposals[0];

  if (common === peerLastZxid || isNewEpochZxid(peerLastZxid)) {
    const found = next === undefined ? null : (gapBetween(peerLastZxid, next.zxid) ?? gap);
    if (found !== null) return snapshot(lastProcessedZxid, found);
    return {
      sync: 'DIFF',
      opZxid: maxCommittedLog,
      proposals,
      lastQueuedZxid,
      reason: `the learner's last transaction is in ${source}`,
    };
  }
  if (common === null || next === undefined) {
    return snapshot(lastProcessedZxid, `the learner's last transaction is not in ${source}`);
  }
  if (epochOf(next.zxid) !== epochOf(peerLastZxid)) {
    return snapshot(
      lastProcessedZxid,
      'the learner has transactions of an older epoch that were never committed, and TRUNC cannot cross an epoch',
    );
  }
  if (gap !== null) return snapshot(lastProcessedZxid, gap);
  return {
    sync: 'TRUNC+DIFF',
    opZxid: common,
    proposals,
    lastQueuedZxid,
    reason: `the learner has transactions after ${zxidToString(common)} that were never committed`,
  };
}

interface SplitHistory {
  /** The last transaction that the learner does not lack. */
  readonly common: Zxid | null;
  /** What it lacks. */
  readonly proposals: readonly CommittedProposal[];
  /** The first gap in what it lacks. */
  readonly gap: string | null;
}

/**
 * In one pass with few operations on each of what may be 100,000 transactions. Nothing is sent twice, whatever the
 * history holds twice.
 */
function split(history: readonly CommittedProposal[], peerLastZxid: Zxid): SplitHistory {
  const proposals: CommittedProposal[] = [];
  let common: Zxid | null = null;
  let last: Zxid | null = null;
  let gap: string | null = null;
  for (const proposal of history) {
    const { zxid } = proposal;
    if (last !== null && zxid <= last) continue;
    if (proposals.length === 0 && zxid <= peerLastZxid) {
      common = zxid;
    } else {
      if (proposals.length > 0 && last !== null) gap ??= gapBetween(last, zxid);
      proposals.push(proposal);
    }
    last = zxid;
  }
  return { common, proposals, gap };
}

/** 3.8 takes the last processed zxid for both ends when the committed log is empty. */
function committedRange(situation: SyncSituation): {
  minCommittedLog: Zxid;
  maxCommittedLog: Zxid;
} {
  return {
    minCommittedLog: situation.committedLog[0]?.zxid ?? situation.lastProcessedZxid,
    maxCommittedLog: situation.committedLog.at(-1)?.zxid ?? situation.lastProcessedZxid,
  };
}

/** Within an epoch zxids have no holes; a history that has one is not to be handed on. Null: none. */
function gapBetween(previous: Zxid, zxid: Zxid): string | null {
  if (zxid - previous === 1n) return null;
  if (epochOf(zxid) !== epochOf(previous) || isNewEpochZxid(previous)) return null;
  return `a gap in the history between ${zxidToString(previous)} and ${zxidToString(zxid)}`;
}

function snapshot(lastProcessedZxid: Zxid, reason: string): SyncPlan {
  return {
    sync: 'SNAP',
    opZxid: lastProcessedZxid,
    proposals: [],
    lastQueuedZxid: lastProcessedZxid,
    reason,
  };
}

/** (e,0): a reign began there and no transaction of it is known; such a zxid is never truncated. */
const isNewEpochZxid = (zxid: Zxid): boolean => counterOf(zxid) === 0n;

const plan = (value: SyncPlan): SyncDecision => ({ kind: 'plan', plan: value });
