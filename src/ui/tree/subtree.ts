/** Works on whole subtrees through the client: walking, reading, deleting, setting access lists, bringing one back. */

import { Op, type ZooKeeper } from '../../client/zooKeeper.ts';
import type { ACL } from '../../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../../wire/errorCodes.ts';
import { eachOf, type LongWork } from './longWork.ts';
import {
  absolute,
  type ImportPlan,
  isServersOwn,
  type Subtree,
  type SubtreeNode,
} from './subtreeFile.ts';
import { childPath } from './treeRows.ts';

/** Operations of one `multi`, which is all or nothing; small enough to hold nobody up. */
const OPS_AT_A_TIME = 100;
/** Well below `jute.maxbuffer`. */
const BYTES_AT_A_TIME = 256 * 1024;

/** The path and all below it, level by level; without ZooKeeper's own nodes unless it begins among them. */
export async function pathsBelow(
  client: ZooKeeper,
  root: string,
  work: LongWork,
  found: (paths: readonly string[]) => void = () => undefined,
): Promise<readonly string[]> {
  const all = [root];
  found(all);
  for (let level: readonly string[] = [root]; level.length > 0;) {
    const next: string[] = [];
    await eachOf(level, { signal: work.signal, progress: () => undefined }, async (path) => {
      const names = await unlessGone(client.getChildren(path).then(({ children }) => children));
      const below = (names ?? [])
        .map((name) => childPath(path, name))
        .filter((child) => isServersOwn(root) || !isServersOwn(child));
      for (const child of below) {
        next.push(child);
        all.push(child);
      }
      if (below.length > 0) found(below);
      work.progress(all.length);
    });
    level = next.sort();
  }
  return all;
}

/** Null if there is no such node. */
export async function readSubtree(
  client: ZooKeeper,
  root: string,
  work: LongWork,
): Promise<Subtree | null> {
  if ((await client.exists(root)) === null) return null;
  const paths = await pathsBelow(client, root, { signal: work.signal, progress: () => undefined });
  const nodes = new Map<string, SubtreeNode>();
  await eachOf(paths, work, async (path) => {
    const read = await unlessGone(Promise.all([client.getData(path), client.getACL(path)]));
    if (read === null) return;
    const [{ data, stat }, { acl }] = read;
    const below = path === root ? '/' : path.slice(root === '/' ? 0 : root.length);
    nodes.set(path, { path: below, data, acl: acl ?? [], ephemeral: stat.ephemeralOwner !== 0n });
  });
  return { root, nodes: paths.flatMap((path) => nodes.get(path) ?? []) };
}

/** Deletes these from the leaves up. `paths` as {@link pathsBelow} gave them. */
export async function deletePaths(
  client: ZooKeeper,
  paths: readonly string[],
  work: LongWork,
): Promise<void> {
  const ops = [...paths].reverse().map((path) => ({ op: Op.delete(path), sizeBytes: path.length }));
  await inMultis(client, ops, work);
}

/** Gives all of these nodes the list. */
export async function setAccess(
  client: ZooKeeper,
  paths: readonly string[],
  acl: readonly ACL[],
  work: LongWork,
): Promise<void> {
  await eachOf(paths, work, async (path) => {
    await unlessGone(client.setACL(path, acl));
  });
}

export async function carryOut(client: ZooKeeper, plan: ImportPlan, work: LongWork): Promise<void> {
  const ops = plan.steps.flatMap((step) => {
    if (step.kind === 'access') return [];
    if (step.kind === 'delete') return [{ op: Op.delete(step.path), sizeBytes: step.path.length }];
    const { path, node } = step;
    const sizeBytes = path.length + (node.data?.length ?? 0);
    return step.kind === 'create'
      ? [{ op: Op.create(path, node.data, { acl: node.acl }), sizeBytes }]
      : [{ op: Op.setData(path, node.data), sizeBytes }];
  });
  await inMultis(client, ops, work);
  const access = plan.steps.flatMap((step) => (step.kind === 'access' ? [step] : []));
  await eachOf(
    access,
    { signal: work.signal, progress: (count) => work.progress(ops.length + count) },
    async ({ path, node }) => void (await client.setACL(path, node.acl)),
  );
}

/** The nodes of a subtree back where they were. */
export async function bringBack(
  client: ZooKeeper,
  subtree: Subtree,
  work: LongWork,
): Promise<void> {
  const steps = subtree.nodes
    .filter(({ ephemeral }) => !ephemeral)
    .map((node) => ({ kind: 'create' as const, path: absolute(subtree.root, node.path), node }));
  await carryOut(client, { steps, unchangedCount: 0, ephemeralCount: 0 }, work);
}

interface SizedOp {
  readonly op: ReturnType<typeof Op.delete>;
  readonly sizeBytes: number;
}

async function inMultis(client: ZooKeeper, ops: readonly SizedOp[], work: LongWork): Promise<void> {
  for (let at = 0; at < ops.length;) {
    work.signal.throwIfAborted();
    let sizeBytes = 0;
    let end = at;
    while (end < ops.length && end - at < OPS_AT_A_TIME) {
      sizeBytes += ops[end]?.sizeBytes ?? 0;
      if (sizeBytes > BYTES_AT_A_TIME && end > at) break;
      end += 1;
    }
    await client.multi(ops.slice(at, end).map(({ op }) => op));
    at = end;
    work.progress(at);
  }
}

/** What somebody else deletes meanwhile is left out. */
async function unlessGone<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof KeeperError && error.code === ErrorCode.NoNode) return null;
    throw error;
  }
}
