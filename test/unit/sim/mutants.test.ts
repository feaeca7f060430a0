import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MUTANTS } from '../../../src/sim/run/mutants.ts';

test('there are mutants enough, each with a name of its own', () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(25);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});

/** What has gone wrong in ZooKeeper itself (and the classics that are easily got wrong), one scenario each. */
const TRAPS = [
  335, 1154, 1277, 1549, 2845, 2872, 3023, 3642, 3911, 4394, 4643, 4646, 4685, 4712, 4785, 4837,
  4882, 4925, 5094,
];

const TRAPS_DIR = new URL('./traps/', import.meta.url);

test.each(TRAPS)('ZOOKEEPER-%i has its scenario among the traps', (issue) => {
  const sources = readdirSync(TRAPS_DIR).map((name) =>
    readFileSync(new URL(name, TRAPS_DIR), 'utf8'),
  );
  expect(sources.join('\n')).toMatch(new RegExp(`\\(ZOOKEEPER-(\\d+, )*${issue}[,)]`));
});

test('every mutant stands where it says, exactly once', () => {
  for (const mutant of MUTANTS) {
    for (const { file, from } of [mutant, ...(mutant.also ?? [])]) {
      const source = readFileSync(new URL(`../../../src/${file}`, import.meta.url), 'utf8');
      expect(source.split(from).length, `${mutant.name}: ${file}`).toBe(2);
    }
  }
});
