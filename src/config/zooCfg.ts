/** `zoo.cfg` text to a checked `PeerConfig`, with errors and warnings that name the line (`QuorumPeerConfig.parse`). */

import type { Address } from '../ports/network.ts';
import { sid, type Sid } from '../wire/ids.ts';
import { ConfigError, type ConfigWarning } from './configError.ts';
import { isMemberKey, verifierOf } from './configText.ts';
import { ANY_IPV4_HOST, canonicalHost, isWildcardHost, joinHostPort } from './hostPort.ts';
import { parseProperties, type PropertyEntry } from './javaProperties.ts';
import {
  configErrorOf,
  DEFAULT_SNAPSHOT_SIZE_FACTOR,
  isDistributed,
  problemsOf,
  withDefaults,
} from './makePeerConfig.ts';
import type { PeerConfig } from './peerConfig.ts';
import type { LearnerType } from './quorumServer.ts';
import type { QuorumVerifier } from './quorumVerifier.ts';
import {
  FILE_ONLY_KEYS,
  integer,
  KEYS_WITHOUT_EFFECT,
  MIN_COMMIT_LOG_COUNT,
  MIN_SNAP_RETAIN_COUNT,
  VALUE_KEYS,
} from './zooCfgKeys.ts';

/** What stands beside `zoo.cfg`; null: no such file. */
export interface Surroundings {
  /** Text of `<dataDir>/myid`. */
  readonly myid: string | null;
  /** Text of the file that `dynamicConfigFile` names: see {@link dynamicConfigFileOf}. */
  readonly dynamicConfig: string | null;
  /** Keys and values set outside of the file, as Java's system properties are; a line of the file counts for more. */
  readonly properties?: ReadonlyMap<string, string>;
}

export interface ParsedConfig {
  readonly config: PeerConfig;
  readonly warnings: readonly ConfigWarning[];
}

const NOTHING: Surroundings = { myid: null, dynamicConfig: null };
const SUPPORTED_ELECTION_ALG = 3;
const PORT_MAX = 65_535;

/** The file with the members if `zoo.cfg` names one, so that the caller can read it before parsing. */
export const dynamicConfigFileOf = (text: string): string | null =>
  new ZooCfg(text).valueOf('dynamicConfigFile');

/** @throws ConfigError naming the line, the key, the value and what would do */
export function parseZooCfg(text: string, around: Surroundings = NOTHING): ParsedConfig {
  const cfg = new ZooCfg(text, around.properties);
  checkElectionAlg(cfg);
  const values = [...cfg.valueEntries()].reduce((all, one) => ({ ...all, ...one }), {});
  const verifier = readMembers(cfg, around);
  const own = around.myid === null ? null : parseMyid(around.myid);
  const self = own === null ? undefined : verifier?.allMembers.get(own);
  const config = withDefaults({
    ...values,
    dataDir: values.dataDir ?? '',
    sid: own,
    quorumVerifier: verifier,
    learnerType: self?.type ?? readPeerType(cfg) ?? 'participant',
    clientAddress: readClientAddress(cfg, self?.clientAddress ?? null),
    ...keptInRange(cfg, values),
  });
  const [problem] = problemsOf(config);
  if (problem !== undefined) throw configErrorOf(problem, cfg.lineOf(problem.key));
  checkEndpoints(cfg, config);
  return { config, warnings: [...cfg.warnings, ...ensembleWarnings(cfg, config)] };
}

/** The entries by key (the last of a repeated one, as in Java) and what there is to warn of. */
class ZooCfg {
  readonly warnings: ConfigWarning[] = [];
  readonly #entries = new Map<string, PropertyEntry>();

  constructor(text: string, properties: ReadonlyMap<string, string> = new Map()) {
    for (const [key, value] of properties) this.#setProperty(key, value.trim());
    for (const { key, value, line } of parseProperties(text)) {
      const earlier = this.#entries.get(key);
      if (earlier !== undefined) {
        this.warn(earlier.line, key, `${key} is set again on line ${line}, which counts`);
      }
      this.#entries.set(key, { key, value: value.trim(), line });
    }
  }

