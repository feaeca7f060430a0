/**
 * One end of a simulated socket. Behaves as TCP does: a stream in order, cut anywhere, with a window and back-pressure,
 * that ends in order or breaks. Whether anything gets through is the network's to say.
 */

import { assert } from '../base/assert.ts';
import type {
  Address,
  CloseReason,
  Connection,
  ConnectionHandler,
  Port,
} from '../ports/network.ts';
import type { Accept, SimHost } from './simNetwork.ts';

/** A dial that nobody answers ends after this time (`cnxTimeout` of ZooKeeper's QuorumCnxManager). */
export const DIAL_TIMEOUT_MS = 5_000;
/** `write` answers false when more than this waits on our side. */
const HIGH_WATER_BYTES = 64 * 1024;
/** What may be under way or unread at the other side; more stays queued with the writer. */
const WINDOW_BYTES = 256 * 1024;
/** More than this queued at one connection breaks it: its writer has forgotten to wait for `drained`. */
const MAX_BUFFERED_BYTES = 256 * 1024 * 1024;

/** What a slow reader takes at one time, and what may be on its way to it. */
const SLOW_READ_BYTES = 256;
/**
 * A byte that waits for a slow reader counts as so many: writers' limits are made for more than simulated clients ever
 * ask for.
 */
const SLOW_BYTE_WEIGHT = 32_768;

/** What travels in one direction of a connection. */
type Segment =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset'; readonly message: string };

/** A segment on its way, and when it is there. */
interface Travelling {
  readonly segment: Segment;
  readonly dueMs: number;
}

/** `handler` is there as long as calls may still be made to it. */
type State =
  | { readonly kind: 'dialling'; readonly handler: ConnectionHandler }
  | { readonly kind: 'open'; readonly handler: ConnectionHandler }
  /** We closed; what is queued is still to be sent, once the dial is answered. */
  | { readonly kind: 'ending'; readonly up: boolean }
  | { readonly kind: 'closed' };

/** One end of a connection, with the wire that leads away from it. */
export class SimConnection implements Connection {
  readonly id: number;
  readonly remoteAddress: Address;
  readonly remoteHost: string;
  readonly #host: SimHost;
  #other: SimConnection | null = null;
  #state: State = { kind: 'closed' };

  /** Written and not yet on the wire. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #wantsDrained = false;
  #transmitScheduled = false;

  /** On its way to the other end, in order; the head has an event unless it is held by a block. */
  #wire: Travelling[] = [];
  #wireScheduled = false;
  /** On the wire, or arrived and not yet read. */
  #outstandingBytes = 0;

  /** Arrived here and not read because we are paused. */
  #unread: Segment[] = [];
  #paused = false;
  /** As a reader: the time it takes for each segment; null: none. */
  #readEveryMs: number | null = null;
  #readScheduled = false;
  /** As a writer: what is read slowly there waits here. */
  #readSlowly = false;

  constructor(host: SimHost, id: number, remoteHost: string, remoteAddress: Address) {
    this.#host = host;
    this.id = id;
    this.remoteHost = remoteHost;
    this.remoteAddress = remoteAddress;
  }

  get localHost(): string {
    return this.#host.name;
  }

  get bufferedBytes(): number {
    return this.#queuedBytes * (this.#readSlowly ? SLOW_BYTE_WEIGHT : 1);
  }

  get open(): boolean {
    return this.#state.kind === 'open';
  }

