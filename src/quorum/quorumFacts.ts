/** The lines of `conf` and `mntr` that every member of an ensemble has, whatever its role. Pure. */

import type { MonitorValue } from '../server/zooKeeperServer.ts';
import type { RolePeer } from './role.ts';

/** `QuorumZooKeeperServer.dumpConf`. */
export function quorumConfLines(peer: RolePeer): readonly string[] {
  const verifier = peer.quorumVerifier();
  const me = verifier.allMembers.get(peer.sid);
  const ports = me?.endpoints[0];
  return [
    `initLimit=${peer.config.initLimit}`,
    `syncLimit=${peer.config.syncLimit}`,
    'electionAlg=3',
    `electionPort=${ports?.electionPort ?? -1}`,
    `quorumPort=${ports?.quorumPort ?? -1}`,
    `peerType=${me?.type === 'observer' ? 1 : 0}`,
    'membership: ',
    ...verifier.toString().split('\n'),
  ];
}

/** `zk_peer_state` and `zk_quorum_size`. */
export function quorumMonitorValues(
  peer: RolePeer,
  state: 'leading' | 'following' | 'observing',
): readonly MonitorValue[] {
  return [
    ['peer_state', `${state} - ${peer.zabState().toLowerCase()}`],
    ['quorum_size', String(peer.quorumVerifier().votingMembers.size)],
  ];
}
