/** What a learner's handler asks of whom it works for, a leader or a follower with observers (`LearnerMaster`). */

import type { PeerConfig } from '../config/peerConfig.ts';
import type { Clock } from '../ports/clock.ts';
import type { Probe } from '../ports/probe.ts';
import type { Request } from '../server/request.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import type { Epoch, SessionId, Sid, Zxid } from '../wire/ids.ts';
import type { LearnerHandler } from './learnerHandler.ts';
import type { LearnerSyncThrottler } from './learnerSyncThrottler.ts';
import type { RoleScope } from './roleScope.ts';
import type { SendBatch } from './sendBatch.ts';
import type { StateSummary } from './stateSummary.ts';

export interface LearnerMaster {
  readonly clock: Clock;
  readonly probe: Probe;
  readonly scope: RoleScope;
  readonly batch: SendBatch;
  readonly db: ZKDatabase;
  readonly limits: LearnerLimits;
  readonly throttler: LearnerSyncThrottler;
  /** Followers are refused: only the leader may have them. */
  readonly observersOnly: boolean;
  /** Ticks since the reign began. */
  readonly tick: number;
  /** The first zxid of the reign, (epoch, 0). */
  readonly newLeaderZxid: Zxid;
  readonly lastProposed: Zxid;
  /** Version of the configuration in force. */
  readonly configVersion: bigint;
  /** The config text that NEWLEADER carries. */
  configBytes(): Uint8Array;

  /** `handler.epochProposed` is called once the new epoch is fixed, perhaps within this call. */
  getEpochToPropose(handler: LearnerHandler, acceptedEpoch: Epoch): void;
  /** `handler.epochAgreed` is called once a quorum has accepted the epoch. A string: why this learner is refused. */
  waitForEpochAck(handler: LearnerHandler, summary: StateSummary): string | null;
  /**
   * Everything proposed and not in `lastQueuedZxid`'s history goes to the handler, and from now on what is proposed
   * and committed: one step, between two events.
   */
  startForwarding(handler: LearnerHandler, lastQueuedZxid: Zxid): void;
  /** `handler.leaderEstablished` is called once a quorum is in sync and the leader serves, perhaps within this call. */
  waitForNewLeaderAck(handler: LearnerHandler): void;
  processAck(sid: Sid, zxid: Zxid): void;
  touch(sessionId: SessionId, timeoutMs: number): void;
  /**
   * `answer` is told, perhaps within this call, whether the session lives; if so it belongs to `handler` from then on.
   * Answers come in the order of the questions.
   */
  revalidateSession(
    handler: LearnerHandler,
    sessionId: SessionId,
    timeoutMs: number,
    answer: (valid: boolean) => void,
  ): void;
  submitLearnerRequest(request: Request): void;
  learnerClosed(handler: LearnerHandler): void;
}

export interface LearnerLimits {
  /** How long a learner may be silent until it has acknowledged NEWLEADER: initLimit ticks. */
  readonly initTimeoutMs: number;
  /** The same afterwards, and how long a proposal may go without its ACK: syncLimit ticks. */
  readonly syncTimeoutMs: number;
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
  readonly forceSnapshotSync: boolean;
}

export function learnerLimitsOf(config: PeerConfig): LearnerLimits {
  const { tickTimeMs, initLimit, syncLimit, forceSnapshotSync } = config;
  return {
    initTimeoutMs: initLimit * tickTimeMs,
    syncTimeoutMs: syncLimit * tickTimeMs,
    initLimitTicks: initLimit,
    syncLimitTicks: syncLimit,
    forceSnapshotSync,
  };
}
