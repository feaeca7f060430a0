/**
 * A master's side of one learner: registers it, brings it to the master's history and then carries what the two say to
 * each other (`LearnerHandler`). It decides nothing about the ensemble: that is its `LearnerMaster`'s.
 */

import { unreachable } from '../base/assert.ts';
import type { LearnerType } from '../config/quorumServer.ts';
import { isQuorumType, Request } from '../server/request.ts';
import type { CommittedProposal, SnapshotStream } from '../storage/zkDatabase.ts';
import { epoch as asEpoch, epochOf, sid as asSid, zxid, type Sid, type Zxid } from '../wire/ids.ts';
import {
  decodeForwardedRequest,
  decodeInt,
  decodeLearnerInfo,
  decodeRevalidate,
  decodeSessionTouches,
  encodeInt,
  encodeRevalidateAnswer,
  LEARNER_PROTOCOL_VERSION,
} from '../wire/learnerPayloads.ts';
import { OpCode } from '../wire/opCodes.ts';
import { PacketType, packetTypeName, type QuorumPacket } from '../wire/quorumPackets.ts';
import { outgoing } from './broadcast.ts';
import type { LearnerMaster } from './learnerMaster.ts';
import { QuorumStream, type QuorumStreamOwner } from './quorumStream.ts';
import { encodeSnapshotSignature } from './snapshotTail.ts';
import { SyncLimitCheck } from './syncLimitCheck.ts';
import { planFromTxnLog, planSync, type SyncPlan, type SyncSituation } from './syncPlanner.ts';

/** A slice of a DIFF, each with its COMMIT: a millisecond or two. */
const SLICE_PROPOSALS_COUNT = 500;
/** What may wait behind a DIFF or SNAP still being sent. More: the learner cannot keep up, and has to try again. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

const UNKNOWN_SID = asSid(-1);

type Phase =
  | { readonly kind: 'awaitingInfo' }
  /** The new epoch is not fixed yet: too few voters have come. */
  | { readonly kind: 'awaitingEpoch' }
  | { readonly kind: 'awaitingAckEpoch' }
  /** The epoch is not accepted by a quorum yet. */
  | { readonly kind: 'awaitingElection'; readonly peerLastZxid: Zxid }
  /** The log on disk is being read for it. */
  | { readonly kind: 'readingTxnLog'; readonly peerLastZxid: Zxid }
  /** DIFF or SNAP is on its way; what comes after it waits here. */
  | {
      readonly kind: 'sendingHistory';
      readonly history: History;
      readonly queued: QuorumPacket[];
      queuedBytes: number;
    }
  /** NEWLEADER is sent. */
  | { readonly kind: 'awaitingNewLeaderAck' }
  /** The learner is in sync, the reign not established yet. */
  | { readonly kind: 'awaitingEstablished' }
  | { readonly kind: 'broadcast' }
  | { readonly kind: 'closed' };

/** What is left to be sent of it. */
type History =
  | { readonly kind: 'proposals'; readonly proposals: readonly CommittedProposal[]; next: number }
  | { readonly kind: 'snapshot'; readonly snapshot: SnapshotStream };

export class LearnerHandler implements QuorumStreamOwner {
  readonly #master: LearnerMaster;
  readonly #stream: QuorumStream;
  readonly #syncLimitCheck = new SyncLimitCheck();
  #phase: Phase = { kind: 'awaitingInfo' };
  #sid: Sid = UNKNOWN_SID;
  #learnerType: LearnerType = 'participant';
  #tickOfNextAckDeadline: number;

  constructor(master: LearnerMaster) {
    this.#master = master;
    this.#stream = new QuorumStream(this, master.clock, master.probe, master.batch, 'accepted');
    this.#tickOfNextAckDeadline =
      master.tick + master.limits.initLimitTicks + master.limits.syncLimitTicks;
  }

  get stream(): QuorumStream {
    return this.#stream;
  }

  /** -1 until it has said who it is. */
  get sid(): Sid {
    return this.#sid;
  }

  get learnerType(): LearnerType {
    return this.#learnerType;
  }

  /** It has been heard of within its limit of ticks. */
  get synced(): boolean {
    return this.#phase.kind !== 'closed' && this.#master.tick <= this.#tickOfNextAckDeadline;
  }

  /** The connection is taken: the learner has to say who it is. */
  start(): void {
    this.#stream.limitSilence(this.#master.limits.initTimeoutMs);
  }

