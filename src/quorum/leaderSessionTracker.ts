/** The sessions of the whole ensemble, as its leader lets them expire (`LeaderSessionTracker`, global sessions only). */

import type { World } from '../ports/world.ts';
import type { SessionOwner } from '../server/request.ts';
import type { SessionExpirer, SessionTracker } from '../server/sessionTracker.ts';
import { SessionTrackerImpl } from '../server/sessionTrackerImpl.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import type { SessionId } from '../wire/ids.ts';

export class LeaderSessionTracker extends SessionTrackerImpl implements SessionTracker {
  constructor(
    world: World,
    expirer: SessionExpirer,
    sessionsWithTimeouts: Map<SessionId, number>,
    tickTimeMs: number,
    serverId: bigint,
  ) {
    super(world, expirer, sessionsWithTimeouts, tickTimeMs, serverId);
  }

  /** A session the leader does not know is over: every live one is tracked here. */
  override checkSession(sessionId: SessionId, owner: SessionOwner | null): void {
    if (!this.isTrackingSession(sessionId)) throw new KeeperError(ErrorCode.SessionExpired);
    super.checkSession(sessionId, owner);
  }
}
