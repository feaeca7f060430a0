/**
 * Keeps a session alive and notices a server that fell silent: a ping when nothing was sent for a while, and the end of
 * the connection when nothing was heard. It looks at the clock only when its timer fires, so traffic costs nothing.
 */

import type { Clock, Timer } from '../ports/clock.ts';

/** However long the session timeout, a ping leaves at least this often (`MAX_SEND_PING_INTERVAL`). */
const MAX_SEND_PING_INTERVAL_MS = 10_000;

export interface HeartbeatHandler {
  /** Nothing was sent for half the read timeout: send a ping. */
  ping(): void;
  /** Nothing was heard for the whole of it. */
  silent(): void;
}

export class Heartbeat {
  readonly #clock: Clock;
  readonly #handler: HeartbeatHandler;
  #timer: Timer | null = null;
  #readTimeoutMs = 0;
  #lastSentMs = 0;
  #lastHeardMs = 0;

  constructor(clock: Clock, handler: HeartbeatHandler) {
    this.#clock = clock;
    this.#handler = handler;
  }

  /** A connection is up, and its server may be silent for `readTimeoutMs`. */
  start(readTimeoutMs: number): void {
    this.stop();
    this.#readTimeoutMs = readTimeoutMs;
    this.sent();
    this.heard();
    this.#wait();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  sent(): void {
    this.#lastSentMs = this.#clock.now();
  }

  heard(): void {
    this.#lastHeardMs = this.#clock.now();
  }

  #wait(): void {
    const nextMs = Math.min(this.#silentAtMs(), this.#pingAtMs());
    const delayMs = Math.max(0, nextMs - this.#clock.now());
    this.#timer = this.#clock.after(delayMs, () => this.#look());
  }

  /** What was sent and heard since the timer was set may have moved both times on. */
  #look(): void {
    const nowMs = this.#clock.now();
    if (nowMs >= this.#silentAtMs()) {
      this.#timer = null;
      return this.#handler.silent();
    }
    if (nowMs >= this.#pingAtMs()) {
      this.sent();
      this.#handler.ping();
    }
    this.#wait();
  }

  #silentAtMs(): number {
    return this.#lastHeardMs + this.#readTimeoutMs;
  }

  #pingAtMs(): number {
    return this.#lastSentMs + Math.min(this.#readTimeoutMs / 2, MAX_SEND_PING_INTERVAL_MS);
  }
}
