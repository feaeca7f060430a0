import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/configError.ts';
import { isDistributed, makePeerConfig } from '../../../src/config/makePeerConfig.ts';
import { dynamicConfigFileOf, parseZooCfg } from '../../../src/config/zooCfg.ts';
import { VALUE_KEYS } from '../../../src/config/zooCfgKeys.ts';
import { sid } from '../../../src/wire/ids.ts';

const ENSEMBLE = `tickTime=2000
initLimit=10
syncLimit=5
dataDir=/var/zk
clientPort=2181
server.1=a:2888:3888
server.2=b:2888:3888
server.3=c:2888:3888
`;
const MEMBER = { myid: '2\n', dynamicConfig: null };

const parse = (extra = '', files = MEMBER) => parseZooCfg(ENSEMBLE + extra, files);
const warnings = (extra: string): string[] =>
  parse(extra).warnings.map(({ line, message }) => `${line ?? '-'}: ${message}`);

describe('zoo.cfg of an ensemble', () => {
  it('gives a configuration with what it says and ZooKeeper’s defaults', () => {
    const { config, warnings: none } = parse();
    expect(none).toEqual([]);
    expect(config).toMatchObject({
      sid: 2n,
      learnerType: 'participant',
      tickTimeMs: 2000,
      initLimit: 10,
      syncLimit: 5,
      dataDir: '/var/zk',
      dataLogDir: '/var/zk',
      clientAddress: '0.0.0.0:2181',
      minSessionTimeoutMs: 4_000,
      maxSessionTimeoutMs: 40_000,
      quorumCnxnTimeoutMs: 10_000,
      maxClientCnxns: 60,
      snapCount: 100_000,
      preAllocSizeBytes: 64 * 1024 * 1024,
      commitLogCount: 500,
      cnxTimeoutMs: 5_000,
      minNotificationIntervalMs: 200,
      maxNotificationIntervalMs: 60_000,
      juteMaxBufferBytes: 0xfffff,
      fourLetterWordWhitelist: ['srvr'],
      superDigest: null,
    });
    expect(isDistributed(config)).toBe(true);
  });

  it('takes every key it knows', () => {
    const { config, warnings: none } = parse(`dataLogDir=/log
maxClientCnxns=0
minSessionTimeout=100
maxSessionTimeout=-1
electionAlg=3
peerType=participant
standaloneEnabled=false
reconfigEnabled=true
quorumListenOnAllIPs=true
syncEnabled=false
autopurge.snapRetainCount=5
autopurge.purgeInterval=24
snapCount=10
preAllocSize=16
commitLogCount=600
snapshotSizeFactor=-1
forceSync=no
leaderServes=no
skipACL=yes
globalOutstandingLimit=7
cnxTimeout=100
fastleader.minNotificationInterval=10
fastleader.maxNotificationInterval=20
observer.election.DelayMs=0
observer.reconnectDelayMs=30
observerMasterPort=2191
oraclePath=/oracle
leaderConnectDelayDuringRetryMs=1
leader.maxTimeToWaitForEpoch=3000
testingonly.initialZxid=4294967290
jute.maxbuffer=4096
extendedTypesEnabled=true
4lw.commands.whitelist=stat, ruok,*
DigestAuthenticationProvider.superDigest=super:xQJmxLMiHGwaqBvst5y6rkB6HQs=
tabkeeper.finalizeEarly=false
`);
    expect(none).toEqual([]);
    expect(config).toMatchObject({
      dataLogDir: '/log',
      maxClientCnxns: 0,
      minSessionTimeoutMs: 100,
      maxSessionTimeoutMs: 40_000,
      standaloneEnabled: false,
      reconfigEnabled: true,
      quorumListenOnAllIPs: true,
      syncEnabled: false,
      snapRetainCount: 5,
      purgeIntervalHours: 24,
      snapCount: 10,
      preAllocSizeBytes: 16_384,
      commitLogCount: 600,
      snapshotSizeFactor: -1,
      forceSync: false,
      leaderServes: false,
      skipACL: true,
      globalOutstandingLimit: 7,
      cnxTimeoutMs: 100,
      minNotificationIntervalMs: 10,
      maxNotificationIntervalMs: 20,
      observerElectionDelayMs: 0,
      observerReconnectDelayMs: 30,
      observerMasterPort: 2_191,
      oraclePath: '/oracle',
      leaderConnectDelayDuringRetryMs: 1,
      maxTimeToWaitForEpochMs: 3_000,
      initialZxidCounter: 4_294_967_290n,
      juteMaxBufferBytes: 4_096,
      extendedTypesEnabled: true,
      fourLetterWordWhitelist: ['stat', 'ruok', '*'],
      superDigest: 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
      finalizeEarly: false,
    });
  });

  it.each([
    ['tickTime=0', /line 9: tickTime=0: write a whole number from 1/],
    ['tickTime=fast', /line 9: tickTime=fast: write a whole number/],
    ['initLimit=', /line 9: initLimit=: write a whole number/],
    ['snapCount=99999999999', /line 9: snapCount=/],
    ['electionAlg=0', /line 9: electionAlg=0: only 3/],
    ['peerType=boss', /line 9: peerType=boss: write participant or observer/],
    ['syncEnabled=maybe', /line 9: syncEnabled=maybe: write true or false/],
    ['forceSync=false', /line 9: forceSync=false: write yes or no/],
    ['snapshotSizeFactor=big', /line 9: .*decimal number/],
    ['observerMasterPort=65536', /line 9: .*to 65535/],
    ['oraclePath=/oracle\ngroup.1=1:2:3', /line 9: oraclePath is for majorities/],
    ['testingonly.initialZxid=4294967296', /line 9: .*from 0 to 4294967295/],
    ['testingonly.initialZxid=-1', /line 9: .*from 0 to 4294967295/],
    ['DigestAuthenticationProvider.superDigest=secret', /line 9: .*user:base64/],
    ['minSessionTimeout=50000', /line 9: minSessionTimeout \(50000 ms\) must not be larger/],
    ['fastleader.minNotificationInterval=90000', /line 9: fastleader/],
    ['server.4=d:2888', /line 9: server\.4=d:2888: .*write host:quorumPort/],
    ['server.x=d:1:2', /line 9: "server\.x" names no server/],
    ['group.1=1:2', /server 3 is not in a group/],
    ['server.4=d:1:2|e:1:2', /line 9: server\.4 has several addresses/],
    ['dynamicConfigFile=zoo.dynamic', /line 6: server\.1 must stand in zoo\.dynamic/],
    ['clientPort=x', /line 9: clientPort=x/],
    ['server.2=b:2888:3888;2182', /line 5: clientPort .*0\.0\.0\.0:2182/],
  ])('%s is refused, naming the line and what would do', (line, reason) => {
    expect(() => parse(line)).toThrow(ConfigError);
    expect(() => parse(line)).toThrow(reason);
  });

  it.each([
    [ENSEMBLE.replace('initLimit=10\n', ''), '1', /initLimit is not set/],
    [ENSEMBLE.replace('syncLimit=5\n', ''), '1', /syncLimit is not set/],
    [ENSEMBLE.replace('dataDir=/var/zk\n', ''), '1', /dataDir is not set/],
    [ENSEMBLE, null, /myid file is missing/],
    [ENSEMBLE, 'one', /myid holds "one"/],
    [ENSEMBLE, '4', /there is no line server\.4/],
    [`${ENSEMBLE}server.256=d:1:2`, '256', /from 0 to 255/],
    [`${ENSEMBLE}server.255=d:1:2\nextendedTypesEnabled=true`, '255', /from 0 to 254/],
    [
      'dataDir=/d\nclientPortAddress=1.2.3.4',
      null,
      /line 2: clientPortAddress is set, but clientPort/,
    ],
    ['dataDir=/d\nstandaloneEnabled=false', null, /line 2: standaloneEnabled=false needs/],
    ['dataDir=/d\nserver.1=a:1:2\nserver.2=b:1:2:observer', '1', /observers need an ensemble/],
    ['dataDir=/d\nserver.1=a:1:2:observer', '1', /observers need an ensemble/],
  ])('without what it needs is refused: %#', (text, myid, reason) => {
    expect(() => parseZooCfg(text, { myid, dynamicConfig: null })).toThrow(reason);
  });

  it.each(['', 'observerMasterPort=0', 'observerMasterPort=-1'])(
    'lets observers follow the leader unless a port for them is named (%s)',
    (line) => {
      expect(parse(line).config.observerMasterPort).toBe(0);
      expect(warnings(line)).toEqual([]);
    },
  );

  it('warns of keys nobody knows and says what may have been meant', () => {
    expect(warnings('colour=red\nticktime=5\nzookeeper.snapCount=5\n')).toEqual([
      '9: colour is no key this server knows, so it has no effect',
      '10: ticktime is no key this server knows, so it has no effect; write tickTime',
      '11: zookeeper.snapCount is no key this server knows, so it has no effect; write snapCount',
    ]);
  });

  it('warns of keys that change nothing here, and why', () => {
    expect(warnings('admin.enableServer=false\nsslQuorum=true')).toEqual([
      '9: admin.enableServer has no effect: this server does not have that feature',
      '10: sslQuorum has no effect: what carries a connection seals it, as in a tab; over TCP it is plain here',
    ]);
  });

  it.each([
    ['maxCnxns', 'connection_throttle_tokens', 'request_throttle_max_requests', 'audit.enable'],
    ['request_throttler.shutdownTimeout', 'request_stale_latency_check', 'throttled_op_wait_time'],
    ['largeRequestMaxBytes', 'largeRequestThreshold', 'maxResponseCacheSize', 'tcpKeepAlive'],
    ['maxGetChildrenResponseCacheSize', 'bitHashCacheSize', 'watchManagerName'],
    ['watcherCleanThreadsNum', 'watcherCleanThreshold', 'watcherCleanIntervalInSeconds'],
    ['maxInProcessingDeadWatchers', 'intBufferStartingSizeBytes', 'emulate353TTLNodes'],
    ['DigestAuthenticationProvider.digestAlg', 'X509AuthenticationProvider.superUser', 'superUser'],
    ['enforce.auth.enabled', 'enforce.auth.schemes', 'sessionRequireClientSASLAuth'],
    ['allowSaslFailedClients', 'kerberos.canonicalizeHostNames', 'ensembleAuthName'],
    ['client.portUnification', 'netty.advancedFlowControl.enabled', 'enableEagerACLCheck'],
    ['learner.asyncSending', 'learner.closeSocketAsync', 'leader.closeSocketAsync'],
    ['snapshot.compression.method', 'messageTracker.Enabled', 'pathStats.enabled'],
    ['observer.syncEnabled', 'leader.ackLoggingFrequency', 'znode.container.maxPerMinute'],
    [
      'clientPortListenBacklog',
      'secureClientPort',
      'ssl.quorum.keyStore.location',
      'nio.numWorkerThreads',
    ],
    ['commitProcessor.numWorkerThreads', 'jvm.pause.monitor', 'metricsProvider.className'],
    ['quorum.auth.enableSasl', 'authProvider.1', 'localSessionsEnabled', 'flushDelay'],
  ])('says why 3.8’s keys of these kinds have no effect here: %s, ...', (...keys) => {
    const said = warnings(keys.map((key) => `${key}=1`).join('\n'));
    expect(said).toEqual(
      keys.map((key, index) => expect.stringMatching(`^${index + 9}: ${key} has no effect: .`)),
    );
  });

  it('obeys no key that docs/server.md does not name', () => {
    const page = readFileSync(new URL('../../../docs/server.md', import.meta.url), 'utf8');
    const named = new Set(
      [...page.matchAll(/`(?:-Dzookeeper\.)?([\w.]+)(?:=[^`]*)?`/g)].map(([, key]) => key),
    );
    expect([...VALUE_KEYS.keys()].filter((key) => !named.has(key))).toEqual([]);
  });

  it('warns of what it corrects: repeated keys, values below the minimum, another role', () => {
    expect(
      warnings('tickTime=100\nautopurge.snapRetainCount=1\ncommitLogCount=5\npeerType=observer'),
    ).toEqual([
      '1: tickTime is set again on line 9, which counts',
      '10: autopurge.snapRetainCount=1 is too small; 3 is used',
      '11: commitLogCount=5 is too small; 500 is used',
      '12: peerType=observer, but the server.N line says participant, which counts',
    ]);
    const { config } = parse('tickTime=100\nautopurge.snapRetainCount=1\ncommitLogCount=5');
    expect([config.tickTimeMs, config.snapRetainCount, config.commitLogCount]).toEqual([
      100, 3, 500,
    ]);
  });

  it('warns of numbers of servers that gain nothing', () => {
    expect(warnings('server.4=d:1:2')).toEqual([
      '-: 4 participants tolerate no more failures than 3; an odd number is better',
    ]);
    const two = ENSEMBLE.replace(/server\.3.*\n/, '');
    expect(parseZooCfg(two, MEMBER).warnings[0]?.message).toMatch(/no server may fail/);
    expect(parseZooCfg(`${two}\noraclePath=/oracle`, MEMBER).warnings).toEqual([]);
  });

  it('lets the client address in its own line count', () => {
    const text = ENSEMBLE.replace('clientPort=2181\n', '').replace(
      'server.2=b:2888:3888',
      'server.2=b:2888:3888:observer;10.0.0.2:2182',
    );
    const { config } = parseZooCfg(text, MEMBER);
    expect(config.clientAddress).toBe('10.0.0.2:2182');
    expect(config.learnerType).toBe('observer');
    expect(config.quorumVerifier?.toString()).toContain(
      'server.2=b:2888:3888:observer;10.0.0.2:2182',
    );
  });

  it('keeps a static client port out of the config text, as ZooKeeper does', () => {
    expect(parse().config.quorumVerifier?.toString()).toBe(
      'server.1=a:2888:3888:participant\nserver.2=b:2888:3888:participant\nserver.3=c:2888:3888:participant\nversion=0',
    );
  });

  it('may leave the members to a file that it names', () => {
    const text =
      'dataDir=/d\ninitLimit=1\nsyncLimit=1\ndynamicConfigFile=/etc/zoo.cfg.dynamic.1001';
    expect(dynamicConfigFileOf(text)).toBe('/etc/zoo.cfg.dynamic.1001');
    expect(dynamicConfigFileOf(ENSEMBLE)).toBeNull();
    const dynamicConfig = 'server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2';
    const { config } = parseZooCfg(text, { myid: '1', dynamicConfig });
    expect(config.quorumVerifier?.version).toBe(0x1001n);
    expect(config.quorumVerifier?.votingMembers.size).toBe(3);
    expect(() => parseZooCfg(text, { myid: '1', dynamicConfig: null })).toThrow(
      /there is no such file/,
    );
    expect(() => parseZooCfg(text, { myid: '1', dynamicConfig: 'version=5' })).toThrow(
      /has no place/,
    );
  });
});

describe('a server alone', () => {
  it('needs no myid, no limits and no server line', () => {
    const { config, warnings: none } = parseZooCfg(
      'dataDir=/d\nclientPort=2181\nclientPortAddress=::1',
    );
    expect(isDistributed(config)).toBe(false);
    expect(none).toEqual([]);
    expect(config).toMatchObject({
      sid: null,
      quorumVerifier: null,
      tickTimeMs: 3_000,
      clientAddress: '[0:0:0:0:0:0:0:1]:2181',
    });
  });

  it('is what one server line means, unless standaloneEnabled=false', () => {
    const one = 'dataDir=/d\nserver.1=a:1:2\n';
    const alone = parseZooCfg(one, { myid: '1', dynamicConfig: null });
    expect(isDistributed(alone.config)).toBe(false);
    expect(alone.warnings[0]?.message).toMatch(/runs alone/);
    const ensemble = parseZooCfg(`${one}standaloneEnabled=false\ninitLimit=5\nsyncLimit=2`, {
      myid: '1',
      dynamicConfig: null,
    });
    expect(isDistributed(ensemble.config)).toBe(true);
  });
});

describe('a configuration made of values', () => {
  it('is checked like one that was parsed', () => {
    const { quorumVerifier } = parse().config;
    const values = { sid: sid(1), quorumVerifier, dataDir: 'd', initLimit: 10, syncLimit: 5 };
    expect(makePeerConfig(values)).toMatchObject({
      tickTimeMs: 3_000,
      quorumCnxnTimeoutMs: 15_000,
    });
    expect(() => makePeerConfig({ ...values, initLimit: 0 })).toThrow(/initLimit is not set/);
    expect(() => makePeerConfig({ ...values, sid: sid(9) })).toThrow(/no line server\.9/);
  });
});
