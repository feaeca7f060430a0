/**
 * Every version that nodes had, in columns of numbers. A version is what a node has of its own (data, list, versions) and
 * what its children left in its stat; most changes are only the latter, and share the former with the version before. Data
 * that stand in a transaction are found there again. It does not know what makes a version. Pure.
 */

import { NO_DATA } from '../tree/dataNode.ts';
import { ephemeralTypeOf } from '../tree/ephemeralType.ts';
import type { ACL, Stat } from '../wire/dataRecords.ts';
import { zxid } from '../wire/ids.ts';
import { LongColumn, NumberColumn } from './columns.ts';
import { KeptBytes } from './keptBytes.ts';
import type { PathId } from './knownPaths.ts';
import type { NodeState } from './nodeReport.ts';

/** From 1; 0 is no version. */
export type VersionId = number;

/** The bytes that a node's new data may lie in. */
export interface DataSource {
  /** The transaction whose payload they are in, by the moment after it. */
  readonly moment: number;
  readonly payload: Uint8Array;
  /** What it gives the node: a view of the same buffer, or else it is copied. */
  readonly data: Uint8Array;
}

const NOT_THERE = 0;
/** In place of a length: null, which is not the same as no bytes. */
const NULL_DATA = 0xffff_ffff;

export class NodeVersions {
  readonly #payloadOf: (moment: number) => Uint8Array;

  // By the number of the path: its newest version.
  readonly #newest = new NumberColumn();

  // By the number of the version.
  readonly #from = new NumberColumn();
  readonly #path = new NumberColumn();
  readonly #before = new NumberColumn();
  /** An older one, so far away that any moment is found in few leaps. */
  readonly #leap = new NumberColumn();
  /** How many are before it. */
  readonly #depth = new NumberColumn();
  readonly #own = new NumberColumn();
  readonly #pzxid = new LongColumn();
  readonly #cversion = new NumberColumn();
  readonly #childCount = new NumberColumn();

  // By the number of what is a node's own; 0 is that of a node that is not there.
  readonly #czxid = new LongColumn();
  readonly #mzxid = new LongColumn();
  readonly #ctime = new NumberColumn(Float64Array);
  readonly #mtime = new NumberColumn(Float64Array);
  readonly #version = new NumberColumn();
  readonly #aversion = new NumberColumn();
  readonly #owner = new LongColumn();
  readonly #list = new NumberColumn();
  /** The moment whose transaction has the data; 0: they are kept here. */
  readonly #dataMoment = new NumberColumn();
  readonly #dataAt = new NumberColumn();
  readonly #dataLength = new NumberColumn();

  readonly #kept = new KeptBytes();
  readonly #lists: (readonly ACL[])[] = [];
  readonly #listIds = new Map<readonly ACL[], number>();

  /** `payloadOf` gives the bytes of the transaction before a moment. */
  constructor(payloadOf: (moment: number) => Uint8Array) {
    this.#payloadOf = payloadOf;
    this.#push(0, 0, 0, NOT_THERE, null);
    this.#pushOwn(null, null);
  }

  /** How many there are, that of no version among them: the number that the next one gets. */
  get length(): number {
    return this.#from.length;
  }

  /** 0: the path has no version, so nothing has changed it. */
  newest(path: PathId): VersionId {
    return this.#newest.at(path);
  }

  /** 0: none is that old. */
  at(path: PathId, moment: number): VersionId {
    let version = this.newest(path);
    while (version !== 0 && this.#from.at(version) > moment) {
      const leap = this.#leap.at(version);
      version = this.#from.at(leap) > moment ? leap : this.#before.at(version);
    }
    return version;
  }

  /** 0: it is the oldest. */
  before(version: VersionId): VersionId {
    return this.#before.at(version);
  }

  /** The moment from which on the node was so. */
  from(version: VersionId): number {
    return this.#from.at(version);
  }

  pathOf(version: VersionId): PathId {
    return this.#path.at(version);
  }

  isThere(version: VersionId): boolean {
    return this.#own.at(version) !== NOT_THERE;
  }

  /** Whether two have the same of their own, and differ at most in what their children left. */
  sameOwn(one: VersionId, other: VersionId): boolean {
    return this.#own.at(one) === this.#own.at(other);
  }

