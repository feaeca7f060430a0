/** Reads the words behind a SNAP stream that tell a learner it has kept its place in the stream. Pure. */

import { assert } from '../base/assert.ts';
import { JuteReader, JuteWriter, malformed } from '../wire/jute.ts';

/** ZooKeeper's word at the end of a SNAP. */
const SNAPSHOT_SIGNATURE = 'BenWasHere';

/** The signature as it stands in the stream. */
export function encodeSnapshotSignature(): Uint8Array {
  const writer = new JuteWriter();
  writer.string(SNAPSHOT_SIGNATURE);
  return writer.toBytes();
}

const SIGNATURE_BYTES = encodeSnapshotSignature().length;

export class SnapshotTail {
  readonly #bytes = new Uint8Array(SIGNATURE_BYTES);
  #filled = 0;

  /**
   * The next bytes of the stream. Null while the signature is incomplete, else those behind it. Throws JuteError if it
   * is another word: then the snapshot was not what the leader thinks it sent.
   */
  push(bytes: Uint8Array): Uint8Array | null {
    assert(this.#filled < SIGNATURE_BYTES, 'the signature is read once');
    const taken = bytes.subarray(0, SIGNATURE_BYTES - this.#filled);
    this.#bytes.set(taken, this.#filled);
    this.#filled += taken.length;
    if (this.#filled < SIGNATURE_BYTES) return null;
    const word = new JuteReader(this.#bytes).string();
    if (word !== SNAPSHOT_SIGNATURE)
      throw malformed('the snapshot is not followed by its signature');
    return bytes.subarray(taken.length);
  }
}
