/**
 * Everything that one simulated run is made of, drawn from its seed: servers, settings, delays, and the faults with their
 * times. A plan is plain data, so that a failing one can be made smaller and played again.
 */

import type { PeerConfig } from '../../config/peerConfig.ts';
import type { SimDiskOptions } from '../simDisk.ts';
import type { SimNetworkOptions } from '../simNetwork.ts';
import { SimRandom } from '../simRandom.ts';
import { drawFaults } from './drawFaults.ts';
import { withExtras } from './drawExtras.ts';
import type { Fault } from './fault.ts';
import { groupLines } from './groupLines.ts';

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
  /** Beside the faults that are drawn one by one: rows of them, slow readers, and all settings that a restart may change. */
  readonly extras: boolean;
}

const DEFAULT_PLAN_OPTIONS: PlanOptions = {
  servers: [1, 9],
  maxEventCount: 40_000,
  extras: true,
};

/** From the last fault to the end of the storm. */
export const LAST_CALM_MS = 300;

export function drawPlan(seed: number, options: Partial<PlanOptions> = {}): RunPlan {
  const { servers, maxEventCount, extras } = { ...DEFAULT_PLAN_OPTIONS, ...options };
  const random = new SimRandom(seed, 'plan');
  const serverCount = drawServerCount(random, servers);
  const observerCount = random.chance(0.3) ? Math.min(random.integer(1, 2), serverCount - 1) : 0;
  const participantCount = serverCount - observerCount;
  const suspicious = participantCount >= 3 && random.chance(0.4);
  const usual = drawFaults(random.fork('faults'), serverCount, participantCount, suspicious);
  const faults = extras
    ? withExtras(usual, random.fork('extras'), { serverCount, participantCount, suspicious })
    : usual;
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
  return groupLines(Array.from({ length: participantCount }, (_, index) => index + 1));
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
