/**
 * What prepared transactions will have done to nodes once they are applied, by path and in order: the leader checks the
 * next request against it. A multi that fails is taken back from the end (`ZooKeeperServer.ChangeRecord`).
 */

import type { ACL, StatPersisted } from '../wire/dataRecords.ts';
import type { Zxid } from '../wire/ids.ts';

/** A node as it will be after the transaction `zxid`. Never changed once recorded. */
export type ChangeRecord = Change<StatPersisted> | Change<null>;

interface Change<S extends StatPersisted | null> {
  readonly zxid: Zxid;
  readonly path: string;
  /** Null: the node will be gone. */
  readonly stat: S;
  readonly childCount: number;
  readonly acl: readonly ACL[];
  readonly data: Uint8Array | null;
  /** What the node adds to the tree's digest; 0 without digests. */
  readonly nodeDigest: number;
  /** The digest of the whole tree after this change. */
  readonly treeDigest: bigint;
}

/** Settled records at the front of the list before it is compacted. */
const COMPACT_FROM_COUNT = 1024;

export class OutstandingChanges {
  #records: ChangeRecord[] = [];
  #first = 0;
  readonly #latest = new Map<string, ChangeRecord>();
  #queuedCount = 0;
  #removedCount = 0;

  get size(): number {
    return this.#records.length - this.#first;
  }

  /** Changes ever recorded here. */
  get queuedCount(): number {
    return this.#queuedCount;
  }

  /** Changes that have been applied. */
  get removedCount(): number {
    return this.#removedCount;
  }

  /** The last change of that node which has not been applied yet. */
  get(path: string): ChangeRecord | undefined {
    return this.#latest.get(path);
  }

  last(): ChangeRecord | undefined {
    return this.size === 0 ? undefined : this.#records[this.#records.length - 1];
  }

  add(record: ChangeRecord): void {
    this.#records.push(record);
    this.#latest.set(record.path, record);
    this.#queuedCount += 1;
  }

  /** All that wait, in order. */
  *records(): IterableIterator<ChangeRecord> {
    for (let index = this.#first; index < this.#records.length; index += 1) {
      const record = this.#records[index];
      if (record !== undefined) yield record;
    }
  }

  /** Everything up to `zxid` has been applied: the tree says it from now on. */
  settle(zxid: Zxid): void {
    for (;;) {
      const record = this.#records[this.#first];
      if (record === undefined || record.zxid > zxid) break;
      this.#first += 1;
      this.#removedCount += 1;
      if (this.#latest.get(record.path) === record) this.#latest.delete(record.path);
    }
    if (this.#first === this.#records.length) {
      this.#records.length = 0;
      this.#first = 0;
    } else if (this.#first > COMPACT_FROM_COUNT && this.#first * 2 > this.#records.length) {
      this.#records = this.#records.slice(this.#first);
      this.#first = 0;
    }
  }

  /**
   * Takes back every change of the transaction `zxid`, the last one prepared; earlier changes of the same nodes show
   * again.
   */
  rollback(zxid: Zxid): void {
    const paths = new Set<string>();
    for (let record = this.last(); record?.zxid === zxid; record = this.last()) {
      this.#records.pop();
      paths.add(record.path);
      this.#latest.delete(record.path);
    }
    if (paths.size === 0) return;
    for (const record of this.records()) {
      if (paths.has(record.path)) this.#latest.set(record.path, record);
    }
  }
}
