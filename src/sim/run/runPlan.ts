/**
 * Everything that one simulated run is made of, drawn from its seed: servers, settings, delays, and the faults with their
 * times. A plan is plain data, so that a failing one can be made smaller and played again.
 */

import type { PeerConfig } from '../../config/peerConfig.ts';
import type { SimDiskOptions, DiskOperationKind } from '../simDisk.ts';
import type { SimNetworkOptions } from '../simNetwork.ts';
import { SimRandom } from '../simRandom.ts';

/** A server by its number (1, 2, ...), or by what it is when the fault strikes. */
export type Target = number | 'leader' | 'follower';
/** Whom an ambush waits for. */
export type Victim = Target | 'anyone';

export type PartitionShape = 'majority' | 'bridge' | 'ring' | 'isolatedLeader' | 'oneWay' | 'split';

/** Where in a server's doing a crash strikes. */
export type CrashPoint = DiskOperationKind | 'send' | 'event';

export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'crash'; readonly target: Target; readonly how: 'reset' | 'silent' }
  | {
      readonly kind: 'crashAt';
      readonly target: Victim;
      readonly point: CrashPoint;
      readonly when: 'before' | 'after';
      /** That many of them go by first. */
      readonly count: number;
    }
  | { readonly kind: 'blackout' }
  | { readonly kind: 'stop'; readonly target: Target }
  | { readonly kind: 'restart'; readonly target: Target; readonly change: number | null }
  | {
      readonly kind: 'partition';
      readonly shape: PartitionShape;
      /** Decides who is on which side. */
      readonly pick: number;
      /** Comes and goes with this period; null: stays until it is mended. */
      readonly flapMs: number | null;
    }
  | { readonly kind: 'halfOpen'; readonly from: Target; readonly to: Target }
  | { readonly kind: 'reset'; readonly from: Target; readonly to: Target }
  | { readonly kind: 'refuse'; readonly from: Target; readonly to: Target }
  | {
      readonly kind: 'slowLink';
      readonly from: Target;
      readonly to: Target;
      readonly latencyMs: readonly [number, number];
    }
  | { readonly kind: 'freeze'; readonly target: Target; readonly durationMs: number }
  | { readonly kind: 'stall'; readonly target: Target; readonly durationMs: number }
  | {
      readonly kind: 'slowDisk';
      readonly target: Target;
      readonly flushMs: readonly [number, number];
    }
  | {
      readonly kind: 'diskError';
      readonly target: Target;
      readonly error: 'full' | 'failed';
      readonly count: number;
    }
  | { readonly kind: 'bitFlip'; readonly target: Target; readonly pick: number }
  | { readonly kind: 'wipe'; readonly target: Target }
  | { readonly kind: 'wallJump'; readonly target: Target; readonly byMs: number }
  | { readonly kind: 'muteLeader'; readonly powerLossMs: number }
  /** Clients ask for nothing new for so long. */
  | { readonly kind: 'lull'; readonly durationMs: number }
  | { readonly kind: 'mend' }
);

export interface RunPlan {
  readonly seed: number;
  readonly participantCount: number;
  readonly observerCount: number;
  /** Of a hierarchy of groups or of weights; empty: the majority. */
  readonly memberLines: readonly string[];
  readonly config: Partial<PeerConfig>;
  readonly network: SimNetworkOptions;
  readonly disk: SimDiskOptions;
  /** How fast each server's clock runs. */
  readonly clockRates: readonly number[];
  readonly clientCount: number;
  readonly faults: readonly Fault[];
  /** Faults and clients' work end here, and the quiet period begins. */
  readonly stormMs: number;
  /** Events after which the storm ends in any case. */
  readonly maxEventCount: number;
}

export interface PlanOptions {
  /** Participants and observers together, at least and at most. */
  readonly servers: readonly [number, number];
  readonly maxEventCount: number;
}

const DEFAULT_PLAN_OPTIONS: PlanOptions = { servers: [1, 9], maxEventCount: 40_000 };

/** How rough a run is: faults, and the longest calm between two of them. */
const WEATHERS = [
  { faultCount: [4, 8], maxCalmMs: 1_500 },
  { faultCount: [8, 14], maxCalmMs: 700 },
  { faultCount: [16, 30], maxCalmMs: 250 },
] as const;

const LAST_CALM_MS = 300;

