/**
 * Rows of faults that lead to where single ones seldom do. Each begins with everything mended, and a step that finds
 * another ensemble than it needs does no harm: it is a fault as any other.
 */

import type { SimRandom } from '../simRandom.ts';
import type { Fault } from './fault.ts';

/** The old leader's tail is cut off now, and power is lost in the middle of that. */
export function drawAmbushOfTheTail(random: SimRandom, atMs: number): readonly Fault[] {
  const point = random.pick(['truncate', 'truncate', 'remove', 'replace'] as const);
  const when = random.pick(['before', 'after'] as const);
  const count = point === 'replace' ? random.integer(0, 3) : 0;
  return [{ kind: 'crashAt', atMs: atMs + 0.001, target: 'anyone', point, when, count }];
}

/**
 * The voter with the highest sid misses something, catches up, and leads next; another one that has missed it, too, comes
 * to it then: what was handed on once is handed on again.
 */
export function drawHandOver(
  random: SimRandom,
  atMs: number,
  participantCount: number,
): readonly Fault[] {
  const heir = participantCount;
  const late = random.integer(1, Math.max(1, participantCount - 2));
  let nextMs = atMs;
  const then = (lowMs: number, highMs: number): number => (nextMs += random.between(lowMs, highMs));
  return [
    { kind: 'mend', atMs },
    { kind: 'crash', atMs: nextMs, target: heir, how: 'reset' },
    { kind: 'crash', atMs: then(300, 900), target: late, how: 'reset' },
    { kind: 'restart', atMs: then(100, 600), target: heir, change: null },
    { kind: 'crash', atMs: then(200, 600), target: 'leader', how: 'reset' },
    { kind: 'restart', atMs: then(300, 900), target: late, change: null },
    { kind: 'mend', atMs: then(300, 600) },
  ];
}

/**
 * Of those that hold what is committed one loses its disk while the rest of them are away, and those who have missed it
 * are back: with the one that has lost everything they are many enough for a quorum.
 */
export function drawLostHolder(
  random: SimRandom,
  atMs: number,
  participantCount: number,
): readonly Fault[] {
  const order = random.shuffle(Array.from({ length: participantCount }, (_, index) => index + 1));
  const lateCount = Math.floor((participantCount - 1) / 2);
  const [late, [lost = 1, ...away]] = [order.slice(0, lateCount), order.slice(lateCount)];
  const fellMs = atMs + random.between(700, 1_300);
  const lostMs = fellMs + random.between(500, 1_200);
  const backMs = lostMs + random.between(20, 200);
  return [
    { kind: 'mend', atMs },
    ...late.map((target) => ({ kind: 'crash', atMs: fellMs, target, how: 'reset' }) as const),
    { kind: 'wipe', atMs: lostMs, target: lost },
    ...away.map((target) => ({ kind: 'crash', atMs: lostMs, target, how: 'reset' }) as const),
    ...[...late, lost].map(
      (target) => ({ kind: 'restart', atMs: backMs, target, change: null }) as const,
    ),
    { kind: 'mend', atMs: backMs + random.between(1_500, 3_000) },
  ];
}

/** One voice short of a quorum, a follower that has given its own leaves, is cut back, and comes again. */
export function drawOneVoice(random: SimRandom, atMs: number): readonly Fault[] {
  const struckMs = atMs + random.between(800, 1_400);
  const resetMs = random.between(30, 150);
  return [
    { kind: 'mend', atMs },
    { kind: 'oneVoice', atMs: struckMs, pick: random.uint32(), resetMs },
    { kind: 'mend', atMs: struckMs + resetMs + random.between(200, 700) },
  ];
}

/**
 * The voter with the highest sid leads, writes down what it can tell nobody, comes back, and is given a snapshot by the
 * next leader. Then it leads again, and hands history on to one that was away since before its tail.
 */
export function drawOldTail(
  random: SimRandom,
  atMs: number,
  participantCount: number,
): readonly Fault[] {
  const [heir, next] = [participantCount, participantCount - 1];
  const late = random.integer(1, participantCount - 2);
  let nextMs = atMs;
  const then = (lowMs: number, highMs: number): number => (nextMs += random.between(lowMs, highMs));
  const givesSnapshots = { forceSnapshotSync: true };
  const givesLogs = { forceSnapshotSync: false, snapshotSizeFactor: 0 };
  const powerLossMs = random.between(20, 100);
  return [
    { kind: 'restart', atMs, target: next, change: givesSnapshots },
    { kind: 'restart', atMs, target: heir, change: givesLogs },
    { kind: 'blackout', atMs },
    { kind: 'mend', atMs },
    { kind: 'crash', atMs: then(900, 1_500), target: late, how: 'reset' },
    { kind: 'muteLeader', atMs: then(300, 800), powerLossMs },
    { kind: 'lull', atMs: nextMs + powerLossMs, durationMs: 2_200 },
    { kind: 'mend', atMs: then(600, 1_000) },
    { kind: 'crash', atMs: nextMs, target: late, how: 'reset' },
    { kind: 'crash', atMs: then(2_000, 2_800), target: 'leader', how: 'reset' },
    { kind: 'restart', atMs: then(500, 1_000), target: late, change: null },
    { kind: 'mend', atMs: then(500, 1_000) },
  ];
}

/** The voter with the highest sid leads, and of what it could tell nobody a snapshot is taken before it is cut off. */
export function drawTailSnapshot(
  random: SimRandom,
  atMs: number,
  participantCount: number,
): readonly Fault[] {
  const heir = participantCount;
  let nextMs = atMs;
  const then = (lowMs: number, highMs: number): number => (nextMs += random.between(lowMs, highMs));
  const powerLossMs = random.between(20, 100);
  return [
    { kind: 'mend', atMs },
    { kind: 'muteLeader', atMs: then(900, 1_500), powerLossMs },
    { kind: 'tailSnapshot', atMs: (nextMs += powerLossMs + 1), target: heir },
    { kind: 'mend', atMs: then(600, 1_200) },
    { kind: 'restart', atMs: then(600, 1_200), target: heir, change: null },
    { kind: 'mend', atMs: then(500, 1_000) },
  ];
}
