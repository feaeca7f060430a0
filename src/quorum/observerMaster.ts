/**
 * A follower while observers follow it instead of the leader: brings them to its own committed history, informs them as
 * it commits, and passes on what they ask of the leader and what the leader answers (`ObserverMaster`). It decides
 * nothing and counts for nothing in the ensemble.
 */

import { assert } from '../base/assert.ts';
import type { Clock } from '../ports/clock.ts';
import type { Probe } from '../ports/probe.ts';
import type { Request } from '../server/request.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import {
  epochOf,
  makeZxid,
  zxid as asZxid,
  type Epoch,
  type SessionId,
  type Sid,
  type Zxid,
} from '../wire/ids.ts';
import { encodeActivatedInform } from '../wire/learnerPayloads.ts';
import { OpCode } from '../wire/opCodes.ts';
import { PacketType } from '../wire/quorumPackets.ts';
import { outgoing } from './broadcast.ts';
import { lastSeenConfigBytes } from './configNode.ts';
import type { Follower } from './follower.ts';
import type { FollowerZooKeeperServer } from './followerZooKeeperServer.ts';
import { acceptLearners } from './learnerCnxAcceptor.ts';
import { LearnerHandler } from './learnerHandler.ts';
import { learnerLimitsOf, type LearnerLimits, type LearnerMaster } from './learnerMaster.ts';
import { LearnerSyncThrottler } from './learnerSyncThrottler.ts';
import type { RolePeer } from './role.ts';
import type { RoleScope } from './roleScope.ts';
import type { SendBatch } from './sendBatch.ts';
import type { StateSummary } from './stateSummary.ts';

export class ObserverMaster implements LearnerMaster {
  readonly clock: Clock;
  readonly probe: Probe;
  readonly scope: RoleScope;
  readonly batch: SendBatch;
  readonly db: ZKDatabase;
  readonly limits: LearnerLimits;
  readonly throttler: LearnerSyncThrottler;
  readonly observersOnly = true;
  /** A follower counts no ticks: nothing depends on whether an observer keeps up. */
  readonly tick = 0;
  readonly newLeaderZxid: Zxid;
  readonly #peer: RolePeer;
  readonly #zk: FollowerZooKeeperServer;
  readonly #follower: Follower;
  readonly #observers = new Set<LearnerHandler>();
  /** They hear of every commit. */
  readonly #informed = new Set<LearnerHandler>();
  /** They have seen a commit that this server is still to hear of. */
  readonly #ahead = new Map<LearnerHandler, Zxid>();

  constructor(peer: RolePeer, scope: RoleScope, follower: Follower, zk: FollowerZooKeeperServer) {
    this.#peer = peer;
    this.#zk = zk;
    this.#follower = follower;
    this.scope = scope;
    this.clock = scope.world.clock;
    this.probe = peer.world.probe;
    this.batch = follower.batch;
    this.db = peer.db;
    this.limits = learnerLimitsOf(peer.config);
    this.throttler = new LearnerSyncThrottler(peer.config);
    this.newLeaderZxid = makeZxid(peer.epochs.currentEpoch, 0n);
  }

  /** Called when the follower is up to date. */
  start(): void {
    const { config, sid } = this.#peer;
    const self = this.#peer.quorumVerifier().allMembers.get(sid);
    assert(self !== undefined, 'a server is a member of its own configuration');
    acceptLearners(this, config, self, config.observerMasterPort, {
      accepted: (handler) => {
        this.#observers.add(handler);
      },
      failed: (reason) => {
        this.#warn(reason);
      },
    });
    this.#schedulePing();
  }

