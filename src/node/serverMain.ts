/**
 * `tabkeeper server <zoo.cfg>`: one server of a real ensemble in a Node process, as `QuorumPeerMain` is in a JVM. It
 * reads the configuration, makes the world and hands both to the core. Ends with ZooKeeper's exit codes.
 */

import { arch, hostname, release, type } from 'node:os';
import { ConfigError, type ConfigWarning, NotAMemberError } from '../config/configError.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import type { Oracle } from '../config/quorumOracleMaj.ts';
import type { ParsedConfig } from '../config/zooCfg.ts';
import type { StopCause } from '../ports/probe.ts';
import type { Disk } from '../ports/disk.ts';
import { startPeer } from '../quorum/quorumPeerMain.ts';
import { sid } from '../wire/ids.ts';
import { FileDisk } from './fileDisk.ts';
import { collectOnOneThread } from './garbageCollection.ts';
import { nodeClock, nodeRandom } from './nodeClock.ts';
import { OracleFile } from './oracleFile.ts';
import { readConfig } from './serverConfig.ts';
import { log, LogProbe } from './serverLog.ts';
import { TcpNetwork } from './tcpNetwork.ts';

/** ZooKeeper's `ExitCode`s; which of them an error gets was read off the real server. */
const EXIT = { unexpected: 1, invalidInvocation: 2, dataDirectory: 3, electionPort: 14 };

const EXIT_OF: Readonly<Record<StopCause, number>> = {
  told: 0,
  configuration: EXIT.unexpected,
  disk: EXIT.unexpected,
  clientPort: EXIT.unexpected,
  electionPort: EXIT.electionPort,
};

/** Runs until the server stops, and ends the process then; a process that cannot even begin gets its exit code only. */
export function runServer(configFile: string): void {
  collectOnOneThread();
  const parsed = tryConfig(configFile);
  if (parsed === null) return;
  const { config, warnings } = parsed;
  for (const warning of warnings) log('WARN', warningText(configFile, warning));
  const disk = tryDisk(config);
  if (disk === null) return;
  const world = {
    clock: nodeClock,
    network: new TcpNetwork(),
    disk,
    random: nodeRandom,
    probe: new LogProbe(config.sid ?? sid(0), (cause) => process.exit(EXIT_OF[cause])),
  };
  const peer = startPeer(config, world, { environment: environment(), ...oracleOf(config) });
  const stop = (): void => peer.stop(() => {});
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

function oracleOf({ oraclePath }: PeerConfig): { readonly oracle?: Oracle } {
  if (oraclePath === null) return {};
  return { oracle: new OracleFile(oraclePath, (message) => log('WARN', message)) };
}

function tryConfig(configFile: string): ParsedConfig | null {
  try {
    return readConfig(configFile, process.env);
  } catch (error) {
    if (error instanceof NotAMemberError) {
      return giveUp(EXIT.unexpected, `${configFile}: ${error.message}`);
    }
    if (error instanceof ConfigError || isSystemError(error)) {
      return giveUp(EXIT.invalidInvocation, `${configFile}: ${error.message}`);
    }
    throw error;
  }
}

function tryDisk(config: PeerConfig): Disk | null {
  try {
    return new FileDisk(config);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const folders = new Set([config.dataDir, config.dataLogDir]);
    return giveUp(
      EXIT.dataDirectory,
      `the data directory (${[...folders].join(', ')}) cannot be used: ${error.message}; make it writable, or set dataDir to one that is`,
    );
  }
}

function giveUp(exitCode: number, problem: string): null {
  log('ERROR', problem);
  process.exitCode = exitCode;
  return null;
}

const isSystemError = (error: unknown): error is Error => error instanceof Error && 'code' in error;

const warningText = (configFile: string, { line, message }: ConfigWarning): string =>
  `${configFile}${line === null ? '' : `, line ${line}`}: ${message}`;

/** What `envi` tells of the host. */
const environment = (): readonly (readonly [string, string])[] => [
  ['host.name', hostname()],
  ['node.version', process.version],
  ['os.name', type()],
  ['os.arch', arch()],
  ['os.version', release()],
  ['user.dir', process.cwd()],
];
