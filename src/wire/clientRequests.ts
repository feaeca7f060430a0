/** The bodies of client requests that name a node (ZooKeeper's `proto` module); watches and multis have files of their own. */

import { type ACL, readACLs, writeACLs } from './dataRecords.ts';
import type { JuteReader, JuteWriter } from './jute.ts';

/** Also `create2` and `createContainer`. */
export interface CreateRequest {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[] | null;
  /** A `CreateMode`, unless the client made something up. */
  readonly flags: number;
}

export interface CreateTTLRequest extends CreateRequest {
  /** Milliseconds. */
  readonly ttl: bigint;
}

export interface DeleteRequest {
  readonly path: string;
  /** -1 matches any version, here and below. */
  readonly version: number;
}

export interface SetDataRequest {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly version: number;
}

export interface SetACLRequest {
  readonly path: string;
  readonly acl: readonly ACL[] | null;
  readonly version: number;
}

export interface CheckVersionRequest {
  readonly path: string;
  readonly version: number;
}

/** `exists`, `getData`, `getChildren` and `getChildren2`. */
export interface ReadRequest {
  readonly path: string;
  readonly watch: boolean;
}

/** `getACL`, `sync`, `getAllChildrenNumber` and, for a prefix, `getEphemerals`. */
export interface PathRequest {
  readonly path: string;
}

export interface AuthPacket {
  readonly type: number;
  readonly scheme: string | null;
  readonly auth: Uint8Array | null;
}

/** Server lines separated by commas; null for what is not asked for. */
export interface ReconfigRequest {
  readonly joiningServers: string | null;
  readonly leavingServers: string | null;
  readonly newMembers: string | null;
  /** The version the configuration must have; -1 for any. */
  readonly curConfigId: bigint;
}

export function readCreateRequest(reader: JuteReader): CreateRequest {
  return {
    path: reader.requiredString(),
    data: reader.buffer(),
    acl: readACLs(reader),
    flags: reader.int(),
  };
}

export function writeCreateRequest(writer: JuteWriter, request: CreateRequest): void {
  writer.string(request.path);
  writer.buffer(request.data);
  writeACLs(writer, request.acl);
  writer.int(request.flags);
}

export function readCreateTTLRequest(reader: JuteReader): CreateTTLRequest {
  return { ...readCreateRequest(reader), ttl: reader.long() };
}

export function writeCreateTTLRequest(writer: JuteWriter, request: CreateTTLRequest): void {
  writeCreateRequest(writer, request);
  writer.long(request.ttl);
}

export function readDeleteRequest(reader: JuteReader): DeleteRequest {
  return { path: reader.requiredString(), version: reader.int() };
}

export function writeDeleteRequest(writer: JuteWriter, request: DeleteRequest): void {
  writer.string(request.path);
  writer.int(request.version);
}

export function readSetDataRequest(reader: JuteReader): SetDataRequest {
  return { path: checkedPath(reader), data: reader.buffer(), version: reader.int() };
}

export function writeSetDataRequest(writer: JuteWriter, request: SetDataRequest): void {
  writer.string(request.path);
  writer.buffer(request.data);
  writer.int(request.version);
}

export function readSetACLRequest(reader: JuteReader): SetACLRequest {
  return { path: checkedPath(reader), acl: readACLs(reader), version: reader.int() };
}

export function writeSetACLRequest(writer: JuteWriter, request: SetACLRequest): void {
  writer.string(request.path);
  writeACLs(writer, request.acl);
  writer.int(request.version);
}

/** A path that is validated before all else: there, null is as bad an argument as an empty one, and not unreadable. */
const checkedPath = (reader: JuteReader): string => reader.string() ?? '';

/** The same two fields as a delete. */
export const readCheckVersionRequest: (reader: JuteReader) => CheckVersionRequest =
  readDeleteRequest;
export const writeCheckVersionRequest: (writer: JuteWriter, request: CheckVersionRequest) => void =
  writeDeleteRequest;

export function readReadRequest(reader: JuteReader): ReadRequest {
  return { path: reader.requiredString(), watch: reader.bool() };
}

export function writeReadRequest(writer: JuteWriter, request: ReadRequest): void {
  writer.string(request.path);
  writer.bool(request.watch);
}

export function readPathRequest(reader: JuteReader): PathRequest {
  return { path: reader.requiredString() };
}

export function writePathRequest(writer: JuteWriter, request: PathRequest): void {
  writer.string(request.path);
}

export function readAuthPacket(reader: JuteReader): AuthPacket {
  return { type: reader.int(), scheme: reader.string(), auth: reader.buffer() };
}

export function writeAuthPacket(writer: JuteWriter, packet: AuthPacket): void {
  writer.int(packet.type);
  writer.string(packet.scheme);
  writer.buffer(packet.auth);
}

export function readReconfigRequest(reader: JuteReader): ReconfigRequest {
  return {
    joiningServers: reader.string(),
    leavingServers: reader.string(),
    newMembers: reader.string(),
    curConfigId: reader.long(),
  };
}

export function writeReconfigRequest(writer: JuteWriter, request: ReconfigRequest): void {
  writer.string(request.joiningServers);
  writer.string(request.leavingServers);
  writer.string(request.newMembers);
  writer.long(request.curConfigId);
}
