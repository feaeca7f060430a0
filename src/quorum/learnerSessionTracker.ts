/**
 * Sessions on a learner: it gives out ids and notes which of its clients are alive, for the next answer to its leader's
 * ping. Expiry is the leader's (`LearnerSessionTracker`, global sessions only).
 */

import type { World } from '../ports/world.ts';
import type { SessionTracker } from '../server/sessionTracker.ts';
import { initializeNextSessionId } from '../server/sessionTrackerImpl.ts';
import { sessionIdToString } from '../server/textFormat.ts';
import { sessionId as asSessionId, type SessionId } from '../wire/ids.ts';
import type { SessionTouch } from '../wire/learnerPayloads.ts';

export class LearnerSessionTracker implements SessionTracker {
  readonly #sessionsWithTimeouts: Map<SessionId, number>;
  #touched = new Map<SessionId, number>();
  #nextSessionId: SessionId;

  /** `sessionsWithTimeouts` is the database's own map: it is kept in step by commitSession and removeSession. */
  constructor(world: World, sessionsWithTimeouts: Map<SessionId, number>, serverId: bigint) {
    this.#sessionsWithTimeouts = sessionsWithTimeouts;
    this.#nextSessionId = initializeNextSessionId(serverId, world.clock.wallTime());
  }

  /** The sessions touched since the last call: what a PING is answered with. */
  takeTouches(): readonly SessionTouch[] {
    if (this.#touched.size === 0) return NO_TOUCHES;
    const touches = [...this.#touched].map(([sessionId, timeoutMs]) => ({ sessionId, timeoutMs }));
    this.#touched = new Map();
    return touches;
  }

  start(): void {
    // Nothing expires here.
  }

  shutdown(): void {
    // Nothing expires here.
  }

  createSession(_timeoutMs: number): SessionId {
    const id = this.#nextSessionId;
    this.#nextSessionId = asSessionId(BigInt.asIntN(64, id + 1n));
    return id;
  }

  trackSession(_sessionId: SessionId, _timeoutMs: number): boolean {
    return false;
  }

  commitSession(sessionId: SessionId, timeoutMs: number): boolean {
    const added = !this.#sessionsWithTimeouts.has(sessionId);
    this.#sessionsWithTimeouts.set(sessionId, timeoutMs);
    this.#touched.set(sessionId, timeoutMs);
    return added;
  }

  touchSession(sessionId: SessionId, timeoutMs: number): boolean {
    this.#touched.set(sessionId, timeoutMs);
    return true;
  }

  isTrackingSession(sessionId: SessionId): boolean {
    return this.#sessionsWithTimeouts.has(sessionId);
  }

  setSessionClosing(): void {
    // The leader refuses requests of closing sessions.
  }

  removeSession(sessionId: SessionId): void {
    this.#sessionsWithTimeouts.delete(sessionId);
    this.#touched.delete(sessionId);
  }

  checkSession(): void {
    // The leader checks sessions and their owners.
  }

  checkGlobalSession(): void {
    // The leader checks sessions and their owners.
  }

  setOwner(): void {
    // The leader keeps owners.
  }

  dumpLines(): readonly string[] {
    const sessions = [...this.#sessionsWithTimeouts].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      `Global Sessions(${sessions.length}):`,
      ...sessions.map(([id, timeoutMs]) => `${sessionIdToString(id)}\t${timeoutMs}ms`),
    ];
  }
}

const NO_TOUCHES: readonly SessionTouch[] = [];
