/** What a server asks about sessions, whoever decides on their expiry. Interfaces only. */

import type { SessionId } from '../wire/ids.ts';
import type { SessionOwner } from './request.ts';

/** Told when a session's time has run out (ZooKeeper's `SessionExpirer`): it closes it by a transaction. */
export interface SessionExpirer {
  expire(sessionId: SessionId, timeoutMs: number): void;
}

/** Sessions known here, as ids with a time they expire at. The checks throw a KeeperError with ZooKeeper's code. */
export interface SessionTracker {
  /** Begins to let sessions expire. */
  start(): void;
  /** Lets none expire any more. */
  shutdown(): void;

  /** A fresh id whose top byte is this server's sid, tracked from now on. */
  createSession(timeoutMs: number): SessionId;
  /** Tracks a session made elsewhere (or touches it). True: it was not known before. */
  trackSession(sessionId: SessionId, timeoutMs: number): boolean;
  /** Its createSession transaction has been applied. True: it was not committed before. */
  commitSession(sessionId: SessionId, timeoutMs: number): boolean;
  /** It lives: its time starts again. False: it is not known, or closing. */
  touchSession(sessionId: SessionId, timeoutMs: number): boolean;
  isTrackingSession(sessionId: SessionId): boolean;
  /** Its closeSession has been prepared: no request of it is accepted any more. */
  setSessionClosing(sessionId: SessionId): void;
  /** Its closeSession has been applied: it is forgotten. */
  removeSession(sessionId: SessionId): void;

  /** Throws UnknownSession, SessionExpired (closing) or SessionMoved (another owner). A session without an owner gets this one. */
  checkSession(sessionId: SessionId, owner: SessionOwner | null): void;
  /** As {@link checkSession}, with SessionExpired for a session that is not known. */
  checkGlobalSession(sessionId: SessionId, owner: SessionOwner | null): void;
  /** The client has attached itself to `owner`. Throws SessionExpired. */
  setOwner(sessionId: SessionId, owner: SessionOwner | null): void;

  /** The lines of the `dump` command below `SessionTracker dump:`, as this kind of tracker prints them. */
  dumpLines(): readonly string[];
}
