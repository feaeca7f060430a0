/**
 * A leader's proposals from the moment they are sent until they are applied here: who acknowledged which, what is
 * committed next, and which SYNCs wait behind them. It keeps the order and sends through its audience; it neither logs
 * nor applies (`Leader`'s outstandingProposals, toBeApplied and pendingSyncs).
 */

import { assert } from '../base/assert.ts';
import { Queue } from '../base/queue.ts';
import type { SyncedLearnerTracker } from '../election/syncedLearnerTracker.ts';
import type { Probe } from '../ports/probe.ts';
import type { Request } from '../server/request.ts';
import type { Id } from '../wire/dataRecords.ts';
import { counterOf, type Sid, type Zxid } from '../wire/ids.ts';
import { PacketType, type QuorumPacket } from '../wire/quorumPackets.ts';

export interface Proposal {
  readonly zxid: Zxid;
  readonly request: Request;
  /** Header, txn and digest: what is logged everywhere. */
  readonly txnBytes: Uint8Array;
  readonly acks: SyncedLearnerTracker;
}

/** Whom a leader tells, and its own commit processor. */
export interface BroadcastAudience {
  sendToFollowers(packet: QuorumPacket): void;
  sendToObservers(packet: QuorumPacket): void;
  hasObservers(): boolean;
  /** To this server's own processors. */
  commit(request: Request): void;
  /** A new tracker over the configurations that have a say now. */
  newTracker(): SyncedLearnerTracker;
}

export const outgoing = (
  type: number,
  zxid: Zxid,
  data: Uint8Array | null,
  authinfo: readonly Id[] | null = null,
): QuorumPacket => ({ type, zxid, data, authinfo });

export class Broadcast {
  readonly #audience: BroadcastAudience;
  readonly #probe: Probe;
  /** Zxids without a gap. */
  readonly #outstanding = new Queue<Proposal>();
  readonly #toBeApplied = new Queue<Proposal>();
  readonly #pendingSyncs = new Map<Zxid, (() => void)[]>();
  #lastProposed: Zxid;
  #lastCommitted: Zxid;

  /** `start` is the reign's first zxid, (epoch, 0). */
  constructor(audience: BroadcastAudience, probe: Probe, start: Zxid) {
    this.#audience = audience;
    this.#probe = probe;
    this.#lastProposed = start;
    this.#lastCommitted = start;
  }

  get lastProposed(): Zxid {
    return this.#lastProposed;
  }

  /** Transactions that SYNCs wait for. */
  get pendingSyncCount(): number {
    return this.#pendingSyncs.size;
  }

  /** Sends a prepared transaction to every follower. */
  propose(request: Request): void {
    const { header, txnBytes, zxid } = request;
    assert(header !== null && txnBytes !== null, 'only transactions are proposed');
    assert(
      this.#outstanding.length === 0 ? zxid > this.#lastProposed : zxid === this.#lastProposed + 1n,
      'zxids only grow, and leave none out',
    );
    const acks = this.#audience.newTracker();
    this.#outstanding.push({ zxid, request, txnBytes, acks });
    this.#lastProposed = zxid;
    if (this.#probe.watches('txn')) {
      this.#probe.emit({
        topic: 'txn',
        type: 'proposed',
        zxid,
        sessionId: header.clientId,
        txnType: header.type,
      });
    }
    this.#audience.sendToFollowers(outgoing(PacketType.PROPOSAL, zxid, txnBytes));
  }

  /** `by` has the transaction on its disk. Acknowledgements of what is committed or unknown say nothing new. */
  processAck(by: Sid, zxid: Zxid): void {
    // After UPTODATE a learner acknowledges NEWLEADER once more.
    if (counterOf(zxid) === 0n || zxid <= this.#lastCommitted) return;
    const oldest = this.#outstanding.peek();
    if (oldest === undefined) return;
    const proposal = this.#outstanding.at(Number(zxid - oldest.zxid));
    if (proposal?.zxid !== zxid || !proposal.acks.addAck(by)) return;
    if (this.#probe.watches('txn')) {
      this.#probe.emit({ topic: 'txn', type: 'acked', zxid, by });
    }
    // What is proposed first is committed first: behind an older one that still lacks its quorum, this one waits.
    if (proposal === oldest) this.commitWhatCan();
  }

  /**
   * Commits, in order, what has its quorum now: also after what makes a quorum has changed (`revalidateOutstandingProp`).
   */
  commitWhatCan(): void {
    for (let next = this.#outstanding.peek(); next?.acks.hasAllQuorums() === true;) {
      this.#commit(next);
      next = this.#outstanding.peek();
    }
  }

  /**
   * `by` is brought back to `to` and logs anew what comes after: until it acknowledges that again, what it acknowledged
   * before is on its disk no more. (ZooKeeper goes on counting it, and may then commit on fewer disks than a quorum.)
   */
  forgetAcks(by: Sid, to: Zxid): void {
    for (const { zxid, acks } of this.#outstanding) if (zxid > to) acks.removeAck(by);
  }

  /** Calls `send` once everything proposed so far is committed; within this call if it is. */
  processSync(send: () => void): void {
    if (this.#outstanding.length === 0) {
      send();
      return;
    }
    const waiting = this.#pendingSyncs.get(this.#lastProposed);
    if (waiting === undefined) this.#pendingSyncs.set(this.#lastProposed, [send]);
    else waiting.push(send);
  }

  /** The oldest committed transaction has been applied here. */
  applied(zxid: Zxid): void {
    const head = this.#toBeApplied.shift();
    assert(head?.zxid === zxid, 'transactions are applied in the order they were committed');
  }

  /** Committed and not yet applied here, oldest first. */
  get toBeApplied(): Iterable<Proposal> {
    return this.#toBeApplied;
  }

  /** Proposed and not yet committed, oldest first. */
  get outstanding(): Iterable<Proposal> {
    return this.#outstanding;
  }

  #commit(proposal: Proposal): void {
    const { zxid, request } = proposal;
    this.#outstanding.shift();
    this.#toBeApplied.push(proposal);
    this.#lastCommitted = zxid;
    if (this.#probe.watches('txn')) {
      const supporters = proposal.acks.supporters();
      this.#probe.emit({ topic: 'txn', type: 'committed', zxid, supporters });
    }
    this.#audience.sendToFollowers(outgoing(PacketType.COMMIT, zxid, null));
    if (this.#audience.hasObservers()) {
      this.#audience.sendToObservers(outgoing(PacketType.INFORM, zxid, proposal.txnBytes));
    }
    this.#audience.commit(request);
    const syncs = this.#pendingSyncs.get(zxid);
    if (syncs !== undefined) {
      this.#pendingSyncs.delete(zxid);
      for (const send of syncs) send();
    }
  }
}
