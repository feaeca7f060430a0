/**
 * Sockets between simulated machines. Behaves as TCP does: streams are cut anywhere, an unreachable machine is silence
 * and not an error, and what a partition holds back arrives when it heals.
 */

import { assert } from '../base/assert.ts';
import type {
  Address,
  CloseReason,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
  Port,
} from '../ports/network.ts';
import type { SimClock, SimTime } from './simClock.ts';
import type { SimRandom } from './simRandom.ts';

/** A dial that nobody answers ends after this time (`cnxTimeout` of ZooKeeper's QuorumCnxManager). */
export const DIAL_TIMEOUT_MS = 5_000;
/** `write` answers false when more than this waits on our side. */
const HIGH_WATER_BYTES = 64 * 1024;
/** What may be under way or unread at the other side; more stays queued with the writer. */
const WINDOW_BYTES = 256 * 1024;
/** More than this queued at one connection breaks it: its writer has forgotten to wait for `drained`. */
const MAX_BUFFERED_BYTES = 256 * 1024 * 1024;
const LOOPBACK_LATENCY_MS = 0.02;

export interface SimNetworkOptions {
  /** One-way delay, uniform over [low, high] ms, drawn for each segment; order is kept. */
  readonly latencyMs: readonly [number, number];
  /** Cuts segments at random places, as a byte stream may. */
  readonly cutSegments: boolean;
}

export const DEFAULT_NETWORK: SimNetworkOptions = { latencyMs: [0.1, 0.6], cutSegments: false };

/** All machines' cables. Machines are named by the host part of their addresses. */
export class SimNetwork {
  readonly time: SimTime;
  readonly random: SimRandom;
  #options: SimNetworkOptions;
  readonly #hosts = new Map<string, SimHost>();
  readonly #placed = new Set<string>();
  /** `from>to` of directions in which nothing gets through. */
  readonly #blocked = new Set<string>();
  readonly #latencies = new Map<string, readonly [number, number]>();
  /** `from>to` of dials that are refused. */
  readonly #refused = new Set<string>();
  /** Called right before and right after bytes are put on a wire; may crash the machine they leave. */
  sending: ((when: 'before' | 'after', from: string) => void) | null = null;
  /** @internal Connections with something on their wire, also those whose owner has closed them. */
  readonly carrying = new Set<SimConnection>();

  constructor(time: SimTime, random: SimRandom, options: SimNetworkOptions = DEFAULT_NETWORK) {
    this.time = time;
    this.random = random;
    this.#options = options;
  }

  /** A machine's `Network` for a new life of what runs there. */
  attach(name: string, clock: SimClock): SimHost {
    assert(this.#hosts.get(name)?.up !== true, `${name} is attached to the network already`);
    const host = new SimHost(this, name, clock);
    this.#hosts.set(name, host);
    this.#resumeWires();
    return host;
  }

  configure(options: Partial<SimNetworkOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  get cutSegments(): boolean {
    return this.#options.cutSegments;
  }

  setLatency(from: string, to: string, latencyMs: readonly [number, number]): void {
    this.#latencies.set(direction(from, to), latencyMs);
  }

  latencyMs(from: string, to: string): number {
    if (from === to) return LOOPBACK_LATENCY_MS;
    const [low, high] = this.#latencies.get(direction(from, to)) ?? this.#options.latencyMs;
    return this.random.between(low, high);
  }

  /** Nothing gets from `from` to `to` any more, and nobody is told: connections are half open until somebody gives up. */
  block(from: string, to: string): void {
    this.#blocked.add(direction(from, to));
  }

  unblock(from: string, to: string): void {
    if (this.#blocked.delete(direction(from, to))) this.#resumeWires();
  }

  blocked(from: string, to: string): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(direction(from, to));
  }

  /** Blocks both directions between machines of different groups; machines in no group reach all. */
  partition(...groups: readonly (readonly string[])[]): void {
    groups.forEach((group, index) => {
      const others = groups.filter((_, otherIndex) => otherIndex !== index).flat();
      for (const from of group) for (const to of others) this.block(from, to);
    });
  }

  /** New connections from `from` to `to` are refused, as by a firewall; those that are open stay. */
  refuse(from: string, to: string): void {
    this.#refused.add(direction(from, to));
  }

  refuses(from: string, to: string): boolean {
    return this.#refused.size > 0 && this.#refused.has(direction(from, to));
  }

  /** Every block, refusal and special latency ends; what was held back arrives in order. */
  heal(): void {
    this.#blocked.clear();
    this.#refused.clear();
    this.#latencies.clear();
    this.#resumeWires();
  }

  /** Breaks every connection between the two at once, as when the link layer says the link is gone. */
  reset(left: string, right: string): void {
    for (const connection of this.#connections()) {
      const ends = [connection.localHost, connection.remoteHost];
      if (ends.includes(left) && ends.includes(right)) connection.breakOff('link reset');
    }
  }

  /** The machine is there and has power, although nothing may run on it yet: it refuses dials instead of ignoring them. */
  place(name: string): void {
    this.#placed.add(name);
  }

  /** Somebody answers there, if only to refuse. */
  answers(name: string): boolean {
    return this.#hosts.get(name)?.answers ?? this.#placed.has(name);
  }

  host(name: string): SimHost | undefined {
    return this.#hosts.get(name);
  }

  *#connections(): Iterable<SimConnection> {
    for (const host of this.#hosts.values()) yield* [...host.connections];
  }

  #resumeWires(): void {
    for (const connection of [...this.carrying]) connection.resumeWire();
  }
}

function direction(from: string, to: string): string {
  return `${from}>${to}`;
}

type Accept = (connection: Connection) => ConnectionHandler;

/** One machine during one life of what runs on it: its `Network` port. */
export class SimHost implements Network {
  readonly network: SimNetwork;
  readonly name: string;
  readonly clock: SimClock;
  readonly connections = new Set<SimConnection>();
  readonly #listeners = new Map<string, Accept>();
  #nextConnectionId = 1;
  /** Whether the machine answers at all: a process that ends leaves its kernel behind, a power cut does not. */
  #state: 'up' | 'processGone' | 'silent' = 'up';