  /** The other end takes so long for each few bytes of what is written here; null: it takes them as they come. */
  slowReader(everyMs: number | null): void {
    this.#readSlowly = everyMs !== null;
    if (this.#other !== null) this.#other.#readEvery(everyMs);
    this.#scheduleTransmit();
  }

  #readEvery(everyMs: number | null): void {
    this.#readEveryMs = everyMs;
    if (this.#unread.length > 0) this.#host.clock.soon(() => this.#readOn());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state.kind === 'ending' || this.#state.kind === 'closed') return true;
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
      this.#scheduleTransmit();
    }
    if (this.bufferedBytes > MAX_BUFFERED_BYTES) {
      this.breakOff(`more than ${MAX_BUFFERED_BYTES} bytes queued`);
      return false;
    }
    if (this.bufferedBytes <= HIGH_WATER_BYTES) return true;
    if (!this.#wantsDrained && this.#readSlowly) this.#host.network.congested?.('waits');
    this.#wantsDrained = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#unread.length > 0) this.#host.clock.soon(() => this.#readOn());
  }

  close(): void {
    if (this.#state.kind !== 'dialling' && this.#state.kind !== 'open') return;
    this.#state = { kind: 'ending', up: this.#state.kind === 'open' };
    this.#dropUnread();
    this.#scheduleTransmit();
  }

  destroy(): void {
    if (this.#state.kind === 'closed') return;
    this.#dropQueue();
    this.#dropUnread();
    this.#send({ kind: 'reset', message: 'connection reset by peer' });
    this.#finish();
  }

  dial(port: Port, handler: ConnectionHandler): void {
    this.#state = { kind: 'dialling', handler };
    this.#host.connections.add(this);
    const { network, clock } = this.#host;
    const here = this.#host.name;
    const there = this.remoteHost;
    if (!network.blocked(here, there)) {
      network.time.schedule(network.latencyMs(here, there), () => this.#knock(port));
    }
    clock.after(DIAL_TIMEOUT_MS, () => {
      if (this.#unanswered) this.#refuse(`no answer within ${DIAL_TIMEOUT_MS} ms`);
    });
  }

  /** Ends both sides now, each being told that it broke. */
  breakOff(message: string): void {
    const other = this.#other;
    this.#tellBroken(message);
    if (other !== null) other.#tellBroken(message);
  }

  /** The process at this end is gone. */
  lose(how: 'reset' | 'silent'): void {
    if (this.#state.kind === 'closed') return;
    this.#dropQueue();
    this.#dropUnread();
    if (how === 'silent') {
      this.#wire = [];
    } else {
      // What left just before the end may or may not have made it: a random prefix arrives.
      const kept = this.#host.network.random.integer(0, this.#wire.length);
      this.#wire = this.#wire.slice(0, kept);
      this.#send({ kind: 'reset', message: 'connection reset by peer' });
    }
    this.#finish();
  }

  /** After a block ended: what it held goes on. */
  resumeWire(): void {
    this.#scheduleWire();
  }

  #knock(port: Port): void {
    const { network, name } = this.#host;
    if (!this.#unanswered) return;
    const target = network.host(this.remoteHost);
    if (!network.answers(this.remoteHost)) return;
    const reachable = target?.up === true && !network.refuses(name, this.remoteHost);
    const accept = reachable ? target.listenerFor(port, this.remoteAddress) : undefined;
    if (target === undefined || accept === undefined) {
      if (network.blocked(this.remoteHost, name)) return;
      network.time.schedule(network.latencyMs(this.remoteHost, name), () => {
        if (this.#unanswered) {
          this.#refuse(`connection refused: nobody listens at ${this.remoteAddress} (${port})`);
        }
      });
      return;
    }
    target.clock.run(() => {
      if (!this.#unanswered) return;
      this.#meet(target, accept);
    });
  }

  #meet(target: SimHost, accept: Accept): void {
    const id = target.nextConnectionId();
    const remoteAddress = `${this.#host.name}:${EPHEMERAL_PORT_BASE + this.id}`;
    const accepted = new SimConnection(target, id, this.#host.name, remoteAddress);
    accepted.#other = this;
    this.#other = accepted;
    target.connections.add(accepted);
    accepted.#send({ kind: 'accepted' });
    // `accept` may write, close or destroy before it gives the handler.
    const early: State = { kind: 'open', handler: NOBODY };
    accepted.#state = early;
    const handler = accept(accepted);
    if (accepted.#state === early) accepted.#state = { kind: 'open', handler };
  }

  get #unanswered(): boolean {
    return this.#state.kind === 'dialling' || (this.#state.kind === 'ending' && !this.#state.up);
  }

  #refuse(message: string): void {
    this.#tell((handler) => handler.closed({ kind: 'refused', message }));
  }

  #tellBroken(message: string): void {
    this.#dropQueue();
    this.#dropUnread();
    this.#wire = [];
    this.#host.network.time.schedule(0, () =>
      this.#tell((handler) => handler.closed({ kind: 'broken', message })),
    );
  }

  /** The last call to the handler. */
  #tell(closing: (handler: ConnectionHandler) => void): void {
    this.#host.clock.run(() => {
      const state = this.#state;
      if (state.kind === 'closed') return;
      this.#finish();
      if (state.kind !== 'ending') closing(state.handler);
    });
  }

  #finish(): void {
    this.#state = { kind: 'closed' };
    this.#dropQueue();
    this.#host.connections.delete(this);
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#wantsDrained = false;
  }

