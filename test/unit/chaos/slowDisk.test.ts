/** The disk of a chaos run keeps a write to itself for a while, and then does with it what a disk does. */

import 'fake-indexeddb/auto';
import { promisifyRequest } from 'idb-keyval';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { strictStore } from '../../../src/browser/diskRecords.ts';
import { holdWrites } from '../../chaos/slowDisk.ts';

const HOLD_MS = 60;

describe('a slow disk', () => {
  beforeAll(() => {
    // fake-indexeddb goes on by setImmediate: only what is held waits for its time here.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    holdWrites(HOLD_MS);
  });
  afterAll(() => {
    vi.useRealTimers();
  });

  test('has nothing of a write before it has told of it, and all of it after', async () => {
    const store = strictStore('slow');
    const bytes = new Uint8Array([1, 2, 3]);
    let told = false;
    const written = store('readwrite', (records) => {
      records.put(bytes, 'a');
      return promisifyRequest(records.transaction);
    }).then(() => (told = true));
    const read = (): Promise<unknown> =>
      store('readonly', (records) => promisifyRequest<unknown>(records.get('a')));
    expect([await read(), told]).toEqual([undefined, false]);
    bytes.fill(9);
    vi.advanceTimersByTime(HOLD_MS - 1);
    expect([await read(), told]).toEqual([undefined, false]);
    await afterHold(written);
    expect(await read()).toEqual(new Uint8Array([1, 2, 3]));
  });

  test('answers within a write, and lets it go on from there', async () => {
    const store = strictStore('answers');
    const put = (value: number): Promise<unknown> =>
      store('readwrite', (records) => {
        const before = records.get('n');
        before.onsuccess = () => {
          records.put([before.result ?? 'nothing', value], 'n');
          records.transaction.commit();
        };
        return promisifyRequest(records.transaction);
      });
    for (const value of [1, 2]) await afterHold(put(value));
    const found = await store('readonly', (records) => promisifyRequest<unknown>(records.get('n')));
    expect(found).toEqual([['nothing', 1], 2]);
  });

  test('undoes a write that is given up', async () => {
    const store = strictStore('undone');
    const undone = store('readwrite', (records) => {
      records.put(1, 'a');
      records.transaction.abort();
      return promisifyRequest(records.transaction);
    });
    await expect(afterHold(undone)).rejects.toBeDefined();
    const left = await store('readonly', (records) => promisifyRequest<unknown>(records.get('a')));
    expect(left).toBeUndefined();
  });
});

/** The database is opened before a write is asked for: from then on it is held. */
async function afterHold<Result>(written: Promise<Result>): Promise<Result> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  written.then(over, over);
  while (!isOver) {
    vi.advanceTimersByTime(HOLD_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return written;
}
