/**
 * Reads what a snapshot file and a leader's SNAP have in common, sessions and tree, from bytes that come cut anywhere.
 * It knows where the body ends; what comes before and after is others' business.
 */

import { assert } from '../base/assert.ts';
import type { DataTree } from '../tree/dataTree.ts';
import type { DataTreeOptions } from '../tree/treeContents.ts';
import { TreeLoader } from '../tree/treeLoader.ts';
import { sessionId, type SessionId } from '../wire/ids.ts';
import { JuteReader, malformed } from '../wire/jute.ts';

const SESSION_BYTES = 12;
const NO_BYTES = new Uint8Array(0);

export class SnapshotBodyLoader {
  readonly sessions = new Map<SessionId, number>();
  readonly #tree: TreeLoader;
  /** Sessions still to come; null until their number is known. */
  #sessionsLeft: number | null = null;
  /** The beginning of a record whose end has not come yet. */
  #left: Uint8Array = NO_BYTES;

  constructor(options: DataTreeOptions) {
    this.#tree = new TreeLoader(options);
  }

  /** All of it has been read. */
  get loaded(): boolean {
    return this.#tree.loaded;
  }

  /** The tree, once {@link loaded}. Its `lastProcessedZxid` is for the caller to set. */
  tree(): DataTree {
    return this.#tree.tree();
  }

  /**
   * The next bytes. Null while more are needed, else how many of these still belonged to the body. Throws `JuteError`
   * for what no snapshot looks like.
   */
  push(bytes: Uint8Array): number | null {
    assert(!this.loaded, 'the snapshot is read already');
    const leftBytes = this.#left.length;
    const all = leftBytes === 0 ? bytes : joined(this.#left, bytes);
    let offset = this.#readSessions(all);
    if (this.#sessionsLeft === 0) offset = this.#tree.load(all, offset);
    if (this.loaded) {
      this.#left = NO_BYTES;
      return offset - leftBytes;
    }
    this.#left = all.subarray(offset);
    return null;
  }

  #readSessions(bytes: Uint8Array): number {
    if (this.#sessionsLeft === 0) return 0;
    const reader = new JuteReader(bytes);
    if (this.#sessionsLeft === null) {
      if (reader.remaining < 4) return 0;
      this.#sessionsLeft = reader.int();
      if (this.#sessionsLeft < 0) throw malformed(`${this.#sessionsLeft} sessions`);
    }
    while (this.#sessionsLeft > 0 && reader.remaining >= SESSION_BYTES) {
      this.sessions.set(sessionId(reader.long()), reader.int());
      this.#sessionsLeft--;
    }
    return reader.offset;
  }
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
}
