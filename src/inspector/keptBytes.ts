/** Many short byte strings laid down one behind the other: a buffer of its own for each would take more than they do. Pure. */

const CHUNK_BYTES = 1024 * 1024;
/** A chunk's number and where in it, in 32 bits. */
const CHUNK_BITS = 20;

export class KeptBytes {
  readonly #chunks: Uint8Array[] = [];
  #used = CHUNK_BYTES;

  /** Answers where the copy lies. */
  keep(bytes: Uint8Array): number {
    if (bytes.length > CHUNK_BYTES) {
      this.#chunks.push(bytes.slice());
      this.#used = CHUNK_BYTES;
      return (this.#chunks.length - 1) * CHUNK_BYTES;
    }
    if (this.#used + bytes.length > CHUNK_BYTES) {
      this.#chunks.push(new Uint8Array(CHUNK_BYTES));
      this.#used = 0;
    }
    const chunk = this.#chunks.length - 1;
    this.#chunks[chunk]?.set(bytes, this.#used);
    this.#used += bytes.length;
    return chunk * CHUNK_BYTES + this.#used - bytes.length;
  }

  /** What was kept there, not to be changed. */
  at(place: number, length: number): Uint8Array {
    const from = place % CHUNK_BYTES;
    return this.#chunks[place >>> CHUNK_BITS]?.subarray(from, from + length) ?? NO_BYTES;
  }
}

const NO_BYTES = new Uint8Array(0);
