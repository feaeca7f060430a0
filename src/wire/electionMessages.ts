/**
 * What servers say on the election port: a preamble from whoever dialled, then framed notifications both ways
 * (`QuorumCnxManager.InitialMessage`, `FastLeaderElection.Notification`).
 */

import type { ByteQueue } from '../base/byteQueue.ts';
import { type Epoch, type Sid, type Zxid, epoch, epochOf, sid, zxid } from './ids.ts';
import { JuteReader, malformed, toBytes } from './jute.ts';
import { decodeUtf8, encodeUtf8 } from './utf8.ts';

/** In the order of their numbers on the wire. */
const STATES = ['LOOKING', 'FOLLOWING', 'LEADING', 'OBSERVING'] as const;
export type NotificationState = (typeof STATES)[number];

export interface Notification {
  /** 2 carries the configuration, as ZooKeeper 3.5 and later send it. The message of 3.4 counts as 0 whatever it says. */
  readonly version: 0 | 1 | 2;
  readonly state: NotificationState;
  /** The proposed leader. */
  readonly leader: Sid;
  readonly zxid: Zxid;
  readonly electionEpoch: bigint;
  readonly peerEpoch: Epoch;
  /** The sender's configuration as text; null before version 2. */
  readonly config: string | null;
}

/** A message on the election port may be this long at most (`PACKETMAXSIZE`). */
export const MAX_ELECTION_MESSAGE_BYTES = 512 * 1024;

/** Before peerEpoch existed, and the message of 3.4, whose version nobody looks at. */
const MESSAGE_BYTES_WITHOUT_PEER_EPOCH = 28;
const MESSAGE_BYTES_WITHOUT_CONFIG = 40;

/** The message without the length that frames it on the wire. */
export function encodeNotification(notification: Notification): Uint8Array {
  return toBytes((writer) => {
    writer.int(STATES.indexOf(notification.state));
    writer.long(notification.leader);
    writer.long(notification.zxid);
    writer.long(notification.electionEpoch);
    writer.long(notification.peerEpoch);
    writer.int(notification.version);
    if (notification.version === 2) writer.buffer(encodeUtf8(notification.config ?? ''));
  });
}

/** Throws `JuteError` for a message that is too short, of an unknown state, or with an impossible configuration length. */
export function decodeNotification(message: Uint8Array): Notification {
  const reader = new JuteReader(message);
  const state = STATES[reader.int()];
  if (state === undefined) throw malformed('a notification of an unknown server state');
  const vote = {
    state,
    leader: sid(reader.long()),
    zxid: zxid(reader.long()),
    electionEpoch: reader.long(),
  };
  if (message.length === MESSAGE_BYTES_WITHOUT_PEER_EPOCH) {
    return { ...vote, version: 0, peerEpoch: epochOf(vote.zxid), config: null };
  }
  const peerEpoch = epoch(reader.long());
  if (message.length === MESSAGE_BYTES_WITHOUT_CONFIG) {
    return { ...vote, version: 0, peerEpoch, config: null };
  }
  const version = reader.int();
  if (version <= 1) return { ...vote, version: version === 1 ? 1 : 0, peerEpoch, config: null };
  return { ...vote, version: 2, peerEpoch, config: readConfig(reader) };
}

function readConfig(reader: JuteReader): string {
  const bytes = reader.buffer();
  if (bytes === null) throw malformed('a notification whose configuration length is negative');
  return decodeUtf8(bytes);
}

/** Protocol version of a preamble with one address. */
export const PREAMBLE_VERSION_ONE_ADDRESS = -65536n;
/** Protocol version of a preamble with a list, sent only where `multiAddress.enabled`. */
export const PREAMBLE_VERSION_ADDRESS_LIST = -65535n;
/** The addresses in a preamble take at most this much (`InitialMessage.maxBuffer`). */
const MAX_PREAMBLE_ADDRESS_BYTES = 2048;
/** The protocol versions' low halves; the high half of both is -1. */
const PREAMBLE_VERSION_LOW_WORDS = [-65536, -65535];
const PREAMBLE_HEAD_BYTES = 20;

/** The first words of whoever dialled. */
export interface Preamble {
  readonly sid: Sid;
  /** `host:port` of the sender's election address; several where it has several, none from a server of 3.4. */
  readonly addresses: readonly string[];
}

export function encodePreamble(preamble: Preamble, protocolVersion: PreambleVersion): Uint8Array {
  return toBytes((writer) => {
    writer.long(protocolVersion);
    writer.long(preamble.sid);
    writer.buffer(encodeUtf8(preamble.addresses.join('|')));
  });
}

export type PreambleVersion =
  typeof PREAMBLE_VERSION_ONE_ADDRESS | typeof PREAMBLE_VERSION_ADDRESS_LIST;

/** The preamble at the front of `queue`, or null until all of it has come. Throws `JuteError` for what cannot become one. */
export function takePreamble(queue: ByteQueue): Preamble | null {
  if (queue.length < 8) return null;
  if (queue.peekInt() >= 0) return takeBareSid(queue);
  if (queue.peekInt() !== -1 || !PREAMBLE_VERSION_LOW_WORDS.includes(queue.peekInt(4))) {
    throw malformed('a preamble of an unknown protocol version');
  }
  if (queue.length < PREAMBLE_HEAD_BYTES) return null;
  const addressBytes = queue.peekInt(PREAMBLE_HEAD_BYTES - 4);
  if (addressBytes <= 0 || addressBytes > MAX_PREAMBLE_ADDRESS_BYTES) {
    throw malformed(`a preamble with ${addressBytes} bytes of addresses`);
  }
  if (queue.length < PREAMBLE_HEAD_BYTES + addressBytes) return null;
  return readPreamble(new JuteReader(queue.take(PREAMBLE_HEAD_BYTES + addressBytes)));
}

/** A server of 3.4 says no version and no address. */
function takeBareSid(queue: ByteQueue): Preamble {
  return { sid: sid(new JuteReader(queue.take(8)).long()), addresses: [] };
}

function readPreamble(reader: JuteReader): Preamble {
  reader.long();
  return { sid: sid(reader.long()), addresses: reader.requiredString().split('|') };
}

/** The next framed message, without its length, or null until all of it has come. Throws `JuteError` for a length out of bounds. */
export function takeElectionMessage(queue: ByteQueue): Uint8Array | null {
  if (queue.length < 4) return null;
  const length = queue.peekInt();
  if (length <= 0 || length > MAX_ELECTION_MESSAGE_BYTES) {
    throw malformed(`an election message of ${length} bytes`);
  }
  if (queue.length < 4 + length) return null;
  queue.take(4);
  return queue.take(length);
}

/** A message with the length that frames it on the wire. */
export function frameElectionMessage(message: Uint8Array): Uint8Array {
  return toBytes((writer) => writer.buffer(message));
}
