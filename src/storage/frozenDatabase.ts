/**
 * Sessions and tree of one instant, written out in slices while the database goes on changing: the body of a snapshot
 * file and of a SNAP.
 */

import type { DataTree } from '../tree/dataTree.ts';
import type { ZxidDigest } from '../tree/digestLog.ts';
import type { TreeSnapshot } from '../tree/treeSnapshot.ts';
import type { SessionId, Zxid } from '../wire/ids.ts';
import { JuteWriter } from '../wire/jute.ts';

/** About 350 nodes: under a millisecond. */
const SLICE_BYTES = 64 * 1024;

export class FrozenDatabase {
  readonly #tree: TreeSnapshot;
  readonly #sessions: readonly (readonly [SessionId, number])[];
  readonly #writer = new JuteWriter(SLICE_BYTES * 2);
  #nextSession = 0;
  #state: 'begin' | 'sessions' | 'tree' | 'ended' = 'begin';

  constructor(tree: DataTree, sessions: ReadonlyMap<SessionId, number>) {
    this.#tree = tree.beginSnapshot();
    this.#sessions = [...sessions];
  }

  /** The last transaction in it. */
  get zxid(): Zxid {
    return this.#tree.zxid;
  }

  get digest(): ZxidDigest | null {
    return this.#tree.digest;
  }

  /** The next slice; null when all is written (then it is ended). */
  next(): Uint8Array | null {
    if (this.#state === 'ended') return null;
    const writer = this.#writer;
    writer.reset();
    if (this.#state === 'begin') {
      writer.int(this.#sessions.length);
      this.#state = 'sessions';
    }
    if (this.#state === 'sessions') this.#writeSessions();
    if (this.#state === 'tree' && !this.#tree.next(SLICE_BYTES, writer)) this.end();
    return writer.toBytes();
  }

  /** Lets go of the tree. To be called in any case, also half-way. */
  end(): void {
    if (this.#state !== 'ended') this.#tree.end();
    this.#state = 'ended';
  }

  #writeSessions(): void {
    while (this.#writer.length < SLICE_BYTES) {
      const session = this.#sessions[this.#nextSession];
      if (session === undefined) {
        this.#state = 'tree';
        return;
      }
      this.#nextSession++;
      this.#writer.long(session[0]);
      this.#writer.int(session[1]);
    }
  }
}
