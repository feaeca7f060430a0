/** Children kept current by watch events alone. */

import { expect, test } from 'vitest';
import { ChangeBatch, withChanges } from '../../../src/ui/tree/treeChanges.ts';

test('names that come and go leave the others sorted and single', () => {
  const changed = withChanges(['b', 'd', 'f'], {
    added: new Set(['g', 'a', 'd', 'e']),
    removed: new Set(['b', 'x']),
  });
  expect(changed).toEqual(['a', 'd', 'e', 'f', 'g']);
});

test('of a node that comes and goes at once the last event counts', () => {
  const batch = new ChangeBatch();
  batch.child('/p/x', true);
  batch.child('/p/x', false);
  batch.child('/p/y', false);
  batch.child('/p/y', true);
  const changes = batch.take().parents.get('/p');
  expect(changes).toEqual({ added: new Set(['y']), removed: new Set(['x']) });
  expect(batch.take().parents.size).toBe(0);
});
