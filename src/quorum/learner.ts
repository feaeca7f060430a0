/**
 * A server while it follows or observes: finds its leader, registers, takes over the leader's history and says so only
 * when all of it is on disk, and then hands each packet to its kind (`Learner`). What a follower or an observer does with
 * proposals and commits is theirs.
 */

import { Queue } from '../base/queue.ts';
import type { Vote } from '../election/vote.ts';
import type { StateCause } from '../ports/probe.ts';
import type { Request } from '../server/request.ts';
import type { StorageError } from '../storage/storageError.ts';
import type { SnapshotStreamLoader } from '../storage/zkDatabase.ts';
import {
  epochOf,
  makeZxid,
  zxid as asZxid,
  zxidToString,
  type Epoch,
  type SessionId,
  type Sid,
  type Zxid,
} from '../wire/ids.ts';
import {
  decodeRevalidateAnswer,
  encodeForwardedRequest,
  encodeInt,
  encodeLearnerInfo,
  encodeRevalidate,
  encodeSessionTouches,
  LEARNER_PROTOCOL_VERSION,
} from '../wire/learnerPayloads.ts';
import { PacketType, packetTypeName, type QuorumPacket } from '../wire/quorumPackets.ts';
import { initConfigInZKDatabase } from './configNode.ts';
import { connectToLeader, type LeaderAddress } from './learnerConnector.ts';
import { LearnerSync, SyncError } from './learnerSync.ts';
import type { LearnerZooKeeperServer } from './learnerZooKeeperServer.ts';
import type { QuorumStream, QuorumStreamOwner } from './quorumStream.ts';
import type { Role, RoleEnded, RolePeer } from './role.ts';
import { RoleScope } from './roleScope.ts';
import { NO_ACK, SNAPSHOT_NEEDED } from './stateSummary.ts';
import { SendBatch } from './sendBatch.ts';
import { outgoing } from './broadcast.ts';
import { SnapshotTail } from './snapshotTail.ts';

type Phase =
  | { readonly kind: 'connecting' }
  /** FOLLOWERINFO or OBSERVERINFO is sent. */
  | { readonly kind: 'awaitingLeaderInfo' }
  /** ACKEPOCH is sent: DIFF, TRUNC or SNAP is next, or nothing but SNAP where it `asksForSnapshot`. */
  | { readonly kind: 'awaitingSync'; readonly newEpoch: Epoch; readonly asksForSnapshot: boolean }
  | {
      readonly kind: 'readingSnapshot';
      readonly newEpoch: Epoch;
      readonly zxid: Zxid;
      readonly loader: SnapshotStreamLoader;
      /** The signature behind the snapshot, once the snapshot is complete. */
      tail: SnapshotTail | null;
    }
  /** The history up to NEWLEADER comes in. */
  | { readonly kind: 'receivingHistory'; readonly newEpoch: Epoch; readonly sync: LearnerSync }
  /** NEWLEADER is acknowledged: UPTODATE is next. */
  | { readonly kind: 'awaitingUpToDate'; readonly newEpoch: Epoch; readonly sync: LearnerSync }
  | { readonly kind: 'broadcast'; readonly newEpoch: Epoch }
  | { readonly kind: 'ended' };

/** Commits of reconfigurations. */
const ACTIVATIONS: ReadonlySet<number> = new Set<number>([
  PacketType.COMMITANDACTIVATE,
  PacketType.INFORMANDACTIVATE,
]);

interface Revalidation {
  readonly sessionId: SessionId;
  readonly answered: (valid: boolean) => void;
}

/** What an INFO packet calls it, and whether it keeps a log. */
export interface LearnerKind {
  readonly infoType: typeof PacketType.FOLLOWERINFO | typeof PacketType.OBSERVERINFO;
  /** It keeps a transaction log. */
  readonly logs: boolean;
}

