/** The bodies of replies to clients. `exists`, `setData` and `setACL` answer a bare `Stat`: see dataRecords.ts. */

import {
  type ACL,
  type ClientInfo,
  type Stat,
  readACLs,
  readClientInfo,
  readStat,
  writeACLs,
  writeClientInfo,
  writeStat,
} from './dataRecords.ts';
import type { JuteReader, JuteWriter } from './jute.ts';
import { readStrings, readVector, writeStrings, writeVector } from './jute.ts';

/** `create` and `sync`. */
export interface PathResponse {
  readonly path: string;
}

/** `create2`, `createContainer` and `createTTL`. */
export interface Create2Response {
  readonly path: string;
  readonly stat: Stat;
}

/** Also what `reconfig` answers: the new configuration. */
export interface GetDataResponse {
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

export interface GetACLResponse {
  readonly acl: readonly ACL[] | null;
  readonly stat: Stat;
}

export interface GetChildrenResponse {
  readonly children: readonly string[];
}

export interface GetChildren2Response extends GetChildrenResponse {
  readonly stat: Stat;
}

export interface GetEphemeralsResponse {
  readonly ephemerals: readonly string[];
}

export interface GetAllChildrenNumberResponse {
  readonly totalNumber: number;
}

export interface WhoAmIResponse {
  readonly clientInfo: readonly ClientInfo[];
}

/** What `addWatch` answers, and an error inside a multi. */
export interface ErrorResponse {
  readonly err: number;
}

export function readPathResponse(reader: JuteReader): PathResponse {
  return { path: reader.requiredString() };
}

export function writePathResponse(writer: JuteWriter, response: PathResponse): void {
  writer.string(response.path);
}

export function readCreate2Response(reader: JuteReader): Create2Response {
  return { path: reader.requiredString(), stat: readStat(reader) };
}

export function writeCreate2Response(writer: JuteWriter, response: Create2Response): void {
  writer.string(response.path);
  writeStat(writer, response.stat);
}

export function readGetDataResponse(reader: JuteReader): GetDataResponse {
  return { data: reader.buffer(), stat: readStat(reader) };
}

export function writeGetDataResponse(writer: JuteWriter, response: GetDataResponse): void {
  writer.buffer(response.data);
  writeStat(writer, response.stat);
}

export function readGetACLResponse(reader: JuteReader): GetACLResponse {
  return { acl: readACLs(reader), stat: readStat(reader) };
}

export function writeGetACLResponse(writer: JuteWriter, response: GetACLResponse): void {
  writeACLs(writer, response.acl);
  writeStat(writer, response.stat);
}

export function readGetChildrenResponse(reader: JuteReader): GetChildrenResponse {
  return { children: readStrings(reader) };
}

export function writeGetChildrenResponse(writer: JuteWriter, response: GetChildrenResponse): void {
  writeStrings(writer, response.children);
}

export function readGetChildren2Response(reader: JuteReader): GetChildren2Response {
  return { children: readStrings(reader), stat: readStat(reader) };
}

export function writeGetChildren2Response(
  writer: JuteWriter,
  response: GetChildren2Response,
): void {
  writeStrings(writer, response.children);
  writeStat(writer, response.stat);
}

export function readGetEphemeralsResponse(reader: JuteReader): GetEphemeralsResponse {
  return { ephemerals: readStrings(reader) };
}

export function writeGetEphemeralsResponse(
  writer: JuteWriter,
  response: GetEphemeralsResponse,
): void {
  writeStrings(writer, response.ephemerals);
}

export function readGetAllChildrenNumberResponse(reader: JuteReader): GetAllChildrenNumberResponse {
  return { totalNumber: reader.int() };
}

export function writeGetAllChildrenNumberResponse(
  writer: JuteWriter,
  response: GetAllChildrenNumberResponse,
): void {
  writer.int(response.totalNumber);
}

export function readWhoAmIResponse(reader: JuteReader): WhoAmIResponse {
  return { clientInfo: readVector(reader, readClientInfo) ?? [] };
}

export function writeWhoAmIResponse(writer: JuteWriter, response: WhoAmIResponse): void {
  writeVector(writer, response.clientInfo, writeClientInfo);
}

export function readErrorResponse(reader: JuteReader): ErrorResponse {
  return { err: reader.int() };
}

export function writeErrorResponse(writer: JuteWriter, response: ErrorResponse): void {
  writer.int(response.err);
}
