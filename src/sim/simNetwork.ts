/**
 * The cables between simulated machines, and what can be wrong with them: delays, blocks, refusals, resets. An
 * unreachable machine is silence and not an error, as with TCP, and what a partition holds back arrives when it heals.
 */

import { assert } from '../base/assert.ts';
import type {
  Address,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
  Port,
} from '../ports/network.ts';
import type { SimClock, SimTime } from './simClock.ts';
import { SimConnection } from './simConnection.ts';
import type { SimRandom } from './simRandom.ts';

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
  readonly #slow = new Set<SimConnection>();
  /** Called when a connection's writer is told to wait for a slow reader, and when it may write again. */
  congested: ((what: 'waits' | 'goes on') => void) | null = null;
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
    const own = this.#latencies.size > 0 ? this.#latencies.get(direction(from, to)) : undefined;
    const [low, high] = own ?? this.#options.latencyMs;
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

  /**
   * Of the open connections between the two one has a receiver at `to` that takes `everyMs` for each few bytes; `pick`
   * says which. False: there is none.
   */
  slowReader(from: string, to: string, pick: number, everyMs: number): boolean {
    const open = [...(this.#hosts.get(from)?.connections ?? [])].filter(
      (connection) => connection.remoteHost === to && connection.open,
    );
    const connection = open[pick % open.length];
    if (connection === undefined) return false;
    this.#slow.add(connection);
    connection.slowReader(everyMs);
    return true;
  }

  /** Every block, refusal and special latency ends, and so does slow reading; what was held back arrives in order. */
  heal(): void {
    for (const connection of this.#slow) connection.slowReader(null);
    this.#slow.clear();
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

export type Accept = (connection: Connection) => ConnectionHandler;

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