export abstract class Learner implements Role, QuorumStreamOwner {
  readonly batch = new SendBatch();
  protected readonly peer: RolePeer;
  protected readonly scope: RoleScope;
  protected abstract readonly zk: LearnerZooKeeperServer;
  readonly #kind: LearnerKind;
  readonly #vote: Vote;
  readonly #ended: RoleEnded;
  /** Sessions that clients came back with and the leader is asked about; it answers in the order of the questions. */
  readonly #pendingRevalidations = new Queue<Revalidation>();
  #phase: Phase = { kind: 'connecting' };
  #stream: QuorumStream | null = null;
  #master: LeaderAddress | null = null;

  constructor(peer: RolePeer, vote: Vote, kind: LearnerKind, ended: RoleEnded) {
    this.peer = peer;
    this.#vote = vote;
    this.#kind = kind;
    this.#ended = ended;
    this.scope = new RoleScope(peer.world, (error) => {
      peer.diskFailed(error);
    });
  }

  /** A packet after UPTODATE that only this kind of learner knows. */
  protected abstract processPacket(packet: QuorumPacket): void;
  /** The server has started: what came between NEWLEADER and UPTODATE takes its usual way. */
  protected abstract processInFlight(sync: LearnerSync): void;
  /** Transactions logged here and not applied, oldest first, when the role has ended. */
  protected abstract unapplied(): Iterable<Request>;

  start(): void {
    this.peer.setZabState('DISCOVERY');
    this.findMaster((master) => {
      this.#connect(master);
    });
  }

  /** Whom it follows: the leader, or a follower that takes observers. Null before it has chosen. */
  get masterSid(): Sid | null {
    return this.#master?.sid ?? null;
  }

  /** Calls `found` with whom to follow: the leader, unless this kind of learner may follow others. */
  protected findMaster(found: (master: LeaderAddress) => void): void {
    const leader = this.peer.quorumVerifier().allMembers.get(this.#vote.id);
    if (leader === undefined) {
      this.end(`server ${this.#vote.id}, which leads, is no member of this server's configuration`);
      return;
    }
    found({ sid: leader.sid, address: leader.quorumAddress });
  }

  #connect(master: LeaderAddress): void {
    this.#master = master;
    connectToLeader(this.scope, this.batch, this.peer.config, master, this, {
      connected: (stream) => {
        this.#stream = stream;
        this.#register(stream);
      },
      failed: (reason) => {
        this.end(reason);
      },
    });
  }

  stop(reason: string, stopped: () => void): void {
    const midSync =
      this.#phase.kind === 'receivingHistory' || this.#phase.kind === 'awaitingUpToDate';
    this.#phase = { kind: 'ended' };
    this.#stream?.close(reason);
    this.#pendingRevalidations.clear();
    if (midSync) this.peer.rebuildMemory();
    let open = 2;
    const part = (): void => {
      open -= 1;
      if (open > 0) return;
      this.peer.fastForward(this.unapplied());
      stopped();
    };
    this.zk.shutdown(part);
    this.scope.close(part);
  }

