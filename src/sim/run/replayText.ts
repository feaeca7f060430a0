/** A run's trace for people: in plain words, as a Mermaid sequence diagram, and as a picture (SVG) of the same. */

import { narrate } from '../../narration/narrator.ts';
import { zxidToString } from '../../wire/ids.ts';
import { PacketType, packetTypeName } from '../../wire/quorumPackets.ts';
import { type Shown, recordText } from '../recordText.ts';
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

/** What a diagram shows: a message between two, or a remark at one (or at all). */
type Step =
  | { readonly kind: 'message'; readonly from: string; readonly to: string; readonly text: string }
  | { readonly kind: 'remark'; readonly at: string | null; readonly text: string };

/** The last `count` steps of the run as Mermaid text. */
export function mermaidOf(entries: readonly TraceEntry[], count: number): string {
  const steps = stepsOf(entries, count);
  const actors = actorsOf(steps);
  const lines = ['sequenceDiagram', ...actors.map((actor) => `  participant ${actor}`)];
  for (const step of steps) {
    const text = step.text.replace(/[;#\n]/g, ' ');
    if (step.kind === 'message') lines.push(`  ${step.from}->>${step.to}: ${text}`);
    else lines.push(`  Note over ${step.at ?? spanOf(actors)}: ${text}`);
  }
  return `${lines.join('\n')}\n`;
}

const LANE_PX = 170;
const ROW_PX = 24;
const TOP_PX = 40;

/** The same as a picture. */
export function svgOf(entries: readonly TraceEntry[], count: number): string {
  const steps = stepsOf(entries, count);
  const actors = actorsOf(steps);
  const x = (actor: string): number => (actors.indexOf(actor) + 0.5) * LANE_PX;
  const width = Math.max(1, actors.length) * LANE_PX;
  const height = TOP_PX + (steps.length + 1) * ROW_PX;
  const parts = actors.map(
    (actor) =>
      `<text x="${x(actor)}" y="20" text-anchor="middle" font-weight="bold">${actor}</text>` +
      `<line x1="${x(actor)}" y1="28" x2="${x(actor)}" y2="${height}" stroke="#bbb"/>`,
  );
  steps.forEach((step, index) => {
    const y = TOP_PX + (index + 1) * ROW_PX;
    const text = escaped(step.text);
    if (step.kind === 'remark') {
      const at = step.at === null ? width / 2 : x(step.at);
      parts.push(`<text x="${at}" y="${y}" text-anchor="middle" fill="#a40">${text}</text>`);
      return;
    }
    const [from, to] = [x(step.from), x(step.to)];
    parts.push(
      `<line x1="${from}" y1="${y}" x2="${to}" y2="${y}" stroke="#246" marker-end="url(#tip)"/>` +
        `<text x="${(from + to) / 2}" y="${y - 4}" text-anchor="middle">${text}</text>`,
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11">` +
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">' +
    '<path d="M0 0L8 4L0 8z" fill="#246"/></marker></defs>' +
    `<rect width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>\n`
  );
}

function stepsOf(entries: readonly TraceEntry[], count: number): readonly Step[] {
  const steps: Step[] = [];
  for (let index = entries.length - 1; index >= 0 && steps.length < count; index--) {
    const entry = entries[index];
    const step = entry === undefined ? null : stepOf(entry);
    if (step !== null) steps.push(step);
  }
  return steps.reverse();
}

function stepOf(entry: TraceEntry): Step | null {
  if (entry.kind === 'note') {
    const isClients = entry.text.startsWith('client:');
    return isClients ? null : { kind: 'remark', at: null, text: entry.text };
  }
  const { sid, event } = entry.record;
  const at = `S${sid}`;
  if (event.topic === 'packet') {
    if (event.type !== 'sent' || event.packetType === PacketType.PING) return null;
    const zxid = event.zxid < 0n ? '' : ` ${zxidToString(event.zxid)}`;
    const text = `${packetTypeName(event.packetType)}${zxid}`;
    return { kind: 'message', from: at, to: `S${event.peer}`, text };
  }
  if (event.topic === 'election') {
    if (event.type !== 'notificationSent') return null;
    const text = `vote ${event.vote.leader}, round ${event.round}`;
    return { kind: 'message', from: at, to: `S${event.peer}`, text };
  }
  const sentence = narrate(entry.record);
  if (sentence === null || sentence.weight === 'detail') return null;
  return { kind: 'remark', at, text: sentence.text };
}

function actorsOf(steps: readonly Step[]): readonly string[] {
  const actors = new Set<string>();
  for (const step of steps) {
    if (step.kind === 'message') actors.add(step.from).add(step.to);
    else if (step.at !== null) actors.add(step.at);
  }
  return [...actors].sort();
}

function spanOf(actors: readonly string[]): string {
  const [first = 'S1', ...others] = actors;
  const last = others.at(-1);
  return last === undefined ? first : `${first},${last}`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
