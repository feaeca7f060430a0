/** What every `Disk` must keep, whatever holds the bytes: memory, IndexedDB, files. */

import type { Disk, DiskResult, Done } from '../../src/ports/disk.ts';
import { check, checkBytes, checkEqual, concat, numbers, pattern, type Register } from './check.ts';

/** One data directory and a way to let time pass, real or virtual. */
export interface DiskHarness {
  /** The directory as its present owner has it open. */
  readonly disk: Disk;
  /** The owner dies without a word, and another life opens the directory; `disk` is the new one from then on. */
  crash(): Promise<void>;
  /** Lets time go on until the condition holds; throws, naming `what`, if it does not in reasonable time. */
  until(condition: () => boolean, what: string): Promise<void>;
  stop(): Promise<void>;
}

/** Registers the suite; `make` gives each test an empty directory. */
export function diskAcceptance(register: Register, make: () => Promise<DiskHarness>): void {
  const promise = (name: string, run: (on: Asker) => Promise<void>): void => {
    register(name, async () => {
      const harness = await make();
      try {
        await run(new Asker(harness));
      } finally {
        await harness.stop();
      }
    });
  };

  promise('a new directory is empty', async (on) => {
    checkEqual(await on.sizes(), {}, 'files');
  });

  promise('what was appended is read back, also over several appends', async (on) => {
    on.disk.append('log.1', pattern(10));
    on.disk.append('log.1', pattern(300, 1));
    await on.flush();
    on.disk.append('log.1', pattern(5, 2));
    await on.flush();
    const whole = concat([pattern(10), pattern(300, 1), pattern(5, 2)]);
    checkBytes(await on.read('log.1', 0, 1000), whole, 'whole file');
    checkBytes(await on.read('log.1', 8, 4), whole.slice(8, 12), 'across two appends');
    checkEqual(await on.sizes(), { 'log.1': 315 }, 'files');
  });

  promise('a read past the end gives what there is', async (on) => {
    on.disk.append('log.1', pattern(10));
    await on.flush();
    checkBytes(await on.read('log.1', 7, 100), pattern(10).slice(7), 'at the end');
    checkEqual((await on.read('log.1', 10, 5)).length, 0, 'behind the end');
    checkEqual((await on.read('log.1', 500, 5)).length, 0, 'far behind the end');
  });

  promise('what was appended is seen by later calls before any flush', async (on) => {
    on.disk.append('log.1', pattern(20));
    checkBytes(await on.read('log.1', 0, 100), pattern(20), 'unflushed bytes');
    checkEqual(await on.sizes(), { 'log.1': 20 }, 'files');
  });

  promise('a file that is not there is an answer, and the disk goes on', async (on) => {
    const reading = await on.ask<Uint8Array>((done) => on.disk.read('nothing', 0, 10, done));
    checkEqual(reading.ok ? 'ok' : reading.error.kind, 'missing', 'read');
    checkEqual(reading.ok ? '' : reading.error.file, 'nothing', 'file named');
    const cutting = await on.ask<void>((done) => on.disk.truncate('nothing', 0, done));
    checkEqual(cutting.ok ? 'ok' : cutting.error.kind, 'missing', 'truncate');
    await on.remove('nothing');
    on.disk.append('log.1', pattern(1));
    await on.flush();
    checkEqual(await on.sizes(), { 'log.1': 1 }, 'files');
  });

  promise('answers come in the order of the calls, never inside them', async (on) => {
    const answers: string[] = [];
    const note =
      (name: string): Done<unknown> =>
      () =>
        void answers.push(name);
    on.disk.append('a', pattern(100));
    on.disk.flush(note('flush'));
    on.disk.read('a', 0, 10, note('read'));
    on.disk.replace('b', [pattern(10)], note('replace'));
    on.disk.list(note('list'));
    on.disk.truncate('a', 5, note('truncate'));
    on.disk.remove('b', note('remove'));
    on.disk.flush(note('second flush'));
    on.disk.read('missing', 0, 1, note('missing'));
    checkEqual(answers, [], 'answers inside the calls');
    await on.harness.until(() => answers.length === 8, 'eight answers');
    checkEqual(
      answers,
      ['flush', 'read', 'replace', 'list', 'truncate', 'remove', 'second flush', 'missing'],
      'order',
    );
  });

  promise('a call from inside an answer is answered too', async (on) => {
    let reread: Uint8Array | null = null;
    on.disk.append('a', pattern(10));
    on.disk.flush(() => {
      on.disk.append('a', pattern(10, 1));
      on.disk.flush(() => {
        on.disk.read('a', 0, 100, (result) => {
          if (result.ok) reread = result.value;
        });
      });
    });
    await on.harness.until(() => reread !== null, 'the last answer');
    checkBytes(reread ?? new Uint8Array(), concat([pattern(10), pattern(10, 1)]), 'file');
  });

  promise('flushed bytes survive a crash', async (on) => {
    on.disk.append('log.1', pattern(1000));
    on.disk.append('log.2', pattern(10));
    await on.flush();
    await on.harness.crash();
    checkBytes(await on.read('log.1', 0, 2000), pattern(1000), 'log.1');
    checkBytes(await on.read('log.2', 0, 2000), pattern(10), 'log.2');
  });

  promise('of unflushed bytes a crash leaves a beginning at most', async (on) => {
    on.disk.append('log.1', pattern(100));
    await on.flush();
    on.disk.append('log.1', pattern(100, 1));
    on.disk.append('log.1', pattern(100, 2));
    await on.harness.crash();
    const all = concat([pattern(100), pattern(100, 1), pattern(100, 2)]);
    const left = await on.read('log.1', 0, 1000);
    check(left.length >= 100, 'flushed bytes were lost');
    checkBytes(left, all.slice(0, left.length), 'what is left');
  });

  promise('after a crash a file goes on where it ends', async (on) => {
    on.disk.append('log.1', pattern(10));
    await on.flush();
    await on.harness.crash();
    on.disk.append('log.1', pattern(10, 1));
    await on.flush();
    await on.harness.crash();
    checkBytes(await on.read('log.1', 0, 100), concat([pattern(10), pattern(10, 1)]), 'both lives');
  });

  promise('truncate cuts durably, anywhere, and appending goes on there', async (on) => {
    for (const salt of [0, 1, 2]) on.disk.append('log.1', pattern(100, salt));
    await on.flush();
    await on.truncate('log.1', 150);
    await on.harness.crash();
    checkEqual(await on.sizes(), { 'log.1': 150 }, 'files');
    on.disk.append('log.1', pattern(7, 9));
    await on.flush();
    checkBytes(
      await on.read('log.1', 0, 1000),
      concat([pattern(100), pattern(100, 1).slice(0, 50), pattern(7, 9)]),
      'file',
    );
    await on.truncate('log.1', 0);
    checkEqual(await on.sizes(), { 'log.1': 0 }, 'files');
  });

  promise('truncate also cuts what was appended and not flushed', async (on) => {
    on.disk.append('log.1', pattern(100));
    await on.truncate('log.1', 60);
    await on.harness.crash();
    checkBytes(await on.read('log.1', 0, 1000), pattern(100).slice(0, 60), 'file');
  });

  promise('replace makes the whole file, new or old, durably', async (on) => {
    await on.replace('currentEpoch', [pattern(1)]);
    await on.replace('snapshot.5', [pattern(500), pattern(700, 1), new Uint8Array()]);
    await on.replace('currentEpoch', [pattern(2, 5)]);
    await on.harness.crash();
    checkBytes(await on.read('currentEpoch', 0, 10), pattern(2, 5), 'currentEpoch');
    checkBytes(
      await on.read('snapshot.5', 0, 5000),
      concat([pattern(500), pattern(700, 1)]),
      'snapshot.5',
    );
  });

  promise('a replace that a crash interrupts leaves the old file or the new one', async (on) => {
    await on.replace('currentEpoch', [pattern(4)]);
    on.disk.replace('currentEpoch', [pattern(9, 1)], () => {});
    await on.harness.crash();
    const left = await on.read('currentEpoch', 0, 100);
    const expected = left.length === 4 ? pattern(4) : pattern(9, 1);
    checkBytes(left, expected, 'file');
  });

  promise('a replaced file may be appended to, and an empty one exists', async (on) => {
    await on.replace('log.1', [pattern(16)]);
    await on.replace('empty', []);
    on.disk.append('log.1', pattern(8, 1));
    await on.flush();
    checkBytes(await on.read('log.1', 0, 100), concat([pattern(16), pattern(8, 1)]), 'log.1');
    checkEqual(await on.sizes(), { empty: 0, 'log.1': 24 }, 'files');
  });

  promise('a removed file is gone for good, and its name begins anew', async (on) => {
    on.disk.append('log.1', pattern(10));
    await on.flush();
    await on.remove('log.1');
    await on.harness.crash();
    checkEqual(await on.sizes(), {}, 'files');
    on.disk.append('log.1', pattern(3, 1));
    await on.flush();
    checkBytes(await on.read('log.1', 0, 100), pattern(3, 1), 'file');
  });

  promise('bytes that were read belong to the reader', async (on) => {
    on.disk.append('log.1', pattern(10));
    await on.flush();
    (await on.read('log.1', 0, 10)).fill(0);
    checkBytes(await on.read('log.1', 0, 10), pattern(10), 'file');
  });

  promise('a flush with nothing to do is answered', async (on) => {
    await on.flush();
    await on.flush();
  });

  promise('a file of some MiB is read back in pieces', async (on) => {
    const whole = pattern(3 * 1024 * 1024 + 17);
    const pieceBytes = 200_000;
    for (let offset = 0; offset < whole.length; offset += pieceBytes) {
      on.disk.append('snapshot.1', whole.slice(offset, offset + pieceBytes));
    }
    await on.flush();
    await on.harness.crash();
    const pieces: Uint8Array[] = [];
    for (let offset = 0; offset < whole.length; offset += 333_333) {
      pieces.push(await on.read('snapshot.1', offset, 333_333));
    }
    checkBytes(concat(pieces), whole, 'file');
  });

  promise('any sequence of calls does what a map of byte strings would do', async (on) => {
    for (let seed = 1; seed <= 12; seed++) await walk(on, seed);
  });
}

