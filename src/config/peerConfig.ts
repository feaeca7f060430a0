/** Everything a server can be told, under ZooKeeper's names, with ZooKeeper's defaults (`QuorumPeerConfig`). */

import type { Address } from '../ports/network.ts';
import type { Sid } from '../wire/ids.ts';
import type { LearnerType } from './quorumServer.ts';
import type { QuorumVerifier } from './quorumVerifier.ts';

/** Each field names its `zoo.cfg` key where that differs. "Ticks" are multiples of `tickTimeMs`. */
export interface PeerConfig {
  /** From the `myid` file; null only where the server stands alone. */
  readonly sid: Sid | null;
  /** The ensemble; null where there is no `server.N` line. */
  readonly quorumVerifier: QuorumVerifier | null;
  /** The server list's word on this server, else `peerType`. */
  readonly learnerType: LearnerType;
  readonly dataDir: string;
  readonly dataLogDir: string;
  /** Where clients connect: from this server's own line, else `clientPortAddress:clientPort`; null: no client port. */
  readonly clientAddress: Address | null;
  /** Connections a client address may hold; 0: no limit. */
  readonly maxClientCnxns: number;
  readonly tickTimeMs: number;
  /** Ticks a learner may take to connect and synchronise. 0 only where the server stands alone. */
  readonly initLimit: number;
  /** Ticks a learner may be out of touch. 0 only where the server stands alone. */
  readonly syncLimit: number;
  /** Ticks a learner may take to connect to its leader; 0: `initLimit`. */
  readonly connectToLearnerMasterLimit: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** One voter only: run alone, without an ensemble's machinery. */
  readonly standaloneEnabled: boolean;
  readonly reconfigEnabled: boolean;
  /** The file that says `1` to one of two servers when it may go on alone; null: none may. */
  readonly oraclePath: string | null;
  readonly quorumListenOnAllIPs: boolean;
  /** `multiAddress.enabled` */
  readonly multiAddressEnabled: boolean;
  /** Whether an observer keeps its own log and snapshots. */
  readonly syncEnabled: boolean;
  /** Where a follower takes observers in, and where observers look for one; 0: observers follow the leader. */
  readonly observerMasterPort: number;
  /** `observer.reconnectDelayMs`: an observer waits a random part of this before it tries the same masters again. */
  readonly observerReconnectDelayMs: number;

  /** `autopurge.snapRetainCount` */
  readonly snapRetainCount: number;
  /** `autopurge.purgeInterval`, in hours; 0: never. */
  readonly purgeIntervalHours: number;
  readonly snapCount: number;
  /** `snapSizeLimitInKb`; at most 0: no limit. */
  readonly snapSizeLimitBytes: number;
  /** `preAllocSize` (in KiB there). */
  readonly preAllocSizeBytes: number;
  readonly commitLogCount: number;
  /** How large a DIFF from the log may be, as a part of the snapshot; negative: no DIFF from the log. */
  readonly snapshotSizeFactor: number;
  readonly forceSync: boolean;
  /** `snapshot.trust.empty` */
  readonly snapshotTrustEmpty: boolean;
  /** `db.autocreate`: an empty disk is a new server's, not one that has lost its data. */
  readonly dbAutocreate: boolean;
  /** `digest.enabled` */
  readonly digestEnabled: boolean;

  /** `cnxTimeout`: the deadline of a dial on the election port. */
  readonly cnxTimeoutMs: number;
  /** How long an election connection may take to say who it is; where not set, `syncLimit` ticks. */
  readonly quorumCnxnTimeoutMs: number;
  /** `electionPortBindRetry`; 0: for ever. */
  readonly electionPortBindRetryCount: number;
  /** `fastleader.minNotificationInterval` */
  readonly minNotificationIntervalMs: number;
  /** `fastleader.maxNotificationInterval` */
  readonly maxNotificationIntervalMs: number;
  /** `tabkeeper.finalizeEarly`: an election ends at once when every voter that is here agrees. */
  readonly finalizeEarly: boolean;
  /** `observer.election.DelayMs`: an observer that lost its leader waits a random part of this before it looks. */
  readonly observerElectionDelayMs: number;

  /** Pause between a learner's tries to connect to its leader. */
  readonly leaderConnectDelayDuringRetryMs: number;
  readonly leaderServes: boolean;
  /**
   * `leader.maxTimeToWaitForEpoch`: a leader that has waited longer than this for the epochs of a quorum gives up as soon
   * as a voter looks again; negative: it waits `initLimit` ticks whatever voters do.
   */
  readonly maxTimeToWaitForEpochMs: number;
  /** `leader.maxConcurrentSnapSyncs` */
  readonly maxConcurrentSnapSyncs: number;
  /** `leader.maxConcurrentDiffSyncs` */
  readonly maxConcurrentDiffSyncs: number;
  /** For tests: always SNAP. */
  readonly forceSnapshotSync: boolean;
  /** `testingonly.initialZxid`: the counter a new leader begins with; null: 0. */
  readonly initialZxidCounter: bigint | null;

  readonly globalOutstandingLimit: number;
  readonly skipACL: boolean;
  readonly enforceQuota: boolean;
  readonly extendedTypesEnabled: boolean;
  /** `DigestAuthenticationProvider.superDigest`: `user:base64(sha1(user:password))`; null: no super user. */
  readonly superDigest: string | null;
  /** `jute.maxbuffer` */
  readonly juteMaxBufferBytes: number;
  /** `4lw.commands.whitelist`; `*` is all of them. `srvr` always answers. */
  readonly fourLetterWordWhitelist: readonly string[];
}
