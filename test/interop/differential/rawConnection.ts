/** A client port's bytes as frames, as they come: no client library between a test and a server. */

import { connect, type Socket } from 'node:net';

/** A server that has said nothing for this long, though asked, will say nothing more. */
const SILENCE_MS = 20_000;

export type Ending = 'answer' | 'closed' | 'silence';

export class RawConnection {
  readonly #socket: Socket;
  #input = Buffer.alloc(0);
  #frames: Buffer[] = [];
  #isClosed = false;
  #wake: (() => void) | null = null;

  /** `address` is `host:port`. */
  constructor(address: string) {
    const colon = address.lastIndexOf(':');
    this.#socket = connect({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      noDelay: true,
    });
    this.#socket.on('data', (chunk) => {
      this.#input = Buffer.concat([this.#input, chunk]);
      this.#cutFrames();
      this.#wake?.();
    });
    // An error is always followed by `close`, and how a server hangs up is not compared.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#isClosed = true;
      this.#wake?.();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(bytes);
  }

  /** Ends it without a word. */
  hangUp(): void {
    this.#socket.destroy();
  }

  /** Frames (without their lengths) that have come since the last call. */
  takeFrames(): readonly Buffer[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  /** Waits until one of the frames not yet taken is the one meant, or the server has hung up, or is silent. */
  async until(isMeant: (frame: Buffer) => boolean): Promise<Ending> {
    const deadline = performance.now() + SILENCE_MS;
    for (;;) {
      if (this.#frames.some(isMeant)) return 'answer';
      if (this.#isClosed) return 'closed';
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return 'silence';
      await this.#change(leftMs);
    }
  }

  async #change(limitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }

  #cutFrames(): void {
    while (this.#input.length >= 4) {
      const end = 4 + this.#input.readInt32BE(0);
      if (this.#input.length < end) return;
      this.#frames.push(this.#input.subarray(4, end));
      this.#input = this.#input.subarray(end);
    }
  }
}
