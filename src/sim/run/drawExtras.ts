/** Adds to the faults of a run, which are drawn one by one, what would seldom or never come about by them. */

import type { LearnerType } from '../../config/quorumServer.ts';
import type { SimRandom } from '../simRandom.ts';
import { drawSettings } from './changedConfig.ts';
import { drawLostHolder, drawOldTail, drawOneVoice, drawTailSnapshot } from './drawSequences.ts';
import type { Fault } from './fault.ts';
import { groupLines } from './groupLines.ts';

interface Members {
  readonly serverCount: number;
  readonly participantCount: number;
  /** An empty disk is one that has lost its data: so one may be lost. */
  readonly suspicious: boolean;
}

/** A row of faults begins so long after the last of the others. */
const CALM_MS = 300;
const MOST_SCATTERED_COUNT = 3;
/** With fewer, three of them voters, nothing can change. */
const FEWEST_TO_REFORM_COUNT = 4;
/** Until all serve, have stopped and serve again. */
const REFORM_MS = 2_500;

export function withExtras(
  usual: readonly Fault[],
  random: SimRandom,
  members: Members,
): readonly Fault[] {
  const { serverCount } = members;
  const faults = usual.map((fault) =>
    fault.kind === 'restart' && fault.change !== null
      ? { ...fault, change: { ...fault.change, ...drawSettings(random, serverCount) } }
      : fault,
  );
  const endMs = usual.at(-1)?.atMs ?? 0;
  const scatteredCount = random.integer(0, MOST_SCATTERED_COUNT);
  for (let index = 0; index < scatteredCount; index++) {
    faults.push(drawScattered(random, random.between(0, endMs), serverCount));
  }
  if (random.chance(0.5)) faults.push(...drawRow(random, endMs + CALM_MS, members));
  if (serverCount >= FEWEST_TO_REFORM_COUNT && random.chance(0.25)) {
    const late = faults.map((fault) => ({ ...fault, atMs: fault.atMs + REFORM_MS }));
    faults.splice(0, faults.length, ...drawReform(random, serverCount), ...late);
  }
  return faults.sort((left, right) => left.atMs - right.atMs);
}

function drawScattered(random: SimRandom, atMs: number, serverCount: number): Fault {
  const target = random.integer(1, serverCount);
  if (random.chance(0.4)) {
    return { kind: 'restart', atMs, target, change: drawSettings(random, serverCount) };
  }
  const pick = random.uint32();
  const everyMs = random.between(5, 400);
  return random.chance(0.5)
    ? { kind: 'slowReader', atMs, from: 'leader', to: target, pick, everyMs }
    : { kind: 'slowReader', atMs, from: target, to: 'leader', pick, everyMs };
}

function drawRow(random: SimRandom, atMs: number, members: Members): readonly Fault[] {
  const { participantCount, suspicious } = members;
  const rows = [
    ...(suspicious ? [drawLostHolder, drawLostHolder] : []),
    ...(participantCount >= 3 ? [drawTailSnapshot] : []),
    ...(participantCount >= 4 ? [drawOneVoice] : []),
    ...(participantCount >= 5 ? [drawOldTail] : []),
  ];
  return rows.length === 0 ? [] : random.pick(rows)(random, atMs, participantCount);
}

/** At the beginning: all that goes wrong afterwards meets the new members. One may lose its disk, so three vote at least. */
function drawReform(random: SimRandom, serverCount: number): readonly Fault[] {
  const sids = Array.from({ length: serverCount }, (_, index) => index + 1);
  const observerCount = random.integer(0, Math.min(2, serverCount - 3));
  const observers = random.shuffle(sids).slice(0, observerCount);
  const roles: LearnerType[] = sids.map((sid) =>
    observers.includes(sid) ? 'observer' : 'participant',
  );
  const voters = sids.filter((sid) => !observers.includes(sid));
  const memberLines = voters.length >= 5 && random.chance(0.7) ? drawWeights(random, voters) : [];
  return [{ kind: 'reform', atMs: random.between(1_000, 1_600), roles, memberLines }];
}

/** Groups; in one that has another one one may weigh nothing. */
function drawWeights(random: SimRandom, voters: readonly number[]): readonly string[] {
  const groups = groupLines(voters);
  return random.chance(0.5) ? [...groups, `weight.${voters[0] ?? 1}=0`] : groups;
}
