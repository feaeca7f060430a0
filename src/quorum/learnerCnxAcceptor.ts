/** The door for learners: a leader's quorum port, or the port that a follower keeps for observers (`LearnerCnxAcceptor`). */

import { ANY_IPV4_HOST, joinHostPort } from '../config/hostPort.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import type { QuorumServer } from '../config/quorumServer.ts';
import { LearnerHandler } from './learnerHandler.ts';
import type { LearnerMaster } from './learnerMaster.ts';

export interface AcceptorEvents {
  accepted(handler: LearnerHandler): void;
  /** Nobody can connect. */
  failed(reason: string): void;
}

/** Gives each learner that dials `self` at `port` a handler that works for `master`, until the master's scope closes. */
export function acceptLearners(
  master: LearnerMaster,
  config: PeerConfig,
  self: QuorumServer,
  port: number,
  events: AcceptorEvents,
): void {
  const host = config.quorumListenOnAllIPs ? ANY_IPV4_HOST : self.endpoints[0].host;
  master.scope.world.network.listen(
    'quorum',
    joinHostPort(host, port),
    (connection) => {
      const handler = new LearnerHandler(master);
      events.accepted(handler);
      handler.stream.attach(connection);
      handler.start();
      return handler.stream;
    },
    (reason) => {
      events.failed(`learners cannot connect: ${reason}`);
    },
  );
}
