/** Operations on one node as requests, and what their replies say about it. Pure. */

import {
  writeCreateRequest,
  writeDeleteRequest,
  writeSetDataRequest,
} from '../../wire/clientRequests.ts';
import { CreateMode } from '../../wire/createModes.ts';
import { OPEN_ACL_UNSAFE, readStat } from '../../wire/dataRecords.ts';
import { ErrorCode } from '../../wire/errorCodes.ts';
import type { JuteReader, JuteWriter } from '../../wire/jute.ts';
import { OpCode } from '../../wire/opCodes.ts';
import type { NodeInput, NodeOutput } from './nodeRegister.ts';
import type { RunReply } from './runClient.ts';

/** Errors that say something about the node, and not about session or connection. */
export const isAnswer = ({ error }: RunReply): boolean =>
  error === ErrorCode.Ok || error === ErrorCode.NoNode;

const encoder = new TextEncoder();

export function encodeWrite(
  path: string,
  input: NodeInput & { kind: 'create' | 'set' | 'delete' },
): { readonly op: number; readonly write: (writer: JuteWriter) => void } {
  switch (input.kind) {
    case 'create': {
      const data = encoder.encode(input.value);
      const request = { path, data, acl: OPEN_ACL_UNSAFE, flags: CreateMode.PERSISTENT };
      return { op: OpCode.create, write: (writer) => writeCreateRequest(writer, request) };
    }
    case 'set': {
      const request = { path, data: encoder.encode(input.value), version: input.expected };
      return { op: OpCode.setData, write: (writer) => writeSetDataRequest(writer, request) };
    }
    case 'delete': {
      const request = { path, version: input.expected };
      return { op: OpCode.delete, write: (writer) => writeDeleteRequest(writer, request) };
    }
  }
}

/** Null: the answer says nothing of the node (the session is gone, the server gave up). */
export function outputOf(reply: RunReply, kind: 'create' | 'set' | 'delete'): NodeOutput | null {
  switch (reply.error) {
    case ErrorCode.Ok:
      return { ok: true, version: versionOf(reply.body, kind), value: null };
    case ErrorCode.NoNode:
    case ErrorCode.NodeExists:
    case ErrorCode.BadVersion:
      return { ok: false, error: reply.error };
    default:
      return null;
  }
}

function versionOf(body: JuteReader, kind: 'create' | 'set' | 'delete'): number {
  if (kind === 'set') return readStat(body).version;
  return kind === 'create' ? 0 : -1;
}
