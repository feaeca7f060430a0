/** One life of a server in this process, from its start to its end, which may come at any moment: as if its process died. */

import type { PeerConfig } from '../config/peerConfig.ts';
import { nodeClock, nodeRandom } from '../node/nodeClock.ts';
import { TcpNetwork } from '../node/tcpNetwork.ts';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Disk, DiskResult, Done } from '../ports/disk.ts';
import type { Address } from '../ports/network.ts';
import type { Probe, ProbeEvent, ProbeRecord, ProbeTopic } from '../ports/probe.ts';
import { startPeer } from '../quorum/quorumPeerMain.ts';
import type { PeerStatus, RunningPeer } from '../quorum/runningPeer.ts';
import { sid as sidOf } from '../wire/ids.ts';
import type { DataDirectory } from './dataDirectory.ts';
import { type Separation, ServerNetwork } from './serverNetwork.ts';

export interface ServerLifeOptions {
  readonly sid: number;
  readonly config: PeerConfig;
  readonly directory: DataDirectory;
  readonly separation: Separation;
  /** Which server listens there for other servers. */
  readonly serverAt: ReadonlyMap<Address, number>;
  /** Hears of the topics in `watched`, and always of `peer`. */
  readonly onEvent: (record: ProbeRecord) => void;
  readonly watched: ReadonlySet<ProbeTopic>;
}

export class ServerLife {
  readonly #options: ServerLifeOptions;
  readonly #network: ServerNetwork;
  readonly #clock = new MortalClock();
  readonly #peer: RunningPeer;
  #alive = true;

  constructor(options: ServerLifeOptions) {
    const { sid, separation, serverAt, config, directory } = options;
    this.#options = options;
    this.#network = new ServerNetwork({ sid, inner: new TcpNetwork(), separation, serverAt });
    const world = {
      clock: this.#clock,
      network: this.#network,
      disk: answeringWhile(() => this.#alive, directory.open()),
      random: nodeRandom,
      probe: this.#newProbe(),
    };
    this.#peer = startPeer(config, world, { environment: [] });
  }

  status(): PeerStatus {
    return this.#peer.status();
  }

  separationChanged(): void {
    this.#network.separationChanged();
  }

  /** Stops in good order, and then for good. */
  async stop(): Promise<void> {
    await new Promise<void>((stopped) => this.#peer.stop(stopped));
    await this.kill();
  }

  /** Nothing of it runs any more from this moment on; resolves when its directory may be opened anew. */
  async kill(): Promise<void> {
    this.#alive = false;
    this.#clock.end();
    this.#network.end();
    await this.#options.directory.crash();
  }

  #newProbe(): Probe {
    const { sid, watched, onEvent } = this.#options;
    let sequence = 0;
    return {
      watches: (topic) => this.#alive && (topic === 'peer' || watched.has(topic)),
      emit: (event: ProbeEvent) => {
        sequence += 1;
        const timeMs = nodeClock.now();
        const wallTimeMs = nodeClock.wallTime();
        onEvent({ sid: sidOf(sid), timeMs, wallTimeMs, sequence, event });
      },
    };
  }
}

/** A clock whose timers all go with their owner. */
class MortalClock implements Clock {
  readonly #timers = new Set<Timer>();

  now(): number {
    return nodeClock.now();
  }

  wallTime(): number {
    return nodeClock.wallTime();
  }

  after(delayMs: number, task: () => void): Timer {
    return this.#keep(task, (run) => nodeClock.after(delayMs, run));
  }

  soon(task: () => void): Timer {
    return this.#keep(task, (run) => nodeClock.soon(run));
  }

  end(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #keep(task: () => void, set: (run: () => void) => Timer): Timer {
    const inner = set(() => {
      this.#timers.delete(timer);
      task();
    });
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer);
        inner.cancel();
      },
    };
    this.#timers.add(timer);
    return timer;
  }
}

/** The disk, whose answers nobody hears any more once `alive` says no. */
function answeringWhile(alive: () => boolean, disk: Disk): Disk {
  const heard =
    <T>(done: Done<T>): Done<T> =>
    (result: DiskResult<T>) => {
      if (alive()) done(result);
    };
  return {
    list: (done) => disk.list(heard(done)),
    read: (name, offset, length, done) => disk.read(name, offset, length, heard(done)),
    append: (name, bytes) => disk.append(name, bytes),
    flush: (done) => disk.flush(heard(done)),
    truncate: (name, sizeBytes, done) => disk.truncate(name, sizeBytes, heard(done)),
    replace: (name, chunks, done) => disk.replace(name, chunks, heard(done)),
    remove: (name, done) => disk.remove(name, heard(done)),
  };
}