/** A random walk beside a naive model; the directory is empty again at its end. */
async function walk(on: Asker, seed: number): Promise<void> {
  const below = numbers(seed * 7919);
  const model = new Map<string, Uint8Array>();
  const names = ['log.1', 'log.2', 'snapshot.0'];
  const some = (): Uint8Array => pattern(below(400), below(1000));
  for (let step = 0; step < 60; step++) {
    const name = names[below(names.length)] ?? 'log.1';
    const old = model.get(name);
    switch (below(7)) {
      case 0:
      case 1: {
        const bytes = pattern(1 + below(300), below(1000));
        on.disk.append(name, bytes);
        model.set(name, concat([old ?? new Uint8Array(), bytes]));
        break;
      }
      case 2:
        await on.flush();
        break;
      case 3: {
        const bytes = some();
        await on.replace(name, [bytes.slice(0, 100), bytes.slice(100)]);
        model.set(name, bytes);
        break;
      }
      case 4: {
        if (old === undefined) break;
        const sizeBytes = below(old.length + 1);
        await on.truncate(name, sizeBytes);
        model.set(name, old.slice(0, sizeBytes));
        break;
      }
      case 5:
        if (below(3) > 0) break;
        await on.remove(name);
        model.delete(name);
        break;
      case 6: {
        if (old === undefined) break;
        const offset = below(old.length + 5);
        const length = below(500);
        checkBytes(
          await on.read(name, offset, length),
          old.slice(offset, offset + length),
          `seed ${seed}, step ${step}`,
        );
        break;
      }
    }
  }
  await on.flush();
  await on.harness.crash();
  const expected = Object.fromEntries([...model].map(([name, bytes]) => [name, bytes.length]));
  checkEqual(await on.sizes(), sorted(expected), `seed ${seed}: files`);
  for (const [name, bytes] of model) {
    checkBytes(await on.read(name, 0, 1_000_000), bytes, `seed ${seed}: ${name}`);
    await on.remove(name);
  }
}