  /** The role cannot go on. */
  protected end(reason: string): void {
    if (this.#phase.kind === 'ended') return;
    if (this.#phase.kind === 'receivingHistory' || this.#phase.kind === 'awaitingUpToDate') {
      this.peer.rebuildMemory();
    }
    this.#phase = { kind: 'ended' };
    const cause: StateCause = { kind: 'leaderLost', leader: this.#vote.id, reason };
    this.scope.world.clock.soon(() => {
      this.#ended(cause);
    });
  }

  /** A client's write or `sync`, for the leader to decide. */
  request(request: Request): void {
    const data = encodeForwardedRequest({
      sessionId: request.sessionId,
      cxid: request.cxid,
      type: request.type,
      payload: request.payload,
    });
    // A createSession carries no ids, all others the client's.
    const authinfo = request.authInfo.length === 0 ? null : request.authInfo;
    this.#stream?.sendPacket(outgoing(PacketType.REQUEST, asZxid(-1n), data, authinfo));
  }

  sendAck(zxid: Zxid): void {
    this.#stream?.send(PacketType.ACK, zxid, null);
  }

  /** A client came back with a session: only the leader knows whether it lives. No answer if the role ends before. */
  validateSession(
    sessionId: SessionId,
    timeoutMs: number,
    answered: (valid: boolean) => void,
  ): void {
    this.#pendingRevalidations.push({ sessionId, answered });
    const data = encodeRevalidate({ sessionId, timeoutMs });
    this.#stream?.send(PacketType.REVALIDATE, asZxid(-1n), data);
  }

  opened(): void {
    // The connector has seen to it.
  }

  drained(): void {
    // Nothing of a learner's is bulk.
  }

  closed(reason: string): void {
    this.end(reason);
  }

  raw(bytes: Uint8Array): void {
    const phase = this.#phase;
    if (phase.kind !== 'readingSnapshot') return;
    let rest = bytes;
    if (phase.tail === null) {
      const used = phase.loader.push(bytes);
      if (used === null) return;
      phase.tail = new SnapshotTail();
      rest = bytes.subarray(used);
    }
    const unused = phase.tail.push(rest);
    if (unused === null) return;
    this.#stream?.endRaw(unused);
    this.#installSnapshot(phase.loader, phase.zxid, phase.newEpoch);
  }

  packet(packet: QuorumPacket): void {
    try {
      this.#packet(packet);
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      this.end(error.message);
    }
  }

  #packet(packet: QuorumPacket): void {
    if (ACTIVATIONS.has(packet.type)) this.#tellReconfiguration(packet.zxid);
    const phase = this.#phase;
    switch (phase.kind) {
      case 'awaitingLeaderInfo':
        this.#leaderInfo(packet);
        return;
      case 'awaitingSync':
        this.#beginSync(packet, phase.newEpoch, phase.asksForSnapshot);
        return;
      case 'receivingHistory':
        this.#historyPacket(packet, phase.newEpoch, phase.sync);
        return;
      case 'awaitingUpToDate':
        this.#inFlightPacket(packet, phase.newEpoch, phase.sync);
        return;
      case 'broadcast':
        this.zk.coalesceReplies(() => {
          this.#broadcastPacket(packet);
        });
        return;
      case 'connecting':
      case 'readingSnapshot':
      case 'ended':
        return;
    }
  }

  /** The transaction is taken like any other; who belongs to the ensemble stays what this server's configuration says. */
  #tellReconfiguration(zxid: Zxid): void {
    const { probe } = this.peer.world;
    if (!probe.watches('peer')) return;
    const message =
      `the leader committed a new configuration at ${zxidToString(zxid)}; ` +
      'this server keeps its own until it is started with the new one';
    probe.emit({ topic: 'peer', type: 'warning', message });
  }

  #register(stream: QuorumStream): void {
    const { config, epochs, sid } = this.peer;
    this.#phase = { kind: 'awaitingLeaderInfo' };
    stream.limitSilence(config.initLimit * config.tickTimeMs);
    const info = encodeLearnerInfo({
      serverid: sid,
      protocolVersion: LEARNER_PROTOCOL_VERSION,
      configVersion: this.peer.quorumVerifier().version,
    });
    stream.send(this.#kind.infoType, makeZxid(epochs.acceptedEpoch, 0n), info);
  }

  #leaderInfo(packet: QuorumPacket): void {
    if (packet.type !== PacketType.LEADERINFO) {
      throw new SyncError(`the leader sent ${packetTypeName(packet.type)} where LEADERINFO is due`);
    }
    const newEpoch = epochOf(packet.zxid);
    const { epochs } = this.peer;
    if (newEpoch < epochs.acceptedEpoch) {
      throw new SyncError(
        `the leader's epoch ${newEpoch} is older than ${epochs.acceptedEpoch}, which this server has accepted`,
      );
    }
    if (newEpoch === epochs.acceptedEpoch) {
      // Acknowledged once already, perhaps to another leader of that number: it does not count again.
      this.#ackEpoch(newEpoch, NO_ACK);
      return;
    }
    this.#stream?.hold();
    epochs.setAcceptedEpoch(
      newEpoch,
      this.scope.answer(() => {
        if (this.#phase.kind !== 'awaitingLeaderInfo') return;
        this.#tellEpochAccepted(newEpoch);
        this.#ackEpoch(newEpoch, epochs.currentEpoch);
        this.#stream?.release();
      }),
    );
  }