  constructor(network: SimNetwork, name: string, clock: SimClock) {
    this.network = network;
    this.name = name;
    this.clock = clock;
  }

  listen(port: Port, address: Address, accept: Accept, failed: (reason: string) => void): Listener {
    const key = listenerKey(port, address);
    if (this.#listeners.has(key)) {
      this.clock.soon(() => failed(`address already in use: ${address} (${port})`));
      return { close: () => {} };
    }
    this.#listeners.set(key, accept);
    return {
      close: () => {
        if (this.#listeners.get(key) === accept) this.#listeners.delete(key);
      },
    };
  }

  connect(address: Address, port: Port, handler: ConnectionHandler): Connection {
    const connection = new SimConnection(this, this.nextConnectionId(), hostOf(address), address);
    connection.dial(port, handler);
    return connection;
  }

  nextConnectionId(): number {
    return this.#nextConnectionId++;
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  /** The machine's kernel answers, if only to say that nobody is there. */
  get answers(): boolean {
    return this.#state !== 'silent';
  }

  listenerFor(port: Port, address: Address): Accept | undefined {
    return this.#listeners.get(listenerKey(port, address));
  }

  /**
   * The life ends. `reset`: the kernel closes its sockets and the others are told. `silent`: the machine is gone like
   * one without power; whoever writes to it learns of it when it is back, or by his own time limits.
   */
  end(how: 'reset' | 'silent'): void {
    this.#state = how === 'silent' ? 'silent' : 'processGone';
    this.#listeners.clear();
    for (const connection of [...this.connections]) connection.lose(how);
  }
}

function listenerKey(port: Port, address: Address): string {
  return `${port} ${address.slice(address.lastIndexOf(':') + 1)}`;
}

function hostOf(address: Address): string {
  return address.slice(0, Math.max(0, address.lastIndexOf(':')));
}

/** What travels in one direction of a connection. */
type Segment = { readonly dueMs: number } & (
  | { readonly kind: 'accepted' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset'; readonly message: string }
);

type SegmentContent =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset'; readonly message: string };

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
  #wire: Segment[] = [];
  #wireScheduled = false;
  /** On the wire, or arrived and not yet read. */
  #outstandingBytes = 0;

  /** Arrived here and not read because we are paused. */
  #unread: SegmentContent[] = [];
  #paused = false;

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
    return this.#queuedBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state.kind === 'ending' || this.#state.kind === 'closed') return true;
    if (bytes.length > 0) {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
      this.#scheduleTransmit();
    }
    if (this.#queuedBytes > MAX_BUFFERED_BYTES) {
      this.breakOff(`more than ${MAX_BUFFERED_BYTES} bytes queued`);
      return false;
    }
    if (this.#queuedBytes <= HIGH_WATER_BYTES) return true;
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
    const room = WINDOW_BYTES - this.#outstandingBytes;
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

  #send(content: SegmentContent): void {
    if (this.#other === null) return;
    const { network } = this.#host;
    const last = this.#wire[this.#wire.length - 1];
    const dueMs = network.time.nowMs + network.latencyMs(this.#host.name, this.remoteHost);
    this.#wire.push({
      ...content,
      dueMs: last === undefined ? dueMs : Math.max(dueMs, last.dueMs),
    });
    network.carrying.add(this);
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
      const segment = this.#wire.shift();
      if (segment !== undefined) this.#arriveThere(segment);
      this.#scheduleWire();
    });
  }

  #arriveThere(segment: SegmentContent): void {
    const other = this.#other;
    assert(other !== null, 'a wire leads somewhere');
    if (other.#host.clock.alive) other.#host.clock.run(() => other.#arrive(segment));
    else if (this.#state.kind !== 'closed') this.#tellBroken('connection reset by peer');
  }

  #arrive(segment: SegmentContent): void {
    if (segment.kind === 'reset') {
      if (this.#state.kind === 'closed') return;
      this.#dropQueue();
      this.#dropUnread();
      return this.#tell((handler) => handler.closed({ kind: 'broken', message: segment.message }));
    }
    // After `resume` the next call reads on, and what arrives before it may not overtake.
    if ((this.#paused || this.#unread.length > 0) && this.#state.kind === 'open') {
      this.#unread.push(segment);
      return;
    }
    this.#read(segment);
  }

  #readOn(): void {
    while (!this.#paused) {
      const segment = this.#unread.shift();
      if (segment === undefined) return;
      this.#read(segment);
    }
  }

  #read(segment: SegmentContent): void {
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
  #consumed(segment: SegmentContent): void {
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
