/** Everything a server shows of its tree as comparable text: no node, stat field or ACL left out. */

import { expect } from 'vitest';
import type { ZooKeeper } from '../../../src/client/zooKeeper.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';
import { withClient } from './client.ts';
import type { ServerProcess } from './serverProcess.ts';

/** Path to data, stat, ACL and children's names in one line. */
export type TreeImage = ReadonlyMap<string, string>;

const NODES_AT_ONCE = 64;

/** Walks the whole tree of one server, as it is after everything that was committed when the walk began. */
function walkTree(address: string): Promise<TreeImage> {
  return withClient([address], async (client) => {
    await client.sync('/');
    const image = new Map<string, string>();
    let level = ['/'];
    while (level.length > 0) {
      const next: string[] = [];
      for (let i = 0; i < level.length; i += NODES_AT_ONCE) {
        const some = level.slice(i, i + NODES_AT_ONCE);
        const nodes = await Promise.all(some.map((path) => readNode(client, path)));
        for (const node of nodes) {
          if (node === null) continue;
          image.set(node.path, node.text);
          next.push(...node.children);
        }
      }
      level = next;
    }
    return new Map([...image].sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

async function readNode(client: ZooKeeper, path: string) {
  try {
    const [{ data, stat }, { children }, { acl }] = await Promise.all([
      client.getData(path),
      client.getChildren(path),
      client.getACL(path),
    ]);
    const names = [...children].sort();
    const fields = Object.entries(stat)
      .filter(([name]) => !isExempt(path, name))
      .map(([name, value]) => `${name}=${String(value)}`);
    const bytes = data === null ? 'null' : `"${Buffer.from(data).toString('latin1')}"`;
    const text = `${bytes} ${fields.join(' ')} ${JSON.stringify(acl)} [${names.join(' ')}]`;
    const prefix = path === '/' ? '/' : `${path}/`;
    return { path, text, children: names.map((name) => prefix + name) };
  } catch (error) {
    // Deleted between its parent's answer and ours.
    if (error instanceof KeeperError && error.code === ErrorCode.NoNode) return null;
    throw error;
  }
}

/** Every Apache server stamps its own start time there: they differ among themselves. */
const isExempt = (path: string, field: string): boolean =>
  path === '/zookeeper/config' && field === 'mtime';

/** Fails unless all these servers show the same tree; gives that tree. */
export async function expectEqualTrees(servers: readonly ServerProcess[]): Promise<TreeImage> {
  const images = await Promise.all(servers.map((server) => walkTree(server.clientAddress)));
  const [first, ...rest] = images;
  if (first === undefined) throw new Error('there is no server to look at');
  for (const [i, image] of rest.entries()) {
    const differences = differencesOf(first, image);
    expect(differences, `servers ${servers[0]?.sid} and ${servers[i + 1]?.sid}`).toEqual([]);
  }
  return first;
}

/** What that server shows. */
export const treeOf = (server: ServerProcess): Promise<TreeImage> => walkTree(server.clientAddress);

/** Fails unless the server shows this very tree. */
export async function expectTree(server: ServerProcess, tree: TreeImage): Promise<void> {
  expect(differencesOf(tree, await treeOf(server)), `server ${server.sid}`).toEqual([]);
}

function differencesOf(left: TreeImage, right: TreeImage): readonly string[] {
  const paths = new Set([...left.keys(), ...right.keys()]);
  return [...paths]
    .filter((path) => left.get(path) !== right.get(path))
    .map((path) => `${path}: ${left.get(path) ?? 'missing'} <> ${right.get(path) ?? 'missing'}`);
}
