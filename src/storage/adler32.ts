/** Adler-32 (RFC 1950) over bytes that come in pieces: the checksum of log records and snapshot seals. */

const MODULUS = 65_521;
/** So many bytes can be added before the sums leave the small integers (2^31): 255 n (n + 1) / 2 + (n + 1) 65520. */
const MAX_RUN_BYTES = 3_800;

export class Adler32 {
  #a = 1;
  #b = 0;

  update(bytes: Uint8Array, from = 0, to = bytes.length): void {
    let a = this.#a;
    let b = this.#b;
    for (let at = from; at < to;) {
      const end = Math.min(to, at + MAX_RUN_BYTES);
      for (; at < end; at++) {
        a += bytes[at] ?? 0;
        b += a;
      }
      a %= MODULUS;
      b %= MODULUS;
    }
    this.#a = a;
    this.#b = b;
  }

  /** Of all bytes so far: an unsigned 32-bit number. */
  get value(): number {
    return this.#b * 0x1_0000 + this.#a;
  }
}

export function adler32(bytes: Uint8Array, from = 0, to = bytes.length): number {
  const sum = new Adler32();
  sum.update(bytes, from, to);
  return sum.value;
}
