import { describe, expect, test } from 'vitest';
import {
  planFromTxnLog,
  planSync,
  type CommittedProposal,
  type SyncPlan,
  type SyncSituation,
} from '../../../src/quorum/syncPlanner.ts';
import { SNAPSHOT_NEEDED } from '../../../src/quorum/stateSummary.ts';
import type { Zxid } from '../../../src/wire/ids.ts';
import { zxidOf } from './roleBench.ts';

const proposal = (zxid: Zxid): CommittedProposal => ({ zxid, bytes: new Uint8Array(0) });
/** `span(2, 3, 5)`: (2,3), (2,4), (2,5). */
const span = (epoch: number, first: number, last: number): CommittedProposal[] =>
  Array.from({ length: last - first + 1 }, (_, index) => proposal(zxidOf(epoch, first + index)));

function situation(
  over: Partial<SyncSituation> & Pick<SyncSituation, 'peerLastZxid'>,
): SyncSituation {
  const committedLog = over.committedLog ?? [];
  return {
    lastProcessedZxid: committedLog.at(-1)?.zxid ?? zxidOf(0, 0),
    committedLog,
    txnLogSyncEnabled: true,
    forceSnapshotSync: false,
    ...over,
  };
}

function planned(value: SyncSituation): SyncPlan {
  const decision = planSync(value);
  if (decision.kind !== 'plan') throw new Error('it asks for the log on disk');
  return decision.plan;
}

const sent = (plan: SyncPlan): Zxid[] => plan.proposals.map(({ zxid }) => zxid);
const upTo = (plan: SyncPlan): [string, Zxid] => [plan.sync, plan.opZxid];

describe('with the committed log in memory', () => {
  const committedLog = [...span(2, 3, 6)];

  test('a learner that is where the leader is gets an empty DIFF', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(2, 6), committedLog }));
    expect(upTo(plan)).toEqual(['DIFF', zxidOf(2, 6)]);
    expect(sent(plan)).toEqual([]);
  });

  test('one that lacks the end gets a DIFF of it', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(2, 4), committedLog }));
    expect(upTo(plan)).toEqual(['DIFF', zxidOf(2, 6)]);
    expect(sent(plan)).toEqual([zxidOf(2, 5), zxidOf(2, 6)]);
    expect(plan.lastQueuedZxid).toBe(zxidOf(2, 6));
  });

  test('one at the very begin of the committed log still gets a DIFF', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(2, 3), committedLog }));
    expect(plan.sync).toBe('DIFF');
    expect(plan.proposals).toHaveLength(3);
  });

  test('one that is ahead is cut back: TRUNC', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(2, 9), committedLog }));
    expect(upTo(plan)).toEqual(['TRUNC', zxidOf(2, 6)]);
    expect(plan.lastQueuedZxid).toBe(zxidOf(2, 6));
  });

  test('one ahead by an epoch of which nothing is known is cut back, too', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(4, 1), committedLog }));
    expect(upTo(plan)).toEqual(['TRUNC', zxidOf(2, 6)]);
  });

  test('a zxid that opens a later epoch is never cut', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(4, 0), committedLog }));
    expect(plan.sync).toBe('SNAP');
  });

  test('forced snapshots go before everything', () => {
    const forced = { peerLastZxid: zxidOf(2, 6), committedLog, forceSnapshotSync: true };
    expect(planned(situation(forced)).sync).toBe('SNAP');
  });

  test('the leader of a new epoch without a write cuts a deposed one back to the last commit', () => {
    const lastProcessedZxid = zxidOf(3, 0);
    const plan = planned(
      situation({ peerLastZxid: zxidOf(2, 8), committedLog, lastProcessedZxid }),
    );
    expect(upTo(plan)).toEqual(['TRUNC', zxidOf(2, 6)]);
  });
});

