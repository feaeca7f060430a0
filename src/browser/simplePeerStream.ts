/**
 * The little that simple-peer uses of Node's `stream` and `buffer`: the build puts this in their place (vite.config.ts),
 * since the full ones are three quarters of its size and serve its stream interface, which nobody here uses.
 */

type Listener = (value?: unknown) => void;

/** Tells what comes in by `data` events; nothing is written to it, so `end` has nobody to tell. */
export class Duplex {
  readonly _readableState = { ended: false };
  readonly _writableState = { finished: false };
  readonly #listeners = new Map<string, Set<Listener>>();

  on(type: string, listener: Listener): this {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return this;
  }

  once(type: string, listener: Listener): this {
    const once: Listener = (value) => {
      this.removeListener(type, once);
      listener(value);
    };
    return this.on(type, once);
  }

  removeListener(type: string, listener: Listener): this {
    this.#listeners.get(type)?.delete(listener);
    return this;
  }

  emit(type: string, value?: unknown): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener(value);
  }

  /** null: nothing comes any more. */
  push(chunk: Uint8Array | null): void {
    if (chunk === null) this._readableState.ended = true;
    else this.emit('data', chunk);
  }

  end(): void {
    this._writableState.finished = true;
  }
}

export const Buffer = { from: (data: ArrayBuffer): Uint8Array => new Uint8Array(data) };
