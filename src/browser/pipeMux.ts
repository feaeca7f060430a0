/**
 * Many pipes over one message port: page and Worker share one, and so do two tabs over a BroadcastChannel. All that is
 * said within one turn of the event loop goes out as one message, because posting costs more than what is posted.
 */

import type { Port } from '../ports/network.ts';
import { ownBuffer, type Pipe, type PipeHandler, type PipeMessage } from './pipe.ts';

/** What a pipe is for, said when it is opened. */
export interface PipeHeader {
  readonly port: Port;
  /** Who is dialled. */
  readonly to: number;
  /** Who dials; 0: the page itself, as a client. */
  readonly from: number;
}

/** A server that talks to itself, or to its own page; nobody else's link is part of it. */
export const isOfOneServer = ({ to, from }: PipeHeader): boolean => from === to || from === 0;

type Frame =
  | readonly ['open', number, PipeHeader]
  /** From the page: the way that the pipe takes from now on, past it or (null) through it. */
  | readonly ['way', number, RTCDataChannel | null]
  | readonly ['message', number, PipeMessage]
  /** For a person; null: in order. */
  | readonly ['close', number, string | null];

/** `MessagePort` and the like. */
export interface FramePort {
  post(frames: readonly unknown[], transfer: Transferable[]): void;
}

/** Large buffers that are ours alone are moved rather than copied: 22 us against 7 us for small, the other way for large. */
const TRANSFER_FROM_BYTES = 16 * 1024;
const MAX_PIPE_COUNT = 4096;

export class PipeMux {
  readonly #port: FramePort;
  /** Each end counts in its own parity, so that both can open at once. */
  #nextId: number;
  readonly #pipes = new Map<number, MuxPipe>();
  readonly #incoming: (header: PipeHeader, pipe: MuxPipe) => PipeHandler | null;
  #frames: Frame[] = [];
  #transfer: Transferable[] = [];

  /** `incoming` gets what the other end opens, and gives who handles it; null refuses. */
  constructor(
    port: FramePort,
    side: 'first' | 'second',
    incoming: (header: PipeHeader, pipe: MuxPipe) => PipeHandler | null,
  ) {
    this.#port = port;
    this.#nextId = side === 'first' ? 1 : 2;
    this.#incoming = incoming;
  }

  get pipeCount(): number {
    return this.#pipes.size;
  }

  open(header: PipeHeader, handler: PipeHandler): MuxPipe {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#push(['open', id, header]);
    const pipe = this.#makePipe(id);
    pipe.handler = handler;
    return pipe;
  }

  /** What the port brought. `frames` comes from code of the same origin and build, yet is checked: it may be another build. */
  received(frames: unknown): void {
    if (!Array.isArray(frames)) return;
    for (const frame of frames) {
      if (!Array.isArray(frame)) continue;
      const [kind, id, payload]: unknown[] = frame;
      if (typeof id !== 'number') continue;
      if (kind === 'open') this.#receivedOpen(id, payload);
      else if (kind === 'message') this.#receivedMessage(id, payload);
      else if (kind === 'close') this.#receivedClose(id, payload);
      else if (kind === 'way') this.#receivedWay(id, payload);
    }
  }

  /** The port is no more: every pipe ends for `reason`. */
  end(reason: string): void {
    const pipes = [...this.#pipes.values()];
    this.#pipes.clear();
    for (const pipe of pipes) pipe.handler?.closed(reason);
  }

  #receivedOpen(id: number, header: unknown): void {
    if (!isHeader(header) || this.#pipes.has(id)) return;
    const pipe = this.#makePipe(id);
    const handler = this.#pipes.size > MAX_PIPE_COUNT ? null : this.#incoming(header, pipe);
    if (handler === null) pipe.close();
    else pipe.handler = handler;
  }

  #receivedMessage(id: number, message: unknown): void {
    if (typeof message !== 'string' && !(message instanceof Uint8Array)) return;
    this.#pipes.get(id)?.handler?.message(message);
  }

  #receivedWay(id: number, channel: unknown): void {
    const handler = this.#pipes.get(id)?.handler;
    if (channel === null) handler?.take?.(null);
    else if (channel instanceof RTCDataChannel) handler?.take?.(channel);
  }

  #receivedClose(id: number, reason: unknown): void {
    const pipe = this.#pipes.get(id);
    if (pipe === undefined) return;
    this.#pipes.delete(id);
    pipe.handler?.closed(
      typeof reason === 'string' ? reason : 'the other side closed the connection',
    );
  }

  #makePipe(id: number): MuxPipe {
    const pipe = new MuxPipe(
      (message, ours) => {
        if (this.#pipes.has(id)) this.#pushMessage(id, message, ours);
      },
      (reason) => {
        if (this.#pipes.delete(id)) this.#push(['close', id, reason]);
      },
      (channel) => this.#pushWay(id, channel),
    );
    this.#pipes.set(id, pipe);
    return pipe;
  }

  #pushMessage(id: number, message: PipeMessage, ours: boolean): void {
    if (ours && typeof message !== 'string' && mayMove(message)) {
      this.#transfer.push(message.buffer);
    }
    this.#push(['message', id, ownBuffer(message)]);
  }

  /** False if this browser does not move channels to a Worker. */
  #pushWay(id: number, channel: RTCDataChannel | null): boolean {
    if (channel !== null) {
      this.#flush();
      try {
        this.#port.post([['way', id, channel]], [channel]);
        return true;
      } catch (error) {
        if (!(error instanceof DOMException) || error.name !== 'DataCloneError') throw error;
      }
    }
    this.#push(['way', id, null]);
    return false;
  }

  #push(frame: Frame): void {
    this.#frames.push(frame);
    if (this.#frames.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    const transfer = this.#transfer;
    this.#frames = [];
    this.#transfer = [];
    this.#port.post(frames, transfer);
  }
}

/** A pipe of a {@link PipeMux}; it can also say why it ends, and give bytes away instead of copying them. */
export class MuxPipe implements Pipe {
  handler: PipeHandler | null = null;
  readonly #send: (message: PipeMessage, ours: boolean) => void;
  readonly #close: (reason: string | null) => void;
  readonly #move: (channel: RTCDataChannel | null) => boolean;

  constructor(
    send: (message: PipeMessage, ours: boolean) => void,
    close: (reason: string | null) => void,
    move: (channel: RTCDataChannel | null) => boolean,
  ) {
    this.#send = send;
    this.#close = close;
    this.#move = move;
  }

  send(message: PipeMessage): void {
    this.#send(message, false);
  }

  /** The bytes' whole buffer is the sender's to give away, and is gone for it afterwards. */
  give(message: PipeMessage): void {
    this.#send(message, true);
  }

  /** Moves the channel to the other end, which uses it instead of this pipe, and says whether it could. */
  move(channel: RTCDataChannel | null): boolean {
    return this.#move(channel);
  }

  close(): void {
    this.#close(null);
  }

  fail(reason: string): void {
    this.#close(reason);
  }
}

/** Parts of one buffer, as a BroadcastChannel brings those of a large write, cannot be moved one by one. */
function mayMove(bytes: Uint8Array): boolean {
  return bytes.length >= TRANSFER_FROM_BYTES && bytes.length === bytes.buffer.byteLength;
}

function isHeader(value: unknown): value is PipeHeader {
  if (typeof value !== 'object' || value === null) return false;
  if (!('port' in value) || !('to' in value) || !('from' in value)) return false;
  return isPort(value.port) && typeof value.to === 'number' && typeof value.from === 'number';
}

export function isPort(value: unknown): value is Port {
  return value === 'election' || value === 'quorum' || value === 'client';
}
