/** Probe records as single lines of a transcript: what was said, by whom, to whom. */

import { narrate } from '../narration/narrator.ts';
import type { ElectionEvent, PacketEvent, ProbeRecord } from '../ports/probe.ts';
import { type Sid, zxidToString } from '../wire/ids.ts';
import {
  decodeForwardedRequest,
  decodeInt,
  decodeLearnerInfo,
  decodeRevalidate,
  decodeRevalidateAnswer,
} from '../wire/learnerPayloads.ts';
import { opName } from '../wire/opCodes.ts';
import { PacketType, packetTypeName } from '../wire/quorumPackets.ts';
import { type Txn, decodeTxn } from '../wire/txns.ts';

/** What a reader wants to see besides who leads, serves, and why. */
export type Shown = 'packets' | 'votes' | 'details';

/** The record's line, or null if it is not among what is shown. Pings are never shown: they come for ever. */
export function recordText(record: ProbeRecord, shown: ReadonlySet<Shown>): string | null {
  const { event, sid } = record;
  if (event.topic === 'packet') {
    return shown.has('packets') && event.type === 'sent' ? packetText(sid, event) : null;
  }
  if (event.topic === 'election' && event.type === 'notificationSent') {
    return shown.has('votes') ? voteText(sid, event) : null;
  }
  if (event.topic === 'election' && event.type === 'notificationReceived') return null;
  const sentence = narrate(record);
  if (sentence === null || (sentence.weight === 'detail' && !shown.has('details'))) return null;
  return `${sid}: ${sentence.text}`;
}

function voteText(
  from: Sid,
  event: ElectionEvent & { type: 'notificationSent' | 'notificationReceived' },
): string {
  const { vote, peer, state, round } = event;
  // Observers vote for nobody, which is written as the smallest number there is.
  const choice =
    vote.leader < 0n
      ? 'nobody'
      : `${vote.leader} (epoch ${vote.peerEpoch}, zxid ${zxidToString(vote.zxid)})`;
  return `${from} -> ${peer}  ${state}, round ${round}, votes for ${choice}`;
}

function packetText(from: Sid, event: PacketEvent): string | null {
  if (event.packetType === PacketType.PING) return null;
  const payload = event.data === null ? '' : payloadText(event.packetType, from, event.data);
  const zxid = event.zxid === -1n ? '' : ` ${zxidToString(event.zxid)}`;
  return `${from} -> ${event.peer}  ${packetTypeName(event.packetType)}${zxid}${payload}`;
}

function payloadText(type: number, from: Sid, data: Uint8Array): string {
  switch (type) {
    case PacketType.PROPOSAL:
    case PacketType.INFORM: {
      const { header, txn } = decodeTxn(data);
      return ` ${opName(header.type)}${txnPath(txn)}`;
    }
    case PacketType.FOLLOWERINFO:
    case PacketType.OBSERVERINFO:
      return ` sid ${decodeLearnerInfo(data).serverid}`;
    case PacketType.ACKEPOCH:
      return ` currentEpoch ${decodeInt(data)}`;
    case PacketType.REQUEST:
      return ` ${opName(decodeForwardedRequest(data).type)}`;
    case PacketType.REVALIDATE:
      return data.length === REVALIDATE_ANSWER_BYTES
        ? ` ${decodeRevalidateAnswer(data).valid ? 'valid' : 'gone'}`
        : ` asked by ${from}, timeout ${decodeRevalidate(data).timeoutMs} ms`;
    default:
      return '';
  }
}

/** A session id and whether it lives; the question is a session id and a timeout. */
const REVALIDATE_ANSWER_BYTES = 9;

function txnPath(txn: Txn): string {
  return 'path' in txn ? ` ${txn.path}` : '';
}
