/** The records of ZooKeeper's `data` module, which every part shares: who may do what, and what is known about a node. */

import { type Zxid, zxid } from './ids.ts';
import type { JuteReader, JuteWriter } from './jute.ts';
import { readVector, writeVector } from './jute.ts';

/** Who somebody is, by some scheme: `{ scheme: 'digest', id: 'alice:...' }`. */
export interface Id {
  readonly scheme: string;
  readonly id: string;
}

export interface ACL {
  /** A sum of {@link Perms}. */
  readonly perms: number;
  readonly id: Id;
}

export const Perms = { READ: 1, WRITE: 2, CREATE: 4, DELETE: 8, ADMIN: 16, ALL: 31 } as const;

const ANYONE_ID: Id = { scheme: 'world', id: 'anyone' };
/** Stands for whoever creates the node. */
const AUTH_ID: Id = { scheme: 'auth', id: '' };
export const OPEN_ACL_UNSAFE: readonly ACL[] = [{ perms: Perms.ALL, id: ANYONE_ID }];
export const READ_ACL_UNSAFE: readonly ACL[] = [{ perms: Perms.READ, id: ANYONE_ID }];
export const CREATOR_ALL_ACL: readonly ACL[] = [{ perms: Perms.ALL, id: AUTH_ID }];

/** What clients are told about a node. */
export interface Stat {
  readonly czxid: Zxid;
  readonly mzxid: Zxid;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** The session that owns it, 0 for all others. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: Zxid;
}

/** What servers keep about a node: no counts, and an `ephemeralOwner` that also marks containers and TTLs. */
export type StatPersisted = Omit<Stat, 'dataLength' | 'numChildren'>;

const SMALLEST_ID_BYTES = 8;
const SMALLEST_ACL_BYTES = 12;

/** Who a connection is, as `whoAmI` tells it. */
export interface ClientInfo {
  readonly authScheme: string;
  readonly user: string;
}

/** Some clients (kazoo) write an empty id as null: the `auth` scheme has no other. */
function readId(reader: JuteReader): Id {
  const scheme = reader.requiredString();
  return { scheme, id: scheme === 'auth' ? (reader.string() ?? '') : reader.requiredString() };
}

function writeId(writer: JuteWriter, { scheme, id }: Id): void {
  writer.string(scheme);
  writer.string(id);
}

export const readIds = (reader: JuteReader): Id[] | null =>
  readVector(reader, readId, SMALLEST_ID_BYTES);
export const writeIds = (writer: JuteWriter, ids: readonly Id[] | null): void =>
  writeVector(writer, ids, writeId);

function readACL(reader: JuteReader): ACL {
  return { perms: reader.int(), id: readId(reader) };
}

function writeACL(writer: JuteWriter, acl: ACL): void {
  writer.int(acl.perms);
  writeId(writer, acl.id);
}

/** An access control list; null as some clients send it. */
export const readACLs = (reader: JuteReader): ACL[] | null =>
  readVector(reader, readACL, SMALLEST_ACL_BYTES);
export const writeACLs = (writer: JuteWriter, acls: readonly ACL[] | null): void =>
  writeVector(writer, acls, writeACL);

export function readStat(reader: JuteReader): Stat {
  return {
    czxid: zxid(reader.long()),
    mzxid: zxid(reader.long()),
    ctime: reader.time(),
    mtime: reader.time(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.long(),
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: zxid(reader.long()),
  };
}

export function writeStat(writer: JuteWriter, stat: Stat): void {
  writeStatHead(writer, stat);
  writer.int(stat.dataLength);
  writer.int(stat.numChildren);
  writer.long(stat.pzxid);
}

export function readStatPersisted(reader: JuteReader): StatPersisted {
  return {
    czxid: zxid(reader.long()),
    mzxid: zxid(reader.long()),
    ctime: reader.time(),
    mtime: reader.time(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.long(),
    pzxid: zxid(reader.long()),
  };
}

export function writeStatPersisted(writer: JuteWriter, stat: StatPersisted): void {
  writeStatHead(writer, stat);
  writer.long(stat.pzxid);
}

function writeStatHead(writer: JuteWriter, stat: StatPersisted): void {
  writer.long(stat.czxid);
  writer.long(stat.mzxid);
  writer.time(stat.ctime);
  writer.time(stat.mtime);
  writer.int(stat.version);
  writer.int(stat.cversion);
  writer.int(stat.aversion);
  writer.long(stat.ephemeralOwner);
}

export function readClientInfo(reader: JuteReader): ClientInfo {
  return { authScheme: reader.requiredString(), user: reader.requiredString() };
}

export function writeClientInfo(writer: JuteWriter, info: ClientInfo): void {
  writer.string(info.authScheme);
  writer.string(info.user);
}
