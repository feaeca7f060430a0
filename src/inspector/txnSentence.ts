/** One transaction as one plain sentence: who, what, to which nodes. It says nothing that the log does not know. Pure. */

import { KeeperError } from '../wire/errorCodes.ts';
import { sidOfSession } from '../wire/ids.ts';
import { OpCode } from '../wire/opCodes.ts';
import type { TxnLogEntry } from '../wire/txns.ts';
import { counted } from './counted.ts';
import { changeKind, changeText } from './nodeChange.ts';
import type { NodeState } from './nodeReport.ts';

/** A transaction as the history tells it. */
export interface TxnTale {
  /** The moment after it. */
  readonly moment: number;
  readonly zxid: string;
  /** The leader's wall clock, milliseconds; null where its bytes cannot be read. */
  readonly time: number | null;
  readonly type: string;
  readonly sentence: string;
  readonly session: string;
  /** The server that the session was begun at; null for the leader's own transactions. */
  readonly sid: number | null;
  readonly cxid: number;
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** What a transaction made of one node. */
export interface NodeStep {
  readonly path: string;
  readonly before: NodeState | null;
  readonly after: NodeState | null;
}

/** So many nodes are named; of the rest only the number is said. */
const STEPS_NAMED = 3;

/** `steps`: all nodes that it changed. `entry` null: its bytes are no transaction. */
export function txnSentence(entry: TxnLogEntry | null, steps: readonly NodeStep[]): string {
  if (entry === null) return 'These bytes pass their checksum, but they are no transaction.';
  const { header, txn } = entry;
  const who = whoText(header.clientId);
  const own = steps.filter(({ before, after }) => changeKind(before, after) !== 'children');
  switch (txn.type) {
    case OpCode.createSession:
      return `${openedText(header.clientId)}, and ends when nothing is heard of it for ${secondsText(txn.timeOut)}.`;
    case OpCode.closeSession:
      return `${who} ended, closed or expired${goneText(own)}.`;
    case OpCode.error:
      return `${who} asked for something that the leader refused (${new KeeperError(txn.err).message}). Nothing changed.`;
    case OpCode.check:
      return `${who} checked that ${txn.path} has version ${txn.version - 1}. Nothing changed.`;
    case OpCode.deleteContainer:
      return `The leader removed ${txn.path}: it was an empty container, or had outlived its time.`;
    case OpCode.reconfig:
      return `${who} gave the ensemble a new configuration (version ${txn.version}).`;
    case OpCode.multi:
      return `${who} ${multiText(
        txn.txns.map(({ type }) => type),
        own,
      )}.`;
    default:
      return `${who} ${own.length === 0 ? 'changed nothing' : stepsText(own)}.`;
  }
}

/** The leader's own transactions belong to session 0. */
function whoText(session: bigint): string {
  return session === 0n ? 'The leader' : `A session begun at server ${sidOfSession(session)}`;
}

const openedText = (session: bigint): string =>
  `A session was opened at server ${sidOfSession(session)}`;

const secondsText = (ms: number): string => counted(ms / 1_000, 'second');

function goneText(own: readonly NodeStep[]): string {
  if (own.length === 0) return '';
  const named = own.slice(0, STEPS_NAMED).map(({ path }) => path);
  return `, and its ephemeral nodes went with it: ${listed(named, own.length)}`;
}

function multiText(types: readonly number[], own: readonly NodeStep[]): string {
  const things = counted(types.length, 'thing');
  if (types.includes(OpCode.error)) {
    return `asked for ${things} at once; one was refused, so none was done`;
  }
  if (own.length === 0) return `asked for ${things} at once, which changed nothing`;
  return `did ${things} at once: ${stepsText(own)}`;
}

function stepsText(own: readonly NodeStep[]): string {
  const named = own
    .slice(0, STEPS_NAMED)
    .map(({ path, before, after }) => changeText(path, before, after));
  return listed(named, own.length);
}

function listed(named: readonly string[], count: number): string {
  const rest = count - named.length;
  return rest === 0
    ? named.join('; ')
    : `${named.join('; ')}; and ${rest.toLocaleString('en')} more`;
}
