/**
 * What must hold in every run of honest servers whatever fails, checked at each probe event and at each change of a
 * disk. Reads events and durable bytes only, so that it cannot share a mistake with the code it watches. Names such as
 * Leadership1 are those of ZooKeeper's own TLA+ specifications.
 */

import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { ProbeRecord } from '../ports/probe.ts';
import {
  type Epoch,
  type Sid,
  type Zxid,
  counterOf,
  epochOf,
  zxid,
  zxidToString,
} from '../wire/ids.ts';
import { OpCode } from '../wire/opCodes.ts';
import { PacketType } from '../wire/quorumPackets.ts';
import type { DiskHistory } from './diskHistory.ts';
import { DiskInvariants } from './diskInvariants.ts';
import { InvariantChecks } from './invariantChecks.ts';
import { ProposedHistory } from './proposedHistory.ts';
import { isQuorum } from './quorums.ts';
import type { Machine, Simulation } from './simWorld.ts';
import { dropFromSnapshot, forgive, watchedServer, type WatchedServer } from './watchedServer.ts';

export class Invariants {
  #verifier: QuorumVerifier;
  readonly #checks: InvariantChecks;
  readonly #history: ProposedHistory;
  readonly #disks: DiskInvariants;
  readonly #watched = new Map<Sid, WatchedServer>();
  /** Who established which epoch, ever. */
  readonly #leaders = new Map<Epoch, Sid>();
  /** Whose epoch a quorum has accepted, ever. */
  readonly #accepted = new Map<Epoch, Sid>();

  constructor(simulation: Simulation, verifier: QuorumVerifier) {
    this.#verifier = verifier;
    this.#checks = new InvariantChecks(simulation);
    this.#history = new ProposedHistory(this.#checks);
    this.#disks = new DiskInvariants(this.#checks, verifier, this.#history, this.#watched);
    simulation.subscribe(['zab', 'txn', 'packet', 'storage', 'request', 'peer'], (record) =>
      this.#observe(record),
    );
  }

  get checkCount(): number {
    return this.#checks.count;
  }

  /** What a quorum has accepted, in order. */
  get committed(): readonly Zxid[] {
    return this.#history.committed;
  }

  /** Calls `listener` with each transaction as it is committed, in order. Its bytes are not to be changed. */
  onCommitted(listener: (zxid: Zxid, transaction: Uint8Array) => void): void {
    this.#history.onCommitted(listener);
  }

