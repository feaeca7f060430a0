/**
 * The one history that all servers of a run have parts of, as {@link Invariants} sees it come about: what leaders have
 * proposed, and what a quorum has accepted of it.
 */

import { type Epoch, type Zxid, epochOf, zxid, zxidToString } from '../wire/ids.ts';
import { firstAfter } from './firstAfter.ts';
import type { InvariantChecks } from './invariantChecks.ts';

export class ProposedHistory {
  readonly #checks: InvariantChecks;
  /** The last transaction each epoch's leader has proposed. */
  readonly #lastProposed = new Map<Epoch, Zxid>();
  /** The bytes of what was ever on a disk. */
  readonly #transactions = new Map<Zxid, Uint8Array>();
  /** What a quorum has accepted, in order. */
  readonly #committed: Zxid[] = [];
  readonly #isCommitted = new Set<Zxid>();
  readonly #committedListeners: ((zxid: Zxid, transaction: Uint8Array) => void)[] = [];

  constructor(checks: InvariantChecks) {
    this.#checks = checks;
  }

  get committed(): readonly Zxid[] {
    return this.#committed;
  }

  isCommitted(of: Zxid): boolean {
    return this.#isCommitted.has(of);
  }

  firstCommittedAfter(after: Zxid): Zxid | undefined {
    return this.#committed[firstAfter(this.#committed, after, (zxid) => zxid)];
  }

  wasProposed(of: Zxid): boolean {
    return (this.#lastProposed.get(epochOf(of)) ?? -1n) >= of;
  }

  /** Calls `listener` with each transaction as it is committed, in order. Its bytes are not to be changed. */
  onCommitted(listener: (zxid: Zxid, transaction: Uint8Array) => void): void {
    this.#committedListeners.push(listener);
  }

  /** A transaction has come to a disk. */
  found(of: Zxid, transaction: Uint8Array): void {
    if (!this.#transactions.has(of)) this.#transactions.set(of, transaction.slice());
  }

  /**
   * LocalPrimaryOrder, the universal form: a leader proposes one zxid right after the other. Answers whether this is its
   * first.
   */
  propose(proposed: Zxid, describe: () => string): boolean {
    const epoch = epochOf(proposed);
    const last = this.#lastProposed.get(epoch);
    this.#checks.that(
      last === undefined || proposed === last + 1n,
      () => `${describe()} after ${zxidToString(last ?? zxid(0n))}`,
    );
    this.#lastProposed.set(epoch, proposed);
    return last === undefined;
  }

  /** TotalOrder and GlobalPrimaryOrder: what is committed ascends, so that lower epochs come first. */
  commit(committed: Zxid): void {
    // An old leader may count the last acknowledgements of what its successor has brought along already.
    if (this.#isCommitted.has(committed)) return;
    this.#isCommitted.add(committed);
    const last = this.#committed.at(-1);
    this.#checks.that(
      last === undefined || last < committed,
      () => `${zxidToString(committed)} is committed after ${zxidToString(last ?? zxid(0n))}`,
    );
    this.#committed.push(committed);
    const transaction = this.#transactions.get(committed);
    this.#checks.that(
      transaction !== undefined,
      () => `${zxidToString(committed)} is committed and was never on a disk`,
    );
    if (transaction === undefined) return;
    for (const listener of this.#committedListeners) listener(committed, transaction);
  }
}
