/** What a tree is made of and set up with: the same for a new tree and for one that is loaded. */

import { ReferenceCountedACLCache } from './aclCache.ts';
import type { DigestMismatch } from './digestLog.ts';
import { NodeHashMap } from './nodeHashMap.ts';
import { OwnedNodes } from './ownedNodes.ts';

export interface DataTreeOptions {
  /** Keep the tree's digest and compare it with the transactions' (`digest.enabled`). Default true. */
  readonly digestEnabled?: boolean;
  /** Owners with a top byte of 0xff mean a TTL, not a session (`extendedTypesEnabled`). Default false. */
  readonly extendedTypesEnabled?: boolean;
  /** Told of every digest that is not what it should be: this server's data differs from the ensemble's. */
  readonly digestMismatched?: (mismatch: DigestMismatch) => void;
}

/** Nodes with their lists and owners. */
export interface TreeContents {
  readonly nodes: NodeHashMap;
  readonly aclCache: ReferenceCountedACLCache;
  readonly owned: OwnedNodes;
}

export function emptyContents(options: DataTreeOptions): TreeContents {
  return {
    nodes: new NodeHashMap(options.digestEnabled ?? true),
    aclCache: new ReferenceCountedACLCache(),
    owned: new OwnedNodes(options.extendedTypesEnabled ?? false),
  };
}
