/** All that happened in a run, in order: for people, and to compare two runs byte for byte. */

import type { ProbeRecord } from '../../ports/probe.ts';
import { SERVER_TOPICS, type Simulation } from '../simWorld.ts';

/** What a run's servers say, and what was done to them. */
export type TraceEntry =
  | { readonly kind: 'record'; readonly timeMs: number; readonly record: ProbeRecord }
  | { readonly kind: 'note'; readonly timeMs: number; readonly text: string };

export class Trace {
  readonly entries: TraceEntry[] = [];
  readonly #kept: boolean;

  constructor(simulation: Simulation, kept: boolean) {
    this.#kept = kept;
    if (!kept) return;
    simulation.subscribe(SERVER_TOPICS, (record) => {
      this.entries.push({ kind: 'record', timeMs: simulation.time.nowMs, record });
    });
  }

  note(timeMs: number, text: string): void {
    if (this.#kept) this.entries.push({ kind: 'note', timeMs, text });
  }

  /** Everything, one entry a line. */
  text(): string {
    return this.entries.map(lineOf).join('\n');
  }
}

function lineOf(entry: TraceEntry): string {
  if (entry.kind === 'note') return `${entry.timeMs.toFixed(6)} ${entry.text}`;
  const { sid, sequence, wallTimeMs, event } = entry.record;
  return `${entry.timeMs.toFixed(6)} ${sid}.${sequence} ${wallTimeMs} ${JSON.stringify(event, plain)}`;
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return [...value].map((byte) => byte.toString(16)).join(' ');
  return value;
}
