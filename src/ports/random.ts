/** Where chance comes from: `crypto` in a tab and in Node, a seed in the simulator. Interface only. */

export interface Random {
  /** A whole number, uniform over [0, 2^32). */
  uint32(): number;
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array;
}
