/**
 * A room's link: `/#room=<id>&servers=<1|3|5|7>&key=<k>[&sid=<n>][&observer]`. The fragment never leaves the browser, so
 * the key in it stays between those who were given the link. Pure: no page, no network.
 */

import type { Random } from '../ports/random.ts';
import { fromBase64Url, toBase64Url } from './encoding.ts';
import { highestSid, OBSERVER_SEAT_COUNT } from './seats.ts';

export const VOTER_COUNTS = [1, 3, 5, 7] as const;
export type VoterCount = (typeof VOTER_COUNTS)[number];

/** 128 bits: not to be guessed, and short enough for a QR code that a phone reads across a room. */
const ROOM_KEY_BYTES = 16;
const ROOM_KEY_CHARACTERS = 22;
const ROOM_ID_BYTES = 6;
const ROOM_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

export interface RoomLink {
  readonly room: string;
  /** How many servers vote. */
  readonly servers: VoterCount;
  readonly key: Uint8Array;
  /** The server this tab is told to be; null: whichever is free. */
  readonly sid: number | null;
  /** Told to take an observer's seat. */
  readonly observer: boolean;
}

/** One thing that is wrong with a link, and what would do instead; both are sentences for a person. */
export interface LinkProblem {
  readonly part: 'room' | 'servers' | 'key' | 'sid' | 'observer' | 'link';
  readonly message: string;
  readonly remedy: string;
}

export type ParsedLink =
  | { readonly kind: 'room'; readonly link: RoomLink }
  /** No fragment at all: the page offers to open a room. */
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly problems: readonly LinkProblem[] };

/** Reads a whole URL, or its fragment with or without `#`. Every problem is named, not only the first. */
export function parseRoomLink(text: string): ParsedLink {
  const hash = text.indexOf('#');
  const fragment = hash >= 0 ? text.slice(hash + 1) : text.includes('://') ? '' : text;
  if (fragment === '') return { kind: 'none' };

  const problems: LinkProblem[] = [];
  const parts = splitFragment(fragment, problems);
  const room = readRoom(parts.get('room'), problems);
  const servers = readServers(parts.get('servers'), problems);
  const key = readKey(parts.get('key'), problems);
  const observer = readObserver(parts.get('observer'), problems);
  const sid = readSid(parts.get('sid'), servers, observer, problems);
  if (problems.length > 0 || room === null || servers === null || key === null) {
    return { kind: 'bad', problems };
  }
  return { kind: 'room', link: { room, servers, key, sid, observer } };
}

/** The fragment with its `#`, in the one order that this program writes. */
export function formatRoomLink(link: RoomLink): string {
  const sid = link.sid === null ? '' : `&sid=${link.sid}`;
  const observer = link.observer ? '&observer' : '';
  return `#room=${link.room}&servers=${link.servers}&key=${toBase64Url(link.key)}${sid}${observer}`;
}

/** What to hand to others: the same room, without who this tab is. */
export function invitation(link: RoomLink): RoomLink {
  return { ...link, sid: null, observer: false };
}

/** A new room that nobody knows yet. */
export function newRoomLink(servers: VoterCount, random: Random): RoomLink {
  return {
    room: toBase64Url(random.bytes(ROOM_ID_BYTES)),
    servers,
    key: random.bytes(ROOM_KEY_BYTES),
    sid: null,
    observer: false,
  };
}

const KNOWN_PARTS = ['room', 'servers', 'key', 'sid', 'observer'];

function splitFragment(fragment: string, problems: LinkProblem[]): Map<string, string> {
  const parts = new Map<string, string>();
  for (const piece of fragment.split('&')) {
    const equals = piece.indexOf('=');
    const name = equals < 0 ? piece : piece.slice(0, equals);
    const value = equals < 0 ? '' : piece.slice(equals + 1);
    if (!KNOWN_PARTS.includes(name)) {
      problems.push({
        part: 'link',
        message: `The link has a part called "${name}", which means nothing here.`,
        remedy: `A link has only these parts: ${KNOWN_PARTS.join(', ')}.`,
      });
    } else if (parts.has(name)) {
      problems.push({
        part: 'link',
        message: `The link says "${name}" twice.`,
        remedy: 'Keep one of the two.',
      });
    } else {
      parts.set(name, value);
    }
  }
  return parts;
}

function readRoom(value: string | undefined, problems: LinkProblem[]): string | null {
  if (value !== undefined && ROOM_ID_PATTERN.test(value)) return value;
  problems.push({
    part: 'room',
    message:
      value === undefined || value === ''
        ? 'The link does not say which room.'
        : `"${value}" is not a room's name.`,
    remedy: 'It needs room= with 1 to 64 letters, digits, "-" or "_".',
  });
  return null;
}

function readServers(value: string | undefined, problems: LinkProblem[]): VoterCount | null {
  const servers = VOTER_COUNTS.find((count) => String(count) === value);
  if (servers !== undefined) return servers;
  problems.push({
    part: 'servers',
    message:
      value === undefined || value === ''
        ? 'The link does not say how many servers the room has.'
        : `A room cannot have "${value}" servers.`,
    remedy: `It needs servers= with ${VOTER_COUNTS.join(', ')}: the number everybody else in the room has.`,
  });
  return null;
}

function readKey(value: string | undefined, problems: LinkProblem[]): Uint8Array | null {
  const key = value === undefined ? null : fromBase64Url(value);
  if (key !== null && key.length === ROOM_KEY_BYTES) return key;
  const had = value === undefined ? 'no key' : `a key of ${value.length} characters`;
  problems.push({
    part: 'key',
    message: `The link has ${had}, so this tab could neither read nor be read by the others.`,
    remedy: `It needs key= with all ${ROOM_KEY_CHARACTERS} characters. Copy the whole link again: its end was probably cut off.`,
  });
  return null;
}

function readObserver(value: string | undefined, problems: LinkProblem[]): boolean {
  if (value === undefined || value === '') return value !== undefined;
  problems.push({
    part: 'observer',
    message: `"observer=${value}" is not understood.`,
    remedy: 'Write &observer alone, or leave it out.',
  });
  return false;
}

function readSid(
  value: string | undefined,
  servers: VoterCount | null,
  observer: boolean,
  problems: LinkProblem[],
): number | null {
  if (value === undefined) return null;
  const sid = /^[1-9][0-9]{0,2}$/.test(value) ? Number(value) : null;
  if (servers === null) return sid;
  if (sid === null || sid > highestSid(servers)) {
    problems.push({
      part: 'sid',
      message: `This room has no server "${value}".`,
      remedy: `sid= takes 1 to ${servers} for a voter, ${servers + 1} to ${highestSid(servers)} for one of ${OBSERVER_SEAT_COUNT} observers; or leave it out.`,
    });
    return null;
  }
  if (observer && sid <= servers) {
    problems.push({
      part: 'sid',
      message: `Server ${sid} votes, and the link also says observer.`,
      remedy: 'Leave out one of the two.',
    });
  }
  return sid;
}
