/**
 * The tree as it was at any zxid: the newest snapshot from before it, and the transactions since. It keeps one tree and
 * goes forward on it; to go back it loads a snapshot anew. Pure.
 */

import { DataTree } from '../tree/dataTree.ts';
import type { DigestMismatch } from '../tree/digestLog.ts';
import { type Zxid, zxid } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';
import type { LoadedFile } from './dataFiles.ts';
import { inspectSnapshot } from './snapshotInspection.ts';
import type { TxnPlace, TxnPlaces } from './txnPlaces.ts';
import { decodePlace } from './txnRow.ts';

/** A snapshot that was found whole. */
export interface UsableSnapshot {
  readonly file: LoadedFile;
  /** What its content may already hold: ZooKeeper's are fuzzy. */
  readonly fuzzyUntil: Zxid;
}

export interface TreeMoment {
  readonly tree: DataTree;
  /** The last transaction in it. */
  readonly zxid: Zxid;
  /** The snapshot it was built on; null: the empty tree an ensemble begins with. */
  readonly base: LoadedFile | null;
  /** What was before the first log is not here, so the tree lacks it. */
  readonly lacksBeginning: boolean;
}

const NOTHING = zxid(0n);
const FIRST_OF_ALL = zxid(0x1_0000_0001n);

export class TreeTimeline {
  readonly #snapshots: readonly UsableSnapshot[];
  readonly #txns: TxnPlaces;
  readonly #mismatched: (mismatch: DigestMismatch) => void;
  #moment: TreeMoment | null = null;
  /** The next transaction to apply to the tree at hand. */
  #next = 0;

  /** `snapshots` newest first, `txns` by zxid. */
  constructor(
    snapshots: readonly UsableSnapshot[],
    txns: TxnPlaces,
    mismatched: (mismatch: DigestMismatch) => void = () => undefined,
  ) {
    this.#snapshots = snapshots;
    this.#txns = txns;
    this.#mismatched = mismatched;
  }

  /** The first moment that can be shown. */
  get first(): Zxid {
    return this.#snapshots.at(-1)?.file.zxid ?? this.#txns.zxidAt(0) ?? NOTHING;
  }

  get last(): Zxid {
    const newest = this.#snapshots[0]?.file.zxid ?? NOTHING;
    const logged = this.#txns.zxidAt(this.#txns.length - 1) ?? NOTHING;
    return newest > logged ? newest : logged;
  }

  /** The tree after `wanted`; the next call may change it. */
  at(wanted: Zxid): TreeMoment {
    const current = this.#moment;
    const base = this.#baseFor(wanted);
    const goesOn =
      current !== null &&
      current.zxid <= wanted &&
      (base === null || current.zxid >= base.file.zxid);
    let moment = goesOn ? current : this.#begin(base);
    for (; this.#next < this.#txns.length; this.#next++) {
      const place = this.#txns.at(this.#next);
      if (place === null || place.zxid > wanted) break;
      this.#apply(moment.tree, place);
      moment = { ...moment, zxid: place.zxid };
    }
    this.#moment = moment;
    return moment;
  }

  /** A snapshot that already holds later transactions is taken only if there is no other. */
  #baseFor(wanted: Zxid): UsableSnapshot | null {
    const before = this.#snapshots.filter(({ file }) => file.zxid <= wanted);
    return before.find(({ fuzzyUntil }) => fuzzyUntil <= wanted) ?? before[0] ?? null;
  }

  #begin(base: UsableSnapshot | null): TreeMoment {
    const from = base?.file.zxid ?? NOTHING;
    this.#next = this.#firstAfter(from);
    const loaded = base === null ? null : inspectSnapshot(base.file, this.#mismatched);
    if (loaded?.kind === 'whole') {
      return { tree: loaded.tree, zxid: from, base: loaded.file, lacksBeginning: false };
    }
    const first = this.#txns.zxidAt(0);
    return {
      tree: new DataTree({ extendedTypesEnabled: true }),
      zxid: NOTHING,
      base: null,
      lacksBeginning: first !== null && first !== FIRST_OF_ALL,
    };
  }

  #firstAfter(from: Zxid): number {
    let index = 0;
    while (index < this.#txns.length && (this.#txns.zxidAt(index) ?? from) <= from) index++;
    return index;
  }

  #apply(tree: DataTree, place: TxnPlace): void {
    const entry = decodePlace(place);
    if (entry === null) return;
    try {
      tree.processTxn(entry.header, entry.txn, entry.digest);
    } catch (error) {
      // A multi that holds what no server proposes changes nothing; its row in the table says that it is unreadable.
      if (!(error instanceof JuteError)) throw error;
    }
  }
}
