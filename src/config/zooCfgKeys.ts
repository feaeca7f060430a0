/** What each `zoo.cfg` key means: its values' form and range, and the field of `PeerConfig` it sets. */

import { ConfigError } from './configError.ts';
import type { PropertyEntry } from './javaProperties.ts';
import type { PeerConfig } from './peerConfig.ts';

type Read = (entry: PropertyEntry) => Partial<PeerConfig>;

const INT_MAX = 2 ** 31 - 1;
const PORT_MAX = 65_535;
const KIB = 1024;
/** ZooKeeper warns and goes on with these where less is asked for. */
export const MIN_SNAP_RETAIN_COUNT = 3;
export const MIN_COMMIT_LOG_COUNT = 500;
/** A zxid's counter has 32 bits. */
const COUNTER_MAX = 0xffffffffn;

/** Keys that count in `zoo.cfg` only; all others are Java system properties to ZooKeeper, which the environment can set too. */
export const FILE_ONLY_KEYS: ReadonlySet<string> = new Set([
  'dataDir',
  'dataLogDir',
  'clientPort',
  'clientPortAddress',
  'maxClientCnxns',
  'tickTime',
  'initLimit',
  'syncLimit',
  'connectToLearnerMasterLimit',
  'minSessionTimeout',
  'maxSessionTimeout',
  'electionAlg',
  'peerType',
  'dynamicConfigFile',
  'standaloneEnabled',
  'reconfigEnabled',
  'quorumListenOnAllIPs',
  'syncEnabled',
  'autopurge.snapRetainCount',
  'autopurge.purgeInterval',
  'oraclePath',
]);

/** Keys that set a field. `clientPort`, `clientPortAddress`, `peerType`, `dynamicConfigFile` and members stand apart. */
export const VALUE_KEYS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['dataDir', (e) => ({ dataDir: text(e) })],
  ['dataLogDir', (e) => ({ dataLogDir: text(e) })],
  ['maxClientCnxns', (e) => ({ maxClientCnxns: integer(e, 0) })],
  ['tickTime', (e) => ({ tickTimeMs: integer(e, 1) })],
  ['initLimit', (e) => ({ initLimit: integer(e, 1) })],
  ['syncLimit', (e) => ({ syncLimit: integer(e, 1) })],
  ['connectToLearnerMasterLimit', (e) => ({ connectToLearnerMasterLimit: integer(e, 0) })],
  ['minSessionTimeout', (e) => orDefault(e, (ms) => ({ minSessionTimeoutMs: ms }))],
  ['maxSessionTimeout', (e) => orDefault(e, (ms) => ({ maxSessionTimeoutMs: ms }))],
  ['standaloneEnabled', (e) => ({ standaloneEnabled: boolean(e) })],
  ['oraclePath', (e) => ({ oraclePath: text(e) })],
  ['reconfigEnabled', (e) => ({ reconfigEnabled: boolean(e) })],
  ['quorumListenOnAllIPs', (e) => ({ quorumListenOnAllIPs: boolean(e) })],
  ['multiAddress.enabled', (e) => ({ multiAddressEnabled: boolean(e) })],
  ['syncEnabled', (e) => ({ syncEnabled: boolean(e) })],
  ['observerMasterPort', (e) => ({ observerMasterPort: portOrNone(e) })],
  ['observer.reconnectDelayMs', (e) => ({ observerReconnectDelayMs: integer(e, 0) })],
  ['autopurge.snapRetainCount', (e) => ({ snapRetainCount: integer(e, 0) })],
  ['autopurge.purgeInterval', (e) => ({ purgeIntervalHours: integer(e, 0) })],
  ['snapCount', (e) => ({ snapCount: integer(e, 2) })],
  ['snapSizeLimitInKb', (e) => ({ snapSizeLimitBytes: integer(e, -1) * KIB })],
  ['preAllocSize', (e) => ({ preAllocSizeBytes: integer(e, 1) * KIB })],
  ['commitLogCount', (e) => ({ commitLogCount: integer(e, 0) })],
  ['snapshotSizeFactor', (e) => ({ snapshotSizeFactor: fraction(e) })],
  ['forceSync', (e) => ({ forceSync: yesOrNo(e) })],
  ['snapshot.trust.empty', (e) => ({ snapshotTrustEmpty: boolean(e) })],
  ['db.autocreate', (e) => ({ dbAutocreate: boolean(e) })],
  ['digest.enabled', (e) => ({ digestEnabled: boolean(e) })],
  ['cnxTimeout', (e) => ({ cnxTimeoutMs: integer(e, 1) })],
  ['quorumCnxnTimeoutMs', (e) => orDefault(e, (ms) => ({ quorumCnxnTimeoutMs: ms }))],
  ['electionPortBindRetry', (e) => ({ electionPortBindRetryCount: integer(e, 0) })],
  ['fastleader.minNotificationInterval', (e) => ({ minNotificationIntervalMs: integer(e, 1) })],
  ['fastleader.maxNotificationInterval', (e) => ({ maxNotificationIntervalMs: integer(e, 1) })],
  ['tabkeeper.finalizeEarly', (e) => ({ finalizeEarly: boolean(e) })],
  ['observer.election.DelayMs', (e) => ({ observerElectionDelayMs: integer(e, 0) })],
  ['leaderConnectDelayDuringRetryMs', (e) => ({ leaderConnectDelayDuringRetryMs: integer(e, 0) })],
  ['leaderServes', (e) => ({ leaderServes: yesOrNo(e) })],
  ['leader.maxTimeToWaitForEpoch', (e) => ({ maxTimeToWaitForEpochMs: integer(e, -1) })],
  ['leader.maxConcurrentSnapSyncs', (e) => ({ maxConcurrentSnapSyncs: integer(e, 1) })],
  ['leader.maxConcurrentDiffSyncs', (e) => ({ maxConcurrentDiffSyncs: integer(e, 1) })],
  ['forceSnapshotSync', (e) => ({ forceSnapshotSync: boolean(e) })],
  ['testingonly.initialZxid', (e) => ({ initialZxidCounter: counter(e) })],
  ['globalOutstandingLimit', (e) => ({ globalOutstandingLimit: integer(e, 1) })],
  ['skipACL', (e) => ({ skipACL: yesOrNo(e) })],
  ['enforceQuota', (e) => ({ enforceQuota: boolean(e) })],
  ['extendedTypesEnabled', (e) => ({ extendedTypesEnabled: boolean(e) })],
  ['DigestAuthenticationProvider.superDigest', (e) => ({ superDigest: superDigest(e) })],
  ['jute.maxbuffer', (e) => ({ juteMaxBufferBytes: integer(e, 1) })],
  ['4lw.commands.whitelist', (e) => ({ fourLetterWordWhitelist: words(e) })],
]);