function sorted(sizes: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(sizes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The port with answers one can await. */
class Asker {
  readonly harness: DiskHarness;

  constructor(harness: DiskHarness) {
    this.harness = harness;
  }

  get disk(): Disk {
    return this.harness.disk;
  }

  async ask<T>(call: (done: Done<T>) => void): Promise<DiskResult<T>> {
    const answers: DiskResult<T>[] = [];
    call((answer) => void answers.push(answer));
    checkEqual(answers.length, 0, 'answers inside the call');
    await this.harness.until(() => answers.length > 0, 'an answer of the disk');
    const answer = answers[0];
    check(answer !== undefined && answers.length === 1, 'more than one answer');
    return answer;
  }

  async #value<T>(call: (done: Done<T>) => void): Promise<T> {
    const answer = await this.ask(call);
    check(answer.ok, answer.ok ? '' : answer.error.message);
    return answer.value;
  }

  flush(): Promise<void> {
    return this.#value<void>((done) => this.disk.flush(done));
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#value<Uint8Array>((done) => this.disk.read(name, offset, length, done));
  }

  truncate(name: string, sizeBytes: number): Promise<void> {
    return this.#value<void>((done) => this.disk.truncate(name, sizeBytes, done));
  }

  replace(name: string, chunks: readonly Uint8Array[]): Promise<void> {
    return this.#value<void>((done) => this.disk.replace(name, chunks, done));
  }

  remove(name: string): Promise<void> {
    return this.#value<void>((done) => this.disk.remove(name, done));
  }

  /** Name to size, in order of the names. */
  async sizes(): Promise<Record<string, number>> {
    const entries = await this.#value(
      (done: Done<readonly { name: string; sizeBytes: number }[]>) => this.disk.list(done),
    );
    return sorted(Object.fromEntries(entries.map(({ name, sizeBytes }) => [name, sizeBytes])));
  }
}
