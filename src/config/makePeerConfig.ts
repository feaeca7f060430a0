/** A complete, checked configuration from the few values one cares to give; the rest is ZooKeeper's default. */

import type { Sid } from '../wire/ids.ts';
import { ConfigError, NotAMemberError } from './configError.ts';
import type { PeerConfig } from './peerConfig.ts';
import { QuorumHierarchical } from './quorumHierarchical.ts';
import type { QuorumVerifier } from './quorumVerifier.ts';

/** Values that follow from others unless given. */
type Derived =
  | 'dataLogDir'
  | 'learnerType'
  | 'minSessionTimeoutMs'
  | 'maxSessionTimeoutMs'
  | 'quorumCnxnTimeoutMs'
  | 'clientAddress';

type Defaulted = Omit<PeerConfig, Derived | 'sid' | 'quorumVerifier' | 'dataDir'>;

export const DEFAULT_SNAPSHOT_SIZE_FACTOR = 0.33;

/** 3.8's defaults, collected from `QuorumPeerConfig` and the classes that read system properties. */
const DEFAULTS: Defaulted = {
  maxClientCnxns: 60,
  tickTimeMs: 3_000,
  initLimit: 0,
  syncLimit: 0,
  connectToLearnerMasterLimit: 0,
  standaloneEnabled: true,
  reconfigEnabled: false,
  oraclePath: null,
  quorumListenOnAllIPs: false,
  multiAddressEnabled: false,
  syncEnabled: true,
  observerMasterPort: 0,
  observerReconnectDelayMs: 0,
  snapRetainCount: 3,
  purgeIntervalHours: 0,
  snapCount: 100_000,
  snapSizeLimitBytes: 4_194_304 * 1024,
  preAllocSizeBytes: 65_536 * 1024,
  commitLogCount: 500,
  snapshotSizeFactor: DEFAULT_SNAPSHOT_SIZE_FACTOR,
  forceSync: true,
  snapshotTrustEmpty: false,
  dbAutocreate: true,
  digestEnabled: true,
  cnxTimeoutMs: 5_000,
  electionPortBindRetryCount: 3,
  minNotificationIntervalMs: 200,
  maxNotificationIntervalMs: 60_000,
  finalizeEarly: true,
  observerElectionDelayMs: 200,
  leaderConnectDelayDuringRetryMs: 100,
  leaderServes: true,
  maxTimeToWaitForEpochMs: -1,
  maxConcurrentSnapSyncs: 10,
  maxConcurrentDiffSyncs: 100,
  forceSnapshotSync: false,
  initialZxidCounter: null,
  globalOutstandingLimit: 1_000,
  skipACL: false,
  enforceQuota: false,
  extendedTypesEnabled: false,
  superDigest: null,
  juteMaxBufferBytes: 0xfffff,
  fourLetterWordWhitelist: ['srvr'],
};

const MIN_SESSION_TIMEOUT_TICKS = 2;
const MAX_SESSION_TIMEOUT_TICKS = 20;
/** A session id begins with the low byte of the sid of the server that made it. */
const SID_MAX = 255n;
/** Session ids beginning with 0xff mark TTL nodes. */
const SID_MAX_WITH_EXTENDED_TYPES = 254n;

export type PeerConfigValues = Partial<PeerConfig> &
  Pick<PeerConfig, 'sid' | 'quorumVerifier' | 'dataDir'>;

/** @throws ConfigError where the values do not fit together */
export function makePeerConfig(values: PeerConfigValues): PeerConfig {
  const config = withDefaults(values);
  const [problem] = problemsOf(config);
  if (problem !== undefined) throw configErrorOf(problem, null);
  return config;
}

/** Complete, but unchecked: see {@link problemsOf}. */
export function withDefaults(values: PeerConfigValues): PeerConfig {
  const tickTimeMs = values.tickTimeMs ?? DEFAULTS.tickTimeMs;
  const syncLimit = values.syncLimit ?? DEFAULTS.syncLimit;
  const self = memberOf(values.quorumVerifier, values.sid);
  return {
    ...DEFAULTS,
    dataLogDir: values.dataDir,
    learnerType: self?.type ?? 'participant',
    clientAddress: self?.clientAddress ?? null,
    minSessionTimeoutMs: tickTimeMs * MIN_SESSION_TIMEOUT_TICKS,
    maxSessionTimeoutMs: tickTimeMs * MAX_SESSION_TIMEOUT_TICKS,
    quorumCnxnTimeoutMs: tickTimeMs * syncLimit,
    ...values,
  };
}

