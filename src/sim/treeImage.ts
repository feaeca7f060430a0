/** Everything a server shows of its tree, as text that can be compared: no node, no stat field, no ACL left out. */

import type { ScriptedClient } from './scriptedClient.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import type { Stat } from '../wire/dataRecords.ts';

/** Path to all that is known about the node. */
export type TreeImage = ReadonlyMap<string, NodeImage>;

interface NodeImage {
  /** Null for a node without data. */
  readonly data: Uint8Array | null;
  readonly stat: Stat;
  /** Data, stat, ACL and names of the children in one line. */
  readonly text: string;
}

/** Walks the whole tree of the server that the client is connected to. */
export async function readTree(client: ScriptedClient): Promise<TreeImage> {
  await client.sync('/');
  const image = new Map<string, NodeImage>();
  const waiting = ['/'];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const node = await readNode(client, path);
    if (node === null) continue;
    image.set(path, node.image);
    const prefix = path === '/' ? '/' : `${path}/`;
    waiting.push(...node.children.map((name) => prefix + name));
  }
  return image;
}

async function readNode(client: ScriptedClient, path: string) {
  try {
    // Sent together, so that nothing comes between them in this session.
    const [{ data, stat }, children, acl] = await Promise.all([
      client.getData(path),
      client.getChildren(path),
      client.getACL(path),
    ]);
    const names = [...children].sort();
    const fields = Object.entries(stat).map(([name, value]) => `${name}=${String(value)}`);
    const text = `${hex(data)} ${fields.join(' ')} ${JSON.stringify(acl)} [${names.join(' ')}]`;
    return { image: { data, stat, text }, children: names };
  } catch (error) {
    // Deleted between its parent's answer and ours.
    if (error instanceof KeeperError && error.code === ErrorCode.NoNode) return null;
    throw error;
  }
}

/** In words, what differs between two trees; empty if nothing does. */
export function differences(left: TreeImage, right: TreeImage): readonly string[] {
  const found: string[] = [];
  for (const [path, { text }] of left) {
    const other = right.get(path);
    if (other === undefined) found.push(`${path} is only in the first`);
    else if (other.text !== text) found.push(`${path}: ${text} and ${other.text}`);
  }
  for (const path of right.keys()) if (!left.has(path)) found.push(`${path} is only in the second`);
  return found;
}

function hex(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null';
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