const ON_THE_LINK = 'what carries a connection seals it, as in a tab; over TCP it is plain here';
const ONE_THREAD = 'it tunes threads or memory of the Java server, which are not here';
const GROUPED = 'a flush takes all that waits, as soon as the one before is done';
const NOT_HERE = 'this server does not have that feature';

/** Keys of ZooKeeper that change nothing here, and why. One that ends in a dot or a line stands for all that begin with it. */
export const KEYS_WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map([
  ['clientPortListenBacklog', ONE_THREAD],
  ['secureClientPort', ON_THE_LINK],
  ['secureClientPortAddress', ON_THE_LINK],
  ['sslQuorum', ON_THE_LINK],
  ['sslQuorumReloadCertFiles', ON_THE_LINK],
  ['portUnification', ON_THE_LINK],
  ['ssl.', ON_THE_LINK],
  ['quorum.auth.', ON_THE_LINK],
  ['quorum.cnxn.threads.size', ONE_THREAD],
  ['jvm.pause.', ONE_THREAD],
  ['commitProcessor.', ONE_THREAD],
  ['nio.', ONE_THREAD],
  ['serverCnxnFactory', ONE_THREAD],
  ['flushDelay', GROUPED],
  ['maxBatchSize', GROUPED],
  ['maxWriteQueuePollTime', GROUPED],
  ['txnLogSizeLimitInKb', 'a log ends with its snapshot here'],
  ['fsync.warningthresholdms', 'every flush is told to the probe with the time it took'],
  ['closeSessionTxn.enabled', 'closing a session always names its ephemeral nodes here'],
  [
    'observerMaster.sizeLimit',
    'what a follower commits is in its database at once, so that it keeps no packets',
  ],
  ['metricsProvider.', NOT_HERE],
  ['admin.', NOT_HERE],
  ['authProvider.', NOT_HERE],
  ['multiAddress.reachabilityCheckEnabled', 'addresses are tried in turn here'],
  ['multiAddress.reachabilityCheckTimeoutMs', 'addresses are tried in turn here'],
  ['localSessionsEnabled', NOT_HERE],
  ['localSessionsUpgradingEnabled', NOT_HERE],
  ['readonlymode.enabled', NOT_HERE],
  ['datadir.autocreate', 'the data directory is made where it is missing'],
  ['maxCnxns', NOT_HERE],
  ['client.portUnification', ON_THE_LINK],
  ['netty.', ONE_THREAD],
  ['intBufferStartingSizeBytes', ONE_THREAD],
  ['learner.asyncSending', ONE_THREAD],
  ['learner.closeSocketAsync', ONE_THREAD],
  ['leader.closeSocketAsync', ONE_THREAD],
  ['follower.skipLearnerRequestToNextProcessor', ONE_THREAD],
  ['forward_learner_requests_to_commit_processor_disabled', ONE_THREAD],
  ['watchManagerName', ONE_THREAD],
  ['watcherCleanIntervalInSeconds', ONE_THREAD],
  ['watcherCleanThreadsNum', ONE_THREAD],
  ['watcherCleanThreshold', ONE_THREAD],
  ['maxInProcessingDeadWatchers', ONE_THREAD],
  ['bitHashCacheSize', ONE_THREAD],
  ['maxResponseCacheSize', ONE_THREAD],
  ['maxGetChildrenResponseCacheSize', ONE_THREAD],
  ['connection_throttle_', NOT_HERE],
  ['request_throttle_', NOT_HERE],
  ['request_throttler.', NOT_HERE],
  ['request_stale_', NOT_HERE],
  ['throttled_op_wait_time', NOT_HERE],
  ['largeRequestMaxBytes', NOT_HERE],
  ['largeRequestThreshold', NOT_HERE],
  ['enableEagerACLCheck', NOT_HERE],
  ['emulate353TTLNodes', NOT_HERE],
  ['snapshot.compression.method', NOT_HERE],
  ['tcpKeepAlive', NOT_HERE],
  ['enforce.auth.', NOT_HERE],
  ['sessionRequireClientSASLAuth', NOT_HERE],
  ['allowSaslFailedClients', NOT_HERE],
  ['letAnySaslUserDoX', NOT_HERE],
  ['requireKerberosConfig', NOT_HERE],
  ['kerberos.', NOT_HERE],
  ['security.auth_to_local', NOT_HERE],
  ['superUser', NOT_HERE],
  ['ensembleAuthName', NOT_HERE],
  ['SASLAuthenticationProvider.', NOT_HERE],
  ['X509AuthenticationProvider.', NOT_HERE],
  ['DigestAuthenticationProvider.digestAlg', 'digests are of SHA-1 here, which is the default'],
  ['DigestAuthenticationProvider.enabled', 'the scheme digest is always there'],
  ['audit.', NOT_HERE],
  ['controllerPort', NOT_HERE],
  ['messageTracker.', NOT_HERE],
  ['pathStats.', NOT_HERE],
  ['leader.ackLoggingFrequency', NOT_HERE],
  ['observer.syncEnabled', 'write syncEnabled'],
  ['znode.container.', 'containers are looked after as often as by default'],
]);