  /** The highest epoch in which a leader was established; null before the first. */
  get lastEpoch(): Epoch | null {
    let last: Epoch | null = null;
    for (const epoch of this.#leaders.keys()) if (last === null || epoch > last) last = epoch;
    return last;
  }

  /** From now on this server and its disk are watched. */
  watch(machine: Machine): void {
    const watched = watchedServer(machine, (of, transaction) =>
      this.#history.found(of, transaction),
    );
    this.#watched.set(machine.sid, watched);
    machine.disk.watch((change) => this.#disks.changed(watched, change));
  }

  /** The server's disk is a new, empty one by somebody's decision: what it promised is forgotten. */
  forgive(sid: Sid): void {
    const watched = this.#watched.get(sid);
    if (watched !== undefined) forgive(watched);
  }

  /** From now on these are the members. */
  reform(verifier: QuorumVerifier): void {
    this.#verifier = verifier;
    this.#disks.reform(verifier);
  }

  /** See {@link DiskInvariants.allInStep}. */
  get allInStep(): boolean {
    return this.#disks.allInStep;
  }

  /** A snapshot is taken there of all that is logged, whether or not it is agreed upon. */
  mayHaveInSnapshot(sid: Sid): void {
    const watched = this.#watched.get(sid);
    if (watched !== undefined) watched.inSnapshot = this.#uncommittedOf(watched);
  }

  history(sid: Sid): DiskHistory {
    const watched = this.#watched.get(sid);
    if (watched === undefined) throw new Error(`server ${sid} is not watched`);
    return watched.history;
  }

  /** Everything committed is on the disks of a quorum, at this instant. */
  checkCommittedDurable(): void {
    this.#disks.checkCommittedDurable();
  }

  #observe(record: ProbeRecord): void {
    const watched = this.#watched.get(record.sid);
    if (watched === undefined) return;
    const { event } = record;
    switch (event.topic) {
      case 'zab':
        if (event.type === 'epochProposed') this.#fixed(watched, event.epoch, event.supporters);
        else if (event.type === 'epochAcked') {
          this.#epochAccepted(watched, event.epoch, event.supporters);
        } else if (event.type === 'established') {
          this.#established(watched, event.epoch, event.supporters);
        } else if (event.type === 'syncChosen') {
          this.#syncChosen(watched, event.learner, event.leaderZxid);
          if (event.sync === 'SNAP') this.#offers(watched, event.learner, event.leaderZxid);
        } else if (event.type === 'synchronizing' && event.sync !== 'DIFF') {
          // Its leader cuts its history, or gives it another.
          watched.acknowledged = null;
        } else if (event.type === 'learnerDropped') this.#honest(watched, event.reason);
        return;
      case 'txn':
        if (event.type === 'proposed') this.#proposes(watched, event.zxid);
        else if (event.type === 'committed') this.#commit(watched, event.zxid, event.supporters);
        else if (event.type === 'applied') this.#applied(watched, event.zxid);
        return;
      case 'packet':
        if (event.type === 'sent' && event.packetType === PacketType.ACK) {
          this.#acknowledges(watched, event.zxid);
        }
        return;
      case 'storage':
        if (event.type === 'loaded') {
          watched.lastApplied = event.zxid;
          dropFromSnapshot(watched, event.zxid);
          // A crash may come when the snapshot is in its place and before anybody is told.
          if (watched.history.snapshotZxid === watched.offeredUpTo) {
            watched.inSnapshot = watched.offered;
          }
        } else if (event.type === 'truncated') {
          watched.lastApplied = event.zxid;
          dropFromSnapshot(watched, event.zxid);
        } else if (event.type === 'snapshotInstalled') {
          watched.lastApplied = event.zxid;
          watched.inSnapshot = watched.offered;
        } else if (event.type === 'digestMismatch') this.#differs(watched, event.zxid);
        return;
      case 'request':
        if (event.type === 'replied') this.#replied(watched, event.op, event.zxid, event.errorCode);
        return;
      case 'peer':
        if (event.type === 'state' && event.cause.kind === 'leaderLost') {
          this.#honest(watched, event.cause.reason);
        }
        return;
      case 'connection':
      case 'election':
      case 'session':
      case 'room':
        return;
    }
  }

  /** A new epoch is made of the epochs of a quorum: any that was accepted is among them. */
  #fixed({ machine }: WatchedServer, epoch: Epoch, supporters: readonly Sid[]): void {
    this.#checks.that(
      isQuorum(this.#verifier, supporters),
      () =>
        `${machine.sid} makes epoch ${epoch} of those of [${supporters.join(', ')}], which is no quorum`,
    );
  }

