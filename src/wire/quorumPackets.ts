/**
 * What learners and their leader say to each other. The quorum port is a stream without frames: packet follows packet,
 * and after SNAP a whole data tree stands raw between two of them.
 */

import { ByteQueue } from '../base/byteQueue.ts';
import { type Id, readIds, writeIds } from './dataRecords.ts';
import { type Zxid, zxid } from './ids.ts';
import { JUTE_MAX_FIELD_BYTES, JuteReader, type JuteWriter, malformed, toBytes } from './jute.ts';

export const PacketType = {
  REQUEST: 1,
  PROPOSAL: 2,
  ACK: 3,
  COMMIT: 4,
  PING: 5,
  REVALIDATE: 6,
  SYNC: 7,
  INFORM: 8,
  COMMITANDACTIVATE: 9,
  NEWLEADER: 10,
  FOLLOWERINFO: 11,
  UPTODATE: 12,
  DIFF: 13,
  TRUNC: 14,
  SNAP: 15,
  OBSERVERINFO: 16,
  LEADERINFO: 17,
  ACKEPOCH: 18,
  INFORMANDACTIVATE: 19,
} as const;

export type PacketType = (typeof PacketType)[keyof typeof PacketType];

const names = new Map<number, string>(
  Object.entries(PacketType).map(([name, type]) => [type, name]),
);

/** For people: `PROPOSAL`, or `packet 77` for a number that is none. */
export const packetTypeName = (type: number): string => names.get(type) ?? `packet ${type}`;

export interface QuorumPacket {
  /** A {@link PacketType}, unless the peer made something up. */
  readonly type: number;
  readonly zxid: Zxid;
  /** A view of the received bytes; an empty buffer and none at all are different things. */
  readonly data: Uint8Array | null;
  /** Whom a REQUEST comes from; null in every other packet. */
  readonly authinfo: readonly Id[] | null;
}

/** More identities than this in one packet are refused. */
const MAX_ID_COUNT = 1024;
/** Type and zxid, before the length of the data. */
const HEAD_BYTES = 12;

export function encodeQuorumPacket(packet: QuorumPacket): Uint8Array {
  return toBytes((writer) => writeQuorumPacket(writer, packet));
}

export function writeQuorumPacket(writer: JuteWriter, packet: QuorumPacket): void {
  writer.int(packet.type);
  writer.long(packet.zxid);
  writer.buffer(packet.data);
  writeIds(writer, packet.authinfo);
}

/** Makes packets out of a stream that arrives in pieces. Throws `JuteError` for one that cannot be: then the stream is lost. */
export class QuorumPacketReader {
  readonly #queue = new ByteQueue();
  #raw = false;
  #consumed = 0;

  /** Where in the stream the next packet (or raw piece) begins. */
  get offsetBytes(): number {
    return this.#consumed;
  }

  /** Bytes received and not handed out yet. */
  get bufferedBytes(): number {
    return this.#queue.length;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /** The next packet, or null until the rest of it has come, and while the stream is raw. */
  next(): QuorumPacket | null {
    const length = this.#raw ? null : measurePacket(this.#queue);
    if (length === null) return null;
    this.#consumed += length;
    return readQuorumPacket(new JuteReader(this.#queue.take(length)));
  }

  /** From here on the stream is no packets but a snapshot: {@link takeRaw} hands it out as it comes. */
  beginRaw(): void {
    this.#raw = true;
  }

  /** What has come of the raw stream, or null. It may run on into the packets after it. */
  takeRaw(): Uint8Array | null {
    if (!this.#raw || this.#queue.length === 0) return null;
    const bytes = this.#queue.takeChunk();
    this.#consumed += bytes.length;
    return bytes;
  }

  /** The raw stream is over; `unused` came after it and is read as packets. */
  endRaw(unused: Uint8Array): void {
    this.#raw = false;
    this.#queue.unshift(unused);
    this.#consumed -= unused.length;
  }
}

function readQuorumPacket(reader: JuteReader): QuorumPacket {
  return {
    type: reader.int(),
    zxid: zxid(reader.long()),
    data: reader.buffer(),
    authinfo: readIds(reader),
  };
}

/** How long the packet at the front is, or null while too little of it is there to tell or to take it. */
function measurePacket(queue: ByteQueue): number | null {
  let at = HEAD_BYTES;
  const data = fieldLength(queue, at);
  if (data === null) return null;
  at += 4 + data;
  if (queue.length < at + 4) return null;
  const idCount = queue.peekInt(at);
  if (idCount < -1 || idCount > MAX_ID_COUNT) throw malformed(`${idCount} identities in a packet`);
  at += 4;
  for (let i = 0; i < idCount * 2; i++) {
    const text = fieldLength(queue, at);
    if (text === null) return null;
    at += 4 + text;
  }
  return queue.length < at ? null : at;
}

/** The length of the string or buffer at `at`, 0 for null ones. */
function fieldLength(queue: ByteQueue, at: number): number | null {
  if (queue.length < at + 4) return null;
  const length = queue.peekInt(at);
  if (length < -1 || length > JUTE_MAX_FIELD_BYTES) {
    throw malformed(`a field of ${length} bytes in a packet of type ${queue.peekInt()}`);
  }
  return Math.max(length, 0);
}