const fail = (entry: PropertyEntry, what: string): never => {
  const where = entry.line === null ? ' (from the environment)' : '';
  throw new ConfigError(entry.line, `${entry.key}=${entry.value}${where}: ${what}`);
};

function text(entry: PropertyEntry): string {
  return entry.value === '' ? fail(entry, 'the value is missing') : entry.value;
}

/** A whole number from `min` to the largest of Java's int. */
export function integer(entry: PropertyEntry, min: number, max = INT_MAX): number {
  const value = /^[+-]?\d{1,10}$/.test(entry.value) ? Number(entry.value) : Number.NaN;
  if (value >= min && value <= max) return value;
  return fail(entry, `write a whole number from ${min} to ${max}`);
}

/** -1 leaves the default, as in ZooKeeper. */
function orDefault(entry: PropertyEntry, set: (ms: number) => Partial<PeerConfig>) {
  return entry.value === '-1' ? {} : set(integer(entry, 0));
}

/** Nothing below 1 is a port: then there is none (0), as in ZooKeeper. */
const portOrNone = (entry: PropertyEntry): number =>
  Math.max(0, integer(entry, -INT_MAX, PORT_MAX));

function boolean(entry: PropertyEntry): boolean {
  const value = entry.value.toLowerCase();
  return value === 'true' || (value !== 'false' && fail(entry, 'write true or false'));
}

/** These three keys compare with `yes` and `no`; `false` would mean yes, or no, by which of them it is. */
function yesOrNo(entry: PropertyEntry): boolean {
  return entry.value === 'yes' || (entry.value !== 'no' && fail(entry, 'write yes or no'));
}

function fraction(entry: PropertyEntry): number {
  if (/^-?\d{1,9}(\.\d{1,9})?$/.test(entry.value)) return Number(entry.value);
  return fail(entry, 'write a decimal number such as 0.33');
}

function counter(entry: PropertyEntry): bigint {
  const value = /^\d{1,10}$/.test(entry.value) ? BigInt(entry.value) : -1n;
  if (value >= 0n && value <= COUNTER_MAX) return value;
  return fail(entry, `write a whole number from 0 to ${COUNTER_MAX}`);
}

function superDigest(entry: PropertyEntry): string {
  if (/^[^:]+:[A-Za-z0-9+/]{27}=$/.test(entry.value)) return entry.value;
  return fail(entry, 'write user:base64(sha1(user:password))');
}

function words(entry: PropertyEntry): readonly string[] {
  return entry.value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
