/**
 * The bodies of `multi` and `multiRead`: a header before each operation or result, and a last header that says done.
 * Neither may be nested, and the number of operations is bounded by the frame they came in.
 */

import { unreachable } from '../base/assert.ts';
import * as requests from './clientRequests.ts';
import * as responses from './clientResponses.ts';
import { type Stat, readStat, writeStat } from './dataRecords.ts';
import type { JuteReader, JuteWriter } from './jute.ts';
import { malformed } from './jute.ts';
import { OpCode, opName } from './opCodes.ts';

interface MultiHeader {
  /** An `OpCode`; -1 for an error and for the end. */
  readonly type: number;
  readonly done: boolean;
  /** -1 before requests and at the end, 0 or an `ErrorCode` before results. */
  readonly err: number;
}

/** One operation of a multi. */
export type MultiOp =
  | ({
      readonly type: typeof OpCode.create | typeof OpCode.create2 | typeof OpCode.createContainer;
    } & requests.CreateRequest)
  | ({ readonly type: typeof OpCode.createTTL } & requests.CreateTTLRequest)
  | ({ readonly type: typeof OpCode.delete } & requests.DeleteRequest)
  | ({ readonly type: typeof OpCode.setData } & requests.SetDataRequest)
  | ({ readonly type: typeof OpCode.check } & requests.CheckVersionRequest)
  | ({ readonly type: typeof OpCode.getData | typeof OpCode.getChildren } & requests.ReadRequest);

/** One result of a multi. ZooKeeper 3.8 answers `create2` as `create`; `createContainer` and `createTTL` as `create2`. */
export type MultiResult =
  | { readonly type: typeof OpCode.create; readonly path: string }
  | { readonly type: typeof OpCode.create2; readonly path: string; readonly stat: Stat }
  | { readonly type: typeof OpCode.delete | typeof OpCode.check }
  | { readonly type: typeof OpCode.setData; readonly stat: Stat }
  | ({ readonly type: typeof OpCode.getData } & responses.GetDataResponse)
  | ({ readonly type: typeof OpCode.getChildren } & responses.GetChildrenResponse)
  /** 0 before the operation that failed, its code, and -2 after it. */
  | { readonly type: typeof OpCode.error; readonly err: number };

const END: MultiHeader = { type: -1, done: true, err: -1 };

function readMultiHeader(reader: JuteReader): MultiHeader {
  return { type: reader.int(), done: reader.bool(), err: reader.int() };
}

function writeMultiHeader(writer: JuteWriter, header: MultiHeader): void {
  writer.int(header.type);
  writer.bool(header.done);
  writer.int(header.err);
}

export function readMultiRequest(reader: JuteReader): MultiOp[] {
  const ops: MultiOp[] = [];
  for (let header = readMultiHeader(reader); !header.done; header = readMultiHeader(reader)) {
    ops.push(readMultiOp(reader, header.type));
  }
  return ops;
}

export function writeMultiRequest(writer: JuteWriter, ops: readonly MultiOp[]): void {
  for (const op of ops) {
    writeMultiHeader(writer, { type: op.type, done: false, err: -1 });
    writeMultiOp(writer, op);
  }
  writeMultiHeader(writer, END);
}

export function readMultiResponse(reader: JuteReader): MultiResult[] {
  const results: MultiResult[] = [];
  for (let header = readMultiHeader(reader); !header.done; header = readMultiHeader(reader)) {
    results.push(readMultiResult(reader, header.type));
  }
  return results;
}

export function writeMultiResponse(writer: JuteWriter, results: readonly MultiResult[]): void {
  for (const result of results) {
    const err = result.type === OpCode.error ? result.err : 0;
    writeMultiHeader(writer, { type: result.type, done: false, err });
    writeMultiResult(writer, result);
  }
  writeMultiHeader(writer, END);
}

function readMultiOp(reader: JuteReader, type: number): MultiOp {
  switch (type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      return { type, ...requests.readCreateRequest(reader) };
    case OpCode.createTTL:
      return { type, ...requests.readCreateTTLRequest(reader) };
    case OpCode.delete:
      return { type, ...requests.readDeleteRequest(reader) };
    case OpCode.setData:
      return { type, ...requests.readSetDataRequest(reader) };
    case OpCode.check:
      return { type, ...requests.readCheckVersionRequest(reader) };
    case OpCode.getData:
    case OpCode.getChildren:
      return { type, ...requests.readReadRequest(reader) };
    default:
      throw malformed(`${opName(type)} cannot be part of a multi`);
  }
}

function writeMultiOp(writer: JuteWriter, op: MultiOp): void {
  switch (op.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
      return requests.writeCreateRequest(writer, op);
    case OpCode.createTTL:
      return requests.writeCreateTTLRequest(writer, op);
    case OpCode.delete:
      return requests.writeDeleteRequest(writer, op);
    case OpCode.setData:
      return requests.writeSetDataRequest(writer, op);
    case OpCode.check:
      return requests.writeCheckVersionRequest(writer, op);
    case OpCode.getData:
    case OpCode.getChildren:
      return requests.writeReadRequest(writer, op);
    default:
      unreachable(op);
  }
}

function readMultiResult(reader: JuteReader, type: number): MultiResult {
  switch (type) {
    case OpCode.create:
      return { type, path: reader.requiredString() };
    case OpCode.create2:
      return { type, ...responses.readCreate2Response(reader) };
    case OpCode.delete:
    case OpCode.check:
      return { type };
    case OpCode.setData:
      return { type, stat: readStat(reader) };
    case OpCode.getData:
      return { type, ...responses.readGetDataResponse(reader) };
    case OpCode.getChildren:
      return { type, ...responses.readGetChildrenResponse(reader) };
    case OpCode.error:
      return { type, err: reader.int() };
    default:
      throw malformed(`${opName(type)} cannot be a result in a multi`);
  }
}

function writeMultiResult(writer: JuteWriter, result: MultiResult): void {
  switch (result.type) {
    case OpCode.create:
      return writer.string(result.path);
    case OpCode.create2:
      return responses.writeCreate2Response(writer, result);
    case OpCode.delete:
    case OpCode.check:
      return;
    case OpCode.setData:
      return writeStat(writer, result.stat);
    case OpCode.getData:
      return responses.writeGetDataResponse(writer, result);
    case OpCode.getChildren:
      return responses.writeGetChildrenResponse(writer, result);
    case OpCode.error:
      return writer.int(result.err);
    default:
      unreachable(result);
  }
}
