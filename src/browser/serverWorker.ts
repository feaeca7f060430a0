/** The page's hold on its Worker: starts and stops the server in it, and joins its sockets to the page's links. */

import type { Clock } from '../ports/clock.ts';
import type { Port } from '../ports/network.ts';
import type { ProbeRecord, ProbeTopic } from '../ports/probe.ts';
import type { SnapshotAnswer } from '../quorum/runningPeer.ts';
import { PageClock } from './pageClock.ts';
import type { Pipe, PipeHandler } from './pipe.ts';
import type { MuxPipe, PipeHeader } from './pipeMux.ts';
import { isOfOneServer, PipeMux } from './pipeMux.ts';
import type { Greeting, StartServer, ToPage, ToWorker, WorkerStatus } from './workerMessages.ts';

export interface ServerWorkerHandler {
  status(status: WorkerStatus): void;
  stopped(failure: string | null): void;
  events(records: readonly ProbeRecord[], missedCount: number): void;
  snapshot(answer: SnapshotAnswer): void;
  tick(): void;
  /** The server dials another; null: there is no such server here. */
  dial(to: number, port: Port, handler: PipeHandler): Pipe | null;
}

export class ServerWorker {
  readonly clock: Clock;
  readonly #worker: Worker;
  readonly #control: MessagePort;
  readonly #mux: PipeMux;
  readonly #handler: ServerWorkerHandler;

  constructor(worker: Worker, handler: ServerWorkerHandler) {
    this.#worker = worker;
    this.#handler = handler;
    const control = new MessageChannel();
    const pipes = new MessageChannel();
    const greeting: Greeting = { control: control.port2, pipes: pipes.port2 };
    worker.postMessage(greeting, [control.port2, pipes.port2]);
    worker.onerror = ({ message }) => handler.stopped(`The server broke: ${message}`);
    this.#control = control.port1;
    const clock = new PageClock(
      (id, delayMs) => this.#say({ type: 'timer', id, delayMs }),
      (id) => this.#say({ type: 'cancel', id }),
    );
    this.clock = clock;
    this.#control.onmessage = ({ data }: MessageEvent<ToPage>) => this.#received(data, clock);
    this.#mux = new PipeMux(
      { post: (frames, transfer) => pipes.port1.postMessage(frames, transfer) },
      'first',
      (header, pipe) => this.#dialled(header, pipe),
    );
    pipes.port1.onmessage = ({ data }: MessageEvent<unknown>) => this.#mux.received(data);
  }

  start(start: Omit<StartServer, 'type'>): void {
    this.#say({ type: 'start', ...start });
  }

  stop(): void {
    this.#say({ type: 'stop' });
  }

  takeSnapshot(): void {
    this.#say({ type: 'takeSnapshot' });
  }

  cancelSnapshot(): void {
    this.#say({ type: 'cancelSnapshot' });
  }

  watch(topics: readonly ProbeTopic[], eventsPerSecondCount: number): void {
    this.#say({ type: 'watch', topics, eventsPerSecondCount });
  }

  /** Dials the server in the Worker, for another server (`from`) or for this page (0). */
  open(header: PipeHeader, handler: PipeHandler): Pipe {
    return this.#mux.open(header, handler);
  }

  /** Another tab dials the server in the Worker. */
  accept(header: PipeHeader, pipe: Pipe): PipeHandler {
    const inner = this.#mux.open(header, {
      message: (message) => pipe.send(message),
      closed: () => pipe.close(),
    });
    return {
      message: (message) => inner.give(message),
      closed: (reason) => inner.fail(reason),
      take: (channel) => inner.move(channel),
    };
  }

  terminate(): void {
    this.#worker.terminate();
    this.#mux.end('the server was ended');
  }

  #dialled(header: PipeHeader, pipe: MuxPipe): PipeHandler {
    const handler: PipeHandler = {
      message: (message) => pipe.give(message),
      closed: (reason) => pipe.fail(reason),
    };
    const way = isOfOneServer(header)
      ? this.open(header, handler)
      : this.#handler.dial(header.to, header.port, {
          ...handler,
          take: (channel) => pipe.move(channel),
        });
    if (way === null) {
      pipe.fail(`no tab of this room is server ${header.to} now`);
      return { message: () => {}, closed: () => {} };
    }
    return { message: (message) => way.send(message), closed: () => way.close() };
  }

  #received(message: ToPage, clock: PageClock): void {
    switch (message.type) {
      case 'status':
        this.#handler.status(message.status);
        return;
      case 'stopped':
        this.#handler.stopped(message.failure);
        return;
      case 'events':
        this.#handler.events(message.records, message.missedCount);
        return;
      case 'snapshot':
        this.#handler.snapshot(message.answer);
        return;
      case 'timer':
        clock.fired(message.id);
        return;
      case 'tick':
        this.#handler.tick();
        return;
    }
  }

  #say(message: ToWorker): void {
    this.#control.postMessage(message);
  }
}
