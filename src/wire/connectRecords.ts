/** The first frame of a client connection in each direction, and the headers of all later ones. */

import { type SessionId, type Zxid, sessionId, zxid } from './ids.ts';
import type { JuteReader, JuteWriter } from './jute.ts';

export const PASSWORD_BYTES = 16;

export interface ConnectRequest {
  readonly protocolVersion: number;
  readonly lastZxidSeen: Zxid;
  /** The session timeout wished for, in milliseconds. */
  readonly timeOut: number;
  /** 0 for a new session. */
  readonly sessionId: SessionId;
  readonly passwd: Uint8Array | null;
  /** Null where the client is too old to say: then the response has none either. */
  readonly readOnly: boolean | null;
}

export interface ConnectResponse {
  readonly protocolVersion: number;
  /** Milliseconds granted; 0 refuses. */
  readonly timeOut: number;
  readonly sessionId: SessionId;
  readonly passwd: Uint8Array | null;
  readonly readOnly: boolean | null;
}

export interface RequestHeader {
  /** The client's running number, or one of `Xid`. */
  readonly xid: number;
  /** An `OpCode`, unless the client made something up. */
  readonly type: number;
}

export interface ReplyHeader {
  readonly xid: number;
  readonly zxid: Zxid;
  /** An `ErrorCode`; a body follows only if it is 0. */
  readonly err: number;
}

export function readConnectRequest(reader: JuteReader): ConnectRequest {
  return {
    protocolVersion: reader.int(),
    lastZxidSeen: zxid(reader.long()),
    timeOut: reader.int(),
    sessionId: sessionId(reader.long()),
    passwd: reader.buffer(),
    readOnly: readReadOnly(reader),
  };
}

export function writeConnectRequest(writer: JuteWriter, request: ConnectRequest): void {
  writer.int(request.protocolVersion);
  writer.long(request.lastZxidSeen);
  writer.int(request.timeOut);
  writer.long(request.sessionId);
  writer.buffer(request.passwd);
  if (request.readOnly !== null) writer.bool(request.readOnly);
}

export function readConnectResponse(reader: JuteReader): ConnectResponse {
  return {
    protocolVersion: reader.int(),
    timeOut: reader.int(),
    sessionId: sessionId(reader.long()),
    passwd: reader.buffer(),
    readOnly: readReadOnly(reader),
  };
}

export function writeConnectResponse(writer: JuteWriter, response: ConnectResponse): void {
  writer.int(response.protocolVersion);
  writer.int(response.timeOut);
  writer.long(response.sessionId);
  writer.buffer(response.passwd);
  if (response.readOnly !== null) writer.bool(response.readOnly);
}

const readReadOnly = (reader: JuteReader): boolean | null =>
  reader.remaining === 0 ? null : reader.bool();

export function readRequestHeader(reader: JuteReader): RequestHeader {
  return { xid: reader.int(), type: reader.int() };
}

export function writeRequestHeader(writer: JuteWriter, header: RequestHeader): void {
  writer.int(header.xid);
  writer.int(header.type);
}

export function readReplyHeader(reader: JuteReader): ReplyHeader {
  return { xid: reader.int(), zxid: zxid(reader.long()), err: reader.int() };
}

export function writeReplyHeader(writer: JuteWriter, header: ReplyHeader): void {
  writer.int(header.xid);
  writer.long(header.zxid);
  writer.int(header.err);
}
