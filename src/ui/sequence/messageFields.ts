/** A message taken apart: its fields as words, each with the bytes that say so. Pure. */

import { type TxnField, txnFields } from '../../inspector/txnFields.ts';
import type { MessageEvent } from '../../narration/messages.ts';
import { zxidToString } from '../../wire/ids.ts';
import { encodeNotification } from '../../wire/electionMessages.ts';
import { opName } from '../../wire/opCodes.ts';
import { encodeQuorumPacket, PacketType, packetTypeName } from '../../wire/quorumPackets.ts';

export interface TakenApart {
  readonly fields: readonly TxnField[];
  readonly bytes: Uint8Array;
  /** What of the message is not among the bytes, or null. */
  readonly left: string | null;
}

/** Type, zxid and the length of the payload. */
const PACKET_HEAD_BYTES = 16;
const NULL_IDS_BYTES = 4;
/** The message before its configuration. */
const NOTIFICATION_BYTES = 44;

export function takeApart(event: MessageEvent): TakenApart {
  return event.topic === 'packet' ? packetApart(event) : notificationApart(event);
}

class Fields {
  readonly list: TxnField[] = [];
  #at = 0;

  add(name: string, text: string, length: number): void {
    this.list.push({ name, text, start: this.#at, end: this.#at + length, depth: 0 });
    this.#at += length;
  }
}

function notificationApart(event: Extract<MessageEvent, { topic: 'election' }>): TakenApart {
  const { state, vote, round } = event;
  const bytes = encodeNotification({
    version: 2,
    state,
    leader: vote.leader,
    zxid: vote.zxid,
    electionEpoch: round,
    peerEpoch: vote.peerEpoch,
    config: null,
  }).subarray(0, NOTIFICATION_BYTES);
  const fields = new Fields();
  fields.add('state of the sender', state, 4);
  fields.add('votes for server', String(vote.leader), 8);
  fields.add('its last zxid', zxidToString(vote.zxid), 8);
  fields.add('round (electionEpoch)', String(round), 8);
  fields.add('its epoch (peerEpoch)', String(vote.peerEpoch), 8);
  fields.add('version of the message', '2', 4);
  fields.add('length of the configuration', 'not told', 4);
  return {
    fields: fields.list.slice(0, -1),
    bytes: bytes.subarray(0, NOTIFICATION_BYTES - 4),
    left: 'After these bytes the sender puts its configuration, which is not told to other tabs.',
  };
}

function packetApart(event: Extract<MessageEvent, { topic: 'packet' }>): TakenApart {
  const { packetType, zxid, data, dataBytes } = event;
  const whole = encodeQuorumPacket({ type: packetType, zxid, data, authinfo: null });
  const bytes = whole.subarray(0, whole.length - NULL_IDS_BYTES);
  // The length of the whole payload, also where only its beginning is here.
  if (data !== null) new DataView(bytes.buffer, bytes.byteOffset).setInt32(12, dataBytes);
  const fields = new Fields();
  fields.add('type', packetTypeName(packetType), 4);
  fields.add('zxid', zxidToString(zxid), 8);
  fields.add('length of the payload', data === null ? 'none' : String(dataBytes), 4);
  const cut = data !== null && dataBytes > data.length;
  return {
    fields: data === null ? fields.list : [...fields.list, ...payloadFields(packetType, data)],
    bytes,
    left: cut ? `Of ${dataBytes} bytes of payload the first ${data.length} were told.` : null,
  };
}

function payloadFields(type: number, data: Uint8Array): readonly TxnField[] {
  const later = (field: TxnField): TxnField => ({
    ...field,
    start: field.start + PACKET_HEAD_BYTES,
    end: field.end + PACKET_HEAD_BYTES,
  });
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const one = (name: string, text: string, start: number, length: number): TxnField =>
    later({ name, text, start, end: start + length, depth: 0 });
  switch (type) {
    case PacketType.PROPOSAL:
    case PacketType.INFORM:
      return txnFields(data).map(later);
    case PacketType.FOLLOWERINFO:
    case PacketType.OBSERVERINFO:
      if (data.length < 20) return [];
      return [
        one('server', String(view.getBigInt64(0)), 0, 8),
        one('protocol version', `0x${view.getInt32(8).toString(16)}`, 8, 4),
        one('version of its configuration', String(view.getBigInt64(12)), 12, 8),
      ];
    case PacketType.LEADERINFO:
      return data.length < 4
        ? []
        : [one('protocol version', `0x${view.getInt32(0).toString(16)}`, 0, 4)];
    case PacketType.ACKEPOCH:
      return data.length < 4 ? [] : [one('its currentEpoch', String(view.getInt32(0)), 0, 4)];
    case PacketType.REQUEST:
      if (data.length < 16) return [];
      return [
        one('session', `0x${BigInt.asUintN(64, view.getBigInt64(0)).toString(16)}`, 0, 8),
        one('xid', String(view.getInt32(8)), 8, 4),
        one('operation', opName(view.getInt32(12)), 12, 4),
      ];
    default:
      return data.length === 0 ? [] : [one('payload', `${data.length} bytes`, 0, data.length)];
  }
}
