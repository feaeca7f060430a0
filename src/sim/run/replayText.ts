/** A run's trace for people: in plain words, and as a Mermaid sequence diagram. Pure. */

import { type Shown, recordText } from '../recordText.ts';
import { sidsOf, stepsOf } from './sequenceSteps.ts';
import type { TraceEntry } from './runTrace.ts';

const SHOWN: ReadonlySet<Shown> = new Set<Shown>(['packets', 'votes', 'details']);

/** One line for each thing that happened; pings are left out. */
export function replayLines(entries: readonly TraceEntry[]): readonly string[] {
  const lines: string[] = [];
  for (const entry of entries) {
    const text = entry.kind === 'note' ? entry.text : recordText(entry.record, SHOWN);
    if (text !== null) lines.push(`${entry.timeMs.toFixed(3).padStart(11)} ms  ${text}`);
  }
  return lines;
}

/** The last `count` steps of the run as Mermaid text. */
export function mermaidOf(entries: readonly TraceEntry[], count: number): string {
  const steps = stepsOf(entries, count);
  const sids = sidsOf(steps);
  const all = [...new Set([sids[0] ?? 1, sids.at(-1) ?? 1])].map(actor).join();
  const lines = ['sequenceDiagram', ...sids.map((sid) => `  participant S${sid} as server ${sid}`)];
  for (const step of steps) {
    const text = step.text.replace(/[;#\n]/g, ' ');
    if (step.kind === 'remark') {
      lines.push(`  Note over ${step.at === null ? all : actor(step.at)}: ${text}`);
      continue;
    }
    const arrow = step.arrived ? '->>' : '--x';
    lines.push(`  ${actor(step.from)}${arrow}${actor(step.to)}: ${text}`);
  }
  return `${lines.join('\n')}\n`;
}

const actor = (sid: number): string => `S${sid}`;
