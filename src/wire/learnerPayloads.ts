/** What stands in the `data` of quorum packets. Every `decode` throws `JuteError` for bytes that are no such payload. */

import { type SessionId, type Sid, sessionId, sid } from './ids.ts';
import { JuteReader, malformed, toBytes } from './jute.ts';

/** The protocol version that learners and leaders of ZooKeeper 3.4 and later tell each other. */
export const LEARNER_PROTOCOL_VERSION = 0x10000;
/** What a learner that says nothing speaks: the time before Zab 1.0. */
const OLDEST_PROTOCOL_VERSION = 1;

/** FOLLOWERINFO and OBSERVERINFO. */
export interface LearnerInfo {
  readonly serverid: Sid;
  readonly protocolVersion: number;
  /** Version of the learner's configuration. */
  readonly configVersion: bigint;
}

/** One session that a learner's client used since the last ping, in the learner's PING. */
export interface SessionTouch {
  readonly sessionId: SessionId;
  readonly timeoutMs: number;
}

/** REQUEST: a client's write, on its way to the leader. */
export interface ForwardedRequest {
  readonly sessionId: SessionId;
  readonly cxid: number;
  /** An `OpCode`. */
  readonly type: number;
  /** The request's body as the client sent it. */
  readonly payload: Uint8Array;
}

/** REVALIDATE back from the leader. */
export interface RevalidateAnswer {
  readonly sessionId: SessionId;
  readonly valid: boolean;
}

/** INFORMANDACTIVATE; COMMITANDACTIVATE is the first half of it. */
export interface ActivatedInform {
  readonly designatedLeader: Sid;
  /** The transaction's bytes. */
  readonly txn: Uint8Array;
}

const SESSION_TOUCH_BYTES = 12;
const NOTHING = new Uint8Array(0);

export function encodeLearnerInfo(info: LearnerInfo): Uint8Array {
  return toBytes((writer) => {
    writer.long(info.serverid);
    writer.int(info.protocolVersion);
    writer.long(info.configVersion);
  });
}

/** Older learners say less: only who they are, or no configuration. */
export function decodeLearnerInfo(data: Uint8Array): LearnerInfo {
  const reader = new JuteReader(data);
  return {
    serverid: sid(reader.long()),
    protocolVersion: reader.remaining >= 4 ? reader.int() : OLDEST_PROTOCOL_VERSION,
    configVersion: reader.remaining >= 8 ? reader.long() : 0n,
  };
}

/** LEADERINFO: the protocol version. ACKEPOCH: the learner's current epoch, or -1. */
export const encodeInt = (value: number): Uint8Array => toBytes((writer) => writer.int(value));
export const decodeInt = (data: Uint8Array): number => new JuteReader(data).int();

export function encodeSessionTouches(touches: readonly SessionTouch[]): Uint8Array {
  if (touches.length === 0) return NOTHING;
  return toBytes((writer) => {
    for (const touch of touches) {
      writer.long(touch.sessionId);
      writer.int(touch.timeoutMs);
    }
  });
}

export function decodeSessionTouches(data: Uint8Array): SessionTouch[] {
  if (data.length % SESSION_TOUCH_BYTES !== 0) {
    throw malformed(`a ping of ${data.length} bytes holds no whole number of sessions`);
  }
  const reader = new JuteReader(data);
  const touches: SessionTouch[] = [];
  while (reader.remaining > 0) touches.push(readSessionTouch(reader));
  return touches;
}

/** REVALIDATE to the leader: the session a client came back with, and its timeout. */
export const encodeRevalidate = (touch: SessionTouch): Uint8Array => encodeSessionTouches([touch]);
export const decodeRevalidate = (data: Uint8Array): SessionTouch =>
  readSessionTouch(new JuteReader(data));

function readSessionTouch(reader: JuteReader): SessionTouch {
  return { sessionId: sessionId(reader.long()), timeoutMs: reader.int() };
}

export function encodeRevalidateAnswer(answer: RevalidateAnswer): Uint8Array {
  return toBytes((writer) => {
    writer.long(answer.sessionId);
    writer.bool(answer.valid);
  });
}

export function decodeRevalidateAnswer(data: Uint8Array): RevalidateAnswer {
  const reader = new JuteReader(data);
  return { sessionId: sessionId(reader.long()), valid: reader.bool() };
}

export function encodeForwardedRequest(request: ForwardedRequest): Uint8Array {
  return toBytes((writer) => {
    writer.long(request.sessionId);
    writer.int(request.cxid);
    writer.int(request.type);
    writer.raw(request.payload);
  });
}

export function decodeForwardedRequest(data: Uint8Array): ForwardedRequest {
  const reader = new JuteReader(data);
  return {
    sessionId: sessionId(reader.long()),
    cxid: reader.int(),
    type: reader.int(),
    payload: reader.raw(reader.remaining),
  };
}

export const encodeDesignatedLeader = (leader: Sid): Uint8Array =>
  toBytes((writer) => writer.long(leader));
export const decodeDesignatedLeader = (data: Uint8Array): Sid => sid(new JuteReader(data).long());

export function encodeActivatedInform(inform: ActivatedInform): Uint8Array {
  return toBytes((writer) => {
    writer.long(inform.designatedLeader);
    writer.raw(inform.txn);
  });
}

export function decodeActivatedInform(data: Uint8Array): ActivatedInform {
  const reader = new JuteReader(data);
  return { designatedLeader: sid(reader.long()), txn: reader.raw(reader.remaining) };
}
