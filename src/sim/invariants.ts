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
import { DiskHistory, type Fingerprint } from './diskHistory.ts';
import { firstAfter } from './firstAfter.ts';
import { isQuorum } from './quorums.ts';
import type { DurableChange } from './simDisk.ts';
import type { Machine, Simulation } from './simWorld.ts';

/** Honest servers did what they must never do: a bug, with the seed that shows it. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

interface Watched {
  readonly machine: Machine;
  readonly history: DiskHistory;
  acceptedEpoch: Epoch | null;
  currentEpoch: Epoch | null;
  /** The last transaction in memory; null before its disk has been read. */
  lastApplied: Zxid | null;
  /** The last transaction it has acknowledged; null once its leader has cut its history or replaced it. */
  acknowledged: Zxid | null;
  /** What it had acknowledged when somebody took its disk away: a leader may count on that without blame. */
  lostUpTo: Zxid;
  /** Transactions that no quorum has accepted yet and that came, or are to come, inside a snapshot of its leader's. */
  offered: readonly Zxid[];
  inSnapshot: readonly Zxid[];
  /** What it will have after its synchronisation, and in whose epoch. */
  syncTarget: { readonly zxid: Zxid; readonly epoch: Epoch | null } | null;
}

export class Invariants {
  readonly #simulation: Simulation;
  readonly #verifier: QuorumVerifier;
  readonly #watched = new Map<Sid, Watched>();
  /** Who established which epoch, ever. */
  readonly #leaders = new Map<Epoch, Sid>();
  /** Whose epoch a quorum has accepted, ever. */
  readonly #accepted = new Map<Epoch, Sid>();
  /** The bytes that were ever logged at a zxid, anywhere. */
  readonly #proposed = new Map<Zxid, Fingerprint>();
  readonly #transactions = new Map<Zxid, Uint8Array>();
  readonly #committedListeners: ((zxid: Zxid, transaction: Uint8Array) => void)[] = [];
  /** What a quorum has accepted, in order. */
  readonly #committed: Zxid[] = [];
  readonly #isCommitted = new Set<Zxid>();
  /** The last transaction each epoch's leader has proposed. */
  readonly #lastProposed = new Map<Epoch, Zxid>();
  #checkCount = 0;

  constructor(simulation: Simulation, verifier: QuorumVerifier) {
    this.#simulation = simulation;
    this.#verifier = verifier;
    simulation.subscribe(['zab', 'txn', 'packet', 'storage', 'request', 'peer'], (record) =>
      this.#observe(record),
    );
  }

  /** How many single checks were made: a run that checked nothing proves nothing. */
  get checkCount(): number {
    return this.#checkCount;
  }

  get committed(): readonly Zxid[] {
    return this.#committed;
  }

