/**
 * What the simulated clients put on a connection and take off it: frames, and nothing of what they mean. A connection
 * that its client has left is not heard any more.
 */

import { ByteQueue } from '../base/byteQueue.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../ports/network.ts';
import { writeConnectRequest, writeRequestHeader } from '../wire/connectRecords.ts';
import type { SessionId, Zxid } from '../wire/ids.ts';
import { sessionId } from '../wire/ids.ts';
import { JuteReader, type JuteWriter, toBytes } from '../wire/jute.ts';
import { OpCode, Xid } from '../wire/opCodes.ts';

/** Pings go out this many times within a session timeout. */
export const PINGS_PER_TIMEOUT = 3;
export const NO_SESSION = sessionId(0n);
export const NO_PASSWORD: Uint8Array = new Uint8Array(16);

const LENGTH_BYTES = 4;

export function requestFrame(
  xid: number,
  type: number,
  write: (writer: JuteWriter) => void = () => {},
): Uint8Array {
  return frame((writer) => {
    writeRequestHeader(writer, { xid, type });
    write(writer);
  });
}

export const PING_FRAME = requestFrame(Xid.PING, OpCode.ping);

/** The first frame of a connection: with the session it has, or for a new one. */
export function connectFrame(session: {
  readonly id: SessionId;
  readonly password: Uint8Array;
  readonly timeoutMs: number;
  readonly lastZxid: Zxid;
}): Uint8Array {
  return frame((writer) =>
    writeConnectRequest(writer, {
      protocolVersion: 0,
      lastZxidSeen: session.lastZxid,
      timeOut: session.timeoutMs,
      sessionId: session.id,
      passwd: session.password,
      readOnly: false,
    }),
  );
}

/**
 * For one connection. `current`: the one that the client uses now, if any; frames and the end of any other are not told.
 */
export function frameHandler(
  current: () => Connection | null,
  received: (reader: JuteReader) => void,
  closed: (reason: CloseReason) => void,
): ConnectionHandler {
  const input = new ByteQueue();
  let mine: Connection | null = null;
  const isCurrent = (): boolean => {
    const connection = current();
    if (connection === null) return false;
    mine ??= connection;
    return mine === connection;
  };
  return {
    opened: () => void isCurrent(),
    received: (bytes) => {
      input.push(bytes);
      while (isCurrent() && hasFrame(input)) {
        const length = input.peekInt();
        input.take(LENGTH_BYTES);
        received(new JuteReader(input.take(length)));
      }
    },
    drained: () => {},
    closed: (reason) => {
      if (isCurrent()) closed(reason);
    },
  };
}

const hasFrame = (input: ByteQueue): boolean =>
  input.length >= LENGTH_BYTES && input.length >= LENGTH_BYTES + input.peekInt();

function frame(write: (writer: JuteWriter) => void): Uint8Array {
  return toBytes((writer) => {
    writer.int(0);
    write(writer);
    writer.patchInt(0, writer.length - LENGTH_BYTES);
  });
}
