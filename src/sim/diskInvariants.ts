/**
 * What must hold of the servers' disks at each of their changes: the disk's half of {@link Invariants}. Reads durable
 * bytes only.
 */

import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import { type Sid, type Zxid, counterOf, zxid, zxidToString } from '../wire/ids.ts';
import type { Fingerprint } from './diskHistory.ts';
import type { InvariantChecks } from './invariantChecks.ts';
import type { ProposedHistory } from './proposedHistory.ts';
import { isQuorum } from './quorums.ts';
import type { DurableChange } from './simDisk.ts';
import type { WatchedServer } from './watchedServer.ts';

export class DiskInvariants {
  readonly #checks: InvariantChecks;
  #verifier: QuorumVerifier;
  readonly #history: ProposedHistory;
  readonly #servers: ReadonlyMap<Sid, WatchedServer>;
  /** The bytes that were ever logged at a zxid, anywhere. */
  readonly #logged = new Map<Zxid, Fingerprint>();

  /** `servers`: all that are watched, also those that come later. */
  constructor(
    checks: InvariantChecks,
    verifier: QuorumVerifier,
    history: ProposedHistory,
    servers: ReadonlyMap<Sid, WatchedServer>,
  ) {
    this.#checks = checks;
    this.#verifier = verifier;
    this.#history = history;
    this.#servers = servers;
  }

  /** Everything committed is on the disks of a quorum, at this instant. */
  checkCommittedDurable(): void {
    for (const committed of this.#history.committed) {
      const holders = this.#sidsOf(({ history }) => history.holds(committed));
      this.#checks.that(
        isQuorum(this.#verifier, holders),
        () =>
          `committed ${zxidToString(committed)} is only on the disks of [${holders.join(', ')}]`,
      );
    }
  }

  /** From now on these are the members. */
  reform(verifier: QuorumVerifier): void {
    this.#verifier = verifier;
  }

  /** Every disk has all that is committed, and the same epochs: whoever is a quorum next, it knows of all quorums before. */
  get allInStep(): boolean {
    const epochs = new Set(
      [...this.#servers.values()].flatMap(({ history }) => [
        history.acceptedEpoch,
        history.currentEpoch,
      ]),
    );
    const holdsAll = ({ history }: WatchedServer): boolean =>
      this.#history.committed.every((committed) => history.holds(committed));
    return epochs.size === 1 && [...this.#servers.values()].every(holdsAll);
  }

  /** Agreement and Integrity: no two disks hold different bytes at one zxid, none what nobody has proposed. */
  changed(server: WatchedServer, change: DurableChange): void {
    const { sid } = server.machine;
    for (const [found, fingerprint] of server.history.update(change)) {
      const known = this.#logged.get(found);
      this.#checks.that(
        known === undefined || known === fingerprint,
        () => `${sid} has other bytes at ${zxidToString(found)} than another server`,
      );
      this.#logged.set(found, fingerprint);
      this.#checks.that(
        this.#history.wasProposed(found),
        () => `${sid} has ${zxidToString(found)} on disk, which no leader has proposed`,
      );
    }
    if (change.kind === 'flushed') return;
    if (change.kind === 'crashed') this.#survives(server);
    this.#lastCommittedSurvives(server);
    this.#checkEpochs(server);
  }

  /** What a server has acknowledged outlives a crash at any moment. */
  #survives({ machine, history, acknowledged }: WatchedServer): void {
    this.#checks.that(
      acknowledged === null || history.holds(acknowledged),
      () =>
        `${machine.sid} has lost ${zxidToString(acknowledged ?? zxid(0n))}, which it has acknowledged, in a crash`,
    );
  }

  /**
   * CommittedLogDurability for ever after: whatever a disk loses, the last committed transaction stays on those of a
   * quorum, and who has that one has all before it.
   */
  #lastCommittedSurvives({ machine }: WatchedServer): void {
    const last = this.#history.committed.at(-1);
    if (last === undefined) return;
    const holders = this.#sidsOf(
      ({ history, lostUpTo }) => last <= lostUpTo || history.holds(last),
    );
    this.#checks.that(
      isQuorum(this.#verifier, holders),
      () =>
        `committed ${zxidToString(last)} is only on the disks of [${holders.join(', ')}] after what has happened to that of ${machine.sid}`,
    );
  }

  #checkEpochs(server: WatchedServer): void {
    const { sid } = server.machine;
    const { acceptedEpoch, currentEpoch } = server.history;
    this.#checks.that(
      (acceptedEpoch ?? -1n) >= (server.acceptedEpoch ?? -1n),
      () => `${sid}: acceptedEpoch goes back from ${server.acceptedEpoch} to ${acceptedEpoch}`,
    );
    this.#checks.that(
      (currentEpoch ?? -1n) >= (server.currentEpoch ?? -1n),
      () => `${sid}: currentEpoch goes back from ${server.currentEpoch} to ${currentEpoch}`,
    );
    if (currentEpoch !== null && acceptedEpoch !== null) {
      this.#checks.that(
        currentEpoch <= acceptedEpoch,
        () => `${sid}: currentEpoch ${currentEpoch} is above acceptedEpoch ${acceptedEpoch}`,
      );
    }
    if (currentEpoch !== null && currentEpoch !== server.currentEpoch) this.#entersEpoch(server);
    server.acceptedEpoch = acceptedEpoch;
    server.currentEpoch = currentEpoch;
  }

  /** currentEpoch says "I have that leader's history": so it must be there. */
  #entersEpoch(server: WatchedServer): void {
    const target = server.syncTarget;
    server.syncTarget = null;
    if (target === null || counterOf(target.zxid) === 0n) return;
    // An observer may do without a log: nobody counts on what it has.
    if (!this.#verifier.votingMembers.has(server.machine.sid)) return;
    // It may lead the epoch itself, and what another leader wanted to send it never counted.
    if (target.epoch !== server.history.currentEpoch) return;
    this.#checks.that(
      server.history.holds(target.zxid),
      () =>
        `${server.machine.sid} writes currentEpoch ${target.epoch} without ${zxidToString(target.zxid)} on disk`,
    );
  }

  #sidsOf(matches: (server: WatchedServer) => boolean): readonly Sid[] {
    return [...this.#servers.values()].filter(matches).map(({ machine }) => machine.sid);
  }
}
