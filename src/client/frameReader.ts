/** Cuts the stream of a client connection into frames: a 4-byte length, then that many bytes. */

import { ByteQueue } from '../base/byteQueue.ts';
import { malformed } from '../wire/jute.ts';

export const LENGTH_BYTES = 4;

export class FrameReader {
  readonly #queue = new ByteQueue();
  readonly #maxFrameBytes: number;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /** The next frame without its length, or null until all of it has come. Throws `JuteError` for a length out of bounds. */
  next(): Uint8Array | null {
    if (this.#queue.length < LENGTH_BYTES) return null;
    const length = this.#queue.peekInt();
    if (length < 0 || length > this.#maxFrameBytes) {
      throw malformed(`a frame of ${length} bytes where at most ${this.#maxFrameBytes} may come`);
    }
    if (this.#queue.length < LENGTH_BYTES + length) return null;
    this.#queue.take(LENGTH_BYTES);
    return this.#queue.take(length);
  }
}
