/** Recorded client conversations of a real ZooKeeper, and their frames as values that can be compared across servers. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  readCreate2Response,
  readErrorResponse,
  readGetACLResponse,
  readGetAllChildrenNumberResponse,
  readGetChildren2Response,
  readGetChildrenResponse,
  readGetDataResponse,
  readGetEphemeralsResponse,
  readPathResponse,
  readWhoAmIResponse,
} from '../../../src/wire/clientResponses.ts';
import { readConnectResponse, readReplyHeader } from '../../../src/wire/connectRecords.ts';
import { readStat } from '../../../src/wire/dataRecords.ts';
import { JuteReader } from '../../../src/wire/jute.ts';
import { readMultiResponse } from '../../../src/wire/multiRecords.ts';
import { readWatcherEvent } from '../../../src/wire/watchRecords.ts';

const goldenUrl = new URL('../../../../shared/golden/client/', import.meta.url);

/** The files of the one run in which everything was recorded, in its order. */
export const RECORDED_RUN = [
  'create',
  'data',
  'delete',
  'children',
  'acl',
  'sync-ping',
  'multi',
  'watches',
  'session',
  'quota',
] as const;
/** The super user's digest of the recorded ensemble. */
export const RECORDED_SUPER_DIGEST = 'super:ROeva3UBK2CoMoqFObi3L5ELUpk=';

export interface GoldenEntry {
  readonly session: string;
  readonly dir: '>' | '<';
  readonly label: string;
  readonly hex?: string;
  readonly closedByServer?: boolean;
  readonly decoded?: { readonly kind: string; readonly op?: string };
}

interface GoldenFile {
  readonly orderInRun?: number;
  readonly entries?: readonly GoldenEntry[];
  readonly connections?: readonly { readonly packets?: unknown; readonly [key: string]: unknown }[];
  readonly cases?: readonly { readonly case: string; readonly entries: readonly GoldenEntry[] }[];
}

export const goldenIsThere = existsSync(fileURLToPath(goldenUrl));

function load(name: string): GoldenFile {
  return JSON.parse(readFileSync(new URL(`${name}.json`, goldenUrl), 'utf8')) as GoldenFile;
}

/** What the raw client sent and got. */
export const goldenEntries = (name: string): readonly GoldenEntry[] => load(name).entries ?? [];

/** One dangerous request, on an ensemble of its own. */
export const hazardEntries = (name: string): readonly GoldenEntry[] =>
  load('hazards').cases?.find((one) => one.case === name)?.entries ?? [];

/** What a tap saw of a foreign client; each connection becomes a session named after its place. */
export function tappedEntries(name: string): readonly GoldenEntry[] {
  return (load(name).connections ?? []).flatMap((connection, index) => {
    const frames = Object.values(connection).find(Array.isArray) as Omit<GoldenEntry, 'session'>[];
    return frames.map((one, position) => ({
      ...one,
      session: `${name}-${index}`,
      label: `frame ${position}`,
    }));
  });
}

export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

type BodyReader = (reader: JuteReader) => unknown;

const readStatBody: BodyReader = (reader) => ({ stat: readStat(reader) });

const bodyReaders: Readonly<Record<string, BodyReader>> = {
  create: readPathResponse,
  create2: readCreate2Response,
  createContainer: readCreate2Response,
  createTTL: readCreate2Response,
  exists: readStatBody,
  setData: readStatBody,
  setACL: readStatBody,
  check: readStatBody,
  getData: readGetDataResponse,
  reconfig: readGetDataResponse,
  getACL: readGetACLResponse,
  getChildren: readGetChildrenResponse,
  getChildren2: readGetChildren2Response,
  getEphemerals: readGetEphemeralsResponse,
  getAllChildrenNumber: readGetAllChildrenNumberResponse,
  whoAmI: readWhoAmIResponse,
  sync: readPathResponse,
  multi: (reader) => ({ results: readMultiResponse(reader) }),
  multiRead: (reader) => ({ results: readMultiResponse(reader) }),
  addWatch: readErrorResponse,
  sasl: (reader) => ({ token: reader.buffer() }),
};

/** A frame (without its length) as plain values; `op` is the request's that it answers. */
export function decodeFrame(bytes: Uint8Array, kind: string, op: string): unknown {
  const reader = new JuteReader(bytes);
  if (kind === 'connectResponse') return { ...readConnectResponse(reader), rest: rest(reader) };
  const header = readReplyHeader(reader);
  if (kind === 'event') return { header, event: readWatcherEvent(reader), rest: rest(reader) };
  const readBody = bodyReaders[op];
  const body = header.err === 0 && reader.remaining > 0 ? readBody?.(reader) : undefined;
  return { header, body, rest: rest(reader) };
}

