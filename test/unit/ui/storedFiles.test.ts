/** The list of a data directory's files. */

import { expect, test } from 'vitest';
import { storedRows } from '../../../src/ui/storage/storedFiles.ts';

test('each file is told by what its name says, the newest snapshot and log first', () => {
  const file = (name: string, sizeBytes: number) => ({ name, sizeBytes, recordCount: 1 });
  const rows = storedRows({
    files: [
      file('acceptedEpoch', 1),
      file('currentEpoch', 1),
      file('log.100000001', 58),
      file('log.20000000a', 20),
      file('snapshot.0', 10),
      file('snapshot.f00000001', 5),
      file('snapshot.100000000a', 5),
      file('strange', 0),
    ],
    acceptedEpoch: '3',
    currentEpoch: '2',
  });
  expect(rows.map(({ name, kind, holds }) => [name, kind, holds])).toEqual([
    ['snapshot.100000000a', 'snapshot', 'the tree at 0x100000000a'],
    ['snapshot.f00000001', 'snapshot', 'the tree at 0xf00000001'],
    ['snapshot.0', 'snapshot', 'the tree before the first transaction'],
    ['log.20000000a', 'log', 'transactions from 0x20000000a on'],
    ['log.100000001', 'log', 'transactions from 0x100000001 on'],
    ['currentEpoch', 'epoch', '2: the newest epoch it has in full'],
    ['acceptedEpoch', 'epoch', '3: the newest epoch it has agreed to'],
    ['strange', 'other', 'no file of ZooKeeper’s'],
  ]);
  expect(rows.find(({ name }) => name === 'log.100000001')?.share).toBeCloseTo(0.58);
});