describe('across epochs', () => {
  const committedLog = [...span(5, 1, 3), ...span(6, 1, 2)];

  test('the same history before the border: DIFF', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(5, 3), committedLog }));
    expect(upTo(plan)).toEqual(['DIFF', zxidOf(6, 2)]);
    expect(sent(plan)).toEqual([zxidOf(6, 1), zxidOf(6, 2)]);
  });

  test('a tail of the older epoch that was never committed: SNAP, for TRUNC cannot cross the border', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(5, 4), committedLog }));
    expect(plan.sync).toBe('SNAP');
    expect(plan.lastQueuedZxid).toBe(zxidOf(6, 2));
  });

  test('a learner that stands at the begin of the newer epoch: DIFF', () => {
    const plan = planned(situation({ peerLastZxid: zxidOf(6, 0), committedLog }));
    expect(upTo(plan)).toEqual(['DIFF', zxidOf(6, 2)]);
    expect(sent(plan)).toEqual([zxidOf(6, 1), zxidOf(6, 2)]);
  });

  test('an unknown transaction within an epoch: TRUNC to the one before, then DIFF', () => {
    const log = [...span(5, 1, 2), ...span(5, 4, 5)];
    const plan = planned(situation({ peerLastZxid: zxidOf(5, 3), committedLog: log }));
    expect(upTo(plan)).toEqual(['TRUNC+DIFF', zxidOf(5, 2)]);
  });
});

describe('with a zxid that opens an epoch', () => {
  const committedLog = span(1, 1, 2);
  const at = (peerLastZxid: Zxid) =>
    situation({ peerLastZxid, committedLog, lastProcessedZxid: zxidOf(2, 0) });

  test('a learner at the begin of the leader’s reign has nothing to learn: DIFF', () => {
    const plan = planned(at(zxidOf(2, 0)));
    expect(upTo(plan)).toEqual(['DIFF', zxidOf(2, 0)]);
    expect(sent(plan)).toEqual([]);
    expect(plan.lastQueuedZxid).toBe(zxidOf(2, 0));
  });

  test('one at the begin of the reign before gets that reign from the log on disk', () => {
    expect(planSync(at(zxidOf(1, 0)))).toEqual({ kind: 'readTxnLog', fromZxid: zxidOf(1, 0) });
    const plan = planFromTxnLog(at(zxidOf(1, 0)), [...span(0, 1, 1), ...span(1, 1, 2)]);
    expect(upTo(plan)).toEqual(['DIFF', zxidOf(1, 2)]);
    expect(sent(plan)).toEqual([zxidOf(1, 1), zxidOf(1, 2)]);
    expect(plan.lastQueuedZxid).toBe(zxidOf(1, 2));
  });

  test('one that has nothing gets a SNAP where the log on disk begins after it', () => {
    expect(planSync(at(zxidOf(0, 0)))).toEqual({ kind: 'readTxnLog', fromZxid: zxidOf(0, 0) });
    const plan = planFromTxnLog(at(zxidOf(0, 0)), []);
    expect(upTo(plan)).toEqual(['SNAP', zxidOf(2, 0)]);
    expect(plan.lastQueuedZxid).toBe(zxidOf(2, 0));
  });
});

test('one that asks for a snapshot gets it, whatever the leader has', () => {
  for (const epoch of [0, 1, 0xf000_000f]) {
    const lastProcessedZxid = zxidOf(epoch, 9);
    for (const committedLog of [[], span(epoch, 6, 9)]) {
      const at = situation({ peerLastZxid: SNAPSHOT_NEEDED, committedLog, lastProcessedZxid });
      expect(upTo(planned(at))).toEqual(['SNAP', lastProcessedZxid]);
    }
  }
});

