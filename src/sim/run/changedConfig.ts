/** What a restart may change of a server's settings without the others having to agree. */

import type { PeerConfig } from '../../config/peerConfig.ts';
import { SimRandom } from '../simRandom.ts';

/** Those of snapshots and elections, all together. */
export function changedConfig(pick: number): Partial<PeerConfig> {
  const random = new SimRandom(pick, 'change');
  return {
    snapCount: random.pick([3, 8, 30, 100_000]),
    snapshotSizeFactor: random.pick([-1, 0, 0.33]),
    forceSnapshotSync: random.chance(0.2),
    finalizeEarly: random.chance(0.5),
  };
}

type Values = { readonly [Key in keyof PeerConfig]?: readonly PeerConfig[Key][] };

/**
 * Every further setting that has an effect here, with the values it may have beside any of the others. Times and ticks
 * are such that a server in good health is in touch with all that are: the ensemble has to serve in the end.
 */
const VALUES = {
  tickTimeMs: [100, 200, 300],
  initLimit: [8, 10, 20],
  syncLimit: [4, 5, 8],
  connectToLearnerMasterLimit: [0, 8],
  minSessionTimeoutMs: [100, 1_000],
  maxSessionTimeoutMs: [1_500, 20_000],
  maxClientCnxns: [0, 1, 60],
  globalOutstandingLimit: [1, 10, 1_000],
  leaderServes: [false, true],
  syncEnabled: [false, true],
  snapSizeLimitBytes: [0, 512, 4_096],
  snapRetainCount: [3, 5],
  purgeIntervalHours: [0, 1],
  commitLogCount: [1, 5, 500],
  digestEnabled: [false, true],
  minNotificationIntervalMs: [50, 200],
  maxNotificationIntervalMs: [1_600, 5_000],
  observerElectionDelayMs: [50, 400],
  observerReconnectDelayMs: [0, 200],
  cnxTimeoutMs: [1_000, 5_000],
  // Five tries have to outlast the wait of a leader that finalizes: those who give up sooner elect it again and again.
  leaderConnectDelayDuringRetryMs: [100, 300],
  maxTimeToWaitForEpochMs: [-1, 500],
  maxConcurrentSnapSyncs: [1, 10],
  maxConcurrentDiffSyncs: [1, 100],
  skipACL: [false, true],
  enforceQuota: [false, true],
} as const satisfies Values;

type Setting = keyof typeof VALUES;

const isSetting = (key: string): key is Setting => key in VALUES;

/** All that {@link drawSettings} and {@link changedConfig} may change. */
export const CHANGEABLE_SETTINGS: readonly string[] = [
  ...Object.keys(changedConfig(0)),
  ...Object.keys(VALUES),
];

const CHANGE_CHANCE = 0.3;

/** Some of them; `serverCount`: of one server the leader is the only one that can serve. */
export function drawSettings(random: SimRandom, serverCount: number): Partial<PeerConfig> {
  const drawn = Object.keys(VALUES)
    .filter(isSetting)
    .filter((key) => random.chance(CHANGE_CHANCE) && (key !== 'leaderServes' || serverCount > 1))
    .map((key) => [key, random.pick<unknown>(VALUES[key])] as const);
  return Object.fromEntries(drawn);
}
