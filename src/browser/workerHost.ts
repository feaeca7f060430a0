/** Runs one server inside a Worker: gives it its world, starts and stops it, and tells the page how it fares. */

import type { ProbeEvent, ProbeRecord, ProbeTopic } from '../ports/probe.ts';
import type { World } from '../ports/world.ts';
import { startPeer } from '../quorum/quorumPeerMain.ts';
import type { CancelSnapshot, RunningPeer, SnapshotAnswer } from '../quorum/runningPeer.ts';
import { sid } from '../wire/ids.ts';
import { BatchingProbe } from './batchingProbe.ts';
import { roomConfig } from './roomConfig.ts';
import { IndexedDbDisk } from './indexedDbDisk.ts';
import { PipeMux } from './pipeMux.ts';
import { PipeNetwork } from './pipeNetwork.ts';
import type { StartServer, ToPage, ToWorker, WorkerStatus } from './workerMessages.ts';
import { acceptPipe, openPipe } from './workerPipes.ts';
import { CryptoRandom, WorkerClock } from './workerWorld.ts';

/** How often the page hears of a status that only the zxid changed; states are told at once. */
const STATUS_INTERVAL_MS = 200;
/** Four keep-alives fit into the silence that counts as death. */
const TICK_MS = 500;

export class WorkerHost {
  readonly #clock = new WorkerClock();
  readonly #say: (message: ToPage) => void;
  readonly #mux: PipeMux;
  readonly #timers = new Map<number, { cancel(): void }>();
  #life: ServerLife | null = null;
  /** A start that came while the server before it was still stopping. */
  #next: StartServer | null = null;

  constructor(control: MessagePort, pipes: MessagePort) {
    this.#say = (message) => control.postMessage(message);
    this.#mux = new PipeMux(
      { post: (frames, transfer) => pipes.postMessage(frames, transfer) },
      'second',
      (header, through) => {
        const network = this.#life?.network;
        if (network === undefined) return null;
        return acceptPipe(header, through, (pipe) => network.incoming(header, pipe));
      },
    );
    pipes.onmessage = ({ data }: MessageEvent<unknown>) => this.#mux.received(data);
    control.onmessage = ({ data }: MessageEvent<ToWorker>) => this.#received(data);
    this.#tick();
  }

  #received(message: ToWorker): void {
    switch (message.type) {
      case 'start':
        if (this.#life === null) this.#start(message);
        else this.#next = message;
        return;
      case 'stop':
        this.#next = null;
        this.#life?.stop();
        return;
      case 'watch':
        this.#life?.watch(message.topics, message.eventsPerSecondCount);
        return;
      case 'takeSnapshot':
        if (this.#life === null) this.#say({ type: 'snapshot', answer: NOT_RUNNING });
        else this.#life.takeSnapshot();
        return;
      case 'cancelSnapshot':
        this.#life?.cancelSnapshot();
        return;
      case 'timer': {
        const { id } = message;
        const timer = this.#clock.after(message.delayMs, () => {
          this.#timers.delete(id);
          this.#say({ type: 'timer', id });
        });
        this.#timers.set(id, timer);
        return;
      }
      case 'cancel':
        this.#timers.get(message.id)?.cancel();
        this.#timers.delete(message.id);
        return;
    }
  }

  #start(start: StartServer): void {
    const life = new ServerLife(start, this.#clock, this.#mux, this.#say, () => {
      if (this.#life === life) this.#life = null;
      const next = this.#next;
      this.#next = null;
      if (next !== null) this.#start(next);
    });
    this.#life = life;
    void life.run();
  }

  #tick(): void {
    this.#say({ type: 'tick' });
    this.#clock.after(TICK_MS, () => this.#tick());
  }
}

const NOT_RUNNING: SnapshotAnswer = { kind: 'refused', reason: 'The server does not run.' };

/** One life of the server, from its start to its end. */
class ServerLife {
  readonly network: PipeNetwork;
  readonly #start: StartServer;
  readonly #clock: WorkerClock;
  readonly #say: (message: ToPage) => void;
  readonly #ended: () => void;
  readonly #probe: StatusProbe;
  #peer: RunningPeer | null = null;
  #cancelSnapshot: CancelSnapshot = () => {};
  #told = '';
  #failure: string | null = null;
  #stopping = false;
  #over = false;

