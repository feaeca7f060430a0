/** What a diagram of a run shows, in order: messages between servers, and remarks at one of them or about all. Pure. */

import { messageEnd, messageName } from '../../narration/messages.ts';
import { narrate } from '../../narration/narrator.ts';
import { zxidToString } from '../../wire/ids.ts';
import type { TraceEntry } from './runTrace.ts';

export type Step = { readonly timeMs: number; readonly text: string } & (
  | {
      readonly kind: 'message';
      readonly from: number;
      readonly to: number;
      /** It was received before the run ended. */
      readonly arrived: boolean;
    }
  /** `at` null: what was done to the ensemble, or what is wrong with it. */
  | { readonly kind: 'remark'; readonly at: number | null }
);

/** The last `count` steps of the run. Pings, clients and details are left out. */
export function stepsOf(entries: readonly TraceEntry[], count: number): readonly Step[] {
  const steps: Step[] = [];
  /** How often a message with that key has been received later than where we are. */
  const receipts = new Map<string, number>();
  for (let index = entries.length - 1; index >= 0 && steps.length < count; index--) {
    const entry = entries[index];
    const step = entry === undefined ? null : stepOf(entry, receipts);
    if (step !== null) steps.push(step);
  }
  return steps.reverse();
}

/** The servers that have a part in these steps. */
export function sidsOf(steps: readonly Step[]): readonly number[] {
  const sids = new Set<number>();
  for (const step of steps) {
    if (step.kind === 'message') sids.add(step.from).add(step.to);
    else if (step.at !== null) sids.add(step.at);
  }
  return [...sids].sort((left, right) => left - right);
}

function stepOf(entry: TraceEntry, receipts: Map<string, number>): Step | null {
  const { timeMs } = entry;
  if (entry.kind === 'note') {
    const isClients = entry.text.startsWith('client:');
    return isClients ? null : { kind: 'remark', timeMs, at: null, text: entry.text };
  }
  const { record } = entry;
  const { event } = record;
  if (event.topic === 'packet' || event.topic === 'election') {
    const message = messageStep(entry, receipts);
    if (message !== undefined) return message;
  }
  const sentence = narrate(record);
  if (sentence === null || sentence.weight === 'detail') return null;
  return { kind: 'remark', timeMs, at: Number(record.sid), text: sentence.text };
}

/** Null for a message that is not shown; undefined for what is none. */
function messageStep(
  { timeMs, record }: TraceEntry & { kind: 'record' },
  receipts: Map<string, number>,
): Step | null | undefined {
  const message = messageEnd(record);
  if (message === null) return undefined;
  const { from, to, end, key, kind } = message;
  if (kind === 'ping') return null;
  const received = receipts.get(key) ?? 0;
  if (end === 'received') {
    receipts.set(key, received + 1);
    return null;
  }
  if (received > 0) receipts.set(key, received - 1);
  return {
    kind: 'message',
    timeMs,
    from,
    to,
    arrived: received > 0,
    text: messageText(record.event),
  };
}

function messageText(event: (TraceEntry & { kind: 'record' })['record']['event']): string {
  if (event.topic === 'packet') {
    const zxid = event.zxid < 0n ? '' : ` ${zxidToString(event.zxid)}`;
    return `${messageName(event)}${zxid}`;
  }
  const isVote = event.topic === 'election' && 'vote' in event && 'round' in event;
  return isVote && 'peer' in event ? `${messageName(event)}, round ${event.round}` : '';
}