  #tellEpochAccepted(epoch: Epoch): void {
    const { probe } = this.peer.world;
    if (probe.watches('zab')) probe.emit({ topic: 'zab', type: 'epochAccepted', epoch });
  }

  #ackEpoch(newEpoch: Epoch, currentEpoch: Epoch): void {
    const asksForSnapshot = this.peer.needsSnapshot && this.#isNotWeighed(currentEpoch);
    const zxid = asksForSnapshot ? SNAPSHOT_NEEDED : this.peer.lastLoggedZxid();
    this.#phase = { kind: 'awaitingSync', newEpoch, asksForSnapshot };
    this.#stream?.send(PacketType.ACKEPOCH, zxid, encodeInt(Number(currentEpoch)));
  }

  /**
   * Whether the leader is sure to lead whatever zxid it is told: it comes from a later epoch than this server's, or the
   * answer does not count. To any other the truth is due, since it may have to step down.
   */
  #isNotWeighed(currentEpoch: Epoch): boolean {
    return currentEpoch === NO_ACK || this.#vote.peerEpoch > currentEpoch;
  }

  #beginSync(packet: QuorumPacket, newEpoch: Epoch, asksForSnapshot: boolean): void {
    if (asksForSnapshot && packet.type !== PacketType.SNAP) {
      throw new SyncError(
        `the leader sent ${packetTypeName(packet.type)} where SNAP was asked for`,
      );
    }
    this.peer.setZabState('SYNCHRONIZATION');
    switch (packet.type) {
      case PacketType.DIFF:
        this.#tellSync('DIFF', packet.zxid);
        this.#receiveHistory(newEpoch);
        return;
      case PacketType.TRUNC:
        this.#tellSync('TRUNC', packet.zxid);
        this.#truncate(packet.zxid, newEpoch);
        return;
      case PacketType.SNAP:
        this.#tellSync('SNAP', packet.zxid);
        this.#phase = {
          kind: 'readingSnapshot',
          newEpoch,
          zxid: packet.zxid,
          loader: this.peer.db.beginSnapshotLoad(),
          tail: null,
        };
        this.#stream?.beginRaw();
        return;
      default:
        throw new SyncError(
          `the leader sent ${packetTypeName(packet.type)} where DIFF, TRUNC or SNAP is due`,
        );
    }
  }

  #tellSync(sync: 'DIFF' | 'TRUNC' | 'SNAP', zxid: Zxid): void {
    const { probe } = this.peer.world;
    if (!probe.watches('zab')) return;
    const leader = this.masterSid ?? this.#vote.id;
    probe.emit({ topic: 'zab', type: 'synchronizing', leader, sync, zxid });
  }

  #truncate(zxid: Zxid, newEpoch: Epoch): void {
    this.#stream?.hold();
    this.peer.db.truncateLog(
      zxid,
      this.scope.answer(
        () => {
          if (this.#phase.kind !== 'awaitingSync') return;
          this.#receiveHistory(newEpoch);
          this.#stream?.release();
        },
        (error) => this.#cannotTruncate(error),
      ),
    );
  }

  /** What is on disk stands until a snapshot has taken its place: this server has acknowledged what is in it. */
  #cannotTruncate(error: StorageError): boolean {
    if (error.kind !== 'cannotTruncate') return false;
    this.peer.needsSnapshot = true;
    this.end(`${error.message} It comes back for a snapshot`);
    return true;
  }

  #installSnapshot(loader: SnapshotStreamLoader, zxid: Zxid, newEpoch: Epoch): void {
    this.#stream?.hold();
    this.peer.db.installSnapshot(
      loader,
      zxid,
      this.scope.answer(() => {
        if (this.#phase.kind !== 'readingSnapshot') return;
        this.#receiveHistory(newEpoch);
        this.#stream?.release();
      }),
    );
  }

  #receiveHistory(newEpoch: Epoch): void {
    const { db, config } = this.peer;
    this.peer.needsSnapshot = false;
    initConfigInZKDatabase(db, this.peer.quorumVerifier());
    const sync = new LearnerSync(db, this.#kind.logs, config.initialZxidCounter, () =>
      this.scope.world.clock.now(),
    );
    this.#phase = { kind: 'receivingHistory', newEpoch, sync };
  }

  #historyPacket(packet: QuorumPacket, newEpoch: Epoch, sync: LearnerSync): void {
    if (packet.type === PacketType.NEWLEADER) this.#newLeader(packet, newEpoch, sync);
    else if (packet.type === PacketType.UPTODATE)
      throw new SyncError('UPTODATE came before NEWLEADER');
    else sync.packet(packet);
  }

  /**
   * History first, epoch second, ACK last: whoever acknowledges NEWLEADER has on disk all that was committed before it,
   * and whoever has the epoch on disk has its history (ZOOKEEPER-3911, 4643, 4646, 4785). What is only proposed is kept
   * aside (4394, 4685).
   */
  #newLeader(packet: QuorumPacket, newEpoch: Epoch, sync: LearnerSync): void {
    if (packet.zxid !== makeZxid(newEpoch, 0n)) {
      throw new SyncError(`NEWLEADER has zxid ${zxidToString(packet.zxid)} in epoch ${newEpoch}`);
    }
    this.#stream?.hold();
    const { db, epochs } = this.peer;
    const writeEpoch = this.scope.answer(() => {
      epochs.setCurrentEpoch(newEpoch, this.scope.answer(acknowledge));
    });
    const acknowledge = (): void => {
      if (this.#phase.kind !== 'receivingHistory') return;
      sync.historyIsDurable();
      this.#phase = { kind: 'awaitingUpToDate', newEpoch, sync };
      const { syncLimit, tickTimeMs } = this.peer.config;
      this.#stream?.send(PacketType.ACK, packet.zxid, null);
      this.#stream?.limitSilence(syncLimit * tickTimeMs);
      this.#stream?.release();
    };
    db.flush(writeEpoch);
  }

  #inFlightPacket(packet: QuorumPacket, newEpoch: Epoch, sync: LearnerSync): void {
    if (packet.type === PacketType.NEWLEADER) throw new SyncError('NEWLEADER came twice');
    if (packet.type === PacketType.UPTODATE) this.#upToDate(newEpoch, sync);
    else sync.packet(packet);
  }

  #upToDate(newEpoch: Epoch, sync: LearnerSync): void {
    this.#stream?.send(PacketType.ACK, makeZxid(newEpoch, 0n), null);
    this.#phase = { kind: 'broadcast', newEpoch };
    this.zk.startup();
    if (this.#voteIsOf(newEpoch)) this.peer.updateElectionVote(newEpoch);
    this.peer.setZabState('BROADCAST');
    const { probe } = this.peer.world;
    if (probe.watches('zab')) {
      probe.emit({
        topic: 'zab',
        type: 'upToDate',
        leader: this.#vote.id,
        epoch: newEpoch,
        zxid: this.zk.lastProcessedZxid,
      });
    }
    this.processInFlight(sync);
    this.peer.serve(this.zk);
  }

  /** Whether the election's outcome is this reign: a master that only follows may have another leader by now. */
  #voteIsOf(epoch: Epoch): boolean {
    const leader = this.peer.quorumVerifier().allMembers.get(this.#vote.id);
    return this.#master?.address === leader?.quorumAddress || this.#vote.peerEpoch === epoch;
  }

  #broadcastPacket(packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.PING:
        this.#stream?.send(
          PacketType.PING,
          packet.zxid,
          encodeSessionTouches(this.zk.takeTouches()),
        );
        return;
      case PacketType.REVALIDATE:
        this.#revalidated(packet);
        return;
      case PacketType.SYNC:
        if (!this.zk.syncAnswered()) throw new SyncError('the leader answered a SYNC nobody sent');
        return;
      default:
        this.processPacket(packet);
    }
  }

  #revalidated(packet: QuorumPacket): void {
    if (packet.data === null) throw new SyncError('REVALIDATE came back without a session');
    const { sessionId, valid } = decodeRevalidateAnswer(packet.data);
    const asked = this.#pendingRevalidations.shift();
    if (asked?.sessionId !== sessionId) {
      throw new SyncError('the leader answered a REVALIDATE nobody sent');
    }
    asked.answered(valid);
  }
}
