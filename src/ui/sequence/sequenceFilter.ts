/** Which rows of the sequence are wanted: by kind, server, session and znode. Pure. */

import {
  type EventStore,
  type MessageRow,
  proposalFacts,
  type Row,
  type TxnFacts,
} from '../../narration/eventStore.ts';
import type { MessageKind } from '../../narration/messages.ts';
import { JuteError, JuteReader } from '../../wire/jute.ts';
import { decodeForwardedRequest } from '../../wire/learnerPayloads.ts';
import { readMultiRequest } from '../../wire/multiRecords.ts';
import { OpCode } from '../../wire/opCodes.ts';
import { PacketType } from '../../wire/quorumPackets.ts';

export interface SequenceFilter {
  readonly kinds: ReadonlySet<MessageKind>;
  /** What happened in a server, besides messages. */
  readonly marks: boolean;
  readonly sids: ReadonlySet<number>;
  /** The session in hex, or the beginning of it. */
  readonly session: string;
  /** A part of the path. */
  readonly path: string;
}

/** Sets that are replaced and never changed. */
export const setOf = <Value>(values: Iterable<Value>): ReadonlySet<Value> => new Set(values);

export const toggled = <Value>(set: ReadonlySet<Value>, value: Value): ReadonlySet<Value> =>
  setOf(set.has(value) ? [...set].filter((each) => each !== value) : [...set, value]);

export function filterRows(store: EventStore, filter: SequenceFilter): readonly Row[] {
  const byTxn = filter.session !== '' || filter.path !== '';
  return store.rows.filter((row) => {
    if (row.type === 'mark') {
      return (
        filter.marks && filter.sids.has(row.sid) && (!byTxn || markFits(row.record.event, filter))
      );
    }
    if (!filter.kinds.has(row.kind)) return false;
    if (!filter.sids.has(row.from) || !filter.sids.has(row.to)) return false;
    return !byTxn || factsFit(factsOf(store, row), filter);
  });
}

/** Requests that begin with the path they are about. */
const ABOUT_ONE_PATH: ReadonlySet<number> = setOf<number>([
  OpCode.create,
  OpCode.create2,
  OpCode.createContainer,
  OpCode.createTTL,
  OpCode.delete,
  OpCode.setData,
  OpCode.setACL,
  OpCode.sync,
]);

/** Whose transaction a message is about: its own payload says so, or another message with the same zxid did. */
function factsOf(store: EventStore, row: MessageRow): TxnFacts | null {
  const event = (row.sent ?? row.received)?.event;
  if (event?.topic !== 'packet') return null;
  const known = store.txn(event.zxid);
  if (known !== null || event.data === null) return known;
  switch (event.packetType) {
    case PacketType.PROPOSAL:
    case PacketType.INFORM:
      return proposalFacts(event.data);
    case PacketType.REQUEST:
      return requestFacts(event.data);
    default:
      return null;
  }
}

/** Nobody knows yet which zxid it will be. Null where it was cut short, or is no request. */
function requestFacts(data: Uint8Array): TxnFacts | null {
  try {
    const { sessionId: session, type, payload } = decodeForwardedRequest(data);
    return { sessionId: session, paths: requestPaths(type, payload) };
  } catch (error) {
    if (error instanceof JuteError) return null;
    throw error;
  }
}

function requestPaths(type: number, payload: Uint8Array): readonly string[] {
  const reader = new JuteReader(payload);
  if (ABOUT_ONE_PATH.has(type)) return [reader.string() ?? ''];
  return type === OpCode.multi ? readMultiRequest(reader).map((op) => op.path ?? '') : [];
}

function factsFit(facts: TxnFacts | null, { session, path }: SequenceFilter): boolean {
  if (facts === null) return false;
  return (
    sessionFits(facts.sessionId, session) &&
    (path === '' || facts.paths.some((each) => each.includes(path)))
  );
}

function sessionFits(id: bigint, wanted: string): boolean {
  const hex = BigInt.asUintN(64, id).toString(16);
  return hex.startsWith(wanted.toLowerCase().replace(/^0x/, ''));
}

function markFits(event: object, { session, path }: SequenceFilter): boolean {
  return path === '' && 'sessionId' in event && typeof event.sessionId === 'bigint'
    ? sessionFits(event.sessionId, session)
    : false;
}