  /**
   * Leadership1: one server at most leads the synchronisation of an epoch, and a quorum has the epoch on disk by then.
   */
  #epochAccepted({ machine }: WatchedServer, epoch: Epoch, supporters: readonly Sid[]): void {
    const holders = supporters.filter((sid) => {
      const server = this.#watched.get(sid);
      if (server === undefined) return false;
      return server.lostEpoch >= epoch || (server.history.acceptedEpoch ?? -1n) >= epoch;
    });
    this.#checks.that(
      isQuorum(this.#verifier, holders),
      () =>
        `epoch ${epoch} of ${machine.sid} is accepted by [${supporters.join(', ')}], ` +
        `but only [${holders.join(', ')}] have it on disk, which is no quorum`,
    );
    const other = this.#accepted.get(epoch);
    this.#checks.that(
      other === undefined,
      () => `epoch ${epoch} is accepted for ${machine.sid} after ${other}`,
    );
    this.#accepted.set(epoch, machine.sid);
  }

  /**
   * Leadership2: one server at most is ever established in an epoch. LeaderLogCompleteness: it has everything committed
   * on its disk.
   */
  #established(leader: WatchedServer, epoch: Epoch, supporters: readonly Sid[]): void {
    const other = this.#leaders.get(epoch);
    this.#checks.that(
      other === undefined,
      () => `epoch ${epoch} is established by ${leader.machine.sid} after ${other}`,
    );
    this.#leaders.set(epoch, leader.machine.sid);
    for (const committed of this.#history.committed) {
      this.#checks.that(
        leader.history.holds(committed),
        () =>
          `${leader.machine.sid} leads epoch ${epoch} without the committed ${zxidToString(committed)}`,
      );
    }
    this.#checks.that(
      isQuorum(this.#verifier, supporters),
      () =>
        `${leader.machine.sid} leads epoch ${epoch} with [${supporters.join(', ')}], which is no quorum`,
    );
    // What the new leader brings along is agreed upon with it.
    for (const entry of this.#uncommittedOf(leader)) this.#history.commit(entry);
  }

  /** What the server has on disk and nobody has agreed upon yet, in order. */
  #uncommittedOf({ history, inSnapshot }: WatchedServer): readonly Zxid[] {
    const snapshotZxid = history.snapshotZxid ?? zxid(-1n);
    const logged = [...history.entries.keys()].filter((entry) => entry > snapshotZxid);
    const contained = inSnapshot.filter((entry) => entry <= snapshotZxid);
    return [...new Set([...contained, ...logged])]
      .filter((entry) => !this.#history.isCommitted(entry))
      .sort(ascending);
  }

  /** A snapshot does not name the transactions in it: they are those of the leader that sends it. */
  #offers(leader: WatchedServer, learner: Sid, upTo: Zxid): void {
    const watched = this.#watched.get(learner);
    if (watched === undefined) return;
    watched.offered = this.#uncommittedOf(leader);
    watched.offeredUpTo = upTo;
  }

  /** CommittedLogDurability at its beginning: a commit rests on the disks of a quorum. */
  #commit(leader: WatchedServer, committed: Zxid, supporters: readonly Sid[]): void {
    const holders = supporters.filter(
      (sid) =>
        this.history(sid).holds(committed) || committed <= (this.#watched.get(sid)?.lostUpTo ?? 0n),
    );
    this.#checks.that(
      isQuorum(this.#verifier, holders),
      () =>
        `${leader.machine.sid} commits ${zxidToString(committed)} with [${supporters.join(', ')}], ` +
        `but only [${holders.join(', ')}] have it on disk, which is no quorum`,
    );
    this.#history.commit(committed);
  }

  /**
   * Integrity and LocalPrimaryOrder, the universal form: only the leader established in an epoch proposes in it, one zxid
   * right after the other. PrimaryIntegrity: before its first it has applied all that earlier epochs committed.
   */
  #proposes(leader: WatchedServer, proposed: Zxid): void {
    const { sid } = leader.machine;
    const epoch = epochOf(proposed);
    this.#checks.that(
      this.#leaders.get(epoch) === sid,
      () => `${sid} proposes ${zxidToString(proposed)} in the epoch of ${this.#leaders.get(epoch)}`,
    );
    const isFirst = this.#history.propose(
      proposed,
      () => `${sid} proposes ${zxidToString(proposed)}`,
    );
    if (!isFirst) return;
    const earlier = this.#history.committed.findLast((one) => epochOf(one) < epoch);
    this.#checks.that(
      earlier === undefined || (leader.lastApplied !== null && leader.lastApplied >= earlier),
      () =>
        `${sid} proposes in epoch ${epoch} without having applied the committed ${zxidToString(earlier ?? zxid(0n))}`,
    );
  }

  /** No honest server says what is impossible where the other stands. */
  #honest(server: WatchedServer, reason: string): void {
    this.#checks.that(
      !IMPOSSIBLE.test(reason),
      () => `${server.machine.sid} was told what is impossible: ${reason}`,
    );
  }

  #syncChosen(leader: WatchedServer, learner: Sid, leaderZxid: Zxid): void {
    const watched = this.#watched.get(learner);
    if (watched === undefined) return;
    watched.syncTarget = { zxid: leaderZxid, epoch: leader.history.acceptedEpoch };
  }

  #acknowledges(server: WatchedServer, acknowledged: Zxid): void {
    const { sid } = server.machine;
    if (counterOf(acknowledged) === 0n) {
      if (!this.#verifier.votingMembers.has(sid)) return;
      this.#checks.that(
        server.history.currentEpoch === epochOf(acknowledged),
        () =>
          `${sid} acknowledges epoch ${epochOf(acknowledged)} with currentEpoch ${server.history.currentEpoch} on disk`,
      );
      return;
    }
    this.#checks.that(
      server.history.holds(acknowledged),
      () => `${sid} acknowledges ${zxidToString(acknowledged)}, which is not on its disk`,
    );
    server.acknowledged = acknowledged;
  }

  /**
   * PrefixConsistency, Agreement and CommitCompactness: every server applies what was proposed, in the order of zxids, and
   * leaves out nothing that is committed; with one fingerprint a zxid ({@link DiskInvariants}) and the digest that goes
   * with each transaction ({@link #differs}) their trees are the same at the same zxid.
   */
  #applied(server: WatchedServer, applied: Zxid): void {
    const last = server.lastApplied;
    this.#checks.that(
      this.#history.wasProposed(applied),
      () => `${server.machine.sid} applies ${zxidToString(applied)}, which no leader has proposed`,
    );
    const skipped = last === null ? undefined : this.#history.firstCommittedAfter(last);
    this.#checks.that(
      skipped === undefined || skipped >= applied,
      () =>
        `${server.machine.sid} applies ${zxidToString(applied)} and has left out ${zxidToString(skipped ?? zxid(0n))}`,
    );
    this.#checks.that(
      last === null || last < applied,
      () =>
        `${server.machine.sid} applies ${zxidToString(applied)} after ${zxidToString(last ?? zxid(0n))}`,
    );
    server.lastApplied = applied;
  }

  /** A transaction carries the digest of its leader's tree; whoever applies it must get the same one. */
  #differs(server: WatchedServer, at: Zxid): void {
    this.#checks.that(
      false,
      () => `${server.machine.sid} has another tree than its leader after ${zxidToString(at)}`,
    );
  }

  /** No reply before the commit: what a client is told is agreed upon. */
  #replied(server: WatchedServer, op: number, replied: Zxid, errorCode: number): void {
    if (errorCode !== 0 || !WRITES.has(op)) return;
    const last = this.#history.committed.at(-1);
    this.#checks.that(
      last !== undefined && replied <= last,
      () =>
        `${server.machine.sid} answers a write with ${zxidToString(replied)}, committed is ${zxidToString(last ?? zxid(0n))}`,
    );
  }
}

/** Reasons for which a connection ends when the other side has broken the protocol. */
const IMPOSSIBLE =
  /has a hole|one is missing|is next (here|$)|came (before|twice|where|without)|is due|no learner sends|to (a follower|an observer)$|holds transaction|is empty$|while its snapshot|nobody sent/;

/** Requests whose success is a transaction. */
const WRITES: ReadonlySet<number> = new Set([
  OpCode.create,
  OpCode.create2,
  OpCode.createContainer,
  OpCode.createTTL,
  OpCode.delete,
  OpCode.setData,
  OpCode.setACL,
  OpCode.multi,
  OpCode.closeSession,
]);

const ascending = (left: Zxid, right: Zxid): number => (left < right ? -1 : left > right ? 1 : 0);
