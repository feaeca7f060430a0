/**
 * The `Network` port of whoever has pipes: a server in its Worker, through the page; the page's own client, through its
 * links. It knows sockets and doors; where a pipe leads is the business of who opens it.
 */

import type { Clock, Timer } from '../ports/clock.ts';
import type {
  Address,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
  Port,
} from '../ports/network.ts';
import { hostOf, sidOfAddress } from '../room/seats.ts';
import { ByteSocket } from './byteSocket.ts';
import type { Pipe, PipeHandler } from './pipe.ts';
import type { PipeHeader } from './pipeMux.ts';

/**
 * A follower often dials its new leader a moment before the leader listens. TCP would refuse it, and ZooKeeper would wait
 * 100 ms before it dials again; a knock on a shut door is answered this much later instead.
 */
const KNOCK_PATIENCE_MS = 250;
const MAX_KNOCK_COUNT = 64;

/** Somebody who dialled a port that is not listened on, yet. */
interface Knock {
  readonly port: Port;
  readonly socket: ByteSocket;
  readonly timer: Timer;
}

interface Door {
  readonly accept: (connection: Connection) => ConnectionHandler;
}

export class PipeNetwork implements Network {
  readonly #open: (header: PipeHeader, handler: PipeHandler) => Pipe;
  readonly #self: number;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #doors = new Map<Port, Door>();
  readonly #knocks = new Set<Knock>();
  #nextConnection = 1;

  /** `self` is the sid that dials in this network's name; 0 for a client in the page. */
  constructor(
    self: number,
    open: (header: PipeHeader, handler: PipeHandler) => Pipe,
    clock: Pick<Clock, 'after'>,
  ) {
    this.#self = self;
    this.#open = open;
    this.#clock = clock;
  }

  listen(
    port: Port,
    _address: Address,
    accept: (connection: Connection) => ConnectionHandler,
    failed: (reason: string) => void,
  ): Listener {
    if (this.#doors.has(port)) {
      queueMicrotask(() => failed(`the ${port} port of this server is taken already`));
      return { close: () => {} };
    }
    const door = { accept };
    this.#doors.set(port, door);
    queueMicrotask(() => this.#answerKnocks(port));
    return {
      close: () => {
        if (this.#doors.get(port) === door) this.#doors.delete(port);
      },
    };
  }

  connect(address: Address, port: Port, handler: ConnectionHandler): Connection {
    const socket = new ByteSocket(this.#nextConnection++, address, handler);
    const to = sidOfAddress(address);
    if (to === null) {
      queueMicrotask(() =>
        socket.pipeHandler.closed(`"${address}" is no server's address in a room (tab-1, ...)`),
      );
    } else {
      socket.attach(this.#open({ port, to, from: this.#self }, socket.pipeHandler));
    }
    return socket;
  }

  /** Somebody dials this server. */
  incoming(header: PipeHeader, pipe: Pipe): PipeHandler {
    const remote = header.from === 0 ? 'page' : hostOf(header.from);
    const socket = new ByteSocket(this.#nextConnection++, remote, null);
    socket.attach(pipe);
    const door = this.#doors.get(header.port);
    if (door === undefined) this.#letWait(header, socket);
    else socket.accept(door.accept(socket));
    return socket.pipeHandler;
  }

  #letWait({ port, to }: PipeHeader, socket: ByteSocket): void {
    const refusal = `server ${to} does not listen on its ${port} port`;
    if (this.#knocks.size >= MAX_KNOCK_COUNT) {
      socket.refuse(refusal);
      return;
    }
    socket.pause();
    const timer = this.#clock.after(KNOCK_PATIENCE_MS, () => {
      this.#knocks.delete(knock);
      socket.refuse(refusal);
    });
    const knock = { port, socket, timer };
    this.#knocks.add(knock);
  }

  #answerKnocks(port: Port): void {
    const door = this.#doors.get(port);
    if (door === undefined) return;
    for (const knock of this.#knocks) {
      if (knock.port !== port) continue;
      this.#knocks.delete(knock);
      knock.timer.cancel();
      knock.socket.accept(door.accept(knock.socket));
      knock.socket.resume();
    }
  }
}
