/** What every scenario ends with: all servers show one tree, nothing acknowledged is missing, nobody complains. */

import { expect } from 'vitest';
import { expectNoComplaints } from './apacheLog.ts';
import type { MixedEnsemble } from './ensemble.ts';
import type { RecordedLoad } from './load.ts';
import { expectEqualTrees, type TreeImage } from './tree.ts';

/** Of all servers that run. The loads must have stopped. */
export async function expectAllWell(
  ensemble: MixedEnsemble,
  ...loads: readonly RecordedLoad[]
): Promise<TreeImage> {
  const tree = await expectEqualTrees(ensemble.running);
  for (const load of loads) expect(load.missingFrom(tree)).toEqual([]);
  expectNoComplaints(ensemble.servers);
  return tree;
}
