/**
 * One connection of the quorum port, from either end: a byte stream taken apart into packets, with back-pressure while
 * its owner is busy, a limit on silence, and a bound on what waits to be sent. It knows no packet's meaning.
 */

import type { Clock, Timer } from '../ports/clock.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../ports/network.ts';
import type { Probe } from '../ports/probe.ts';
import { sid as asSid, type Sid, type Zxid } from '../wire/ids.ts';
import { JuteError, JuteWriter } from '../wire/jute.ts';
import {
  encodeQuorumPacket,
  QuorumPacketReader,
  writeQuorumPacket,
  type QuorumPacket,
} from '../wire/quorumPackets.ts';
import { outgoing } from './broadcast.ts';
import type { SendBatch } from './sendBatch.ts';

/** A peer that lets so much pile up is not worth waiting for: it is closed and synchronises anew. */
const MAX_SEND_BUFFER_BYTES = 64 * 1024 * 1024;
/** A message can hold thousands of small packets: after so many every other event has its turn. */
const MAX_PACKETS_AT_ONCE = 128;
/** What may still arrive of a paused stream; more closes it. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** Whoever owns the stream. `packet` and `raw` may throw JuteError: then the stream is closed like for a broken packet. */
export interface QuorumStreamOwner {
  /** A dialled connection is up. */
  opened(): void;
  packet(packet: QuorumPacket): void;
  /** The next piece of a raw stream, after {@link QuorumStream.beginRaw}. */
  raw(bytes: Uint8Array): void;
  /** The send buffer is empty again. */
  drained(): void;
  /** The last call: the other side ended it, it broke, or broke a rule. Not after our own `close`. */
  closed(reason: string): void;
}

export class QuorumStream implements ConnectionHandler {
  readonly #owner: QuorumStreamOwner;
  readonly #clock: Clock;
  readonly #probe: Probe;
  readonly #batch: SendBatch;
  readonly #direction: 'dialled' | 'accepted';
  readonly #reader = new QuorumPacketReader();
  /** What is written while a batch is open. */
  readonly #unsent = new JuteWriter();
  /** Whom the other end says it is; until it has, -1. */
  #peer: Sid;
  #connection: Connection | null = null;
  #open = true;
  #held = false;
  #raw = false;
  #dispatching = false;
  /** The event in which the packets left over are handled; until then nothing more is taken in. */
  #rest: Timer | null = null;
  #sentBytes = 0;
  #silenceLimitMs: number | null = null;
  #silenceTimer: Timer | null = null;
  #lastReceivedMs = 0;

  constructor(
    owner: QuorumStreamOwner,
    clock: Clock,
    probe: Probe,
    batch: SendBatch,
    direction: 'dialled' | 'accepted',
    peer: Sid = asSid(-1),
  ) {
    this.#owner = owner;
    this.#clock = clock;
    this.#probe = probe;
    this.#batch = batch;
    this.#direction = direction;
    this.#peer = peer;
  }

  /** Takes its connection: for accepted ones at once, for dialled ones when `connect` has returned. */
  attach(connection: Connection): void {
    this.#connection = connection;
    if (this.#direction === 'accepted') this.#tellOpened();
  }

  set peer(peer: Sid) {
    this.#peer = peer;
  }

  send(type: number, zxid: Zxid, data: Uint8Array | null): void {
    this.sendPacket(outgoing(type, zxid, data));
  }

  sendPacket(packet: QuorumPacket): void {
    const connection = this.#connection;
    if (!this.#open || connection === null) return;
    if (this.#probe.watches('packet')) {
      this.#probe.emit({
        topic: 'packet',
        type: 'sent',
        connection: connection.id,
        peer: this.#peer,
        offsetBytes: this.#sentBytes,
        packetType: packet.type,
        zxid: packet.zxid,
        data: packet.data,
        dataBytes: packet.data?.length ?? 0,
      });
    }
    if (!this.#batch.isOpen) {
      const bytes = encodeQuorumPacket(packet);
      this.#sentBytes += bytes.length;
      this.#write(connection, bytes);
      return;
    }
    const before = this.#joinBatch();
    writeQuorumPacket(this.#unsent, packet);
    this.#sentBytes += this.#unsent.length - before;
  }

  /** Bytes as they are. False: wait for `drained` before sending bulk. */
  sendRaw(bytes: Uint8Array): boolean {
    const connection = this.#connection;
    if (!this.#open || connection === null) return true;
    this.#sentBytes += bytes.length;
    if (this.#batch.isOpen) {
      this.#joinBatch();
      this.#unsent.raw(bytes);
      return true;
    }
    return this.#write(connection, bytes);
  }

  /** How much of the open batch is this stream's so far. */
  #joinBatch(): number {
    if (this.#unsent.length === 0) this.#batch.add(this);
    return this.#unsent.length;
  }

  flushBatch(): void {
    const connection = this.#connection;
    if (!this.#open || connection === null || this.#unsent.length === 0) return;
    this.#write(connection, this.#unsent.take());
  }

  #write(connection: Connection, bytes: Uint8Array): boolean {
    const free = connection.write(bytes);
    if (connection.bufferedBytes > MAX_SEND_BUFFER_BYTES) {
      // Never from inside the owner's own call: it may be in the middle of telling everybody.
      this.#clock.soon(() => {
        this.#fail(`more than ${MAX_SEND_BUFFER_BYTES} bytes wait to be sent`);
      });
    }
    return free;
  }