  epochProposed(): void {
    if (this.#phase.kind !== 'awaitingEpoch') return;
    this.#phase = { kind: 'awaitingAckEpoch' };
    const version = encodeInt(LEARNER_PROTOCOL_VERSION);
    this.#stream.send(PacketType.LEADERINFO, this.#master.newLeaderZxid, version);
    this.#stream.release();
  }

  epochAgreed(): void {
    if (this.#phase.kind === 'awaitingElection') this.#planSync(this.#phase.peerLastZxid);
  }

  leaderEstablished(): void {
    if (this.#phase.kind !== 'awaitingEstablished') return;
    this.#phase = { kind: 'broadcast' };
    this.#stream.send(PacketType.UPTODATE, zxid(-1n), null);
    this.#tickOfNextAckDeadline = this.#master.tick + this.#master.limits.syncLimitTicks;
    this.#stream.release();
  }

  /** Sends a packet of the reign, behind a DIFF or SNAP that is still under way. */
  queuePacket(packet: QuorumPacket): void {
    const phase = this.#phase;
    if (phase.kind === 'closed') return;
    if (phase.kind !== 'sendingHistory') {
      this.#sendNow(packet);
      return;
    }
    phase.queued.push(packet);
    phase.queuedBytes += packet.data?.length ?? 0;
    if (phase.queuedBytes > MAX_QUEUED_BYTES) {
      this.#master.clock.soon(() => {
        this.close(`more than ${MAX_QUEUED_BYTES} bytes wait behind its history`);
      });
    }
  }

  /** Asks for a sign of life, unless the learner is still being sent its history; drops one that is too slow. */
  ping(): void {
    switch (this.#phase.kind) {
      case 'awaitingNewLeaderAck':
      case 'awaitingEstablished':
      case 'broadcast':
        break;
      default:
        return;
    }
    const { limits, clock, lastProposed } = this.#master;
    if (this.#syncLimitCheck.isWithin(limits.syncTimeoutMs, clock.now())) {
      this.#stream.send(PacketType.PING, lastProposed, null);
    } else {
      this.close(`a proposal went without its ACK for ${limits.syncTimeoutMs} ms`);
    }
  }

  /** Ends the connection from here. */
  close(reason: string): void {
    if (this.#phase.kind === 'closed') return;
    this.#stream.close(reason);
    this.#ended(reason);
  }

  opened(): void {
    // An accepted connection is up from the start.
  }

  raw(): void {
    // A learner never sends anything but packets.
  }

  closed(reason: string): void {
    this.#ended(reason);
  }

  drained(): void {
    const phase = this.#phase;
    if (phase.kind === 'sendingHistory' && phase.history.kind === 'snapshot') this.#sendHistory();
  }

  packet(packet: QuorumPacket): void {
    switch (this.#phase.kind) {
      case 'awaitingInfo':
        this.#register(packet);
        return;
      case 'awaitingAckEpoch':
        this.#ackEpoch(packet);
        return;
      case 'awaitingNewLeaderAck':
        this.#newLeaderAck(packet);
        return;
      case 'broadcast':
        this.#tickOfNextAckDeadline = this.#master.tick + this.#master.limits.syncLimitTicks;
        this.#broadcastPacket(packet);
        return;
      case 'awaitingEpoch':
      case 'awaitingElection':
      case 'readingTxnLog':
      case 'sendingHistory':
      case 'awaitingEstablished':
      case 'closed':
        // The stream is held in these phases.
        return;
    }
  }

  #register(packet: QuorumPacket): void {
    if (packet.type !== PacketType.FOLLOWERINFO && packet.type !== PacketType.OBSERVERINFO) {
      this.#refuse(packet, 'where FOLLOWERINFO or OBSERVERINFO has to be first');
      return;
    }
    if (packet.type === PacketType.FOLLOWERINFO && this.#master.observersOnly) {
      this.#refuse(packet, 'to a server that does not lead');
      return;
    }
    const data = packet.data;
    if (data === null) {
      this.#refuse(packet, 'without saying who it is');
      return;
    }
    const info = decodeLearnerInfo(data);
    this.#sid = info.serverid;
    this.#stream.peer = info.serverid;
    if (info.protocolVersion < LEARNER_PROTOCOL_VERSION) {
      this.close(
        `it speaks protocol version 0x${info.protocolVersion.toString(16)} of a ZooKeeper before 3.4`,
      );
      return;
    }
    if (info.configVersion > this.#master.configVersion) {
      this.close('it has a later configuration than its leader');
      return;
    }
    if (packet.type === PacketType.OBSERVERINFO) this.#learnerType = 'observer';
    const acceptedEpoch = epochOf(packet.zxid);
    const { probe } = this.#master;
    if (probe.watches('zab')) {
      probe.emit({
        topic: 'zab',
        type: 'learnerRegistered',
        learner: this.#sid,
        learnerType: this.#learnerType,
        acceptedEpoch,
      });
    }
    this.#phase = { kind: 'awaitingEpoch' };
    this.#stream.hold();
    this.#master.getEpochToPropose(this, acceptedEpoch);
  }

  #ackEpoch(packet: QuorumPacket): void {
    if (packet.type !== PacketType.ACKEPOCH || packet.data === null) {
      this.#refuse(packet, 'where ACKEPOCH is due');
      return;
    }
    const currentEpoch = asEpoch(decodeInt(packet.data));
    this.#phase = { kind: 'awaitingElection', peerLastZxid: packet.zxid };
    this.#stream.hold();
    const refused = this.#master.waitForEpochAck(this, { currentEpoch, lastZxid: packet.zxid });
    if (refused !== null) this.close(refused);
  }

