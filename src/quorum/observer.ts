/** A server that observes: it hears of transactions when they are committed and votes on nothing (`Observer`). */

import type { Vote } from '../election/vote.ts';
import type { Request } from '../server/request.ts';
import { follows } from '../storage/zxidOrder.ts';
import { zxid as asZxid, zxidToString, type Zxid } from '../wire/ids.ts';
import { PacketType, packetTypeName, type QuorumPacket } from '../wire/quorumPackets.ts';
import { Learner } from './learner.ts';
import type { LeaderAddress } from './learnerConnector.ts';
import { informedTxn, readProposal, SyncError, type LearnerSync } from './learnerSync.ts';
import { ObserverZooKeeperServer } from './observerZooKeeperServer.ts';
import type { RoleEnded, RolePeer } from './role.ts';

export class Observer extends Learner {
  protected readonly zk: ObserverZooKeeperServer;
  #lastCommitted: Zxid = asZxid(0n);

  constructor(peer: RolePeer, vote: Vote, ended: RoleEnded) {
    super(peer, vote, { infoType: PacketType.OBSERVERINFO, logs: peer.config.syncEnabled }, ended);
    this.zk = new ObserverZooKeeperServer(peer, this, this.scope);
  }

  /**
   * The next of those that may take observers, or the leader where none do; after a random part of
   * `observer.reconnectDelayMs` when all have been tried in vain, so that a whole fleet does not come at once.
   */
  protected override findMaster(found: (master: LeaderAddress) => void): void {
    const next = this.peer.observerMasters?.next() ?? null;
    if (next === null) this.#afterReconnectDelay(() => super.findMaster(found));
    else if (next.tiring) this.#afterReconnectDelay(() => found(next.master));
    else found(next.master);
  }

  #afterReconnectDelay(then: () => void): void {
    const { clock, random } = this.scope.world;
    const limitMs = this.peer.config.observerReconnectDelayMs;
    if (limitMs === 0) then();
    else clock.after((limitMs * random.uint32()) / UINT32_COUNT, then);
  }

  /** Proposals that are not committed by now come again as INFORM. */
  protected override processInFlight(sync: LearnerSync): void {
    this.#lastCommitted = this.zk.lastProcessedZxid;
    for (const request of sync.committed) this.#commit(request);
  }

  protected override processPacket(packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.INFORM:
      case PacketType.INFORMANDACTIVATE:
        this.#inform(packet.zxid, informedTxn(packet));
        return;
      case PacketType.PROPOSAL:
      case PacketType.COMMIT:
        // A leader that takes this server for a follower for a moment; ZooKeeper's observers pass them over, too.
        return;
      default:
        throw new SyncError(`the leader sent ${packetTypeName(packet.type)} to an observer`);
    }
  }

  /** What is committed is applied at once, so nothing is left over. */
  protected override unapplied(): Iterable<Request> {
    return [];
  }

  #inform(zxid: Zxid, data: Uint8Array | null): void {
    const request = readProposal(zxid, data, this.scope.world.clock.now());
    if (zxid <= this.#lastCommitted) return;
    if (!follows(this.#lastCommitted, zxid, this.peer.config.initialZxidCounter)) {
      throw new SyncError(
        `INFORM of ${zxidToString(zxid)} came after ${zxidToString(this.#lastCommitted)}: one is missing`,
      );
    }
    this.#commit(request);
  }

  #commit(request: Request): void {
    this.#lastCommitted = request.zxid;
    this.zk.commitRequest(request);
  }
}

/** How many values `Random.uint32` has. */
const UINT32_COUNT = 2 ** 32;
