/** The log of a server process: one readable line an event, on standard output. */

import { narrate } from '../narration/narrator.ts';
import type { Probe, ProbeEvent, ProbeTopic, StopCause } from '../ports/probe.ts';
import type { Sid } from '../wire/ids.ts';
import { nodeClock } from './nodeClock.ts';

/** What a log of one line an event is worth keeping; single packets and requests are for the page's views. */
const LOGGED_TOPICS: ReadonlySet<ProbeTopic> = new Set([
  'peer',
  'election',
  'zab',
  'storage',
  'session',
]);

export function log(level: 'INFO' | 'WARN' | 'ERROR', text: string, source = 'tabkeeper'): void {
  const line = text.replace(/\s*\n\s*/g, ' | ');
  console.log(`${new Date().toISOString()} ${level} ${source}: ${line}`);
}

export class LogProbe implements Probe {
  readonly #sid: Sid;
  readonly #stopped: (cause: StopCause) => void;
  #sequence = 0;

  /** `stopped` is called when the server has ended for good. */
  constructor(sid: Sid, stopped: (cause: StopCause) => void) {
    this.#sid = sid;
    this.#stopped = stopped;
  }

  watches(topic: ProbeTopic): boolean {
    return LOGGED_TOPICS.has(topic);
  }

  emit(event: ProbeEvent): void {
    this.#sequence += 1;
    const record = {
      sid: this.#sid,
      timeMs: nodeClock.now(),
      wallTimeMs: nodeClock.wallTime(),
      sequence: this.#sequence,
      event,
    };
    const sentence = narrate(record);
    const level = levelOf(event);
    if (sentence !== null && (sentence.weight !== 'detail' || level !== 'INFO')) {
      log(level, sentence.text, sentence.source);
    }
    if (event.topic === 'peer' && event.type === 'stopped') this.#stopped(event.cause);
  }
}

function levelOf(event: ProbeEvent): 'INFO' | 'WARN' | 'ERROR' {
  if (event.topic === 'storage') {
    return event.type === 'failed' || event.type === 'digestMismatch' ? 'ERROR' : 'INFO';
  }
  // A page shows who is missing; whoever reads a log looks for this line first.
  if (event.topic === 'election') return event.type === 'notReached' ? 'WARN' : 'INFO';
  if (event.topic !== 'peer') return 'INFO';
  if (event.type === 'warning') return 'WARN';
  return event.type === 'stopped' && event.cause !== 'told' ? 'ERROR' : 'INFO';
}