  constructor(
    start: StartServer,
    clock: WorkerClock,
    mux: PipeMux,
    say: (message: ToPage) => void,
    ended: () => void,
  ) {
    this.#start = start;
    this.#clock = clock;
    this.#say = say;
    this.#ended = ended;
    this.network = new PipeNetwork(
      start.sid,
      (header, handler) => openPipe(mux, header, handler),
      clock,
    );
    this.#probe = new StatusProbe(
      new BatchingProbe(sid(start.sid), clock, (records, missedCount) =>
        say({ type: 'events', records: plain(records), missedCount }),
      ),
      (event) => this.#peerEvent(event),
    );
    this.watch(start.watched, start.eventsPerSecondCount);
  }

  async run(): Promise<void> {
    try {
      const { databaseName, disk: meta, owner } = this.#start;
      const disk = await IndexedDbDisk.open(databaseName, meta, owner);
      if (this.#stopping) {
        this.#end(null);
        return;
      }
      const config = roomConfig(this.#start, disk.meta.trustEmpty);
      const clock = this.#clock;
      const random = new CryptoRandom();
      const world: World = { clock, network: this.network, disk, random, probe: this.#probe };
      const environment = [['os.name', navigator.userAgent]] as const;
      this.#peer = startPeer(config, world, { environment });
      this.#reportStatus();
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  watch(topics: readonly ProbeTopic[], eventsPerSecondCount: number): void {
    this.#probe.inner.watch(topics, eventsPerSecondCount);
  }

  takeSnapshot(): void {
    const answer = (answered: SnapshotAnswer): void =>
      this.#say({ type: 'snapshot', answer: answered });
    if (this.#peer === null) answer(NOT_RUNNING);
    else this.#cancelSnapshot = this.#peer.takeSnapshot(answer);
  }

  cancelSnapshot(): void {
    this.#cancelSnapshot();
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#peer?.stop(() => this.#end(this.#failure));
  }

  #peerEvent(event: ProbeEvent): void {
    if (event.topic !== 'peer') return;
    if (event.type === 'stopped' && !this.#stopping) {
      this.#failure = event.reason;
      this.#clock.soon(() => this.stop());
    }
    this.#clock.soon(() => this.#sayStatus());
  }

  #reportStatus(): void {
    if (this.#over) return;
    this.#sayStatus();
    this.#clock.after(STATUS_INTERVAL_MS, () => this.#reportStatus());
  }

  #sayStatus(): void {
    if (this.#peer === null || this.#over) return;
    const { state, leader, epoch, zxid, serving } = this.#peer.status();
    const status: WorkerStatus = { state, leader, epoch, zxid, serving };
    const told = `${state} ${leader} ${epoch} ${zxid} ${serving}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#say({ type: 'status', status });
  }

  #end(failure: string | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#probe.inner.flush();
    this.#say({ type: 'stopped', failure });
    this.#ended();
  }
}

/** Lets the host see what happens to the server whether or not the page watches. */
class StatusProbe {
  readonly inner: BatchingProbe;
  readonly #peerEvent: (event: ProbeEvent) => void;

  constructor(inner: BatchingProbe, peerEvent: (event: ProbeEvent) => void) {
    this.inner = inner;
    this.#peerEvent = peerEvent;
  }

  watches(topic: ProbeTopic): boolean {
    return topic === 'peer' || this.inner.watches(topic);
  }

  emit(event: ProbeEvent): void {
    if (event.topic === 'peer') this.#peerEvent(event);
    if (this.inner.watches(event.topic)) this.inner.emit(event);
  }
}

/** Bytes of a packet may be a view of a large buffer, and all of that would be copied to the page. */
function plain(records: ProbeRecord[]): ProbeRecord[] {
  return records.map((record) => {
    const { event } = record;
    if (event.topic !== 'packet' || event.data === null) return record;
    return { ...record, event: { ...event, data: event.data.slice() } };
  });
}
