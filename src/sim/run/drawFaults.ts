/** The faults of a run, one by one and in short rows, drawn from its seed. */

import { changedConfig } from './changedConfig.ts';
import { drawAmbushOfTheTail, drawHandOver } from './drawSequences.ts';
import {
  type CrashPoint,
  type Fault,
  type PartitionShape,
  RARE_POINTS,
  type Target,
} from './fault.ts';
import type { SimRandom } from '../simRandom.ts';

/** How rough a run is: faults, and the longest calm between two of them. */
const WEATHERS = [
  { faultCount: [4, 8], maxCalmMs: 1_500 },
  { faultCount: [8, 14], maxCalmMs: 700 },
  { faultCount: [16, 30], maxCalmMs: 250 },
] as const;

export function drawFaults(
  random: SimRandom,
  serverCount: number,
  participantCount: number,
  suspicious: boolean,
): readonly Fault[] {
  const weather = random.pick(WEATHERS);
  const [fewest, most] = weather.faultCount;
  const count = random.integer(fewest, most);
  const faults: Fault[] = [];
  // The first faults may come before anybody has been elected.
  let atMs = random.chance(0.3) ? 0 : 600;
  for (let index = 0; index < count; index++) {
    atMs += random.between(0, weather.maxCalmMs);
    if (random.chance(0.04)) {
      const handOver = drawHandOver(random, atMs, participantCount);
      faults.push(...handOver);
      atMs = handOver.at(-1)?.atMs ?? atMs;
      continue;
    }
    const fault = drawFault(random, atMs, serverCount, suspicious);
    faults.push(fault);
    if (fault.kind === 'muteLeader' && random.chance(0.7)) {
      // Nothing is written before the old leader is back: only so is its tail cut off and not replaced.
      faults.push({ kind: 'lull', atMs: atMs + fault.powerLossMs, durationMs: 3_000 });
      atMs += fault.powerLossMs + random.between(300, 2_000);
      faults.push({ kind: 'mend', atMs });
      if (random.chance(0.5)) faults.push(...drawAmbushOfTheTail(random, atMs));
    }
    if (!random.chance(0.35)) continue;
    atMs += random.between(0, weather.maxCalmMs);
    faults.push({ kind: 'mend', atMs });
  }
  return faults;
}

const CRASH_POINTS: readonly CrashPoint[] = [
  'append',
  'flush',
  'flush',
  'replace',
  'replace',
  'truncate',
  'remove',
  'send',
  'send',
  'event',
  'event',
];

const SHAPES: readonly PartitionShape[] = [
  'majority',
  'bridge',
  'ring',
  'isolatedLeader',
  'isolatedLeader',
  'oneWay',
  'split',
];

function drawFault(
  random: SimRandom,
  atMs: number,
  serverCount: number,
  suspicious: boolean,
): Fault {
  const target = (): Target => {
    const chance = random.fraction();
    if (chance < 0.3) return 'leader';
    return chance < 0.5 ? 'follower' : random.integer(1, serverCount);
  };
  const drawn = random.integer(0, suspicious ? 29 : 26);
  switch (drawn) {
    case 0:
    case 1:
      return {
        kind: 'crash',
        atMs,
        target: target(),
        how: random.chance(0.4) ? 'silent' : 'reset',
      };
    case 2:
    case 3:
    case 4:
    case 5:
    case 6: {
      const fault = {
        kind: 'crashAt',
        atMs,
        target: random.chance(0.4) ? 'anyone' : target(),
        point: random.pick(CRASH_POINTS),
        when: random.pick(['before', 'after'] as const),
        count: random.chance(0.5) ? random.integer(0, 3) : random.integer(0, 40),
      } as const;
      // Waiting for the third one, or for one server's, would be in vain.
      return RARE_POINTS.has(fault.point) ? { ...fault, target: 'anyone', count: 0 } : fault;
    }
    case 7:
      return { kind: 'blackout', atMs };
    case 8:
      return { kind: 'stop', atMs, target: target() };
    case 9:
    case 10:
    case 11:
      return {
        kind: 'restart',
        atMs,
        target: random.integer(1, serverCount),
        change: random.chance(0.4) ? changedConfig(random.uint32()) : null,
      };
    case 12:
    case 13:
    case 14:
      return {
        kind: 'partition',
        atMs,
        shape: random.pick(SHAPES),
        pick: random.uint32(),
        flapMs: random.chance(0.2) ? random.between(50, 800) : null,
      };
    case 15:
      return { kind: 'halfOpen', atMs, from: target(), to: random.integer(1, serverCount) };
    case 16:
      return { kind: 'reset', atMs, from: target(), to: random.integer(1, serverCount) };
    case 17:
      return { kind: 'refuse', atMs, from: target(), to: target() };
    case 18: {
      const lowMs = random.between(5, 200);
      const latencyMs = [lowMs, lowMs * random.between(1, 3)] as const;
      return {
        kind: 'slowLink',
        atMs,
        from: target(),
        to: random.integer(1, serverCount),
        latencyMs,
      };
    }
    case 19:
    case 20:
      return { kind: 'freeze', atMs, target: target(), durationMs: random.between(50, 6_000) };
    case 21:
      return { kind: 'stall', atMs, target: target(), durationMs: random.between(20, 3_000) };
    case 22:
      return { kind: 'slowDisk', atMs, target: target(), flushMs: [5, random.between(10, 300)] };
    case 23:
      return {
        kind: 'diskError',
        atMs,
        target: target(),
        error: random.pick(['full', 'failed']),
        count: random.integer(0, 20),
      };
    case 24:
      return {
        kind: 'wallJump',
        atMs,
        target: target(),
        byMs: random.integer(-3_600_000, 3_600_000),
      };
    case 25:
    case 26:
      return { kind: 'muteLeader', atMs, powerLossMs: random.between(5, 100) };
    case 27:
      return { kind: 'bitFlip', atMs, target: target(), pick: random.uint32() };
    default:
      return { kind: 'wipe', atMs, target: target() };
  }
}