  #setProperty(key: string, value: string): void {
    if (FILE_ONLY_KEYS.has(key) || isMemberKey(key)) {
      this.warn(null, key, `${key} in the environment has no effect; it counts in zoo.cfg only`);
    } else {
      this.#entries.set(key, { key, value, line: null });
    }
  }

  get(key: string): PropertyEntry | null {
    return this.#entries.get(key) ?? null;
  }

  valueOf(key: string): string | null {
    return this.get(key)?.value ?? null;
  }

  lineOf(key: string): number | null {
    return this.get(key)?.line ?? null;
  }

  members(): readonly PropertyEntry[] {
    return [...this.#entries.values()].filter(({ key }) => isMemberKey(key));
  }

  /** Reads every entry that sets a field; warns of those nobody reads. */
  *valueEntries(): Iterable<Partial<PeerConfig>> {
    for (const entry of this.#entries.values()) {
      const read = VALUE_KEYS.get(entry.key);
      if (read !== undefined) yield read(entry);
      else if (!OTHER_KEYS.has(entry.key) && !isMemberKey(entry.key)) {
        this.warn(entry.line, entry.key, whyUnused(entry.key));
      }
    }
  }

  warn(line: number | null, key: string, message: string): void {
    this.warnings.push({ line, key, message });
  }
}

const OTHER_KEYS: ReadonlySet<string> = new Set([
  'clientPort',
  'clientPortAddress',
  'electionAlg',
  'peerType',
  'dynamicConfigFile',
]);

function whyUnused(key: string): string {
  for (const [prefix, reason] of KEYS_WITHOUT_EFFECT) {
    const applies = /[._]$/.test(prefix) ? key.startsWith(prefix) : key === prefix;
    if (applies) return `${key} has no effect: ${reason}`;
  }
  const bare = key.replace(/^zookeeper\./, '').toLowerCase();
  const meant = [...VALUE_KEYS.keys(), ...OTHER_KEYS].find((known) => known.toLowerCase() === bare);
  return meant === undefined
    ? `${key} is no key this server knows, so it has no effect`
    : `${key} is no key this server knows, so it has no effect; write ${meant}`;
}

function checkElectionAlg(cfg: ZooCfg): void {
  const entry = cfg.get('electionAlg');
  if (entry === null || entry.value === String(SUPPORTED_ELECTION_ALG)) return;
  throw new ConfigError(
    entry.line,
    `electionAlg=${entry.value}: only ${SUPPORTED_ELECTION_ALG} (fast leader election) is supported; write that or leave the line out`,
  );
}

function readMembers(cfg: ZooCfg, files: Surroundings): QuorumVerifier | null {
  const pointer = cfg.get('dynamicConfigFile');
  const [member] = cfg.members();
  if (pointer === null) return member === undefined ? null : verifierOf(cfg.members(), 0n);
  if (member !== undefined) {
    throw new ConfigError(
      member.line,
      `${member.key} must stand in ${pointer.value}, which dynamicConfigFile (line ${pointer.line}) names, and not here`,
    );
  }
  if (files.dynamicConfig === null) {
    throw new ConfigError(
      pointer.line,
      `dynamicConfigFile=${pointer.value}: there is no such file; make it or put its lines here`,
    );
  }
  return readDynamicConfig(pointer.value, files.dynamicConfig);
}

function readDynamicConfig(name: string, text: string): QuorumVerifier {
  const entries = parseProperties(text);
  const stranger = entries.find(({ key }) => !isMemberKey(key));
  if (stranger !== undefined) {
    throw new ConfigError(
      stranger.line,
      `"${stranger.key}" has no place in ${name}; only server.N, group.N and weight.N have`,
    );
  }
  return verifierOf(entries, versionInFileName(name));
}

/** `zoo.cfg.dynamic.1001` is version 0x1001; a name that ends in no hex number is version 0. */
function versionInFileName(name: string): bigint {
  const hex = /\.([0-9a-fA-F]{1,16})$/.exec(name)?.[1];
  return hex === undefined ? 0n : BigInt.asIntN(64, BigInt(`0x${hex}`));
}

function parseMyid(text: string): Sid {
  const [first = ''] = text.split(/\r\n|\r|\n/);
  if (/^\s*\d{1,19}\s*$/.test(first)) return sid(BigInt(first.trim()));
  throw new ConfigError(
    null,
    `myid holds "${first}"; it must hold the N of this server's server.N line`,
  );
}

