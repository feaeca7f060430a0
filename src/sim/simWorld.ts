/**
 * The simulated world: machines with disks, one network, one time, one stream of probe records. A run is a function of
 * its seed and of what the test does.
 */

import { assert } from '../base/assert.ts';
import type { Disk } from '../ports/disk.ts';
import type { Network } from '../ports/network.ts';
import type { Probe, ProbeEvent, ProbeRecord, ProbeTopic } from '../ports/probe.ts';
import type { World } from '../ports/world.ts';
import type { Sid } from '../wire/ids.ts';
import { SimClock, SimTime, type Timepiece } from './simClock.ts';
import { DEFAULT_DISK, SimDisk, type SimDiskOptions } from './simDisk.ts';
import { DEFAULT_NETWORK, SimNetwork, type SimNetworkOptions, type SimHost } from './simNetwork.ts';
import { SimRandom } from './simRandom.ts';

/** Wall clocks of machines differ by at most this much either way. */
const MAX_WALL_OFFSET_MS = 2_000;

/** All that a server tells of itself; rooms are the browser's. */
export const SERVER_TOPICS: readonly ProbeTopic[] = [
  'peer',
  'election',
  'connection',
  'packet',
  'zab',
  'txn',
  'storage',
  'session',
  'request',
];

export interface SimulationOptions {
  readonly network: SimNetworkOptions;
  readonly disk: SimDiskOptions;
}

export type RecordListener = (record: ProbeRecord) => void;

const NOBODY: readonly RecordListener[] = [];

/** Everything one run shares. */
export class Simulation {
  readonly seed: number;
  readonly time = new SimTime();
  readonly random: SimRandom;
  readonly network: SimNetwork;
  readonly #diskOptions: SimDiskOptions;
  readonly #machines = new Map<string, Machine>();
  /** Who watches each topic; a list is replaced and never changed, so that it can be gone through while it is. */
  readonly #listeners = new Map<ProbeTopic, readonly RecordListener[]>();
  /** Set when code that uses promises has run, so that its continuations get their turn before time goes on. */
  #promisesMayWait = false;

  constructor(seed: number, options: Partial<SimulationOptions> = {}) {
    this.seed = seed;
    this.random = new SimRandom(seed);
    this.network = new SimNetwork(
      this.time,
      this.random.fork('network'),
      options.network ?? DEFAULT_NETWORK,
    );
    this.#diskOptions = options.disk ?? DEFAULT_DISK;
  }

