/** One node of a tree as it is or was, in plain values: for whoever shows it. Pure. */

import { ephemeralTypeOf } from '../tree/ephemeralType.ts';
import type { ACL, Stat } from '../wire/dataRecords.ts';
import { aclText } from './aclText.ts';

export interface NodeReport {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly stat: Stat;
  readonly acl: readonly string[];
  readonly kind: 'persistent' | 'ephemeral' | 'container' | 'ttl';
}

/** What a tree holds of a node. */
export interface NodeState {
  /** Not to be changed. */
  readonly data: Uint8Array | null;
  readonly stat: Stat;
  readonly acl: readonly ACL[];
  /** As it is kept: it also marks containers and TTLs. */
  readonly ephemeralOwner: bigint;
}

const KINDS = {
  VOID: 'persistent',
  NORMAL: 'ephemeral',
  CONTAINER: 'container',
  TTL: 'ttl',
} as const;

export const nodeKind = (ephemeralOwner: bigint): NodeReport['kind'] =>
  KINDS[ephemeralTypeOf(ephemeralOwner, true)];

export function nodeReport(
  path: string,
  { data, stat, acl, ephemeralOwner }: NodeState,
): NodeReport {
  return {
    path,
    data: data === null ? null : data.slice(),
    stat,
    acl: acl.map(aclText),
    kind: nodeKind(ephemeralOwner),
  };
}
