/** Random transactions for properties: drawn as plain numbers, made into what a leader would propose for the tree at hand. */

import fc from 'fast-check';
import type { DataTree } from '../../../src/tree/dataTree.ts';
import { isSpecialPath } from '../../../src/tree/paths.ts';
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { sessionId, type SessionId } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import type { Txn } from '../../../src/wire/txns.ts';
import { bytes, newNode, type Replica } from './treeFixture.ts';

export const sessions: readonly SessionId[] = [sessionId(11n), sessionId(-12n)];
/** Few paths, so that things happen to the same node again and again. */
const paths = ['/a', '/b', '/a/x', '/a/y', '/b/x', '/a/x/1', '/a/x/2', '/b/x/1'] as const;

const kinds = [
  'create',
  'create',
  'create2',
  'ephemeral',
  'container',
  'ttl',
  'delete',
  'delete',
  'setData',
  'setACL',
  'closeSession',
  'closeSessionWithoutPaths',
] as const;

export interface Operation {
  readonly kind: (typeof kinds)[number];
  readonly path: (typeof paths)[number];
  readonly session: SessionId;
  readonly text: string;
}

export const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(...kinds),
  path: fc.constantFrom(...paths),
  session: fc.constantFrom(...sessions),
  text: fc.string({ maxLength: 6 }),
});

/** The transaction a leader would propose, or null where it would refuse. */
export function toTxn(replica: Replica, { kind, path, session, text }: Operation): Txn | null {
  const { tree } = replica;
  const node = newNode(path, text, text < 'n' ? OPEN_ACL_UNSAFE : READ_ACL_UNSAFE);
  switch (kind) {
    case 'create':
    case 'create2':
    case 'ephemeral': {
      const type = kind === 'create2' ? OpCode.create2 : OpCode.create;
      const txn = { ...node, type, ephemeral: kind === 'ephemeral' };
      return mayCreate(tree, path) ? replica.prepared(txn) : null;
    }
    case 'container':
      return mayCreate(tree, path)
        ? replica.prepared({ ...node, type: OpCode.createContainer })
        : null;
    case 'ttl':
      return mayCreate(tree, path)
        ? replica.prepared({ ...node, type: OpCode.createTTL, ttl: 9n })
        : null;
    case 'delete':
      return mayDelete(tree, path) ? { type: OpCode.delete, path } : null;
    case 'setData': {
      const version = (tree.getNode(path)?.version ?? 0) + 1;
      const data = text === '' ? null : bytes(text);
      return tree.getNode(path) === null ? null : { type: OpCode.setData, path, data, version };
    }
    case 'setACL': {
      const version = (tree.getNode(path)?.aversion ?? 0) + 1;
      const exists = tree.getNode(path) !== null;
      return exists ? { type: OpCode.setACL, path, acl: node.acl, version } : null;
    }
    case 'closeSession':
      return { type: OpCode.closeSession, paths2Delete: [...tree.ephemerals(session)] };
    case 'closeSessionWithoutPaths':
      return { type: OpCode.closeSession, paths2Delete: null };
  }
}

function mayCreate(tree: DataTree, path: string): boolean {
  const parent = tree.getNode(path.slice(0, path.lastIndexOf('/')));
  const parentIsEphemeral = parent !== null && sessions.some((id) => id === parent.ephemeralOwner);
  return parent !== null && !parentIsEphemeral && tree.getNode(path) === null;
}

const mayDelete = (tree: DataTree, path: string): boolean =>
  !isSpecialPath(path) && tree.getNode(path)?.children.size === 0;
