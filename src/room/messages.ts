/**
 * What tabs of a room say to each other through signalling, and the check of everything that comes in. Pure.
 *
 * Only `hello` is said to everybody, and it makes nobody believe anything: it asks for an answer. All else is addressed
 * to one tab by its random id, so a recording of an earlier day cannot be played to a tab that did not exist then.
 */

import type { ServerState } from '../ports/probe.ts';
import type { Binding } from './bindings.ts';

/** One open page: 16 random bytes in hex, new with every load. */
export type TabId = string;
/** One server's data directory: 16 random bytes in hex, for as long as the data lives. */
export type DiskId = string;

/** Which server a tab is. `generation` counts how often the sid was given to another disk on purpose. */
export type Seat =
  | { readonly kind: 'none' }
  | { readonly kind: 'claiming'; readonly sid: number; readonly diskId: DiskId }
  | {
      readonly kind: 'holding';
      readonly sid: number;
      readonly diskId: DiskId;
      readonly generation: number;
    };

export interface MemberState {
  /** How many servers vote, as this tab's link says. */
  readonly servers: number;
  readonly seat: Seat;
  /** Null while its server does not run. */
  readonly report: ServerReport | null;
}

/** What a server says of itself, for the others' pages to show; nothing is decided by it. */
export interface ServerReport {
  readonly state: ServerState;
  readonly serving: boolean;
  /** Lower-case hex without prefix: JSON has no 64-bit numbers. */
  readonly zxid: string;
}

export interface Claim {
  /** Tells one claim of a tab from its next. */
  readonly number: number;
  readonly sid: number;
  readonly diskId: DiskId;
  /** The disk was made just now. */
  readonly fresh: boolean;
  /** The link says `&sid=`: give this sid to this disk although it belonged to another. */
  readonly takeover: boolean;
  /** The claimer holds the browser's lock on this sid, so no other tab of its browser can be using the disk. */
  readonly locked: boolean;
}

export type DenyReason =
  /** A live tab is this server. */
  | 'held'
  /** Another tab claims it and comes first. */
  | 'claimed'
  /** The sid belongs to another disk. */
  | 'bound'
  /** The two links do not agree on how many servers the room has. */
  | 'servers';

export type RoomMessage =
  | { readonly type: 'hello' }
  | { readonly type: 'state'; readonly state: MemberState; readonly answer: boolean }
  | { readonly type: 'claim'; readonly claim: Claim }
  | {
      readonly type: 'verdict';
      readonly number: number;
      readonly denied: DenyReason | null;
      /** Which disk the sid belongs to as far as the answering browser knows. */
      readonly bound: Binding | null;
    }
  /** "Your disk is not the one I know for this sid": the sender will not talk to that server. */
  | { readonly type: 'refused'; readonly sid: number; readonly boundTo: DiskId }
  /** For the link between two tabs; what is inside is the link's business. */
  | { readonly type: 'link'; readonly signal: LinkSignal }
  | { readonly type: 'goodbye' };

export type LinkSignal =
  /** A lower sid asks the higher to open the link. */
  | { readonly kind: 'ask' }
  /** simple-peer's offer, answer or candidate, as JSON. */
  | { readonly kind: 'webrtc'; readonly link: string; readonly data: string }
  /** WebRTC gives nothing: use a BroadcastChannel instead. */
  | { readonly kind: 'broadcast'; readonly link: string }
  | { readonly kind: 'broadcastReady'; readonly link: string }
  | { readonly kind: 'end'; readonly link: string };

/** Who says it, to whom (null: everybody), and a number that grows with every message of that tab. */
export interface Envelope {
  readonly from: TabId;
  readonly to: TabId | null;
  readonly sequence: number;
  readonly message: RoomMessage;
}

export function encodeEnvelope(envelope: Envelope): string {
  return JSON.stringify(envelope);
}

/** Null for anything that is not exactly an envelope: it comes from outside. */
export function decodeEnvelope(text: string): Envelope | null {
  const value = parseJson(text);
  if (!isObject(value)) return null;
  const { from, to, sequence } = value;
  if (!isId(from) || !(to === null || isId(to)) || !isCount(sequence)) return null;
  const message = readMessage(value['message']);
  if (message === null || (to === null && message.type !== 'hello')) return null;
  return { from, to, sequence, message };
}