  /** Null: the node is not there. */
  state(version: VersionId): NodeState | null {
    const own = this.#own.at(version);
    if (own === NOT_THERE) return null;
    const data = this.#data(own);
    const ephemeralOwner = this.#owner.at(own);
    const isSession = ephemeralTypeOf(ephemeralOwner, true) === 'NORMAL';
    const stat: Stat = {
      czxid: zxid(this.#czxid.at(own)),
      mzxid: zxid(this.#mzxid.at(own)),
      ctime: this.#ctime.at(own),
      mtime: this.#mtime.at(own),
      version: this.#version.at(own) | 0,
      cversion: this.#cversion.at(version) | 0,
      aversion: this.#aversion.at(own) | 0,
      ephemeralOwner: isSession ? ephemeralOwner : 0n,
      dataLength: data?.length ?? 0,
      numChildren: this.#childCount.at(version),
      pzxid: zxid(this.#pzxid.at(version)),
    };
    return { data, stat, acl: this.#lists[this.#list.at(own)] ?? [], ephemeralOwner };
  }

  /** A path's next version; `sharesOwn`: what is its own is that of the version before. */
  add(
    path: PathId,
    from: number,
    state: NodeState | null,
    sharesOwn: boolean,
    source: DataSource | null,
  ): void {
    const before = this.newest(path);
    const own = sharesOwn ? this.#own.at(before) : this.#ownOf(state, source);
    const version = this.#push(from, path, before, own, state);
    while (this.#newest.length < path) this.#newest.push(0);
    this.#newest.set(path, version);
  }

  #ownOf(state: NodeState | null, source: DataSource | null): number {
    return state === null ? NOT_THERE : this.#pushOwn(state, source);
  }

  #push(
    from: number,
    path: PathId,
    before: VersionId,
    own: number,
    state: NodeState | null,
  ): VersionId {
    const version = this.length;
    this.#from.push(from);
    this.#path.push(path);
    this.#before.push(before);
    this.#leap.push(this.#leapFrom(before));
    this.#depth.push(version === 0 ? 0 : this.#depth.at(before) + 1);
    this.#own.push(own);
    this.#pzxid.push(state?.stat.pzxid ?? 0n);
    this.#cversion.push((state?.stat.cversion ?? 0) >>> 0);
    this.#childCount.push(state?.stat.numChildren ?? 0);
    return version;
  }

  /** Two leaps of the same length behind each other become one of the next longer kind. */
  #leapFrom(before: VersionId): VersionId {
    const near = this.#leap.at(before);
    const far = this.#leap.at(near);
    const nearLength = this.#depth.at(before) - this.#depth.at(near);
    const farLength = this.#depth.at(near) - this.#depth.at(far);
    return nearLength === farLength ? far : before;
  }

  #pushOwn(state: NodeState | null, source: DataSource | null): number {
    const own = this.#czxid.length;
    this.#czxid.push(state?.stat.czxid ?? 0n);
    this.#mzxid.push(state?.stat.mzxid ?? 0n);
    this.#ctime.push(state?.stat.ctime ?? 0);
    this.#mtime.push(state?.stat.mtime ?? 0);
    this.#version.push((state?.stat.version ?? 0) >>> 0);
    this.#aversion.push((state?.stat.aversion ?? 0) >>> 0);
    this.#owner.push(state?.ephemeralOwner ?? 0n);
    this.#list.push(this.#listId(state?.acl ?? []));
    this.#pushData(state?.data ?? null, source);
    return own;
  }

  #pushData(data: Uint8Array | null, source: DataSource | null): void {
    this.#dataLength.push(data === null ? NULL_DATA : data.length);
    if (source !== null && isIn(source) && isSameData(source.data, data)) {
      this.#dataMoment.push(source.moment);
      this.#dataAt.push(source.data.byteOffset - source.payload.byteOffset);
      return;
    }
    this.#dataMoment.push(0);
    this.#dataAt.push(data === null || data.length === 0 ? 0 : this.#kept.keep(data));
  }

  #data(own: number): Uint8Array | null {
    const length = this.#dataLength.at(own);
    if (length === NULL_DATA) return null;
    if (length === 0) return NO_DATA;
    const at = this.#dataAt.at(own);
    const moment = this.#dataMoment.at(own);
    return moment === 0
      ? this.#kept.at(at, length)
      : this.#payloadOf(moment).subarray(at, at + length);
  }

  #listId(list: readonly ACL[]): number {
    const known = this.#listIds.get(list);
    if (known !== undefined) return known;
    this.#lists.push(list);
    this.#listIds.set(list, this.#lists.length - 1);
    return this.#lists.length - 1;
  }
}

const isIn = ({ data, payload }: DataSource): boolean => data.buffer === payload.buffer;

export function isSameData(before: Uint8Array | null, after: Uint8Array | null): boolean {
  if (before === null || after === null || before === after) return before === after;
  return before.length === after.length && before.every((byte, at) => byte === after[at]);
}