  /** Keeps packets back until {@link release}: the owner is busy with an earlier one. Silence is not counted meanwhile. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#connection?.pause();
    this.#silenceTimer?.cancel();
    this.#silenceTimer = null;
  }

  release(): void {
    if (!this.#held || !this.#open) return;
    this.#held = false;
    if (this.#rest === null) this.#connection?.resume();
    this.#lastReceivedMs = this.#clock.now();
    this.#watchSilence();
    if (!this.#dispatching && this.#rest === null) this.#dispatch();
  }

  /** Closes the stream when nothing arrives for `limitMs` (ZooKeeper's SO_TIMEOUT). */
  limitSilence(limitMs: number): void {
    this.#silenceLimitMs = limitMs;
    this.#lastReceivedMs = this.#clock.now();
    this.#watchSilence();
  }

  /** What follows is no packets: it goes to `raw` until {@link endRaw}. */
  beginRaw(): void {
    this.#raw = true;
    this.#reader.beginRaw();
  }

  /** The raw part is over; `unused` belongs to the packets behind it. */
  endRaw(unused: Uint8Array): void {
    this.#raw = false;
    this.#reader.endRaw(unused);
  }

  opened(): void {
    if (!this.#open) return;
    this.#tellOpened();
    this.#owner.opened();
  }

  received(bytes: Uint8Array): void {
    if (!this.#open) return;
    this.#lastReceivedMs = this.#clock.now();
    this.#reader.push(bytes);
    if (this.#held || this.#rest !== null) {
      if (this.#reader.bufferedBytes > MAX_HELD_BYTES) {
        this.#fail(`more than ${MAX_HELD_BYTES} bytes arrived while it was busy`);
      }
      return;
    }
    this.#dispatch();
  }

  drained(): void {
    if (this.#open) this.#owner.drained();
  }

  closed(reason: CloseReason): void {
    if (!this.#open) return;
    // What came before the end counts.
    if (this.#rest !== null && !this.#held) this.#dispatch(Infinity);
    if (!this.#open) return;
    const text = reason.kind === 'ended' ? 'the other side closed the connection' : reason.message;
    this.#end(text, 'them');
    this.#owner.closed(text);
  }

  /** Ends it from here; what was written still goes out. The owner is not told. */
  close(reason: string): void {
    if (!this.#open) return;
    this.flushBatch();
    const connection = this.#connection;
    this.#end(reason, 'us');
    connection?.close();
  }

  #dispatch(limit = MAX_PACKETS_AT_ONCE): void {
    this.#dispatching = true;
    try {
      this.#batch.run(() => {
        let count = 0;
        while (this.#open && !this.#held && count < limit && this.#step()) count += 1;
        if (count === limit) this.#handleRestSoon();
      });
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#fail(`what arrived cannot be read: ${error.message}`);
    } finally {
      this.#dispatching = false;
    }
  }

  #handleRestSoon(): void {
    if (!this.#open || this.#reader.bufferedBytes === 0) return;
    this.#connection?.pause();
    this.#rest = this.#clock.soon(() => {
      this.#rest = null;
      if (this.#held) return;
      this.#lastReceivedMs = this.#clock.now();
      this.#dispatch();
      if (this.#open && !this.#held && this.#rest === null) this.#connection?.resume();
    });
  }

  /** Handles the next packet or raw piece; false when there is none. */
  #step(): boolean {
    if (this.#raw) {
      const bytes = this.#reader.takeRaw();
      if (bytes === null) return false;
      this.#owner.raw(bytes);
      return true;
    }
    const offsetBytes = this.#reader.offsetBytes;
    const packet = this.#reader.next();
    if (packet === null) return false;
    if (this.#connection !== null && this.#probe.watches('packet')) {
      this.#probe.emit({
        topic: 'packet',
        type: 'received',
        connection: this.#connection.id,
        peer: this.#peer,
        offsetBytes,
        packetType: packet.type,
        zxid: packet.zxid,
        data: packet.data,
        dataBytes: packet.data?.length ?? 0,
      });
    }
    this.#owner.packet(packet);
    return true;
  }

  /** One timer at most, set anew only when it fires: a busy stream does not touch it. */
  #watchSilence(): void {
    if (!this.#open || this.#held || this.#silenceLimitMs === null) return;
    this.#silenceTimer?.cancel();
    const limitMs = this.#silenceLimitMs;
    const leftMs = this.#lastReceivedMs + limitMs - this.#clock.now();
    if (leftMs <= 0) {
      this.#fail(`nothing arrived for ${limitMs} ms`);
      return;
    }
    this.#silenceTimer = this.#clock.after(leftMs, () => {
      this.#watchSilence();
    });
  }

  /** Ends it from here because of something the other side did or did not do, and tells the owner. */
  #fail(reason: string): void {
    if (!this.#open) return;
    const connection = this.#connection;
    this.#end(reason, 'us');
    connection?.destroy();
    this.#owner.closed(reason);
  }

  #end(reason: string, by: 'us' | 'them'): void {
    this.#open = false;
    this.#rest?.cancel();
    this.#rest = null;
    this.#unsent.reset();
    this.#silenceTimer?.cancel();
    this.#silenceTimer = null;
    if (this.#connection !== null && this.#probe.watches('connection')) {
      this.#probe.emit({
        topic: 'connection',
        type: 'closed',
        connection: this.#connection.id,
        port: 'quorum',
        peer: this.#peer,
        reason,
        by,
      });
    }
  }

  #tellOpened(): void {
    if (this.#connection === null || !this.#probe.watches('connection')) return;
    this.#probe.emit({
      topic: 'connection',
      type: 'opened',
      connection: this.#connection.id,
      port: 'quorum',
      direction: this.#direction,
      remote: this.#connection.remoteAddress,
      peer: this.#peer,
    });
  }
}
