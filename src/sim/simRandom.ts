/** Seeded chance (the sfc32 generator): the same seed and label give the same numbers on every machine. */

import type { Random } from '../ports/random.ts';

export class SimRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  readonly #origin: string;

  /** `label` tells streams of one seed apart, so that what one part draws does not move another part's draws. */
  constructor(seed: number, label = '') {
    this.#origin = `${seed}/${label}`;
    const hash = hashOf(this.#origin);
    this.#a = hash ^ 0x9e3779b9;
    this.#b = Math.imul(hash, 0x85ebca6b) ^ seed;
    this.#c = seed >>> 0;
    for (let round = 0; round < WARM_UP_COUNT; round++) this.uint32();
  }

  /** An independent stream that depends on this one's seed and labels only, not on what was drawn. */
  fork(label: string): SimRandom {
    return new SimRandom(hashOf(this.#origin), `${this.#origin}/${label}`);
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = this.uint32() & 0xff;
    return bytes;
  }

  /** Uniform over [0, 1). */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number, uniform over [low, high]. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** Uniform over [low, high). */
  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length - 1)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** All of them in some order. */
  shuffle<T>(items: readonly T[]): readonly T[] {
    const left = [...items];
    const order: T[] = [];
    while (left.length > 0) order.push(...left.splice(this.integer(0, left.length - 1), 1));
    return order;
  }
}

const WARM_UP_COUNT = 12;

/** FNV-1a over the label's code units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