  #planSync(peerLastZxid: Zxid): void {
    const decision = planSync(this.#situation(peerLastZxid));
    if (decision.kind === 'plan') {
      this.#startSync(decision.plan, peerLastZxid);
      return;
    }
    this.#phase = { kind: 'readingTxnLog', peerLastZxid };
    const { db, scope } = this.#master;
    db.proposalsFromTxnLog(
      decision.fromZxid,
      db.txnLogSizeLimitBytes,
      scope.answer((logged: readonly CommittedProposal[] | null) => {
        if (this.#phase.kind !== 'readingTxnLog') return;
        this.#startSync(planFromTxnLog(this.#situation(peerLastZxid), logged ?? []), peerLastZxid);
      }),
    );
  }

  #situation(peerLastZxid: Zxid): SyncSituation {
    const { db, limits } = this.#master;
    return {
      peerLastZxid,
      lastProcessedZxid: db.tree.lastProcessedZxid,
      committedLog: db.committedLog,
      txnLogSyncEnabled: db.txnLogSizeLimitBytes >= 0,
      forceSnapshotSync: limits.forceSnapshotSync,
    };
  }

  /**
   * The plan, what is in flight and NEWLEADER go out in this order; nothing can come between, since forwarding starts in
   * this same step.
   */
  #startSync(plan: SyncPlan, peerLastZxid: Zxid): void {
    const master = this.#master;
    if (!master.throttler.beginSync(this, plan.sync === 'SNAP' ? 'snap' : 'diff')) {
      this.close('too many observers are being synchronised; it may try again');
      return;
    }
    this.#tellPlan(plan, peerLastZxid);
    if (plan.sync === 'SNAP') {
      const snapshot = master.db.beginSnapshotStream();
      this.#beginHistory({ kind: 'snapshot', snapshot });
      this.#sendNow(outgoing(PacketType.SNAP, snapshot.zxid, null));
    } else {
      this.#beginHistory({ kind: 'proposals', proposals: plan.proposals, next: 0 });
      const op = plan.sync === 'DIFF' ? PacketType.DIFF : PacketType.TRUNC;
      this.#sendNow(outgoing(op, plan.opZxid, null));
    }
    master.startForwarding(this, plan.lastQueuedZxid);
    this.queuePacket(outgoing(PacketType.NEWLEADER, master.newLeaderZxid, master.configBytes()));
    this.#sendHistory();
  }

  #beginHistory(history: History): void {
    this.#phase = { kind: 'sendingHistory', history, queued: [], queuedBytes: 0 };
  }

  /** One slice an event, and none of a snapshot while the connection is full. */
  #sendHistory(): void {
    const phase = this.#phase;
    if (phase.kind !== 'sendingHistory') return;
    const { history } = phase;
    switch (history.kind) {
      case 'snapshot': {
        const slice = history.snapshot.next();
        if (slice === null) {
          this.#stream.sendRaw(encodeSnapshotSignature());
          this.#endHistory(phase.queued);
        } else if (this.#stream.sendRaw(slice)) {
          this.#sendHistorySoon();
        }
        return;
      }
      case 'proposals': {
        const end = history.next + SLICE_PROPOSALS_COUNT;
        const slice = history.proposals.slice(history.next, end);
        history.next = end;
        this.#master.batch.run(() => {
          for (const { zxid: proposed, bytes } of slice) {
            this.#sendNow(outgoing(PacketType.PROPOSAL, proposed, bytes));
            this.#sendNow(outgoing(PacketType.COMMIT, proposed, null));
          }
        });
        if (end < history.proposals.length) this.#sendHistorySoon();
        else this.#endHistory(phase.queued);
        return;
      }
      default:
        return unreachable(history);
    }
  }

  #sendHistorySoon(): void {
    this.#master.clock.soon(() => {
      this.#sendHistory();
    });
  }

  #endHistory(queued: readonly QuorumPacket[]): void {
    this.#phase = { kind: 'awaitingNewLeaderAck' };
    this.#master.batch.run(() => {
      for (const packet of queued) this.#sendNow(packet);
    });
    this.#stream.release();
  }

  #tellPlan(plan: SyncPlan, learnerZxid: Zxid): void {
    const { probe, db } = this.#master;
    if (!probe.watches('zab')) return;
    probe.emit({
      topic: 'zab',
      type: 'syncChosen',
      learner: this.#sid,
      sync: plan.sync,
      learnerZxid,
      leaderZxid: db.tree.lastProcessedZxid,
      minCommittedLog: db.minCommittedLog,
      maxCommittedLog: db.maxCommittedLog,
      proposalCount: plan.proposals.length,
      reason: plan.reason,
    });
  }

  /**
   * ZooKeeper 3.8.0 may acknowledge a proposal before NEWLEADER: such an ACK says that the transaction is on its disk and
   * nothing about NEWLEADER.
   */
  #newLeaderAck(packet: QuorumPacket): void {
    if (packet.type !== PacketType.ACK) {
      this.#refuse(packet, 'where the ACK of NEWLEADER is due');
      return;
    }
    if (packet.zxid !== this.#master.newLeaderZxid) {
      this.#master.processAck(this.#sid, packet.zxid);
      return;
    }
    this.#master.throttler.endSync(this);
    this.#syncLimitCheck.start();
    this.#stream.limitSilence(this.#master.limits.syncTimeoutMs);
    this.#phase = { kind: 'awaitingEstablished' };
    this.#stream.hold();
    this.#master.waitForNewLeaderAck(this);
  }

  #broadcastPacket(packet: QuorumPacket): void {
    switch (packet.type) {
      case PacketType.ACK:
        this.#syncLimitCheck.acked(packet.zxid);
        this.#master.processAck(this.#sid, packet.zxid);
        return;
      case PacketType.PING:
        for (const { sessionId, timeoutMs } of decodeSessionTouches(packet.data ?? NO_BYTES)) {
          this.#master.touch(sessionId, timeoutMs);
        }
        return;
      case PacketType.REVALIDATE:
        this.#revalidate(packet);
        return;
      case PacketType.REQUEST:
        this.#request(packet);
        return;
      default:
        this.#refuse(packet, 'which no learner sends to its leader');
    }
  }

  #revalidate(packet: QuorumPacket): void {
    if (packet.data === null) {
      this.#refuse(packet, 'without a session');
      return;
    }
    const { sessionId, timeoutMs } = decodeRevalidate(packet.data);
    this.#master.revalidateSession(this, sessionId, timeoutMs, (valid) => {
      const answer = encodeRevalidateAnswer({ sessionId, valid });
      this.#stream.send(PacketType.REVALIDATE, packet.zxid, answer);
    });
  }

  #request(packet: QuorumPacket): void {
    if (packet.data === null) {
      this.#refuse(packet, 'without a request');
      return;
    }
    const forwarded = decodeForwardedRequest(packet.data);
    if (!isForwarded(forwarded.type)) {
      this.#refuse(packet, `with operation ${forwarded.type}, which every server does by itself`);
      return;
    }
    this.#master.submitLearnerRequest(
      new Request({
        sessionId: forwarded.sessionId,
        cxid: forwarded.cxid,
        type: forwarded.type,
        payload: forwarded.payload,
        authInfo: packet.authinfo ?? [],
        owner: this,
        createTimeMs: this.#master.clock.now(),
      }),
    );
  }

  #sendNow(packet: QuorumPacket): void {
    if (packet.type === PacketType.PROPOSAL) {
      this.#syncLimitCheck.proposalSent(packet.zxid, this.#master.clock.now());
    }
    this.#stream.sendPacket(packet);
  }

  #refuse(packet: QuorumPacket, why: string): void {
    this.close(`it sent ${packetTypeName(packet.type)} ${why}`);
  }

  #ended(reason: string): void {
    const phase = this.#phase;
    if (phase.kind === 'closed') return;
    if (phase.kind === 'sendingHistory' && phase.history.kind === 'snapshot') {
      phase.history.snapshot.end();
    }
    this.#phase = { kind: 'closed' };
    this.#master.throttler.endSync(this);
    this.#master.learnerClosed(this);
    const { probe } = this.#master;
    if (probe.watches('zab')) {
      probe.emit({ topic: 'zab', type: 'learnerDropped', learner: this.#sid, reason });
    }
  }
}

/** A lone `check` is something that ZooKeeper 3.8.0's followers send on, too. */
const isForwarded = (type: number): boolean =>
  isQuorumType(type) || type === OpCode.sync || type === OpCode.check;

const NO_BYTES = new Uint8Array(0);
