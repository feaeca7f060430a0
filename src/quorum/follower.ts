/** A server that follows: logs and acknowledges proposals, and commits them when the leader says so (`Follower`). */

import type { Vote } from '../election/vote.ts';
import type { Request } from '../server/request.ts';
import { follows } from '../storage/zxidOrder.ts';
import { zxid as asZxid, zxidToString, type Zxid } from '../wire/ids.ts';
import { decodeDesignatedLeader } from '../wire/learnerPayloads.ts';
import { PacketType, packetTypeName, type QuorumPacket } from '../wire/quorumPackets.ts';
import { FollowerZooKeeperServer } from './followerZooKeeperServer.ts';
import { Learner } from './learner.ts';
import { readProposal, SyncError, type LearnerSync } from './learnerSync.ts';
import { ObserverMaster } from './observerMaster.ts';
import type { RoleEnded, RolePeer } from './role.ts';

export class Follower extends Learner {
  protected readonly zk: FollowerZooKeeperServer;
  #lastQueued: Zxid = asZxid(0n);
  #lastCommitted: Zxid = asZxid(0n);
  /** Null before the follower is up to date, and where no observers are wanted (`observerMasterPort`). */
  #observerMaster: ObserverMaster | null = null;

  constructor(peer: RolePeer, vote: Vote, ended: RoleEnded) {
    super(peer, vote, { infoType: PacketType.FOLLOWERINFO, logs: true }, ended);
    this.zk = new FollowerZooKeeperServer(peer, this, this.scope);
  }

  protected override processInFlight(sync: LearnerSync): void {
    this.#lastQueued = sync.lastQueued;
    this.#lastCommitted = this.zk.lastProcessedZxid;
    for (const request of sync.committed) this.zk.logRequest(request);
    for (const request of sync.proposed) this.zk.logRequest(request);
    for (const request of sync.committed) this.#commit(request.zxid);
    if (this.peer.config.observerMasterPort === 0) return;
    this.#observerMaster = new ObserverMaster(this.peer, this.scope, this, this.zk);
    this.#observerMaster.start();
  }

  override stop(reason: string, stopped: () => void): void {
    this.#observerMaster?.stop(reason);
    super.stop(reason, stopped);
  }

  /** Observers that hear of commits from here; null where none are wanted. */
  get syncedObserverCount(): number | null {
    return this.#observerMaster?.informedCount ?? null;
  }

  protected override processPacket(packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.PROPOSAL:
        this.#propose(packet);
        return;
      case PacketType.COMMIT: {
        const committed = this.#commit(packet.zxid);
        if (committed !== null) this.#observerMaster?.committed(committed);
        return;
      }
      case PacketType.COMMITANDACTIVATE: {
        if (packet.data === null) throw new SyncError('COMMITANDACTIVATE came without a leader');
        const designatedLeader = decodeDesignatedLeader(packet.data);
        const committed = this.#commit(packet.zxid);
        if (committed !== null) {
          this.#observerMaster?.committedAndActivated(committed, designatedLeader);
        }
        return;
      }
      default:
        throw new SyncError(`the leader sent ${packetTypeName(packet.type)} to a follower`);
    }
  }

  protected override unapplied(): Iterable<Request> {
    return this.zk.pendingTxns;
  }

  #propose(packet: QuorumPacket): void {
    const request = readProposal(packet.zxid, packet.data, this.scope.world.clock.now());
    if (request.zxid <= this.#lastQueued) return;
    if (!follows(this.#lastQueued, request.zxid, this.peer.config.initialZxidCounter)) {
      throw new SyncError(
        `proposal ${zxidToString(request.zxid)} came after ${zxidToString(this.#lastQueued)}: one is missing`,
      );
    }
    this.#lastQueued = request.zxid;
    this.zk.logRequest(request);
  }

  /** Null: it was committed before. */
  #commit(zxid: Zxid): Request | null {
    if (zxid <= this.#lastCommitted) return null;
    const committed = this.zk.commit(zxid);
    if (!committed.ok) {
      const next = committed.next === null ? 'no proposal' : zxidToString(committed.next);
      throw new SyncError(`the leader committed ${zxidToString(zxid)}, but ${next} is next here`);
    }
    this.#lastCommitted = zxid;
    return committed.request;
  }
}
