/**
 * The received part of a byte stream that has not been understood yet: chunks in, exact pieces out. A piece that lies
 * within one chunk is a view of it, so that small messages are never copied. Whoever frames the stream bounds it.
 */

import { assert } from './assert.ts';

/** Used-up chunks are dropped from the list in groups of this many. */
const COMPACT_AFTER_CHUNKS = 64;

export class ByteQueue {
  #chunks: Uint8Array[] = [];
  /** The first chunk in use, and how much of it is used up. */
  #first = 0;
  #used = 0;
  #length = 0;

  /** Bytes waiting. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes to the end. They belong to the queue from now on. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** Puts bytes back in front, to be taken next. */
  unshift(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const rest = this.#head().subarray(this.#used);
    this.#chunks.splice(0, this.#first + 1, bytes);
    if (rest.length > 0) this.#chunks.splice(1, 0, rest);
    this.#first = 0;
    this.#used = 0;
    this.#length += bytes.length;
  }

  /** The signed 32-bit number `offset` bytes in, left where it is. Four bytes must be there. */
  peekInt(offset = 0): number {
    assert(offset + 4 <= this.#length, 'peekInt beyond the end of the queue');
    let index = this.#first;
    let at = this.#used + offset;
    for (; at >= this.#chunk(index).length; index++) at -= this.#chunk(index).length;
    let value = 0;
    for (let i = 0; i < 4; i++, at++) {
      if (at === this.#chunk(index).length) {
        index++;
        at = 0;
      }
      value = (value << 8) | (this.#chunk(index)[at] ?? 0);
    }
    return value;
  }

  /** Removes and returns the first `count` bytes, which must be there. */
  take(count: number): Uint8Array {
    assert(count <= this.#length, 'take beyond the end of the queue');
    const head = this.#head();
    if (this.#used + count > head.length) return this.#takeAcross(count);
    const piece = head.subarray(this.#used, this.#used + count);
    this.#advance(count);
    return piece;
  }

  /** Removes and returns what is left of the first chunk; empty if there is none. */
  takeChunk(): Uint8Array {
    return this.take(Math.min(this.#head().length - this.#used, this.#length));
  }

  #takeAcross(count: number): Uint8Array {
    const whole = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const head = this.#head();
      const part = head.subarray(this.#used, this.#used + count - filled);
      whole.set(part, filled);
      filled += part.length;
      this.#advance(part.length);
    }
    return whole;
  }

  #advance(count: number): void {
    this.#used += count;
    this.#length -= count;
    if (this.#used < this.#head().length) return;
    this.#used = 0;
    // The list is shortened later, but its memory is given back now.
    this.#chunks[this.#first] = EMPTY;
    this.#first++;
    if (this.#length === 0 || this.#first === COMPACT_AFTER_CHUNKS) this.#compact();
  }

  #compact(): void {
    this.#chunks.splice(0, this.#first);
    this.#first = 0;
  }

  #head(): Uint8Array {
    return this.#chunks[this.#first] ?? EMPTY;
  }

  #chunk(index: number): Uint8Array {
    const chunk = this.#chunks[index];
    assert(chunk !== undefined, 'the queue is shorter than its length');
    return chunk;
  }
}

const EMPTY = new Uint8Array(0);
