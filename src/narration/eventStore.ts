/**
 * A stream of probe events of many servers, kept for pictures: in the order of time, both ends of a message joined, and no
 * more than so many. Where the stream comes from is not its business. Pure.
 */

import type { ProbeRecord } from '../ports/probe.ts';
import type { SessionId, Sid, Zxid } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';
import { OpCode } from '../wire/opCodes.ts';
import { PacketType } from '../wire/quorumPackets.ts';
import { decodeTxn, txnPaths, txnTypeOf } from '../wire/txns.ts';
import { type MessageEnd, type MessageKind, messageEnd } from './messages.ts';

/** What a batch of events is, wherever it comes from. */
export interface Batch {
  readonly sid: Sid;
  readonly records: readonly ProbeRecord[];
  readonly missedCount: number;
}

interface Placed {
  /** Grows with every row there ever was. */
  readonly id: number;
  /** By which rows are in order. */
  readonly atMs: number;
}

/** A message: an arrow from one lane to another. */
export interface MessageRow extends Placed {
  readonly type: 'message';
  readonly kind: MessageKind;
  readonly from: number;
  readonly to: number;
  readonly key: string;
  /** Null: not told of. */
  sent: ProbeRecord | null;
  received: ProbeRecord | null;
}

/** Something that happened in one server: a mark on its lane. */
export interface MarkRow extends Placed {
  readonly type: 'mark';
  readonly sid: number;
  readonly record: ProbeRecord;
}

export type Row = MessageRow | MarkRow;

/** Whose transaction, and on which nodes. */
export interface TxnFacts {
  readonly sessionId: SessionId;
  readonly paths: readonly string[];
}

const DEFAULT_CAPACITY_COUNT = 100_000;
/** Old rows go in bulk, so that a row costs the same whether or not the store is full. */
const SLACK_FRACTION = 1 / 8;
const MAX_TXN_COUNT = 50_000;
/** Transactions about many nodes: which, only their proposal says. */
const ABOUT_MANY: ReadonlySet<number> = new Set([OpCode.multi, OpCode.closeSession]);
const CARRIES_TXN: ReadonlySet<number> = new Set([PacketType.PROPOSAL, PacketType.INFORM]);

export class EventStore {
  readonly #capacityCount: number;
  #rows: Row[] = [];
  /** Messages of which one end was told of. More than one may look alike; the oldest comes first. */
  readonly #halves = new Map<string, MessageRow[]>();
  readonly #missed = new Map<number, number>();
  readonly #txns = new Map<Zxid, TxnFacts>();
  readonly #sids = new Set<number>();
  #nextId = 1;
  #version = 0;
  #forgottenCount = 0;

  constructor(capacityCount = DEFAULT_CAPACITY_COUNT) {
    this.#capacityCount = capacityCount;
  }

  /** Changes whenever anything else here does. */
  get version(): number {
    return this.#version;
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  /** Every server that is spoken of. */
  get sids(): readonly number[] {
    return [...this.#sids].sort((a, b) => a - b);
  }

  /** Rows that were kept once, and went for newer ones. */
  get forgottenCount(): number {
    return this.#forgottenCount;
  }

  /** How many events of each server were never told. */
  get missed(): ReadonlyMap<number, number> {
    return this.#missed;
  }

  txn(zxid: Zxid): TxnFacts | null {
    return this.#txns.get(zxid) ?? null;
  }

  /** Answers the rows that are new; of some messages only the other end was. */
  add(batch: Batch): readonly Row[] {
    this.#version++;
    const sid = Number(batch.sid);
    if (batch.missedCount > 0) {
      this.#missed.set(sid, (this.#missed.get(sid) ?? 0) + batch.missedCount);
    }
    const fresh: Row[] = [];
    for (const record of batch.records) {
      const row = this.#rowOf(record);
      if (row !== null) fresh.push(row);
    }
    this.#insert(fresh);
    this.#forget();
    return fresh;
  }

  #rowOf(record: ProbeRecord): Row | null {
    const end = messageEnd(record);
    if (end !== null) return this.#message(record, end);
    const { event } = record;
    if (event.topic === 'txn') {
      this.#learn(record);
      return null;
    }
    if (!isMark(record)) return null;
    const sid = Number(record.sid);
    this.#sids.add(sid);
    return { type: 'mark', id: this.#nextId++, atMs: record.timeMs, sid, record };
  }

  #message(record: ProbeRecord, { kind, from, to, end, key }: MessageEnd): MessageRow | null {
    const halves = this.#halves.get(key);
    const at = halves === undefined ? -1 : closest(halves, kind, end, record.timeMs);
    const half = halves?.[at];
    if (halves !== undefined && half !== undefined) {
      half[end] = record;
      halves.splice(at, 1);
      if (halves.length === 0) this.#halves.delete(key);
      return null;
    }
    this.#learnFromProposal(record);
    this.#sids.add(from);
    this.#sids.add(to);
    const sent = end === 'sent' ? record : null;
    const received = end === 'received' ? record : null;
    const atMs = record.timeMs;
    const id = this.#nextId++;
    const row: MessageRow = { type: 'message', id, atMs, kind, from, to, key, sent, received };
    if (halves === undefined) this.#halves.set(key, [row]);
    else halves.push(row);
    return row;
  }

  #learn({ event }: ProbeRecord): void {
    if (event.topic !== 'txn' || event.type !== 'applied') return;
    if (this.#txns.has(event.zxid)) return;
    const paths = event.path === null ? [] : [event.path];
    this.#note(event.zxid, { sessionId: event.sessionId, paths });
  }

  #learnFromProposal({ event }: ProbeRecord): void {
    if (event.topic !== 'packet' || event.data === null) return;
    if (!CARRIES_TXN.has(event.packetType)) return;
    if (!ABOUT_MANY.has(txnTypeOf(event.data) ?? OpCode.error)) return;
    const facts = proposalFacts(event.data);
    if (facts !== null) this.#note(event.zxid, facts);
  }

