/**
 * Dials the leader: a few tries with a pause between them, and a limit on all of them together, since a server that has
 * just been elected may not be listening yet (`Learner.LeaderConnector`).
 */

import type { PeerConfig } from '../config/peerConfig.ts';
import type { Address } from '../ports/network.ts';
import type { Sid } from '../wire/ids.ts';
import type { RoleScope } from './roleScope.ts';
import { QuorumStream, type QuorumStreamOwner } from './quorumStream.ts';
import type { SendBatch } from './sendBatch.ts';

/** `Learner` of ZooKeeper 3.8 tries so often, with a pause before each further try. */
const MAX_TRY_COUNT = 5;
/**
 * A follower often knows the outcome of the election a few milliseconds before its leader does. So the first pauses are
 * short, each twice the one before, and those tries do not count.
 */
const FIRST_PAUSE_MS = 5;

export interface ConnectorOutcome {
  connected(stream: QuorumStream): void;
  failed(reason: string): void;
}

export interface LeaderAddress {
  readonly sid: Sid;
  readonly address: Address;
}

/** Calls exactly one of `outcome`, once, unless the scope closes first. `owner` gets the stream's events from then on. */
export function connectToLeader(
  scope: RoleScope,
  batch: SendBatch,
  config: PeerConfig,
  leader: LeaderAddress,
  owner: QuorumStreamOwner,
  outcome: ConnectorOutcome,
): void {
  const { clock, network, probe } = scope.world;
  const limitTicks = config.connectToLearnerMasterLimit || config.initLimit;
  const deadlineMs = clock.now() + limitTicks * config.tickTimeMs;
  const retryDelayMs = config.leaderConnectDelayDuringRetryMs;

  const dial = (tryCount: number, pauseMs: number): void => {
    let up = false;
    let over = false;
    const next = (reason: string): void => {
      if (over) return;
      over = true;
      deadline.cancel();
      if (pauseMs < retryDelayMs) {
        clock.after(pauseMs, () => {
          dial(tryCount, pauseMs * 2);
        });
      } else if (tryCount >= MAX_TRY_COUNT || clock.now() + retryDelayMs >= deadlineMs) {
        outcome.failed(`server ${leader.sid} did not answer in ${tryCount} tries: ${reason}`);
      } else {
        clock.after(retryDelayMs, () => {
          dial(tryCount + 1, pauseMs);
        });
      }
    };
    const stream = new QuorumStream(
      {
        opened: () => {
          if (over) return;
          up = true;
          over = true;
          deadline.cancel();
          outcome.connected(stream);
        },
        packet: (packet) => {
          owner.packet(packet);
        },
        raw: (bytes) => {
          owner.raw(bytes);
        },
        drained: () => {
          owner.drained();
        },
        closed: (reason) => {
          if (up) owner.closed(reason);
          else next(reason);
        },
      },
      clock,
      probe,
      batch,
      'dialled',
      leader.sid,
    );
    const deadline = clock.after(Math.max(0, deadlineMs - clock.now()), () => {
      stream.close('the time to connect is over');
      next('the time to connect is over');
    });
    stream.attach(network.connect(leader.address, 'quorum', stream));
  };
  dial(1, FIRST_PAUSE_MS);
}