/** Undefined for what is not JSON, which is one of the ways not to be what was expected. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readMessage(value: unknown): RoomMessage | null {
  if (!isObject(value)) return null;
  switch (value['type']) {
    case 'hello':
      return { type: 'hello' };
    case 'goodbye':
      return { type: 'goodbye' };
    case 'state': {
      const state = readState(value['state']);
      const { answer } = value;
      return state !== null && typeof answer === 'boolean'
        ? { type: 'state', state, answer }
        : null;
    }
    case 'claim': {
      const claim = readClaim(value['claim']);
      return claim === null ? null : { type: 'claim', claim };
    }
    case 'verdict': {
      const { number, denied } = value;
      const bound = value['bound'] === null ? null : readBinding(value['bound']);
      return isCount(number) && (denied === null || isDenyReason(denied)) && bound !== undefined
        ? { type: 'verdict', number, denied, bound }
        : null;
    }
    case 'refused': {
      const { sid, boundTo } = value;
      return isSid(sid) && isId(boundTo) ? { type: 'refused', sid, boundTo } : null;
    }
    case 'link': {
      const signal = readSignal(value['signal']);
      return signal === null ? null : { type: 'link', signal };
    }
    default:
      return null;
  }
}

function readState(value: unknown): MemberState | null {
  if (!isObject(value) || !isCount(value['servers'])) return null;
  const seat = readSeat(value['seat']);
  const report = value['report'] === null ? null : readReport(value['report']);
  return seat === null || report === undefined ? null : { servers: value['servers'], seat, report };
}

/** Undefined for what is no report: they also come over links. */
export function readReport(value: unknown): ServerReport | undefined {
  if (!isObject(value)) return undefined;
  const { state, serving, zxid } = value;
  if (!isServerState(state) || typeof serving !== 'boolean') return undefined;
  if (typeof zxid !== 'string' || !/^[0-9a-f]{1,16}$/.test(zxid)) return undefined;
  return { state, serving, zxid };
}

function isServerState(value: unknown): value is ServerState {
  return (
    value === 'LOOKING' || value === 'FOLLOWING' || value === 'LEADING' || value === 'OBSERVING'
  );
}

function readSeat(value: unknown): Seat | null {
  if (!isObject(value)) return null;
  const { kind, sid, diskId, generation } = value;
  if (kind === 'none') return { kind };
  if (!isSid(sid) || !isId(diskId)) return null;
  if (kind === 'claiming') return { kind, sid, diskId };
  return kind === 'holding' && isCount(generation) ? { kind, sid, diskId, generation } : null;
}

function readClaim(value: unknown): Claim | null {
  if (!isObject(value)) return null;
  const { number, sid, diskId, fresh, takeover, locked } = value;
  if (!isCount(number) || !isSid(sid) || !isId(diskId)) return null;
  if (typeof fresh !== 'boolean' || typeof takeover !== 'boolean' || typeof locked !== 'boolean') {
    return null;
  }
  return { number, sid, diskId, fresh, takeover, locked };
}

function readBinding(value: unknown): Binding | undefined {
  if (!isObject(value)) return undefined;
  const { diskId, generation } = value;
  return isId(diskId) && isCount(generation) ? { diskId, generation } : undefined;
}

function readSignal(value: unknown): LinkSignal | null {
  if (!isObject(value)) return null;
  const { kind, link, data } = value;
  if (kind === 'ask') return { kind };
  if (!isId(link)) return null;
  if (kind === 'broadcast' || kind === 'broadcastReady' || kind === 'end') return { kind, link };
  return kind === 'webrtc' && typeof data === 'string' ? { kind, link, data } : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isSid(value: unknown): value is number {
  return isCount(value) && value >= 1 && value <= 255;
}

function isDenyReason(value: unknown): value is DenyReason {
  return value === 'held' || value === 'claimed' || value === 'bound' || value === 'servers';
}