function readPeerType(cfg: ZooCfg): LearnerType | null {
  const entry = cfg.get('peerType');
  if (entry === null) return null;
  const type = entry.value.toLowerCase();
  if (type === 'observer' || type === 'participant') return type;
  throw new ConfigError(entry.line, `peerType=${entry.value}: write participant or observer`);
}

/** The client address in this server's own line counts; the static keys must not contradict it (`setupClientPort`). */
function readClientAddress(cfg: ZooCfg, inOwnLine: Address | null): Address | null {
  const portEntry = cfg.get('clientPort');
  const hostEntry = cfg.get('clientPortAddress');
  const port = portEntry === null ? 0 : integer(portEntry, 0, PORT_MAX);
  if (port === 0) {
    if (hostEntry === null) return inOwnLine;
    throw new ConfigError(
      hostEntry.line,
      'clientPortAddress is set, but clientPort is not; add it',
    );
  }
  const host = hostEntry === null ? ANY_IPV4_HOST : canonicalHost(hostEntry.value);
  const address = joinHostPort(host, port);
  if (inOwnLine === null) return address;
  const agrees = isWildcardHost(host) ? inOwnLine.endsWith(`:${port}`) : inOwnLine === address;
  if (agrees) return inOwnLine;
  throw new ConfigError(
    cfg.lineOf('clientPort'),
    `clientPort makes the client address ${address}, but this server's own line says ${inOwnLine}; leave clientPort out`,
  );
}

function keptInRange(cfg: ZooCfg, values: Partial<PeerConfig>): Partial<PeerConfig> {
  const raise = (key: string, value: number | undefined, minimum: number): number | undefined => {
    if (value === undefined || value >= minimum) return value;
    cfg.warn(cfg.lineOf(key), key, `${key}=${value} is too small; ${minimum} is used`);
    return minimum;
  };
  const snapRetainCount = raise(
    'autopurge.snapRetainCount',
    values.snapRetainCount,
    MIN_SNAP_RETAIN_COUNT,
  );
  const commitLogCount = raise('commitLogCount', values.commitLogCount, MIN_COMMIT_LOG_COUNT);
  const snapshotSizeFactor = values.snapshotSizeFactor ?? 0;
  if (snapshotSizeFactor > 1) {
    const key = 'snapshotSizeFactor';
    cfg.warn(cfg.lineOf(key), key, `${key}=${snapshotSizeFactor} is above 1; the default is used`);
  }
  return {
    ...(snapshotSizeFactor > 1 ? { snapshotSizeFactor: DEFAULT_SNAPSHOT_SIZE_FACTOR } : {}),
    ...(snapRetainCount === undefined ? {} : { snapRetainCount }),
    ...(commitLogCount === undefined ? {} : { commitLogCount }),
  };
}

function checkEndpoints(cfg: ZooCfg, config: PeerConfig): void {
  if (config.multiAddressEnabled || config.quorumVerifier === null) return;
  for (const server of config.quorumVerifier.allMembers.values()) {
    if (server.endpoints.length === 1) continue;
    const key = `server.${server.sid}`;
    throw new ConfigError(
      cfg.lineOf(key),
      `${key} has several addresses; write multiAddress.enabled=true or leave one of them`,
    );
  }
}

function ensembleWarnings(cfg: ZooCfg, config: PeerConfig): readonly ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  const votes = config.quorumVerifier?.votingMembers.size ?? 0;
  const hasOracle = config.oraclePath !== null && votes === 2;
  if (isDistributed(config) && votes <= 2 && !hasOracle) {
    warnings.push({
      line: null,
      key: 'server',
      message: 'no server may fail with so few; at least 3 participants are needed for that',
    });
  } else if (isDistributed(config) && votes % 2 === 0 && !hasOracle) {
    warnings.push({
      line: null,
      key: 'server',
      message: `${votes} participants tolerate no more failures than ${votes - 1}; an odd number is better`,
    });
  } else if (!isDistributed(config) && votes === 1) {
    warnings.push({
      line: null,
      key: 'server',
      message: 'only one server.N line: the server runs alone and the line is not used',
    });
  }
  const asked = readPeerType(cfg);
  if (asked !== null && asked !== config.learnerType) {
    warnings.push({
      line: cfg.lineOf('peerType'),
      key: 'peerType',
      message: `peerType=${asked}, but the server.N line says ${config.learnerType}, which counts`,
    });
  }
  return warnings;
}
