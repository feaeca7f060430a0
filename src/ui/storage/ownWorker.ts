/** One piece of work in a Worker of its own, which ends with it: so work that never looks up can be cancelled too. */

import { releaseProxy, type Remote, wrap } from 'comlink';

export class OwnWorker<T> {
  readonly remote: Remote<T>;
  readonly #worker: Worker;
  readonly #ended = new AbortController();
  #released = false;

  constructor(make: () => Worker) {
    this.#worker = make();
    this.#worker.onerror = ({ message }) =>
      this.#ended.abort(new Error(`The Worker that does this broke: ${message}`));
    this.remote = wrap<T>(this.#worker);
  }

  /** What the Worker answers; rejects when it is ended before, or `signal` ends it. */
  async answer<R>(asked: Promise<R>, signal?: AbortSignal): Promise<R> {
    const ends = [this.#ended.signal, ...(signal === undefined ? [] : [signal])];
    const either = AbortSignal.any(ends);
    let ended: () => void = () => {};
    const ending = new Promise<never>((_, reject) => {
      ended = () => reject(reasonOf(either));
      if (either.aborted) ended();
      either.addEventListener('abort', ended);
    });
    try {
      return await Promise.race([asked, ending]);
    } finally {
      either.removeEventListener('abort', ended);
      if (signal?.aborted === true) this.end();
    }
  }

  /** Once is enough; more does nothing. */
  end(): void {
    if (this.#released) return;
    this.#released = true;
    this.#ended.abort(new Error('Cancelled.'));
    this.remote[releaseProxy]();
    this.#worker.terminate();
  }
}

const reasonOf = ({ reason }: AbortSignal): Error =>
  reason instanceof Error ? reason : new Error('Cancelled.');
