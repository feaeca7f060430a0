import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Difference {
  readonly id: string;
  readonly kind: 'ours' | 'harness';
}

test('every difference that tests exempt as ours is told in docs/fidelity.md', () => {
  const page = readFileSync('docs/fidelity.md', 'utf8');
  const { differences } = JSON.parse(readFileSync('test/fidelity.json', 'utf8')) as {
    differences: readonly Difference[];
  };
  const ours = differences.filter(({ kind }) => kind === 'ours').map(({ id }) => id);
  expect(ours.length).toBeGreaterThan(0);
  expect(ours.filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
});