  /** From now on this server and its disk are watched. */
  watch(machine: Machine): void {
    const found = (of: Zxid, transaction: Uint8Array): void => {
      if (!this.#transactions.has(of)) this.#transactions.set(of, transaction.slice());
    };
    const watched: Watched = {
      machine,
      history: new DiskHistory(machine.disk, found),
      acceptedEpoch: null,
      currentEpoch: null,
      lastApplied: null,
      acknowledged: null,
      lostUpTo: zxid(0n),
      offered: [],
      inSnapshot: [],
      syncTarget: null,
    };
    this.#watched.set(machine.sid, watched);
    machine.disk.watch((change) => this.#diskChanged(watched, change));
  }

  /** The server's disk is a new, empty one by somebody's decision: what it promised is forgotten. */
  forgive(sid: Sid): void {
    const watched = this.#watched.get(sid);
    if (watched === undefined) return;
    watched.acceptedEpoch = null;
    watched.currentEpoch = null;
    watched.inSnapshot = [];
    const { lastZxid } = watched.history;
    if (lastZxid > watched.lostUpTo) watched.lostUpTo = lastZxid;
    watched.acknowledged = null;
  }

  history(sid: Sid): DiskHistory {
    const watched = this.#watched.get(sid);
    if (watched === undefined) throw new Error(`server ${sid} is not watched`);
    return watched.history;
  }

  /** Everything committed is on the disks of a quorum, at this instant. */
  checkCommittedDurable(): void {
    for (const committed of this.#committed) {
      const holders = [...this.#watched]
        .filter(([, { history }]) => history.holds(committed))
        .map(([sid]) => sid);
      this.#check(
        isQuorum(this.#verifier, holders),
        () =>
          `committed ${zxidToString(committed)} is only on the disks of [${holders.join(', ')}]`,
      );
    }
  }

  #observe(record: ProbeRecord): void {
    const watched = this.#watched.get(record.sid);
    if (watched === undefined) return;
    const { event } = record;
    switch (event.topic) {
      case 'zab':
        if (event.type === 'established') this.#established(watched, event.epoch);
        else if (event.type === 'epochAcked') this.#epochAccepted(watched, event.epoch);
        else if (event.type === 'syncChosen') {
          this.#syncChosen(watched, event.learner, event.leaderZxid);
          if (event.sync === 'SNAP') this.#offers(watched, event.learner);
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
        if (event.type === 'loaded') watched.lastApplied = event.zxid;
        else if (event.type === 'truncated') watched.lastApplied = event.zxid;
        else if (event.type === 'snapshotInstalled') {
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

  /** Leadership1: one server at most leads the synchronisation of an epoch. */
  #epochAccepted({ machine }: Watched, epoch: Epoch): void {
    const other = this.#accepted.get(epoch);
    this.#check(
      other === undefined,
      () => `epoch ${epoch} is accepted for ${machine.sid} after ${other}`,
    );
    this.#accepted.set(epoch, machine.sid);
  }

  /**
   * Leadership2: one server at most is ever established in an epoch. LeaderLogCompleteness: it has everything committed
   * on its disk.
   */
  #established(leader: Watched, epoch: Epoch): void {
    const other = this.#leaders.get(epoch);
    this.#check(
      other === undefined,
      () => `epoch ${epoch} is established by ${leader.machine.sid} after ${other}`,
    );
    this.#leaders.set(epoch, leader.machine.sid);
    for (const committed of this.#committed) {
      this.#check(
        leader.history.holds(committed),
        () =>
          `${leader.machine.sid} leads epoch ${epoch} without the committed ${zxidToString(committed)}`,
      );
    }
    // What the new leader brings along is agreed upon with it.
    for (const entry of this.#uncommittedOf(leader)) this.#append(entry);
  }

  /** What the server has on disk and nobody has agreed upon yet, in order. */
  #uncommittedOf({ history, inSnapshot }: Watched): readonly Zxid[] {
    const snapshotZxid = history.snapshotZxid ?? zxid(-1n);
    const logged = [...history.entries.keys()].filter((entry) => entry > snapshotZxid);
    return [...new Set([...inSnapshot, ...logged])]
      .filter((entry) => !this.#isCommitted.has(entry))
      .sort(ascending);
  }

  /** A snapshot does not name the transactions in it: they are those of the leader that sends it. */
  #offers(leader: Watched, learner: Sid): void {
    const watched = this.#watched.get(learner);
    if (watched !== undefined) watched.offered = this.#uncommittedOf(leader);
  }

  /** CommittedLogDurability at its beginning: a commit rests on the disks of a quorum. */
  #commit(leader: Watched, committed: Zxid, supporters: readonly Sid[]): void {
    const holders = supporters.filter(
      (sid) =>
        this.history(sid).holds(committed) || committed <= (this.#watched.get(sid)?.lostUpTo ?? 0n),
    );
    this.#check(
      isQuorum(this.#verifier, holders),
      () =>
        `${leader.machine.sid} commits ${zxidToString(committed)} with [${supporters.join(', ')}], ` +
        `but only [${holders.join(', ')}] have it on disk, which is no quorum`,
    );
    this.#append(committed);
  }

  /** TotalOrder and GlobalPrimaryOrder: what is committed ascends, so that lower epochs come first. */
  #append(committed: Zxid): void {
    // An old leader may count the last acknowledgements of what its successor has brought along already.
    if (this.#isCommitted.has(committed)) return;
    this.#isCommitted.add(committed);
    const last = this.#committed.at(-1);
    this.#check(
      last === undefined || last < committed,
      () => `${zxidToString(committed)} is committed after ${zxidToString(last ?? zxid(0n))}`,
    );
    this.#committed.push(committed);
    const transaction = this.#transactions.get(committed);
    this.#check(
      transaction !== undefined,
      () => `${zxidToString(committed)} is committed and was never on a disk`,
    );
    if (transaction === undefined) return;
    for (const listener of this.#committedListeners) listener(committed, transaction);
  }

  /** Calls `listener` with each transaction as it is committed, in order. Its bytes are not to be changed. */
  onCommitted(listener: (zxid: Zxid, transaction: Uint8Array) => void): void {
    this.#committedListeners.push(listener);
  }

