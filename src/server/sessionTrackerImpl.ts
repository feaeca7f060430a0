/** The tracker that lets sessions expire, in buckets of one tick: a leader's or a standalone server's. */

import type { World } from '../ports/world.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { sessionId as asSessionId, type SessionId } from '../wire/ids.ts';
import { ExpiryQueue } from './expiryQueue.ts';
import type { SessionOwner } from './request.ts';
import type { SessionExpirer, SessionTracker } from './sessionTracker.ts';
import { sessionIdToString, timeToDateText } from './textFormat.ts';

interface Session {
  readonly id: SessionId;
  /** What it asked for when it was made; a touch brings its own. */
  readonly timeoutMs: number;
  closing: boolean;
  owner: SessionOwner | null;
}

/** `EphemeralType.CONTAINER_EPHEMERAL_OWNER`, which no session may be called. */
const CONTAINER_OWNER = BigInt.asIntN(64, 1n << 63n);

/**
 * The first session id of a server: its sid in the top byte, then 40 bits of milliseconds, then 16 bits to count in.
 * ZooKeeper takes the milliseconds since the machine started; a tab's clock starts anew with every page, and ids must not
 * come again, so it is the wall time here.
 */
export function initializeNextSessionId(serverId: bigint, wallTimeMs: number): SessionId {
  const timePart = BigInt.asUintN(64, BigInt(wallTimeMs) << 24n) >> 8n;
  const id = BigInt.asIntN(64, timePart | (serverId << 56n));
  return asSessionId(id === CONTAINER_OWNER ? id + 1n : id);
}

export class SessionTrackerImpl implements SessionTracker {
  readonly #world: World;
  readonly #expirer: SessionExpirer;
  readonly #sessionsWithTimeouts: Map<SessionId, number>;
  readonly #sessions = new Map<SessionId, Session>();
  readonly #expiryQueue: ExpiryQueue<Session>;
  #nextSessionId: SessionId;

  /**
   * `sessionsWithTimeouts` is the database's own map of committed sessions: each of them starts with its whole timeout,
   * and commitSession and removeSession keep it in step.
   */
  constructor(
    world: World,
    expirer: SessionExpirer,
    sessionsWithTimeouts: Map<SessionId, number>,
    tickTimeMs: number,
    serverId: bigint,
  ) {
    this.#world = world;
    this.#expirer = expirer;
    this.#sessionsWithTimeouts = sessionsWithTimeouts;
    this.#expiryQueue = new ExpiryQueue(world.clock, tickTimeMs, (sessions) => {
      this.#expire(sessions);
    });
    this.#nextSessionId = initializeNextSessionId(serverId, world.clock.wallTime());
    for (const [id, timeoutMs] of sessionsWithTimeouts) this.trackSession(id, timeoutMs);
  }

  start(): void {
    this.#expiryQueue.start();
  }

  shutdown(): void {
    this.#expiryQueue.stop();
  }

  createSession(timeoutMs: number): SessionId {
    while (this.#sessions.has(this.#nextSessionId)) this.#countOn();
    const id = this.#nextSessionId;
    this.#countOn();
    this.trackSession(id, timeoutMs);
    return id;
  }

  #countOn(): void {
    this.#nextSessionId = asSessionId(BigInt.asIntN(64, this.#nextSessionId + 1n));
  }

  trackSession(id: SessionId, timeoutMs: number): boolean {
    const known = this.#sessions.get(id);
    const session = known ?? { id, timeoutMs, closing: false, owner: null };
    if (known === undefined) this.#sessions.set(id, session);
    this.#expiryQueue.update(session, timeoutMs);
    return known === undefined;
  }

  commitSession(id: SessionId, timeoutMs: number): boolean {
    const isNew = !this.#sessionsWithTimeouts.has(id);
    this.#sessionsWithTimeouts.set(id, timeoutMs);
    return isNew;
  }

  touchSession(id: SessionId, timeoutMs: number): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined || session.closing) return false;
    this.#expiryQueue.update(session, timeoutMs);
    return true;
  }

  isTrackingSession(id: SessionId): boolean {
    return this.#sessions.has(id);
  }

  setSessionClosing(id: SessionId): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.closing) return;
    session.closing = true;
    const { probe } = this.#world;
    if (probe.watches('session')) probe.emit({ topic: 'session', type: 'closing', sessionId: id });
  }

  removeSession(id: SessionId): void {
    this.#sessionsWithTimeouts.delete(id);
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#expiryQueue.remove(session);
  }

  checkSession(id: SessionId, owner: SessionOwner | null): void {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new KeeperError(ErrorCode.UnknownSession);
    if (session.closing) throw new KeeperError(ErrorCode.SessionExpired);
    if (session.owner === null) session.owner = owner;
    else if (session.owner !== owner) throw new KeeperError(ErrorCode.SessionMoved);
  }

  checkGlobalSession(id: SessionId, owner: SessionOwner | null): void {
    if (!this.#sessions.has(id)) throw new KeeperError(ErrorCode.SessionExpired);
    this.checkSession(id, owner);
  }

  setOwner(id: SessionId, owner: SessionOwner | null): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.closing) throw new KeeperError(ErrorCode.SessionExpired);
    session.owner = owner;
  }

  dumpLines(): readonly string[] {
    const buckets = this.#expiryQueue.buckets();
    const lines = [`Session Sets (${buckets.length})/(${this.#expiryQueue.size}):`];
    for (const [expiryMs, sessions] of buckets) {
      lines.push(`${sessions.size} expire at ${timeToDateText(this.#world.clock, expiryMs)}:`);
      for (const session of sessions) lines.push(`\t${sessionIdToString(session.id)}`);
    }
    return lines;
  }

  #expire(sessions: ReadonlySet<Session>): void {
    for (const session of sessions) {
      this.setSessionClosing(session.id);
      this.#expirer.expire(session.id, session.timeoutMs);
    }
  }
}
