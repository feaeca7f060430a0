/** Puts the election together for a server (`QuorumPeer.createElectionAlgorithm`; 3 is the only kind there is). */

import type { World } from '../ports/world.ts';
import type { ElectionPeer, LeaderElection } from './electionPeer.ts';
import { FastLeaderElection, type ElectionConfig } from './fastLeaderElection.ts';
import { QuorumCnxManager, type CnxManagerConfig } from './quorumCnxManager.ts';

/** Not started yet: see {@link LeaderElection.start}. */
export function createElectionAlgorithm(
  world: World,
  config: ElectionConfig & CnxManagerConfig,
  peer: ElectionPeer,
): LeaderElection {
  return new FastLeaderElection(world, peer, new QuorumCnxManager(world, peer, config), config);
}