/** Whether this server is one of an ensemble and not alone (`QuorumPeerConfig.isDistributed`). */
export const isDistributed = (config: PeerConfig): boolean =>
  config.quorumVerifier !== null &&
  (!config.standaloneEnabled || config.quorumVerifier.votingMembers.size > 1);

/** What is wrong, and the `zoo.cfg` key whose line is to blame. */
export interface ConfigProblem {
  readonly key: string;
  readonly message: string;
  /** Only this server's place in the ensemble is wrong. */
  readonly notAMember?: true;
}

export const configErrorOf = (problem: ConfigProblem, line: number | null): ConfigError =>
  problem.notAMember === true
    ? new NotAMemberError(line, problem.message)
    : new ConfigError(line, problem.message);

/** All that is wrong between the values, the gravest first; each value by itself is taken to be in its range. */
export function problemsOf(config: PeerConfig): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (key: string, message: string): number => problems.push({ key, message });
  if (config.dataDir === '') add('dataDir', 'dataDir is not set; add a line dataDir=<directory>');
  if (config.oraclePath !== null && config.quorumVerifier instanceof QuorumHierarchical) {
    add('oraclePath', 'oraclePath is for majorities; leave it out, or the group and weight lines');
  }
  if (config.minSessionTimeoutMs > config.maxSessionTimeoutMs) {
    add(
      'minSessionTimeout',
      `minSessionTimeout (${config.minSessionTimeoutMs} ms) must not be larger than maxSessionTimeout (${config.maxSessionTimeoutMs} ms)`,
    );
  }
  if (config.minNotificationIntervalMs > config.maxNotificationIntervalMs) {
    add(
      'fastleader.minNotificationInterval',
      'fastleader.minNotificationInterval must not be larger than fastleader.maxNotificationInterval',
    );
  }
  problems.push(...memberProblems(config), ...sidProblems(config));
  return problems;
}

function memberProblems(config: PeerConfig): readonly ConfigProblem[] {
  const votes = config.quorumVerifier?.votingMembers.size ?? 0;
  const observes = config.quorumVerifier?.observingMembers.size ?? 0;
  if (votes === 0 && !config.standaloneEnabled) {
    return [
      {
        key: 'standaloneEnabled',
        message: 'standaloneEnabled=false needs at least one server.N line of a participant',
      },
    ];
  }
  if (observes > 0 && votes <= (config.standaloneEnabled ? 1 : 0)) {
    return [
      {
        key: 'server',
        message: 'observers need an ensemble to observe: add participants (server.N lines)',
      },
    ];
  }
  if (!isDistributed(config)) return [];
  const unset = (['initLimit', 'syncLimit'] as const).filter((key) => config[key] === 0);
  return unset.map((key) => ({
    key,
    message: `${key} is not set, and an ensemble has no default for it; add a line such as ${key}=10 (in ticks)`,
  }));
}

function sidProblems(config: PeerConfig): readonly ConfigProblem[] {
  const { sid, quorumVerifier } = config;
  const problem = (message: string): readonly ConfigProblem[] => [{ key: 'myid', message }];
  if (sid === null) {
    return isDistributed(config)
      ? problem('the myid file is missing; it holds the N of this server’s own server.N line')
      : [];
  }
  if (isDistributed(config) && memberOf(quorumVerifier, sid) === null) {
    const message = `myid is ${sid}, but there is no line server.${sid}; add it or correct myid`;
    return [{ key: 'myid', message, notAMember: true }];
  }
  const max = config.extendedTypesEnabled ? SID_MAX_WITH_EXTENDED_TYPES : SID_MAX;
  if (sid < 0n || sid > max) return problem(`myid is ${sid}; it must be from 0 to ${max}`);
  return [];
}

const memberOf = (verifier: QuorumVerifier | null, sid: Sid | null) =>
  sid === null ? null : (verifier?.allMembers.get(sid) ?? null);
