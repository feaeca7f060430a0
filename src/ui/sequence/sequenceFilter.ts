/** Which rows of the sequence are wanted: by kind, server, session and znode. Pure. */

import {
  type EventStore,
  type MessageRow,
  type Row,
  type TxnFacts,
} from '../../narration/eventStore.ts';
import type { MessageKind } from '../../narration/messages.ts';
import { sessionId } from '../../wire/ids.ts';
import { JuteError, JuteReader } from '../../wire/jute.ts';
import { decodeForwardedRequest } from '../../wire/learnerPayloads.ts';
import { OpCode } from '../../wire/opCodes.ts';
import { PacketType } from '../../wire/quorumPackets.ts';
import { decodeTxn } from '../../wire/txns.ts';

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

/** Requests that begin with the path they are about; the others have none, or many. */
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
  try {
    switch (event.packetType) {
      case PacketType.PROPOSAL:
      case PacketType.INFORM:
        return proposalFacts(event.data);
      case PacketType.REQUEST:
        return requestFacts(event.data);
      default:
        return null;
    }
  } catch (error) {
    if (error instanceof JuteError) return null;
    throw error;
  }
}

function proposalFacts(data: Uint8Array): TxnFacts {
  const { header, txn } = decodeTxn(data);
  return { sessionId: sessionId(header.clientId), path: 'path' in txn ? txn.path : null };
}

/** Nobody knows yet which zxid it will be. */
function requestFacts(data: Uint8Array): TxnFacts {
  const { sessionId: session, type, payload } = decodeForwardedRequest(data);
  const path = ABOUT_ONE_PATH.has(type) ? new JuteReader(payload).string() : null;
  return { sessionId: session, path };
}

function factsFit(facts: TxnFacts | null, { session, path }: SequenceFilter): boolean {
  if (facts === null) return false;
  return (
    sessionFits(facts.sessionId, session) && (path === '' || (facts.path?.includes(path) ?? false))
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
