/** One node of the tree (`DataNode`): its data, its stored stat, its children's names. Only the tree writes to it. */

import type { Stat, StatPersisted } from '../wire/dataRecords.ts';
import type { Zxid } from '../wire/ids.ts';
import { ephemeralTypeOf } from './ephemeralType.ts';
import type { DataSlab } from './nodeData.ts';

const NO_CHILDREN: ReadonlySet<string> = new Set();

export class DataNode implements StatPersisted {
  /** The root's is empty. */
  readonly path: string;
  data: Uint8Array | null;
  /** The number of its list in the tree's ACL cache. */
  acl: number;

  czxid: Zxid;
  mzxid: Zxid;
  pzxid: Zxid;
  ctime: number;
  mtime: number;
  version: number;
  /** How many children were ever created: what clients are told is computed from it. */
  cversion: number;
  aversion: number;
  ephemeralOwner: bigint;

  /** Where its data lies; null: in a buffer that is not the tree's own (`NodeData`). */
  slab: DataSlab | null = null;
  /** What it adds to the tree's digest at present. */
  digest = 0;
  /** Frozen views up to this number have no need of a copy of the node any more. */
  viewStamp = 0;
  #children: Set<string> | null = null;

  constructor(path: string, data: Uint8Array | null, acl: number, stat: StatPersisted) {
    this.path = path;
    this.data = data;
    this.acl = acl;
    this.czxid = stat.czxid;
    this.mzxid = stat.mzxid;
    this.pzxid = stat.pzxid;
    this.ctime = stat.ctime;
    this.mtime = stat.mtime;
    this.version = stat.version;
    this.cversion = stat.cversion;
    this.aversion = stat.aversion;
    this.ephemeralOwner = stat.ephemeralOwner;
  }

  /** Names without the path before them. */
  get children(): ReadonlySet<string> {
    return this.#children ?? NO_CHILDREN;
  }

  addChild(name: string): void {
    if (this.#children === null) this.#children = new Set();
    this.#children.add(name);
  }

  removeChild(name: string): void {
    this.#children?.delete(name);
  }

  /**
   * A child was created, which made `cversion` of the parent's (-1: one more than it has, an int that may wrap). Replaying
   * an older create takes nothing back.
   */
  raiseCversion(cversion: number, causedBy: Zxid): void {
    const raised = cversion === -1 ? (this.cversion + 1) | 0 : cversion;
    if (raised <= this.cversion) return;
    this.cversion = raised;
    this.pzxid = causedBy;
  }

  /** What clients are told: twice the creates less the children there are counts every change of the children once. */
  toStat(extendedTypesEnabled: boolean): Stat {
    const numChildren = this.children.size;
    const isSession = ephemeralTypeOf(this.ephemeralOwner, extendedTypesEnabled) === 'NORMAL';
    return {
      czxid: this.czxid,
      mzxid: this.mzxid,
      ctime: this.ctime,
      mtime: this.mtime,
      version: this.version,
      cversion: (this.cversion * 2 - numChildren) | 0,
      aversion: this.aversion,
      ephemeralOwner: isSession ? this.ephemeralOwner : 0n,
      dataLength: this.data === null ? 0 : this.data.length,
      numChildren,
      pzxid: this.pzxid,
    };
  }
}

/** The stat of a node at its birth. */
export function newStat(causedBy: Zxid, time: number, ephemeralOwner: bigint): StatPersisted {
  return {
    czxid: causedBy,
    mzxid: causedBy,
    pzxid: causedBy,
    ctime: time,
    mtime: time,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner,
  };
}

export const NO_DATA = new Uint8Array(0);
