/** The last transactions applied, as they were proposed: what a learner that is a little behind is sent at once. */

import { assert } from '../base/assert.ts';
import { zxid as asZxid, zxidToString, type Zxid } from '../wire/ids.ts';
import { follows } from './zxidOrder.ts';

/** A committed transaction as it was proposed and logged. */
export interface CommittedProposal {
  readonly zxid: Zxid;
  readonly bytes: Uint8Array;
}

/** ZooKeeper takes no smaller `commitLogCount`. */
const MIN_COMMIT_LOG_COUNT = 500;

const NONE = asZxid(0n);

export class CommittedLog {
  readonly #limitCount: number;
  readonly #initialCounter: bigint | null;
  readonly #proposals: CommittedProposal[] = [];

  constructor(commitLogCount: number, initialCounter: bigint | null) {
    this.#limitCount = Math.max(commitLogCount, MIN_COMMIT_LOG_COUNT);
    this.#initialCounter = initialCounter;
  }

  /** As in ZooKeeper, which makes room only when more than the limit are there, one more than the limit is kept. */
  add(zxid: Zxid, bytes: Uint8Array): void {
    const last = this.#proposals.at(-1);
    if (last !== undefined && !follows(last.zxid, zxid, this.#initialCounter)) {
      assert(
        false,
        `${zxidToString(zxid)} cannot follow ${zxidToString(this.max)} in the committed log`,
      );
    }
    if (this.#proposals.length > this.#limitCount) this.#proposals.shift();
    this.#proposals.push({ zxid, bytes });
  }

  /** Oldest first, as they are now. */
  entries(): readonly CommittedProposal[] {
    return [...this.#proposals];
  }

  /** 0 when there are none. */
  get min(): Zxid {
    return this.#proposals[0]?.zxid ?? NONE;
  }

  get max(): Zxid {
    return this.#proposals.at(-1)?.zxid ?? NONE;
  }
}