  /** Observers first: they look for another master while this server clears up. */
  stop(reason: string): void {
    for (const observer of [...this.#observers]) observer.close(reason);
  }

  get informedCount(): number {
    return this.#informed.size;
  }

  /** The follower has committed `request`, and applied it in the same step. */
  committed(request: Request): void {
    this.#inform(request, PacketType.INFORM, (txn) => txn);
  }

  /** The same for a reconfiguration, which names the leader that is to go on. */
  committedAndActivated(request: Request, designatedLeader: Sid): void {
    this.#inform(request, PacketType.INFORMANDACTIVATE, (txn) =>
      encodeActivatedInform({ designatedLeader, txn }),
    );
  }

  #inform(request: Request, type: number, dataOf: (txn: Uint8Array) => Uint8Array): void {
    const { txnBytes, zxid } = request;
    assert(txnBytes !== null, 'only transactions are committed');
    assert(this.db.tree.lastProcessedZxid >= zxid, 'what is committed is applied');
    if (this.#informed.size > 0) {
      const packet = outgoing(type, zxid, dataOf(txnBytes));
      for (const observer of this.#informed) observer.queuePacket(packet);
    }
    for (const [observer, awaited] of this.#ahead) {
      if (awaited > zxid) continue;
      this.#ahead.delete(observer);
      observer.epochAgreed();
    }
  }

  getEpochToPropose(handler: LearnerHandler, _acceptedEpoch: Epoch): void {
    handler.epochProposed();
  }

  /**
   * The epoch is agreed. An observer that comes from a quicker master may have seen commits of this reign that this
   * server has not: they will come, so it waits for them. (ZooKeeper cuts its history back instead.)
   */
  waitForEpochAck(handler: LearnerHandler, { lastZxid }: StateSummary): null {
    const isOfThisReign = epochOf(lastZxid) === epochOf(this.newLeaderZxid);
    if (isOfThisReign && lastZxid > this.db.tree.lastProcessedZxid) {
      this.#ahead.set(handler, lastZxid);
      this.clock.after(this.limits.initTimeoutMs, () => {
        if (this.#ahead.has(handler)) handler.close('its last transaction is not committed here');
      });
    } else {
      handler.epochAgreed();
    }
    return null;
  }

  /** All that is committed here is in the database that `handler` was synchronised from. */
  startForwarding(handler: LearnerHandler, _lastQueuedZxid: Zxid): void {
    this.#informed.add(handler);
  }

  waitForNewLeaderAck(handler: LearnerHandler): void {
    handler.leaderEstablished();
  }

  processAck(_sid: Sid, _zxid: Zxid): void {
    // What an observer has on its disk means nothing to the ensemble.
  }

  touch(sessionId: SessionId, timeoutMs: number): void {
    this.#zk.sessionTracker.touchSession(sessionId, timeoutMs);
  }

  revalidateSession(
    _handler: LearnerHandler,
    sessionId: SessionId,
    timeoutMs: number,
    answer: (valid: boolean) => void,
  ): void {
    this.#follower.validateSession(sessionId, timeoutMs, (valid) => {
      if (valid) this.touch(sessionId, timeoutMs);
      answer(valid);
    });
  }

  submitLearnerRequest(request: Request): void {
    const { owner } = request;
    if (request.type === OpCode.sync && owner instanceof LearnerHandler) {
      this.#zk.forwardSync(request, () => {
        owner.queuePacket(outgoing(PacketType.SYNC, asZxid(0n), null));
      });
    } else {
      this.#zk.forward(request);
    }
  }

  learnerClosed(handler: LearnerHandler): void {
    this.#observers.delete(handler);
    this.#informed.delete(handler);
    this.#ahead.delete(handler);
  }

  get lastProposed(): Zxid {
    return this.db.tree.lastProcessedZxid;
  }

  get configVersion(): bigint {
    return this.#peer.quorumVerifier().version;
  }

  configBytes(): Uint8Array {
    return lastSeenConfigBytes(this.#peer);
  }

  #schedulePing(): void {
    this.clock.after(this.#peer.config.tickTimeMs / 2, () => {
      this.batch.run(() => {
        for (const observer of [...this.#observers]) observer.ping();
      });
      this.#schedulePing();
    });
  }

  #warn(message: string): void {
    if (this.probe.watches('peer')) this.probe.emit({ topic: 'peer', type: 'warning', message });
  }
}