describe('with zxids of the upper half of 64 bits', () => {
  const HIGH = 0xf000_000f;
  const committedLog = span(HIGH, 6, 8);
  const at = (peerLastZxid: Zxid) =>
    situation({ peerLastZxid, committedLog, lastProcessedZxid: zxidOf(HIGH, 9) });

  test('the committed log answers as below: their sign means nothing', () => {
    expect(upTo(planned(at(zxidOf(HIGH, 6))))).toEqual(['DIFF', zxidOf(HIGH, 8)]);
    expect(upTo(planned(at(zxidOf(HIGH, 9))))).toEqual(['DIFF', zxidOf(HIGH, 9)]);
    expect(upTo(planned(at(zxidOf(HIGH, 12))))).toEqual(['TRUNC', zxidOf(HIGH, 8)]);
  });

  test('so does the log on disk', () => {
    const older = [...span(HIGH, 2, 3), ...span(HIGH, 5, 9)];
    const unseen = planFromTxnLog(at(zxidOf(HIGH, 4)), older);
    expect(upTo(unseen)).toEqual(['TRUNC+DIFF', zxidOf(HIGH, 3)]);
    expect(sent(unseen)).toEqual(span(HIGH, 5, 8).map(({ zxid }) => zxid));
    const known = planFromTxnLog(at(zxidOf(HIGH, 5)), older);
    expect(upTo(known)).toEqual(['DIFF', zxidOf(HIGH, 8)]);
    expect(sent(known)).toEqual(span(HIGH, 6, 8).map(({ zxid }) => zxid));
  });
});

test('what the committed log holds twice is sent once', () => {
  const committedLog = [...span(1, 1, 2), ...span(1, 1, 2)];
  const lastProcessedZxid = zxidOf(2, 0);
  const at = situation({ peerLastZxid: zxidOf(1, 0), committedLog, lastProcessedZxid });
  const plan = planFromTxnLog(at, [...span(0, 1, 1), ...committedLog]);
  expect(upTo(plan)).toEqual(['DIFF', zxidOf(1, 2)]);
  expect(sent(plan)).toEqual([zxidOf(1, 1), zxidOf(1, 2)]);
});

test('the committed log may lag behind the tree: what is sent ends with the committed log', () => {
  const committedLog = span(2, 3, 5);
  const lastProcessedZxid = zxidOf(2, 6);
  const atFirst = planned(
    situation({ peerLastZxid: zxidOf(2, 3), committedLog, lastProcessedZxid }),
  );
  expect(upTo(atFirst)).toEqual(['DIFF', zxidOf(2, 5)]);
  expect(atFirst.lastQueuedZxid).toBe(zxidOf(2, 5));
  const atLast = planned(
    situation({ peerLastZxid: zxidOf(2, 5), committedLog, lastProcessedZxid }),
  );
  expect(upTo(atLast)).toEqual(['DIFF', zxidOf(2, 5)]);
  expect(sent(atLast)).toEqual([]);
  expect(atLast.lastQueuedZxid).toBe(zxidOf(2, 5));
});

describe('with the log on disk alone, after a start', () => {
  const at = (peerLastZxid: Zxid) =>
    situation({ peerLastZxid, committedLog: [], lastProcessedZxid: zxidOf(5, 7) });
  const logged = [...span(5, 2, 3), ...span(5, 5, 8)];

  test('a learner in it gets the rest, up to what is applied here', () => {
    const plan = planFromTxnLog(at(zxidOf(5, 5)), logged);
    expect(upTo(plan)).toEqual(['DIFF', zxidOf(5, 7)]);
    expect(sent(plan)).toEqual([zxidOf(5, 6), zxidOf(5, 7)]);
    expect(plan.lastQueuedZxid).toBe(zxidOf(5, 7));
  });

  test('one with a transaction that is not in it is cut back, then given the rest', () => {
    const plan = planFromTxnLog(at(zxidOf(5, 4)), logged);
    expect(upTo(plan)).toEqual(['TRUNC+DIFF', zxidOf(5, 3)]);
    expect(sent(plan)).toEqual([zxidOf(5, 5), zxidOf(5, 6), zxidOf(5, 7)]);
  });

  test('one from before it gets a SNAP', () => {
    expect(upTo(planFromTxnLog(at(zxidOf(5, 1)), []))).toEqual(['SNAP', zxidOf(5, 7)]);
  });

  test('one from an epoch that left nothing in it gets a SNAP: TRUNC cannot cross epochs', () => {
    const epochs = [...span(1, 1, 1), ...span(2, 1, 2), ...span(4, 1, 1)];
    const lost = situation({ peerLastZxid: zxidOf(3, 1), lastProcessedZxid: zxidOf(6, 0) });
    expect(planSync(lost)).toEqual({ kind: 'readTxnLog', fromZxid: zxidOf(3, 1) });
    const plan = planFromTxnLog(lost, epochs);
    expect(upTo(plan)).toEqual(['SNAP', zxidOf(6, 0)]);
  });
});

