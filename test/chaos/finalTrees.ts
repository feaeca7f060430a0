/** Whether the trees that all servers have at the end are one tree, and hold what the clients were promised. Pure. */

import type { History } from './history.ts';
import type { SurveyedNode } from './inPageEnding.ts';

export interface HeldTree {
  readonly by: string;
  readonly nodes: Readonly<Record<string, SurveyedNode>>;
}

/** What is wrong, in words. `living`: sessions that have not ended. */
export function judgeTrees(
  trees: readonly HeldTree[],
  promised: Pick<History, 'kept' | 'names' | 'ephemerals'>,
  living: ReadonlySet<string>,
): readonly string[] {
  const [first, ...others] = trees;
  if (first === undefined) return ['nobody has a tree'];
  const { nodes } = first;
  const wrong = others.flatMap((other) => differences(first, other));
  for (const [path, value] of promised.kept) {
    if (nodes[path]?.value === value) continue;
    wrong.push(`${path} was acknowledged with "${value}" and is ${nodes[path]?.text ?? 'gone'}`);
  }
  for (const path of promised.names) {
    if (nodes[path] === undefined) wrong.push(`${path} was acknowledged and is gone`);
  }
  for (const [path, session] of promised.ephemerals) {
    if (living.has(session) && nodes[path] === undefined) {
      wrong.push(`${path} is gone, but its session 0x${session} is not`);
    }
  }
  for (const [path, { owner }] of Object.entries(nodes)) {
    if (owner === '0' || living.has(owner)) continue;
    wrong.push(`${path} is there, but its session 0x${owner} is not`);
  }
  return wrong;
}

function differences(one: HeldTree, other: HeldTree): string[] {
  const paths = new Set([...Object.keys(one.nodes), ...Object.keys(other.nodes)]);
  return [...paths]
    .filter((path) => one.nodes[path]?.text !== other.nodes[path]?.text)
    .map((path) => {
      const [left, right] = [one, other].map(
        ({ by, nodes }) => `${by} has ${nodes[path]?.text ?? 'none'}`,
      );
      return `${path} differs: ${left}; ${right}`;
    });
}
