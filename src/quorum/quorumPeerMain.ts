/**
 * Starts a server from its configuration: alone when it is the only one, else as a member of its ensemble
 * (`QuorumPeerMain`). It decides which, and opens the client port that outlives every role.
 */

import type { PeerConfig } from '../config/peerConfig.ts';
import { QuorumMaj } from '../config/quorumMaj.ts';
import { QuorumOracleMaj, type Oracle } from '../config/quorumOracleMaj.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { World } from '../ports/world.ts';
import { versionText } from '../server/fourLetterWords.ts';
import { ServerCnxnFactory } from '../server/serverCnxnFactory.ts';
import type { Sid } from '../wire/ids.ts';
import { QuorumPeer } from './quorumPeer.ts';
import type { PeerOptions, RunningPeer } from './runningPeer.ts';
import { StandalonePeer } from './standalonePeer.ts';

const RELEASE = versionText('0.1.0', '2026-11-23 00:00 UTC');

/** Starts the server; it lives on `world`'s events until {@link RunningPeer.stop} or a failed disk ends it. */
export function startPeer(config: PeerConfig, world: World, options: PeerOptions): RunningPeer {
  const cnxnFactory = newCnxnFactory(config, world, options);
  const member = ensembleOf(config, options);
  const peer =
    member === null
      ? new StandalonePeer(config, world, cnxnFactory)
      : new QuorumPeer(config, member.sid, member.verifier, world, cnxnFactory);
  peer.start();
  return peer;
}

/** The ensemble that the server is a member of; null if it stands alone (`QuorumPeerConfig.isDistributed`). */
function ensembleOf(
  config: PeerConfig,
  { oracle = SILENT_ORACLE }: PeerOptions,
): { sid: Sid; verifier: QuorumVerifier } | null {
  const { sid, quorumVerifier: members, standaloneEnabled, oraclePath } = config;
  if (sid === null || members === null) return null;
  if (members.votingMembers.size === 1 && standaloneEnabled) return null;
  const verifier =
    oraclePath !== null && members instanceof QuorumMaj
      ? new QuorumOracleMaj(members, oracle)
      : members;
  return { sid, verifier };
}

/** Where nobody is there to be asked, no server goes on alone. */
const SILENT_ORACLE: Oracle = { grants: () => false };

function newCnxnFactory(
  config: PeerConfig,
  world: World,
  options: PeerOptions,
): ServerCnxnFactory | null {
  const { clientAddress, maxClientCnxns, fourLetterWordWhitelist, dataDir, dataLogDir } = config;
  if (clientAddress === null) return null;
  return new ServerCnxnFactory(world, {
    clientAddress,
    maxClientCnxns,
    fourLetterWordWhitelist,
    version: RELEASE,
    dataDir,
    dataLogDir,
    environment: options.environment,
  });
}
