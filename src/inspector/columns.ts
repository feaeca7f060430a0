/**
 * Numbers by an index, as densely as they can be kept: eight bytes each at most, where an object of its own would take a
 * hundred. A column only grows; what is not there is 0. Pure.
 */

type NumberArray = Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const FIRST_CAPACITY = 64;
/** Each time it is full: little is copied, and little is kept for nothing. */
const GROWTH = 1.5;

/** Whole numbers of 32 bits without a sign, or, as `Float64Array`, any. */
export class NumberColumn {
  #values: NumberArray;
  #length = 0;

  constructor(kind: Uint32ArrayConstructor | Float64ArrayConstructor = Uint32Array) {
    this.#values = new kind(FIRST_CAPACITY);
  }

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  push(value: number): void {
    this.set(this.#length, value);
  }

  /** `index` may be the next one. */
  set(index: number, value: number): void {
    if (index >= this.#values.length) this.#grow();
    this.#values[index] = value;
    this.#length = Math.max(this.#length, index + 1);
  }

  /** Forgets the last ones, so that so many are left. */
  cutTo(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  #grow(): void {
    const capacity = Math.ceil(this.#values.length * GROWTH);
    const old = this.#values;
    this.#values =
      old instanceof Uint32Array ? new Uint32Array(capacity) : new Float64Array(capacity);
    this.#values.set(old);
  }
}

/** Signed numbers of 64 bits, as zxids and session ids are. */
export class LongColumn {
  #values = new BigInt64Array(FIRST_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  at(index: number): bigint {
    return this.#values[index] ?? 0n;
  }

  push(value: bigint): void {
    if (this.#length === this.#values.length) {
      const old = this.#values;
      this.#values = new BigInt64Array(Math.ceil(old.length * GROWTH));
      this.#values.set(old);
    }
    this.#values[this.#length++] = value;
  }

  cutTo(length: number): void {
    this.#length = Math.min(this.#length, length);
  }
}
