import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OracleFile } from '../../../src/node/oracleFile.ts';

let folder = '';
let problems: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oracle-'));
  problems = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const oracle = (): OracleFile =>
  new OracleFile(join(folder, 'word'), (problem) => problems.push(problem));

test('an oracle’s file says yes when it begins with 1, and is read anew each time', () => {
  const file = oracle();
  const word = (text: string): boolean => {
    writeFileSync(join(folder, 'word'), text);
    return file.grants();
  };
  expect(['1', '1\n', '10'].map(word)).toEqual([true, true, true]);
  expect(['0', '', ' 1', '2', 'true'].map(word)).toEqual([false, false, false, false, false]);
  expect(problems).toEqual([]);
});

test('an oracle’s file that cannot be read says no, and why', () => {
  expect(oracle().grants()).toBe(false);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(join(folder, 'word'));
});