describe('with an empty committed log', () => {
  test('the last processed zxid stands for both ends', () => {
    const lastProcessedZxid = zxidOf(5, 7);
    const at = (peerLastZxid: Zxid) => situation({ peerLastZxid, lastProcessedZxid });
    expect(upTo(planned(at(zxidOf(5, 7))))).toEqual(['DIFF', zxidOf(5, 7)]);
    expect(upTo(planned(at(zxidOf(5, 8))))).toEqual(['TRUNC', zxidOf(5, 7)]);
    expect(planSync(at(zxidOf(5, 6)))).toEqual({ kind: 'readTxnLog', fromZxid: zxidOf(5, 6) });
  });
});

describe('with the log on disk', () => {
  const committedLog = [...span(5, 5, 6)];
  const at = (peerLastZxid: Zxid) => situation({ peerLastZxid, committedLog });

  test('is asked for when the learner is older than the committed log', () => {
    expect(planSync(at(zxidOf(5, 2)))).toEqual({ kind: 'readTxnLog', fromZxid: zxidOf(5, 2) });
  });

  test('is not asked for where it may not be used', () => {
    const plan = planned({ ...at(zxidOf(5, 2)), txnLogSyncEnabled: false });
    expect(plan.sync).toBe('SNAP');
  });

  test('both together make one DIFF without doubles', () => {
    const plan = planFromTxnLog(at(zxidOf(5, 2)), span(5, 1, 6));
    expect(upTo(plan)).toEqual(['DIFF', zxidOf(5, 6)]);
    expect(sent(plan)).toEqual([zxidOf(5, 3), zxidOf(5, 4), zxidOf(5, 5), zxidOf(5, 6)]);
  });

  test('a log that does not reach back: SNAP', () => {
    expect(planFromTxnLog(at(zxidOf(5, 2)), []).sync).toBe('SNAP');
  });

  test('a gap between log and committed log: SNAP (ZOOKEEPER-2418)', () => {
    const plan = planFromTxnLog(at(zxidOf(5, 2)), span(5, 1, 3));
    expect(plan.sync).toBe('SNAP');
    expect(plan.reason).toContain('gap');
  });

  test('a gap within the log is not handed on (ZOOKEEPER-4925)', () => {
    const holed = [...span(5, 1, 2), ...span(5, 4, 6)];
    expect(planFromTxnLog(at(zxidOf(5, 1)), holed).sync).toBe('SNAP');
  });

  test('a learner with a tail of its own is cut back, then given the rest', () => {
    const older = [...span(5, 1, 2), ...span(5, 4, 6)];
    const plan = planFromTxnLog(at(zxidOf(5, 3)), older);
    expect(upTo(plan)).toEqual(['TRUNC+DIFF', zxidOf(5, 2)]);
    expect(sent(plan)).toEqual([zxidOf(5, 4), zxidOf(5, 5), zxidOf(5, 6)]);
  });

  test('a tail of an older epoch: SNAP', () => {
    const plan = planFromTxnLog(at(zxidOf(4, 9)), [...span(4, 1, 8), ...span(5, 1, 6)]);
    expect(plan.sync).toBe('SNAP');
  });
});