  /** The highest epoch in which a leader was established; null before the first. */
  get lastEpoch(): Epoch | null {
    let last: Epoch | null = null;
    for (const epoch of this.#leaders.keys()) if (last === null || epoch > last) last = epoch;
    return last;
  }

  /**
   * Integrity and LocalPrimaryOrder, the universal form: only the leader established in an epoch proposes in it, one zxid
   * right after the other. PrimaryIntegrity: before its first it has applied all that earlier epochs committed.
   */
  #proposes(leader: Watched, proposed: Zxid): void {
    const { sid } = leader.machine;
    const epoch = epochOf(proposed);
    this.#check(
      this.#leaders.get(epoch) === sid,
      () => `${sid} proposes ${zxidToString(proposed)} in the epoch of ${this.#leaders.get(epoch)}`,
    );
    const last = this.#lastProposed.get(epoch);
    this.#check(
      last === undefined || proposed === last + 1n,
      () => `${sid} proposes ${zxidToString(proposed)} after ${zxidToString(last ?? zxid(0n))}`,
    );
    this.#lastProposed.set(epoch, proposed);
    if (last !== undefined) return;
    const earlier = this.#committed.findLast((one) => epochOf(one) < epoch);
    this.#check(
      earlier === undefined || (leader.lastApplied !== null && leader.lastApplied >= earlier),
      () =>
        `${sid} proposes in epoch ${epoch} without having applied the committed ${zxidToString(earlier ?? zxid(0n))}`,
    );
  }

  /** No honest server says what is impossible where the other stands. */
  #honest(server: Watched, reason: string): void {
    this.#check(
      !IMPOSSIBLE.test(reason),
      () => `${server.machine.sid} was told what is impossible: ${reason}`,
    );
  }

  #syncChosen(leader: Watched, learner: Sid, leaderZxid: Zxid): void {
    const watched = this.#watched.get(learner);
    if (watched === undefined) return;
    watched.syncTarget = { zxid: leaderZxid, epoch: leader.history.acceptedEpoch };
  }

  #acknowledges(server: Watched, acknowledged: Zxid): void {
    const { sid } = server.machine;
    if (counterOf(acknowledged) === 0n) {
      if (!this.#verifier.votingMembers.has(sid)) return;
      this.#check(
        server.history.currentEpoch === epochOf(acknowledged),
        () =>
          `${sid} acknowledges epoch ${epochOf(acknowledged)} with currentEpoch ${server.history.currentEpoch} on disk`,
      );
      return;
    }
    this.#check(
      server.history.holds(acknowledged),
      () => `${sid} acknowledges ${zxidToString(acknowledged)}, which is not on its disk`,
    );
    server.acknowledged = acknowledged;
  }

  /**
   * PrefixConsistency, Agreement and CommitCompactness: every server applies what was proposed, in the order of zxids, and
   * leaves out nothing that is committed; with one fingerprint a zxid ({@link #diskChanged}) and the digest that goes
   * with each transaction ({@link #differs}) their trees are the same at the same zxid.
   */
  #applied(server: Watched, applied: Zxid): void {
    const last = server.lastApplied;
    this.#check(
      (this.#lastProposed.get(epochOf(applied)) ?? -1n) >= applied,
      () => `${server.machine.sid} applies ${zxidToString(applied)}, which no leader has proposed`,
    );
    const skipped = last === null ? undefined : this.#firstCommittedAfter(last);
    this.#check(
      skipped === undefined || skipped >= applied,
      () =>
        `${server.machine.sid} applies ${zxidToString(applied)} and has left out ${zxidToString(skipped ?? zxid(0n))}`,
    );
    this.#check(
      last === null || last < applied,
      () =>
        `${server.machine.sid} applies ${zxidToString(applied)} after ${zxidToString(last ?? zxid(0n))}`,
    );
    server.lastApplied = applied;
  }

  #firstCommittedAfter(after: Zxid): Zxid | undefined {
    return this.#committed[firstAfter(this.#committed, after, (zxid) => zxid)];
  }

  /** A transaction carries the digest of its leader's tree; whoever applies it must get the same one. */
  #differs(server: Watched, at: Zxid): void {
    this.#check(
      false,
      () => `${server.machine.sid} has another tree than its leader after ${zxidToString(at)}`,
    );
  }

  /** No reply before the commit: what a client is told is agreed upon. */
  #replied(server: Watched, op: number, replied: Zxid, errorCode: number): void {
    if (errorCode !== 0 || !WRITES.has(op)) return;
    const last = this.#committed.at(-1);
    this.#check(
      last !== undefined && replied <= last,
      () =>
        `${server.machine.sid} answers a write with ${zxidToString(replied)}, committed is ${zxidToString(last ?? zxid(0n))}`,
    );
  }

  #diskChanged(server: Watched, change: DurableChange): void {
    const { sid } = server.machine;
    const { history } = server;
    for (const [found, fingerprint] of history.update(change)) {
      const known = this.#proposed.get(found);
      this.#check(
        known === undefined || known === fingerprint,
        () => `${sid} has other bytes at ${zxidToString(found)} than another server`,
      );
      this.#proposed.set(found, fingerprint);
      this.#check(
        (this.#lastProposed.get(epochOf(found)) ?? -1n) >= found,
        () => `${sid} has ${zxidToString(found)} on disk, which no leader has proposed`,
      );
    }
    if (change.kind === 'flushed') return;
    if (change.kind === 'crashed') this.#survives(server);
    this.#lastCommittedSurvives(server);
    this.#checkEpochs(server);
  }

  /** What a server has acknowledged outlives a crash at any moment. */
  #survives({ machine, history, acknowledged }: Watched): void {
    this.#check(
      acknowledged === null || history.holds(acknowledged),
      () =>
        `${machine.sid} has lost ${zxidToString(acknowledged ?? zxid(0n))}, which it has acknowledged, in a crash`,
    );
  }

  /**
   * CommittedLogDurability for ever after: whatever a disk loses, the last committed transaction stays on those of a
   * quorum, and who has that one has all before it.
   */
  #lastCommittedSurvives({ machine }: Watched): void {
    const last = this.#committed.at(-1);
    if (last === undefined) return;
    const holders = [...this.#watched.values()]
      .filter(({ history, lostUpTo }) => last <= lostUpTo || history.holds(last))
      .map((other) => other.machine.sid);
    this.#check(
      isQuorum(this.#verifier, holders),
      () =>
        `committed ${zxidToString(last)} is only on the disks of [${holders.join(', ')}] after what has happened to that of ${machine.sid}`,
    );
  }

  #checkEpochs(server: Watched): void {
    const { sid } = server.machine;
    const { acceptedEpoch, currentEpoch } = server.history;
    this.#check(
      (acceptedEpoch ?? -1n) >= (server.acceptedEpoch ?? -1n),
      () => `${sid}: acceptedEpoch goes back from ${server.acceptedEpoch} to ${acceptedEpoch}`,
    );
    this.#check(
      (currentEpoch ?? -1n) >= (server.currentEpoch ?? -1n),
      () => `${sid}: currentEpoch goes back from ${server.currentEpoch} to ${currentEpoch}`,
    );
    if (currentEpoch !== null && acceptedEpoch !== null) {
      this.#check(
        currentEpoch <= acceptedEpoch,
        () => `${sid}: currentEpoch ${currentEpoch} is above acceptedEpoch ${acceptedEpoch}`,
      );
    }
    if (currentEpoch !== null && currentEpoch !== server.currentEpoch) this.#entersEpoch(server);
    server.acceptedEpoch = acceptedEpoch;
    server.currentEpoch = currentEpoch;
  }

  /** currentEpoch says "I have that leader's history": so it must be there. */
  #entersEpoch(server: Watched): void {
    const target = server.syncTarget;
    server.syncTarget = null;
    if (target === null || counterOf(target.zxid) === 0n) return;
    // An observer may do without a log: nobody counts on what it has.
    if (!this.#verifier.votingMembers.has(server.machine.sid)) return;
    // It may lead the epoch itself, and what another leader wanted to send it never counted.
    if (target.epoch !== server.history.currentEpoch) return;
    this.#check(
      server.history.holds(target.zxid),
      () =>
        `${server.machine.sid} writes currentEpoch ${target.epoch} without ${zxidToString(target.zxid)} on disk`,
    );
  }

  #check(holds: boolean, describe: () => string): void {
    this.#checkCount++;
    if (holds) return;
    throw new InvariantViolation(
      `seed ${this.#simulation.seed}, ${this.#simulation.time.nowMs.toFixed(3)} ms: ${describe()}`,
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
]);

const ascending = (left: Zxid, right: Zxid): number => (left < right ? -1 : left > right ? 1 : 0);
