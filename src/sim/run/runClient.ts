/**
 * A client for simulated runs: frames, sessions and nothing else, told everything by callbacks. No promises, so that a
 * run is one plain loop over its events and as quick as that.
 */

import type { Timer } from '../../ports/clock.ts';
import type { Address, Connection } from '../../ports/network.ts';
import type { World } from '../../ports/world.ts';
import { readConnectResponse, readReplyHeader } from '../../wire/connectRecords.ts';
import { type SessionId, type Zxid, zxid } from '../../wire/ids.ts';
import type { JuteReader, JuteWriter } from '../../wire/jute.ts';
import { OpCode, Xid } from '../../wire/opCodes.ts';
import { type WatcherEvent, readWatcherEvent } from '../../wire/watchRecords.ts';
import {
  connectFrame,
  frameHandler,
  NO_PASSWORD,
  NO_SESSION,
  PING_FRAME,
  PINGS_PER_TIMEOUT,
  requestFrame,
} from '../clientFrames.ts';
import { RunViolation } from './runViolation.ts';

/** A connection that was left behind is open for so long after its last request. */
const ABANDONED_MS = 500;

export interface RunReply {
  readonly zxid: Zxid;
  readonly error: number;
  readonly body: JuteReader;
}

/** What the client tells; null: the connection was lost first. */
export type Answered = (reply: RunReply | null) => void;

export interface RunClientListener {
  /** `renewed`: with the session it had. */
  connected(renewed: boolean): void;
  /** No session, no connection, or neither; every request is answered already. */
  lost(expired: boolean): void;
  event(event: WatcherEvent): void;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'handshaking'; readonly connection: Connection }
  | { readonly kind: 'connected'; readonly connection: Connection };

interface Pending {
  readonly xid: number;
  readonly answered: Answered;
}

export class RunClient {
  readonly #world: World;
  readonly #timeoutMs: number;
  readonly #listener: RunClientListener;
  #state: State = { kind: 'idle' };
  #pending: Pending[] = [];
  #nextXid = 1;
  #password = NO_PASSWORD;
  #sessionId: SessionId = NO_SESSION;
  #lastZxid: Zxid = zxid(0n);
  #pingTimer: Timer | null = null;

  constructor(world: World, timeoutMs: number, listener: RunClientListener) {
    this.#world = world;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  /** 0: none. */
  get sessionId(): SessionId {
    return this.#sessionId;
  }

  /** The largest zxid this session has been shown. */
  get lastZxid(): Zxid {
    return this.#lastZxid;
  }

  get idle(): boolean {
    return this.#state.kind === 'idle';
  }

  get connected(): boolean {
    return this.#state.kind === 'connected';
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  connect(address: Address): void {
    const handler = frameHandler(
      () => (this.#state.kind === 'idle' ? null : this.#state.connection),
      (reader) => this.#frame(reader),
      () => this.#lost(false),
    );
    const connection = this.#world.network.connect(address, 'client', handler);
    this.#state = { kind: 'handshaking', connection };
    connection.write(
      connectFrame({
        id: this.#sessionId,
        password: this.#password,
        timeoutMs: this.#timeoutMs,
        lastZxid: this.#lastZxid,
      }),
    );
  }

  /** Drops the connection without a word. */
  disconnect(): void {
    if (this.#state.kind === 'idle') return;
    this.#state.connection.destroy();
    this.#lost(false);
  }

  /**
   * Forgets its connection, which stays open, and keeps its session. Answers with what still writes on that connection;
   * what it is told there nobody reads.
   */
  leaveBehind(): (op: number, write: (writer: JuteWriter) => void) => void {
    const state = this.#state;
    if (state.kind !== 'connected') return () => {};
    this.#pingTimer?.cancel();
    this.#state = { kind: 'idle' };
    const { connection } = state;
    const xid = this.#nextXid++;
    return (op, write) => {
      connection.write(requestFrame(xid, op, write));
      this.#world.clock.after(ABANDONED_MS, () => connection.destroy());
    };
  }

  /** Leaves the session to expire. */
  forgetSession(): void {
    this.#sessionId = NO_SESSION;
    this.#password = NO_PASSWORD;
    this.#lastZxid = zxid(0n);
  }

  request(op: number, write: (writer: JuteWriter) => void, answered: Answered): void {
    this.#send(this.#nextXid++, op, write, answered);
  }

  /** Told to a new server before anything else. */
  setWatches(write: (writer: JuteWriter) => void, answered: Answered): void {
    this.#send(Xid.SET_WATCHES, OpCode.setWatches, write, answered);
  }

  /** Reads nothing for so long: a client that is too slow. */
  doze(durationMs: number): void {
    if (this.#state.kind !== 'connected') return;
    const { connection } = this.#state;
    connection.pause();
    this.#world.clock.after(durationMs, () => connection.resume());
  }

  #send(xid: number, op: number, write: (writer: JuteWriter) => void, answered: Answered): void {
    if (this.#state.kind !== 'connected') {
      answered(null);
      return;
    }
    this.#pending.push({ xid, answered });
    this.#state.connection.write(requestFrame(xid, op, write));
  }

  #frame(reader: JuteReader): void {
    if (this.#state.kind === 'handshaking') return this.#welcomed(reader, this.#state.connection);
    if (this.#state.kind === 'idle') return;
    const { xid, zxid: at, err } = readReplyHeader(reader);
    if (xid === Xid.NOTIFICATION) return this.#listener.event(readWatcherEvent(reader));
    if (xid === Xid.PING) return;
    const pending = this.#pending.shift();
    if (pending?.xid !== xid) {
      throw new RunViolation(`reply ${xid} came where ${pending?.xid ?? 'none'} was next`);
    }
    if (at > 0n && at < this.#lastZxid) {
      throw new RunViolation(
        `session 0x${this.#sessionId.toString(16)} goes back from zxid 0x${this.#lastZxid.toString(16)} to 0x${at.toString(16)}`,
      );
    }
    if (at > this.#lastZxid) this.#lastZxid = at;
    pending.answered({ zxid: at, error: err, body: reader });
  }

  #welcomed(reader: JuteReader, connection: Connection): void {
    const response = readConnectResponse(reader);
    if (response.timeOut <= 0) {
      connection.destroy();
      return this.#lost(true);
    }
    const renewed = this.#sessionId !== NO_SESSION;
    if (renewed && this.#sessionId !== response.sessionId) {
      throw new RunViolation(`session 0x${this.#sessionId.toString(16)} came back as another`);
    }
    this.#sessionId = response.sessionId;
    this.#password = response.passwd ?? NO_PASSWORD;
    this.#state = { kind: 'connected', connection };
    this.#pingLater(response.timeOut / PINGS_PER_TIMEOUT);
    this.#listener.connected(renewed);
  }

  #pingLater(intervalMs: number): void {
    this.#pingTimer = this.#world.clock.after(intervalMs, () => {
      if (this.#state.kind !== 'connected') return;
      this.#state.connection.write(PING_FRAME);
      this.#pingLater(intervalMs);
    });
  }

  #lost(expired: boolean): void {
    this.#pingTimer?.cancel();
    this.#state = { kind: 'idle' };
    const pending = this.#pending;
    this.#pending = [];
    if (expired) this.forgetSession();
    for (const { answered } of pending) answered(null);
    this.#listener.lost(expired);
  }
}
