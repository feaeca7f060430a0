/**
 * A disk that takes its time: before the page's own scripts run, its Workers are given an IndexedDB whose write
 * transactions begin late. A tab that dies in between takes what it wrote with it, as a machine does that loses power;
 * by itself a killed browser keeps all that it was handed. The app knows nothing of it.
 */

/** Runs in every page before its own scripts. `holdWrites`: the text of that function. */
export function installSlowDisk({
  holdWrites: text,
  holdMs,
}: {
  readonly holdWrites: string;
  readonly holdMs: number;
}): void {
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      // What is imported runs first; nothing is told to the Worker before both have run.
      const script = `import ${JSON.stringify(new URL(url, location.href).href)};\n(${text})(${holdMs});`;
      super(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), options);
    }
  };
}

/**
 * Runs in a Worker: from now on a write transaction begins `holdMs` after it is asked for, and tells all it has to tell
 * that much later. Whoever has several under way must wait for each before it asks for the next.
 */
export function holdWrites(holdMs: number): void {
  type Begin = (
    this: IDBDatabase,
    stores: string | Iterable<string>,
    mode?: IDBTransactionMode,
    options?: IDBTransactionOptions,
  ) => IDBTransaction;
  interface Asked {
    result: unknown;
    error: unknown;
    onsuccess: (() => void) | null;
    onerror: (() => void) | null;
  }

  const { prototype } = IDBDatabase;
  const begin = Reflect.get(prototype, 'transaction') as Begin;
  prototype.transaction = function (this: IDBDatabase, stores, mode, options): IDBTransaction {
    if (mode !== 'readwrite') return begin.call(this, stores, mode, options);
    return held(() => begin.call(this, stores, mode, options)) as IDBTransaction;
  };

  /** What looks like a write transaction with one store, and becomes one later. */
  function held(beginNow: () => IDBTransaction): unknown {
    let real: IDBTransaction | null = null;
    const waiting: ((transaction: IDBTransaction) => void)[] = [];
    const told = {
      error: null as unknown,
      oncomplete: null as (() => void) | null,
      onabort: null as (() => void) | null,
      onerror: null as (() => void) | null,
      objectStore: (name: string) => store(name),
      commit: () => soon((transaction) => transaction.commit()),
      abort: () => soon((transaction) => transaction.abort()),
    };
    setTimeout(() => {
      try {
        real = beginNow();
      } catch (error) {
        told.error = error;
        told.onabort?.();
        return;
      }
      const transaction = real;
      transaction.oncomplete = () => told.oncomplete?.();
      transaction.onabort = () => {
        told.error = transaction.error;
        told.onabort?.();
      };
      for (const call of waiting) call(transaction);
    }, holdMs);
    return told;

    function soon(call: (transaction: IDBTransaction) => void): void {
      if (real === null) waiting.push(call);
      else call(real);
    }

    function store(name: string): unknown {
      return {
        transaction: told,
        get: (key: IDBValidKey) => ask(name, (records) => records.get(key)),
        delete: (key: IDBValidKey | IDBKeyRange) => ask(name, (records) => records.delete(key)),
        put: (value: unknown, key: IDBValidKey) => {
          const copy: unknown = structuredClone(value);
          return ask(name, (records) => records.put(copy, key));
        },
      };
    }

    function ask<T>(name: string, call: (records: IDBObjectStore) => IDBRequest<T>): Asked {
      const asked: Asked = { result: undefined, error: null, onsuccess: null, onerror: null };
      soon((transaction) => {
        const request = call(transaction.objectStore(name));
        request.onsuccess = () => {
          asked.result = request.result;
          asked.onsuccess?.();
        };
        request.onerror = () => {
          asked.error = request.error;
          asked.onerror?.();
        };
      });
      return asked;
    }
  }
}
