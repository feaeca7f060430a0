/** The trees at the end of a chaos run: one tree, with all that was promised and nothing whose session is over. */

import { expect, test } from 'vitest';
import { judgeTrees } from '../../chaos/finalTrees.ts';
import type { SurveyedNode } from '../../chaos/inPageEnding.ts';

const node = (value: string, owner = '0'): SurveyedNode => ({
  value,
  owner,
  text: `"${value}", owner ${owner}`,
});
const promised = {
  kept: new Map([['/kept', 'v']]),
  names: new Set(['/line']),
  ephemerals: new Map([['/here', 'a1']]),
};
const nodes = { '/kept': node('v'), '/line': node(''), '/here': node('', 'a1') };
const without = (path: string): Record<string, SurveyedNode> =>
  Object.fromEntries(Object.entries(nodes).filter(([name]) => name !== path));
const living = new Set(['a1']);
const judge = (...trees: Record<string, SurveyedNode>[]): readonly string[] =>
  judgeTrees(
    trees.map((held, index) => ({ by: `tab ${index}`, nodes: held })),
    promised,
    living,
  );

test('equal trees with all that was promised are right', () => {
  expect(judge(nodes, { ...nodes })).toEqual([]);
});

test('a node that one server lacks, has besides, or has with another stat is named', () => {
  const lacking = without('/line');
  expect(judge(nodes, lacking)).toEqual([expect.stringContaining('/line differs')]);
  expect(judge(nodes, { ...nodes, '/more': node('') })).toHaveLength(1);
  const changed = { ...node('v'), text: '"v", owner 0, cversion 1' };
  expect(judge(nodes, { ...nodes, '/kept': changed })).toHaveLength(1);
});

test('what was acknowledged and is gone, or has another value, is named', () => {
  const lacking = without('/line');
  expect(judge(lacking)).toEqual(['/line was acknowledged and is gone']);
  expect(judge({ ...nodes, '/kept': node('w') })).toEqual([
    expect.stringContaining('/kept was acknowledged with "v"'),
  ]);
});

test('an ephemeral node without its session, and a session without its node, are named', () => {
  expect(judge({ ...nodes, '/left': node('', 'b2') })).toEqual([
    '/left is there, but its session 0xb2 is not',
  ]);
  const lacking = without('/here');
  expect(judge(lacking)).toEqual(['/here is gone, but its session 0xa1 is not']);
});