  #dropUnread(): void {
    const unread = this.#unread;
    this.#unread = [];
    for (const segment of unread) this.#consumed(segment);
  }

  #scheduleTransmit(): void {
    if (this.#transmitScheduled || this.#unanswered || this.#state.kind === 'closed') return;
    this.#transmitScheduled = true;
    this.#host.clock.soon(() => {
      this.#transmitScheduled = false;
      this.#transmit();
    });
  }

  /** Puts as much on the wire as the window lets through. */
  #transmit(): void {
    if (this.#unanswered || this.#state.kind === 'closed') return;
    const windowBytes = this.#readSlowly ? SLOW_READ_BYTES : WINDOW_BYTES;
    const room = windowBytes - this.#outstandingBytes;
    if (this.#queuedBytes > 0 && room > 0) {
      const { network, name } = this.#host;
      network.sending?.('before', name);
      if (this.#isClosed) return;
      this.#sendBytes(this.#takeQueued(room));
      network.sending?.('after', name);
      if (this.#isClosed) return;
    }
    if (this.#queuedBytes > 0) return;
    if (this.#state.kind === 'ending') {
      this.#send({ kind: 'end' });
      this.#finish();
      return;
    }
    if (!this.#wantsDrained || this.#state.kind !== 'open') return;
    this.#wantsDrained = false;
    if (this.#readSlowly) this.#host.network.congested?.('goes on');
    this.#state.handler.drained();
  }

  get #isClosed(): boolean {
    return this.#state.kind === 'closed';
  }

  #takeQueued(limitBytes: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(limitBytes, this.#queuedBytes));
    let filled = 0;
    let taken = 0;
    for (const chunk of this.#queue) {
      const part = chunk.subarray(0, bytes.length - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (part.length < chunk.length) {
        this.#queue[taken] = chunk.subarray(part.length);
        break;
      }
      taken++;
    }
    this.#queue.splice(0, taken);
    this.#queuedBytes -= filled;
    return bytes;
  }

  #sendBytes(bytes: Uint8Array): void {
    this.#outstandingBytes += bytes.length;
    const { network } = this.#host;
    let rest = bytes;
    while (network.cutSegments && rest.length > 1 && network.random.chance(0.5)) {
      const cut = network.random.integer(1, Math.min(rest.length - 1, 64));
      this.#send({ kind: 'bytes', bytes: rest.slice(0, cut) });
      rest = rest.slice(cut);
    }
    this.#send({ kind: 'bytes', bytes: rest });
  }

  #send(segment: Segment): void {
    if (this.#other === null) return;
    const { network } = this.#host;
    const last = this.#wire[this.#wire.length - 1];
    const dueMs = network.time.nowMs + network.latencyMs(this.#host.name, this.remoteHost);
    this.#wire.push({
      segment,
      dueMs: last === undefined ? dueMs : Math.max(dueMs, last.dueMs),
    });
    if (last === undefined) network.carrying.add(this);
    this.#scheduleWire();
  }

  /** Nothing gets there now: a block, or a machine without power. Both end with `resumeWire`. */
  get #held(): boolean {
    const { network, name } = this.#host;
    return (
      network.blocked(name, this.remoteHost) || network.host(this.remoteHost)?.answers === false
    );
  }

  #scheduleWire(): void {
    const head = this.#wire[0];
    const { network } = this.#host;
    if (head === undefined) {
      network.carrying.delete(this);
      return;
    }
    if (this.#wireScheduled || this.#held) return;
    this.#wireScheduled = true;
    network.time.schedule(Math.max(0, head.dueMs - network.time.nowMs), () => {
      this.#wireScheduled = false;
      if (this.#held) return;
      const arrived = this.#wire.shift();
      if (arrived !== undefined) this.#arriveThere(arrived.segment);
      this.#scheduleWire();
    });
  }

  #arriveThere(segment: Segment): void {
    const other = this.#other;
    assert(other !== null, 'a wire leads somewhere');
    if (other.#host.clock.alive) other.#host.clock.run(() => other.#arrive(segment));
    else if (this.#state.kind !== 'closed') this.#tellBroken('connection reset by peer');
  }

  #arrive(segment: Segment): void {
    if (segment.kind === 'reset') {
      if (this.#state.kind === 'closed') return;
      this.#dropQueue();
      this.#dropUnread();
      return this.#tell((handler) => handler.closed({ kind: 'broken', message: segment.message }));
    }
    // After `resume` the next call reads on, and what arrives before it may not overtake.
    const isBusy = this.#paused || this.#unread.length > 0 || this.#readEveryMs !== null;
    if (isBusy && this.#state.kind === 'open') {
      this.#unread.push(segment);
      this.#readLater();
      return;
    }
    this.#read(segment);
  }

  #readOn(): void {
    while (!this.#paused) {
      const segment = this.#unread.shift();
      if (segment === undefined) return;
      this.#read(segment);
      if (this.#readEveryMs !== null) return this.#readLater();
    }
  }

  /** As a slow reader: the next segment in its time. */
  #readLater(): void {
    if (this.#readEveryMs === null || this.#readScheduled || this.#unread.length === 0) return;
    this.#readScheduled = true;
    this.#host.clock.after(this.#readEveryMs, () => {
      this.#readScheduled = false;
      this.#readOn();
    });
  }

  #read(segment: Segment): void {
    this.#consumed(segment);
    const state = this.#state;
    if (state.kind === 'ending' && segment.kind === 'accepted') {
      this.#state = { kind: 'ending', up: true };
      return this.#scheduleTransmit();
    }
    if (state.kind === 'closed' || state.kind === 'ending') return;
    switch (segment.kind) {
      case 'accepted':
        this.#state = { kind: 'open', handler: state.handler };
        this.#scheduleTransmit();
        return state.handler.opened();
      case 'bytes':
        return state.handler.received(segment.bytes);
      case 'end':
        return this.#tell((handler) => handler.closed({ kind: 'ended' }));
      case 'reset':
        return;
    }
  }

  /** Room in the window of whoever sent it. */
  #consumed(segment: Segment): void {
    const other = this.#other;
    if (segment.kind !== 'bytes' || other === null) return;
    other.#outstandingBytes -= segment.bytes.length;
    if (other.#queuedBytes > 0) other.#scheduleTransmit();
  }
}

const EPHEMERAL_PORT_BASE = 40_000;

/** Stands in until `accept` has given the real handler; nothing arrives before. */
const NOBODY: ConnectionHandler = {
  opened: () => {},
  received: () => {},
  drained: () => {},
  closed: (_reason: CloseReason) => {},
};
