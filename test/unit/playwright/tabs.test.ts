import type { Page } from '@playwright/test';
import { afterEach, expect, test, vi } from 'vitest';
import { read } from '../../../src/playwright/tabs.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';

/** A page whose functions run here, with a client that has only what a read takes. */
function pageWith(getData: (path: string) => Promise<{ data: Uint8Array | null }>): Page {
  const client = { sync: () => Promise.resolve(), getData };
  vi.stubGlobal('tabkeeper', { client });
  const evaluate = (task: (argument: unknown) => unknown, argument: unknown): unknown =>
    task(argument);
  return { evaluate } as unknown as Page;
}

const failing = (code: number) => (path: string) => Promise.reject(new KeeperError(code, path));

afterEach(() => {
  vi.unstubAllGlobals();
});

test('a node is its text, and one without data an empty text', async () => {
  const page = pageWith(() => Promise.resolve({ data: new TextEncoder().encode('hello') }));
  expect(await read(page, '/a')).toBe('hello');
  const empty = pageWith(() => Promise.resolve({ data: null }));
  expect(await read(empty, '/a')).toBe('');
});

test('a node that is gone by the time its data is asked for is no node', async () => {
  expect(await read(pageWith(failing(ErrorCode.NoNode)), '/a')).toBeNull();
});

test('any other error is an error', async () => {
  const page = pageWith(failing(ErrorCode.NoAuth));
  await expect(read(page, '/a')).rejects.toMatchObject({ code: ErrorCode.NoAuth });
});
