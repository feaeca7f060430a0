/** One node of the tree (`DataNode`): its data, its stored stat, its children's names. Only the tree writes to it. */

import type { Stat, StatPersisted } from '../wire/dataRecords.ts';
import type { Zxid } from '../wire/ids.ts';
import { ephemeralTypeOf } from './ephemeralType.ts';
import type { DataSlab } from './nodeData.ts';

const NO_CHILDREN: ReadonlySet<string> = new Set();

export class DataNode implements StatPersisted {
  /** The root's is empty. */
  readonly path: string;
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

  /** Frozen views up to this number have no need of a copy of the node any more. */
  viewStamp = 0;
  #children: Set<string> | null = null;
  /** Signed: V8 keeps an unsigned one that large in an object of its own. */
  #digest = 0;
  /** Its data, or the slab with its data in it: a view of its own for each node would take as much as a short data. */
  #held: Uint8Array | DataSlab | null;
  #slabOffset = 0;
  #dataLength: number;

  constructor(path: string, data: Uint8Array | null, acl: number, stat: StatPersisted) {
    this.path = path;
    this.acl = acl;
    this.#held = data;
    this.#dataLength = lengthOf(data);
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

  /** What it adds to the tree's digest at present, an unsigned 32-bit number. */
  get digest(): number {
    return this.#digest >>> 0;
  }

  set digest(digest: number) {
    this.#digest = digest | 0;
  }

  /** Not to be changed. */
  get data(): Uint8Array | null {
    const held = this.#held;
    if (held === null || held instanceof Uint8Array) return held;
    return held.bytes.subarray(this.#slabOffset, this.#slabOffset + this.#dataLength);
  }

  /** Of no data as of empty data: 0. */
  get dataLength(): number {
    return this.#dataLength;
  }

  /** Null: its data lies in a buffer that is not the tree's own (`NodeData`). */
  get slab(): DataSlab | null {
    return this.#held instanceof Uint8Array ? null : this.#held;
  }

  /** Whether it has these very bytes, and not a copy of them in a slab. */
  holds(data: Uint8Array): boolean {
    return this.#held === data;
  }

  hold(data: Uint8Array | null): void {
    this.#held = data;
    this.#dataLength = lengthOf(data);
  }

  /** Its data lies `offset` bytes into the slab now. */
  holdInSlab(slab: DataSlab, offset: number, length: number): void {
    this.#held = slab;
    this.#slabOffset = offset;
    this.#dataLength = length;
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
      dataLength: this.#dataLength,
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

const lengthOf = (data: Uint8Array | null): number => (data === null ? 0 : data.length);
