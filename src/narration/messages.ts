/** What servers say to each other, as a picture tells it apart: which kind, from whom to whom, and which of two ends was seen. Pure. */

import type { ElectionEvent, PacketEvent, ProbeEvent, ProbeRecord } from '../ports/probe.ts';
import { PacketType, packetTypeName } from '../wire/quorumPackets.ts';

export const MESSAGE_KINDS = [
  'vote',
  'sync',
  'request',
  'proposal',
  'ack',
  'commit',
  'ping',
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

type Notification = Extract<ElectionEvent, { vote: unknown; peer: unknown }>;
export type MessageEvent = Notification | PacketEvent;

/** One end of a message: its sending or its receipt. */
export interface MessageEnd {
  readonly kind: MessageKind;
  readonly from: number;
  readonly to: number;
  readonly end: 'sent' | 'received';
  /** The same at both ends, and at no others for a while. */
  readonly key: string;
}

const KINDS: ReadonlyMap<number, MessageKind> = new Map([
  [PacketType.REQUEST, 'request'],
  [PacketType.SYNC, 'request'],
  [PacketType.REVALIDATE, 'request'],
  [PacketType.PROPOSAL, 'proposal'],
  [PacketType.ACK, 'ack'],
  [PacketType.COMMIT, 'commit'],
  [PacketType.INFORM, 'commit'],
  [PacketType.COMMITANDACTIVATE, 'commit'],
  [PacketType.INFORMANDACTIVATE, 'commit'],
  [PacketType.PING, 'ping'],
]);

export function isMessage(event: ProbeEvent): event is MessageEvent {
  return (
    event.topic === 'packet' ||
    (event.topic === 'election' &&
      (event.type === 'notificationSent' || event.type === 'notificationReceived'))
  );
}

/** Null for what is no message to another server: a server also votes to itself. */
export function messageEnd(record: ProbeRecord): MessageEnd | null {
  const { event } = record;
  if (!isMessage(event)) return null;
  const self = Number(record.sid);
  const peer = peerOf(event);
  if (peer === self || peer < 0) return null;
  const end = event.type === 'sent' || event.type === 'notificationSent' ? 'sent' : 'received';
  const [from, to] = end === 'sent' ? [self, peer] : [peer, self];
  if (event.topic === 'election') {
    const { vote, round, state } = event;
    const key = `${from}>${to} ${state} ${round} ${vote.leader} ${vote.zxid} ${vote.peerEpoch}`;
    return { kind: 'vote', from, to, end, key };
  }
  const kind = KINDS.get(event.packetType) ?? 'sync';
  const key = `${from}>${to} ${event.offsetBytes} ${event.packetType} ${event.zxid}`;
  return { kind, from, to, end, key };
}

/** A leader hears from a learner before it knows who that is: then the packet says so itself. */
function peerOf(event: MessageEvent): number {
  if (event.peer >= 0n || event.topic !== 'packet' || event.data === null)
    return Number(event.peer);
  const introduces =
    event.packetType === PacketType.FOLLOWERINFO || event.packetType === PacketType.OBSERVERINFO;
  if (!introduces || event.data.length < 8) return -1;
  const view = new DataView(event.data.buffer, event.data.byteOffset, event.data.byteLength);
  return Number(view.getBigInt64(0));
}

/** `PROPOSAL`, or what a vote is for. */
export function messageName(event: MessageEvent): string {
  if (event.topic === 'packet') return packetTypeName(event.packetType);
  // Observers vote for nobody, which is written as the smallest number there is.
  const leader = event.vote.leader < 0n ? 'nobody' : event.vote.leader;
  return event.state === 'LOOKING'
    ? `vote for ${leader}`
    : `${event.state.toLowerCase()} ${leader}`;
}