  /** The machine of that name, made at its first mention. */
  machine(name: string, sid: Sid, kind: MachineKind = 'server'): Machine {
    const known = this.#machines.get(name);
    if (known !== undefined) return known;
    const machine = new Machine(this, name, sid, kind, this.#diskOptions);
    this.#machines.set(name, machine);
    return machine;
  }

  /** Calls `listener` with every record of these topics, from any machine, as it happens. */
  subscribe(topics: readonly ProbeTopic[], listener: RecordListener): { close(): void } {
    // Two subscriptions of one function are two.
    const mine: RecordListener = (record) => listener(record);
    for (const topic of topics)
      this.#listeners.set(topic, [...(this.#listeners.get(topic) ?? []), mine]);
    return {
      close: () => {
        for (const topic of topics) {
          const others = this.#listeners.get(topic)?.filter((other) => other !== mine);
          this.#listeners.set(topic, others ?? []);
        }
      },
    };
  }

  watches(topic: ProbeTopic): boolean {
    return (this.#listeners.get(topic)?.length ?? 0) > 0;
  }

  publish(record: ProbeRecord): void {
    for (const listener of this.#listeners.get(record.event.topic) ?? NOBODY) listener(record);
  }

  /** @internal */
  promisesMayWait(): void {
    this.#promisesMayWait = true;
  }

  /** As {@link SimTime.runUntil}, giving promises of clients their turn. False if `limitMs` pass first. */
  async until(condition: () => boolean, limitMs: number): Promise<boolean> {
    await drainMicrotasks();
    const endMs = this.time.nowMs + limitMs;
    while (!condition()) {
      const nextMs = this.time.nextEventMs();
      if (nextMs > endMs || nextMs === Infinity) {
        if (Number.isFinite(endMs)) this.time.runFor(endMs - this.time.nowMs);
        return condition();
      }
      this.time.step();
      if (!this.#promisesMayWait) continue;
      this.#promisesMayWait = false;
      await drainMicrotasks();
    }
    return true;
  }

  /** Lets `durationMs` go by. */
  async sleep(durationMs: number): Promise<void> {
    const endMs = this.time.nowMs + durationMs;
    let over = false;
    const timer = this.time.schedule(durationMs, () => {
      over = true;
    });
    await this.until(() => over, durationMs);
    timer.cancel();
    assert(this.time.nowMs >= endMs, 'time went on');
  }

  /** Lets time go on until the promise settles, and gives its outcome; an error if it has not within `limitMs`. */
  async settle<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    if (!(await this.until(() => settled, limitMs))) {
      throw new Error(`not settled within ${limitMs} ms of virtual time`);
    }
    return promise;
  }
}

/** `client`: what runs there may use promises. */
export type MachineKind = 'server' | 'client';

/** What outlives a server's process: its name, its disk, its idea of the wall time. */
export class Machine {
  readonly name: string;
  readonly sid: Sid;
  readonly disk: SimDisk;
  readonly #simulation: Simulation;
  readonly #kind: MachineKind;
  readonly timepiece: Timepiece;
  #lifeCount = 0;
  #world: SimWorld | null = null;

  constructor(
    simulation: Simulation,
    name: string,
    sid: Sid,
    kind: MachineKind,
    diskOptions: SimDiskOptions,
  ) {
    this.name = name;
    this.sid = sid;
    this.#simulation = simulation;
    this.#kind = kind;
    const random = simulation.random.fork(name);
    const wallOffsetMs = random.integer(-MAX_WALL_OFFSET_MS, MAX_WALL_OFFSET_MS);
    this.timepiece = { wallOffsetMs, rate: 1 };
    simulation.network.place(name);
    this.disk = new SimDisk(simulation.time, random.fork('disk'), diskOptions);
  }

  /** The world of the life that runs, or null. */
  get world(): SimWorld | null {
    return this.#world;
  }

  /** Starts a new life. */
  boot(): SimWorld {
    assert(this.#world === null, `${this.name} runs already`);
    const life = ++this.#lifeCount;
    const simulation = this.#simulation;
    const ran = this.#kind === 'client' ? () => simulation.promisesMayWait() : () => {};
    const clock = new SimClock(simulation.time, this.timepiece, ran);
    const random = simulation.random.fork(`${this.name}/life${life}`);
    const world = new SimWorld(
      clock,
      simulation.network.attach(this.name, clock),
      this.disk.open(clock),
      random,
      new SimProbe(simulation, clock, this.sid),
    );
    this.#world = world;
    return world;
  }

  /**
   * The life ends in the middle of whatever it does. `reset`: its sockets are closed by the kernel; `silent`: the power
   * is gone and nobody is told.
   */
  crash(how: 'reset' | 'silent' = 'reset'): void {
    const world = this.#world;
    if (world === null) return;
    this.#world = null;
    world.clock.end();
    world.network.end(how);
    this.disk.crash();
  }

  freeze(): void {
    this.#world?.clock.freeze();
  }

  thaw(): void {
    this.#world?.clock.thaw();
  }
}

/** The five ports of one life. */
export class SimWorld implements World {
  readonly clock: SimClock;
  readonly network: SimHost & Network;
  readonly disk: Disk;
  readonly random: SimRandom;
  readonly probe: Probe;

  constructor(clock: SimClock, network: SimHost, disk: Disk, random: SimRandom, probe: Probe) {
    this.clock = clock;
    this.network = network;
    this.disk = disk;
    this.random = random;
    this.probe = probe;
  }
}

/** Stamps events and hands them to whoever watches the simulation. */
class SimProbe implements Probe {
  readonly #simulation: Simulation;
  readonly #clock: SimClock;
  readonly #sid: Sid;
  #sequence = 0;

  constructor(simulation: Simulation, clock: SimClock, sid: Sid) {
    this.#simulation = simulation;
    this.#clock = clock;
    this.#sid = sid;
  }

  watches(topic: ProbeTopic): boolean {
    return this.#simulation.watches(topic);
  }

  emit(event: ProbeEvent): void {
    // A crash in the middle of a call: the rest of the call happens in no world.
    if (!this.#clock.alive) return;
    this.#sequence++;
    this.#simulation.publish({
      sid: this.#sid,
      timeMs: this.#clock.now(),
      wallTimeMs: this.#clock.wallTime(),
      sequence: this.#sequence,
      event,
    });
  }
}

/** All promise continuations that can run now have run when this resolves. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
