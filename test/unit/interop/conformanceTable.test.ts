/** What is told of the runs beside Apache ZooKeeper: every suite, whatever came of it. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  COMPARED,
  type ConformanceRun,
  conformanceText,
  withConformance,
} from '../../interop/frame/conformanceTable.ts';

const RUN: ConformanceRun = {
  day: '26 November 2026',
  judge: 'Apache ZooKeeper 3.8.0',
  suites: [
    {
      file: 'startOrders.test.ts',
      passedCount: 6,
      failed: [],
      skippedCount: 0,
      secondAttemptCount: 0,
    },
    {
      file: 'differential/differential.test.ts',
      passedCount: 3,
      failed: [],
      skippedCount: 0,
      secondAttemptCount: 0,
    },
  ],
  conversationCount: 812,
};

describe('the table of the runs beside Apache ZooKeeper', () => {
  test('names suites by their files in order, what each compares, and how many cases there were', () => {
    expect(conformanceText(RUN).split('\n')).toEqual([
      'Last run on 26 November 2026 beside Apache ZooKeeper 3.8.0: 2 suites, 9 cases, none failed.',
      '',
      '| suite                               | what is compared                                                                    | cases                     | result |',
      '| ----------------------------------- | ----------------------------------------------------------------------------------- | ------------------------- | ------ |',
      '| `differential/differential.test.ts` | answers, stats, errors, watch events and closed connections of random conversations | 3, with 812 conversations | passed |',
      '| `startOrders.test.ts`               | mixed ensembles, started in every order                                             | 6                         | passed |',
    ]);
  });

  test('a case that failed or was left out is told as it was', () => {
    const text = conformanceText({
      ...RUN,
      suites: [
        {
          file: 'startOrders.test.ts',
          passedCount: 4,
          failed: ['1, 2, 3'],
          skippedCount: 1,
          secondAttemptCount: 0,
        },
        {
          file: 'sessions.test.ts',
          passedCount: 1,
          failed: [],
          skippedCount: 2,
          secondAttemptCount: 1,
        },
      ],
    });
    expect(text).toContain('2 suites, 9 cases, 1 failed.');
    expect(text).toMatch(/startOrders.*\| 6 +\| 1 failed, 1 left out/);
    expect(text).toMatch(/sessions.*\| 3 +\| passed, 1 at the second attempt, 2 left out/);
    expect(text).toMatch(/\n- Failed: 1, 2, 3$/);
  });

  test('has a place on the page, and replaces what stood there', () => {
    const page = readFileSync('docs/fidelity.md', 'utf8');
    const once = withConformance(page, 'this run');
    expect(once).toContain('\n\nthis run\n\n');
    expect(withConformance(withConformance(page, 'the run before'), 'this run')).toBe(once);
    expect(() => withConformance('another page', 'this run')).toThrow('no place for it');
  });

  test('says of every suite what it compares', () => {
    const files = readdirSync('test/interop', { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => file.endsWith('.test.ts'));
    expect([...COMPARED.keys()].sort()).toEqual(files.sort());
  });
});