  #note(zxid: Zxid, facts: TxnFacts): void {
    this.#txns.set(zxid, facts);
    if (this.#txns.size <= MAX_TXN_COUNT) return;
    for (const oldest of this.#txns.keys()) {
      this.#txns.delete(oldest);
      break;
    }
  }

  /** Servers tell in their own order, and a little late: only what overlaps is sorted. */
  #insert(fresh: Row[]): void {
    if (fresh.length === 0) return;
    fresh.sort(inTime);
    const first = fresh[0]?.atMs ?? 0;
    const overlap = indexAt(this.#rows, first);
    if (overlap === this.#rows.length) {
      for (const row of fresh) this.#rows.push(row);
      return;
    }
    const tail = this.#rows.splice(overlap);
    const merged = [...tail, ...fresh].sort(inTime);
    for (const row of merged) this.#rows.push(row);
  }

  #forget(): void {
    const excess = this.#rows.length - this.#capacityCount;
    if (excess <= this.#capacityCount * SLACK_FRACTION) return;
    for (const row of this.#rows.slice(0, excess)) {
      if (row.type !== 'message') continue;
      const halves = this.#halves.get(row.key);
      const left = halves?.filter((half) => half !== row);
      if (left === undefined || left.length === halves?.length) continue;
      if (left.length === 0) this.#halves.delete(row.key);
      else this.#halves.set(row.key, left);
    }
    this.#rows = this.#rows.slice(excess);
    this.#forgottenCount += excess;
  }
}

/** What the payload of a PROPOSAL or an INFORM says; null where it was cut short, or is no transaction. */
export function proposalFacts(payload: Uint8Array): TxnFacts | null {
  try {
    const { header, txn } = decodeTxn(payload);
    return { sessionId: header.clientId, paths: txnPaths(txn) };
  } catch (error) {
    if (error instanceof JuteError) return null;
    throw error;
  }
}

/** Where in rows that are in order of time the first one at or after `timeMs` stands; their number if there is none. */
export function indexAt(rows: readonly Row[], timeMs: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.atMs ?? Infinity) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Servers vote the same again and again, and a vote that nobody could be sent is replaced by the next: what is received
 * much later is another one.
 */
const LONGEST_VOTE_MS = 1_000;

/** Which of several messages that look alike lacks this end and is nearest in time; -1: none. */
function closest(
  halves: readonly MessageRow[],
  kind: MessageKind,
  end: 'sent' | 'received',
  timeMs: number,
): number {
  let best = -1;
  let least = kind === 'vote' ? LONGEST_VOTE_MS : Infinity;
  for (const [index, row] of halves.entries()) {
    const away = Math.abs(row.atMs - timeMs);
    if (row[end] !== null || away >= least) continue;
    best = index;
    least = away;
  }
  return best;
}

const inTime = (a: Row, b: Row): number => a.atMs - b.atMs || a.id - b.id;

/** What a lane shows between its arrows; sockets and single requests would bury it. */
function isMark({ event }: ProbeRecord): boolean {
  switch (event.topic) {
    case 'peer':
      return event.type !== 'zabState';
    case 'storage':
      return event.type !== 'snapshotStarted';
    case 'session':
      return event.type !== 'closing';
    case 'election':
      return (
        event.type !== 'notificationSent' &&
        event.type !== 'notificationReceived' &&
        event.type !== 'ignored'
      );
    case 'zab':
      return event.type !== 'pingCheck';
    case 'room':
      return (
        event.type !== 'signalling' && !(event.type === 'link' && event.state === 'connecting')
      );
    default:
      return false;
  }
}

/** When a message was sent and received as far as is known, never received before it was sent: clocks differ. */
export function flight(row: MessageRow): {
  readonly sentMs: number;
  readonly receivedMs: number | null;
} {
  const sentMs = row.sent?.timeMs ?? row.received?.timeMs ?? row.atMs;
  const receivedMs = row.received === null ? null : Math.max(sentMs, row.received.timeMs);
  return { sentMs, receivedMs };
}