const rest = (reader: JuteReader): string =>
  Buffer.from(reader.raw(reader.remaining)).toString('hex');

/**
 * Tells whether values of two servers mean the same: ids, zxids and times differ, but the same ones of one server must
 * go with the same ones of the other, and zxids in the same order.
 */
export class Correspondence {
  readonly #ours = new Map<string, unknown>();
  readonly #theirs = new Map<string, unknown>();
  /** Both sides' zxids, ascending. */
  readonly #zxids: (readonly [theirs: bigint, ours: bigint])[] = [];

  pair(kind: string, theirs: unknown, ours: unknown): boolean {
    const [key, back] = [`${kind}/${String(theirs)}`, `${kind}/${String(ours)}`];
    if (!this.#ours.has(key) && !this.#theirs.has(back)) {
      this.#ours.set(key, ours);
      this.#theirs.set(back, theirs);
      if (kind === 'zxid') this.#sawZxid(theirs as bigint, ours as bigint);
      return true;
    }
    return this.#ours.get(key) === ours && this.#theirs.get(back) === theirs;
  }

  /** Ours for one of theirs, if it has come up. */
  ours(kind: string, theirs: unknown): unknown {
    return this.#ours.get(`${kind}/${String(theirs)}`);
  }

  get lastZxid(): bigint {
    return this.#zxids.at(-1)?.[0] ?? 0n;
  }

  /** Ours for the newest zxid of theirs that is not after this one. */
  oursUpTo(theirs: bigint): bigint {
    return this.#zxids.findLast(([one]) => one <= theirs)?.[1] ?? 0n;
  }

  #sawZxid(theirs: bigint, ours: bigint): void {
    const at = this.#zxids.findLastIndex(([one]) => one < theirs);
    this.#zxids.splice(at + 1, 0, [theirs, ours]);
  }

  /** Pairs of zxids whose order is another on the other side. */
  outOfOrder(): readonly bigint[] {
    return this.#zxids
      .filter(([, ours], i) => i > 0 && ours <= (this.#zxids[i - 1]?.[1] ?? 0n))
      .map(([theirs]) => theirs);
  }
}

const ZXID_FIELDS = new Set(['zxid', 'czxid', 'mzxid', 'pzxid']);
const TIME_FIELDS = new Set(['ctime', 'mtime']);
const SESSION_FIELDS = new Set(['sessionId', 'ephemeralOwner']);
const UNORDERED_FIELDS = new Set(['children', 'ephemerals', 'clientInfo']);

/** The first field that differs, as a path with both values; null if the frames mean the same. */
export function difference(
  theirs: unknown,
  ours: unknown,
  correspondence: Correspondence,
  field = '',
): string | null {
  const name = field.slice(field.lastIndexOf('.') + 1);
  const told = (): string => `${field}: ${show(theirs)} there, ${show(ours)} here`;
  if (name === 'passwd') return null;
  if (typeof theirs === 'bigint' && typeof ours === 'bigint') {
    const isSpecial = theirs <= 0n && theirs >= -1n;
    if (isSpecial || ours === 0n) return theirs === ours ? null : told();
    if (ZXID_FIELDS.has(name)) return correspondence.pair('zxid', theirs, ours) ? null : told();
    if (SESSION_FIELDS.has(name)) {
      return correspondence.pair('session', theirs, ours) ? null : told();
    }
  }
  if (TIME_FIELDS.has(name)) return (theirs === 0) === (ours === 0) ? null : told();
  if (theirs instanceof Uint8Array && ours instanceof Uint8Array) {
    return Buffer.compare(theirs, ours) === 0 ? null : told();
  }
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    if (theirs.length !== ours.length) return told();
    const [left, right] = UNORDERED_FIELDS.has(name)
      ? [sorted(theirs), sorted(ours)]
      : [theirs, ours];
    return firstOf(
      left.map((one, i) => difference(one, right[i], correspondence, `${field}[${i}]`)),
    );
  }
  if (isObject(theirs) && isObject(ours)) {
    const names = new Set([...Object.keys(theirs), ...Object.keys(ours)]);
    return firstOf(
      [...names].map((one) =>
        difference(theirs[one], ours[one], correspondence, `${field}.${one}`),
      ),
    );
  }
  return theirs === ours ? null : told();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array);
const sorted = (values: readonly unknown[]): unknown[] =>
  [...values].sort((a, b) => (show(a) < show(b) ? -1 : 1));
const firstOf = (found: readonly (string | null)[]): string | null =>
  found.find((one) => one !== null) ?? null;
const show = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? `${one}n` : one)) ??
  'nothing';