export function drawPlan(seed: number, options: Partial<PlanOptions> = {}): RunPlan {
  const { servers, maxEventCount } = { ...DEFAULT_PLAN_OPTIONS, ...options };
  const random = new SimRandom(seed, 'plan');
  const serverCount = drawServerCount(random, servers);
  const observerCount = random.chance(0.3) ? Math.min(random.integer(1, 2), serverCount - 1) : 0;
  const participantCount = serverCount - observerCount;
  const suspicious = participantCount >= 3 && random.chance(0.4);
  const faults = drawFaults(random.fork('faults'), serverCount, participantCount, suspicious);
  return {
    seed,
    participantCount,
    observerCount,
    memberLines: drawMemberLines(random, participantCount),
    config: drawConfig(random, suspicious, participantCount),
    network: drawNetwork(random),
    disk: drawDisk(random),
    clockRates: Array.from({ length: serverCount }, () =>
      random.chance(0.7) ? 1 : random.between(0.97, 1.03),
    ),
    clientCount: random.integer(1, 4),
    faults,
    stormMs: (faults.at(-1)?.atMs ?? 0) + LAST_CALM_MS,
    maxEventCount,
  };
}

/** Three and five are what people run, so most runs do. */
function drawServerCount(random: SimRandom, [low, high]: readonly [number, number]): number {
  const usual = [3, 5].filter((count) => count >= low && count <= high);
  return usual.length > 0 && random.chance(0.7) ? random.pick(usual) : random.integer(low, high);
}

function drawMemberLines(random: SimRandom, participantCount: number): readonly string[] {
  if (participantCount < 5 || random.chance(0.85)) return [];
  const groupSize = Math.ceil(participantCount / 3);
  const groups: string[] = [];
  for (let first = 1; first <= participantCount; first += groupSize) {
    const last = Math.min(first + groupSize - 1, participantCount);
    const members = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    groups.push(`group.${groups.length + 1}=${members.join(':')}`);
  }
  return groups;
}

function drawConfig(
  random: SimRandom,
  suspicious: boolean,
  participantCount: number,
): Partial<PeerConfig> {
  return {
    standaloneEnabled: false,
    dbAutocreate: !suspicious,
    snapCount: random.pick([3, 8, 30, 100_000]),
    snapshotSizeFactor: random.pick([-1, 0, 0.33, 0.33]),
    maxNotificationIntervalMs: random.pick([1_600, 5_000]),
    finalizeEarly: random.chance(0.7),
    forceSnapshotSync: random.chance(0.07),
    observerElectionDelayMs: 200,
    syncEnabled: random.chance(0.7),
    // Half of the observers follow followers, where there are any: a leader takes none at that port.
    observerMasterPort: random.chance(0.5) && participantCount > 1 ? 2_191 : 0,
    // Some reigns run out of zxids after a few dozen transactions.
    ...(random.chance(0.1) ? { initialZxidCounter: 0xffff_ffe0n } : {}),
  };
}

function drawNetwork(random: SimRandom): SimNetworkOptions {
  const low = random.pick([0.05, 0.1, 1]);
  return {
    latencyMs: [low, low + random.pick([0.5, 1, 5, 25])],
    cutSegments: random.chance(0.3),
  };
}

function drawDisk(random: SimRandom): SimDiskOptions {
  return {
    flushMs: random.pick([
      [0.2, 0.6],
      [0.2, 0.6],
      [1, 8],
      [0.01, 20],
    ] as const),
    readMs: [0.02, 0.1],
    capacityBytes: Infinity,
    unflushed: random.chance(0.8) ? 'anyPrefix' : 'lost',
  };
}

function drawFaults(
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

/** The old leader's tail is cut off now, and power is lost in the middle of that. */
function drawAmbushOfTheTail(random: SimRandom, atMs: number): readonly Fault[] {
  const point = random.pick(['truncate', 'truncate', 'remove', 'replace'] as const);
  const when = random.pick(['before', 'after'] as const);
  const count = point === 'replace' ? random.integer(0, 3) : 0;
  return [{ kind: 'crashAt', atMs: atMs + 0.001, target: 'anyone', point, when, count }];
}

/**
 * The voter with the highest sid misses something, catches up, and leads next; another one that has missed it, too, comes
 * to it then: what was handed on once is handed on again.
 */
function drawHandOver(random: SimRandom, atMs: number, participantCount: number): readonly Fault[] {
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

/** What a server does so seldom that an ambush of it lasts until the storm ends. */
export const RARE_POINTS: ReadonlySet<CrashPoint> = new Set<CrashPoint>(['truncate', 'remove']);

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
        change: random.chance(0.4) ? random.uint32() : null,
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

/** Settings that a restart may change without anybody having to agree. */
export function changedConfig(pick: number): Partial<PeerConfig> {
  const random = new SimRandom(pick, 'change');
  return {
    snapCount: random.pick([3, 8, 30, 100_000]),
    snapshotSizeFactor: random.pick([-1, 0, 0.33]),
    forceSnapshotSync: random.chance(0.2),
    finalizeEarly: random.chance(0.5),
  };
}
