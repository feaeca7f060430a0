/** What a chaos run has to say at its end: in short on the terminal, and whole in the report when something was wrong. */

import type { TestInfo } from '@playwright/test';
import type { History } from './history.ts';
import type { Strikes } from './strikes.ts';
import { lengthMs, longestOf, type Note, type Span, type Witness } from './witness.ts';

const AROUND_FAULT_MS = 4_000;

export interface ChaosRun {
  readonly seed: number;
  readonly history: History;
  readonly strikes: Strikes;
  readonly witness: Witness;
  readonly schedule: readonly string[];
}

/** While clients wrote, how long it took after the last fault, and how soon an empty page answered, in order. */
export interface Timing {
  readonly answersMs: readonly number[];
  readonly storm: Span;
  readonly quorumMs: number;
  readonly allMs: number;
}

export function summary({ history, strikes, witness }: ChaosRun, timing: Timing): string {
  const { storm, quorumMs, allMs, answersMs } = timing;
  const { acknowledged, reads, refused, unheard, deposedReads, unjudged } = history.counts;
  const faults = [...strikes.counts].map(([kind, count]) => `${kind} ${count}`).join(', ');
  const pauses = history.pauses(storm);
  const longest = longestOf(pauses);
  const unforced = longestOf(pauses.map((pause) => witness.longestWell(pause)));
  return [
    `${(lengthMs(storm) / 60_000).toFixed(1)} minutes. Faults: ${faults}.`,
    `Clients: ${acknowledged} writes acknowledged, ${reads} reads, ${refused} refused, ${unheard} unheard; ${deposedReads} reads of a deposed leader left out, ${unjudged} nodes with too much unheard to be judged.`,
    `A majority of the voters had tabs that nothing was being done to in ${(100 * witness.wellShare(storm)).toFixed(0)} % of the time.`,
    `Longest time without an acknowledged write: ${told(longest)}; with such a majority there all the time: ${told(unforced)}.`,
    `After the last fault: a quorum in ${seconds(quorumMs)}, everybody in ${seconds(allMs)}.`,
    `The machine: an empty page answered after ${shareOf(answersMs, 0.5)} ms, nine of ten times within ${shareOf(answersMs, 0.9)}, at most after ${shareOf(answersMs, 1)}.`,
  ].join('\n  ');
}

/** What was done to the tabs and what they said of themselves, from the first moment to the last. */
export const story = ({ strikes, witness }: ChaosRun): string =>
  inOrder(strikes.notes, witness.notes).join('\n');

export async function report(
  testInfo: TestInfo,
  { seed, history, strikes, schedule }: ChaosRun,
  problems: readonly string[],
): Promise<void> {
  const paths = new Set(problems.flatMap((text) => text.match(/\/chaos\/\S+/g) ?? []));
  const { lastMs } = history;
  const around = history.describe(
    ({ path, atMs }) => paths.has(path) || atMs > lastMs - AROUND_FAULT_MS,
  );
  console.log([`seed ${seed}: ${problems.length} problems`, ...problems.slice(0, 20)].join('\n  '));
  console.log(['what was done', ...inOrder(strikes.notes)].join('\n  '));
  console.log(['what the clients were told', ...around.slice(-200)].join('\n  '));
  const attach = (name: string, lines: readonly string[]): Promise<void> =>
    testInfo.attach(name, { body: lines.join('\n'), contentType: 'text/plain' });
  await attach('problems', problems);
  await attach('schedule', schedule);
  await attach(
    'history',
    history.describe(() => true),
  );
}

/** The value that this share of them does not exceed. */
const shareOf = (ascending: readonly number[], share: number): string =>
  (ascending[Math.ceil(share * ascending.length) - 1] ?? 0).toFixed(0);

const seconds = (durationMs: number): string => `${(durationMs / 1000).toFixed(1)} s`;

const told = (span: Span): string => `${seconds(lengthMs(span))} (at ${seconds(span.fromMs)})`;

function inOrder(...notes: readonly (readonly Note[])[]): readonly string[] {
  return notes
    .flat()
    .sort((left, right) => left.atMs - right.atMs)
    .map(({ atMs, text }) => `${seconds(atMs)}: ${text}`);
}
