/**
 * The learner's side of SNAP: loads the leader's snapshot as it arrives and keeps its bytes, so that the file written from
 * it is what was sent.
 */

import { assert } from '../base/assert.ts';
import type { DataTree } from '../tree/dataTree.ts';
import type { DataTreeOptions } from '../tree/treeContents.ts';
import type { SessionId, Zxid } from '../wire/ids.ts';
import { Adler32 } from './adler32.ts';
import { snapshotName } from './dataDirectory.ts';
import { SnapshotBodyLoader } from './snapshotBodyLoader.ts';
import { snapshotHeader, snapshotTail } from './snapshotFormat.ts';

export interface ReceivedSnapshot {
  readonly file: string;
  readonly sizeBytes: number;
  /** The whole snapshot file. */
  readonly chunks: readonly Uint8Array[];
  readonly tree: DataTree;
  readonly sessions: Map<SessionId, number>;
}

export class SnapshotStreamLoader {
  readonly #body: SnapshotBodyLoader;
  readonly #chunks: Uint8Array[] = [];
  readonly #sum = new Adler32();
  #sizeBytes = 0;

  constructor(options: DataTreeOptions) {
    this.#body = new SnapshotBodyLoader(options);
    this.#keep(snapshotHeader());
  }

  /**
   * The next bytes of the stream, cut anywhere; they may not be changed afterwards. Answers null while more are needed,
   * else how many of *these* still belonged to the snapshot: what follows is the stream's next part. Throws `JuteError`
   * for what is no snapshot.
   */
  push(bytes: Uint8Array): number | null {
    const bodyBytes = this.#body.push(bytes);
    this.#keep(bodyBytes === null ? bytes : bytes.subarray(0, bodyBytes));
    return bodyBytes;
  }

  /** The snapshot as of `zxid`. Only when {@link push} has said that it is whole, and once. */
  finish(zxid: Zxid): ReceivedSnapshot {
    assert(this.#body.loaded, 'the snapshot was received to its end');
    const tree = this.#body.tree();
    tree.lastProcessedZxid = zxid;
    this.#keep(snapshotTail(this.#sum, tree.zxidDigest()));
    return {
      file: snapshotName(zxid),
      sizeBytes: this.#sizeBytes,
      chunks: this.#chunks,
      tree,
      sessions: this.#body.sessions,
    };
  }

  #keep(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#sum.update(bytes);
    this.#sizeBytes += bytes.length;
  }
}
