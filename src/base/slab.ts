/**
 * Small byte arrays cut from larger ones. An `ArrayBuffer` of its own costs more to make and to collect than most records
 * are long, and a busy server makes several for every write.
 */

/** Small enough that a piece kept for long (the last proposal in the committed log) keeps little else alive. */
const SLAB_BYTES = 64 * 1024;
/** A longer array gets a buffer of its own. */
const LARGEST_PIECE_BYTES = SLAB_BYTES / 8;

let slab = new Uint8Array(SLAB_BYTES);
let used = 0;

/** `length` bytes for the caller alone, all of them zero; their `buffer` may be shared with others. */
export function allocateBytes(length: number): Uint8Array {
  if (length > LARGEST_PIECE_BYTES) return new Uint8Array(length);
  if (used + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  const piece = slab.subarray(used, used + length);
  used += length;
  return piece;
}
