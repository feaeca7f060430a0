/** The requests of a client that wait: first for a connection with room, then for their replies, which come in order. */

import { Queue } from '../base/queue.ts';
import type { ReplyHeader } from '../wire/connectRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { JUTE_MAX_BUFFER_BYTES, type JuteReader, type JuteWriter } from '../wire/jute.ts';
import { LENGTH_BYTES } from './frameReader.ts';
import { requestFrame } from './requestFrame.ts';

const MAX_OUTSTANDING_COUNT = 100_000;
/** Smaller numbers mean something else, so counting begins again here. */
const FIRST_XID = 1;
const LAST_XID = 0x7fffffff;

export type Reply =
  { readonly ok: true; readonly body: JuteReader } | { readonly ok: false; readonly code: number };

/** Something to ask the server. */
export interface ClientRequest {
  readonly type: number;
  /** For the error that tells about it. */
  readonly path: string | null;
  readonly write: (writer: JuteWriter) => void;
  /** Called once. A `JuteError` thrown here means that the server answers nonsense, and ends the connection. */
  readonly done: (reply: Reply) => void;
}

interface Packet {
  readonly xid: number;
  readonly frame: Uint8Array;
  readonly done: (reply: Reply) => void;
}

export class Outstanding {
  readonly #sent = new Queue<Packet>();
  readonly #unsent = new Queue<Packet>();
  #nextXid = FIRST_XID;

  /** Throws if the request is larger than a server accepts or too many wait already. */
  push({ type, path, write, done }: ClientRequest): void {
    if (this.#sent.length + this.#unsent.length >= MAX_OUTSTANDING_COUNT) {
      throw new RangeError(
        `${MAX_OUTSTANDING_COUNT} requests wait for an answer already: await some before sending more`,
      );
    }
    const xid = this.#nextXid;
    const frame = requestFrame(xid, type, write);
    const sizeBytes = frame.length - LENGTH_BYTES;
    if (sizeBytes > JUTE_MAX_BUFFER_BYTES) {
      const meaning = `the request takes ${sizeBytes} bytes, and servers accept ${JUTE_MAX_BUFFER_BYTES}`;
      throw new KeeperError(ErrorCode.BadArguments, path, meaning);
    }
    this.#nextXid = xid === LAST_XID ? FIRST_XID : xid + 1;
    this.#unsent.push({ xid, frame, done });
  }

  /** The frame to send now, or null; from now on its reply is expected. */
  nextToSend(): Uint8Array | null {
    const packet = this.#unsent.shift();
    if (packet === undefined) return null;
    this.#sent.push(packet);
    return packet.frame;
  }

  /** Passes the reply on. False if it is not the one that is next: then the server and we are out of step. */
  answered({ xid, err }: ReplyHeader, body: JuteReader): boolean {
    const packet = this.#sent.peek();
    if (packet?.xid !== xid) return false;
    this.#sent.shift();
    packet.done(err === ErrorCode.Ok ? { ok: true, body } : { ok: false, code: err });
    return true;
  }

  /** Nobody can say whether what was sent was done. What was not sent waits on. */
  failSent(code: number): void {
    const failed = [...this.#sent];
    this.#sent.clear();
    for (const packet of failed) packet.done({ ok: false, code });
  }

  /** No answer will come, or none in time. */
  failAll(code: number): void {
    const failed = [...this.#sent, ...this.#unsent];
    this.#sent.clear();
    this.#unsent.clear();
    for (const packet of failed) packet.done({ ok: false, code });
  }
}
