/**
 * Sealed messages over several channels at once (BroadcastChannel for tabs of one browser, a WebSocket for the others):
 * each message goes out on all of them and is taken once, by whichever comes first. Pure: channels are handed in.
 */

import type { Random } from '../ports/random.ts';
import { toHex } from './encoding.ts';
import type { Envelope, RoomMessage, TabId } from './messages.ts';
import { decodeEnvelope, encodeEnvelope } from './messages.ts';
import type { Sealer } from './sealing.ts';

export type ChannelKind =
  /** Tabs of this browser only. */
  | 'broadcast'
  /** Whoever reaches the same server. */
  | 'server';

/** One way to reach other tabs of the room. It neither understands nor keeps what it carries, and may lose it. */
export interface SignallingChannel {
  readonly kind: ChannelKind;
  /** Dropped in silence while the channel is away: signalling is said again when it comes back. */
  send(sealed: Uint8Array): void;
  close(): void;
}

export interface SignallingHandler {
  /** `via` is the channel that brought it first. */
  received(envelope: Envelope, via: ChannelKind): void;
  /** The same message came by another channel too: that tab can be reached both ways. */
  heardAlso(from: TabId, via: ChannelKind): void;
}

/** How far a message may be overtaken by later ones of the same tab (two channels, two speeds) and still count. */
const REORDER_WINDOW_COUNT = 1024;
/** Senders remembered; the longest unheard is forgotten first. Its old messages are harmless: they are addressed. */
const MAX_SENDER_COUNT = 512;

export class Signalling {
  readonly tab: TabId;
  readonly #sealer: Sealer;
  readonly #handler: SignallingHandler;
  readonly #channels = new Set<SignallingChannel>();
  readonly #senders = new Map<TabId, SeenWindow>();
  #sequence = 0;
  /** Messages that were not ours to read: another key, damage, or somebody who tries. */
  strangerCount = 0;

  constructor(tab: TabId, sealer: Sealer, handler: SignallingHandler) {
    this.tab = tab;
    this.#sealer = sealer;
    this.#handler = handler;
  }

  addChannel(channel: SignallingChannel): void {
    this.#channels.add(channel);
  }

  /** Says it to one tab, or with null to everybody (only `hello`). */
  send(to: TabId | null, message: RoomMessage): void {
    const envelope = { from: this.tab, to, sequence: ++this.#sequence, message };
    const sealed = this.#sealer.seal(encodeEnvelope(envelope));
    for (const channel of this.#channels) channel.send(sealed);
  }

  /** What a channel brought, from anybody at all. Answers whose it is, if it was sealed in this room. */
  received(sealed: Uint8Array, via: ChannelKind): TabId | null {
    const text = this.#sealer.open(sealed);
    const envelope = text === null ? null : decodeEnvelope(text);
    if (envelope === null) {
      this.strangerCount++;
      return null;
    }
    const { from, to } = envelope;
    if (from === this.tab || (to !== null && to !== this.tab)) return from;
    if (this.#isNew(envelope)) this.#handler.received(envelope, via);
    else this.#handler.heardAlso(from, via);
    return from;
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
    this.#channels.clear();
  }

  #isNew(envelope: Envelope): boolean {
    const seen = this.#senders.get(envelope.from) ?? new SeenWindow();
    this.#senders.delete(envelope.from);
    this.#senders.set(envelope.from, seen);
    if (this.#senders.size > MAX_SENDER_COUNT) {
      const oldest = this.#senders.keys().next();
      if (!oldest.done) this.#senders.delete(oldest.value);
    }
    return seen.add(envelope.sequence);
  }
}

/** Which sequence numbers of one sender have been taken, exact within the window and "taken" below it. */
class SeenWindow {
  readonly #recent = new Set<number>();
  #highest = 0;

  add(sequence: number): boolean {
    if (sequence <= this.#highest - REORDER_WINDOW_COUNT || this.#recent.has(sequence))
      return false;
    this.#recent.add(sequence);
    if (sequence > this.#highest) {
      this.#highest = sequence;
      if (this.#recent.size > 2 * REORDER_WINDOW_COUNT) this.#forgetOld();
    }
    return true;
  }

  #forgetOld(): void {
    for (const old of this.#recent) {
      if (old <= this.#highest - REORDER_WINDOW_COUNT) this.#recent.delete(old);
    }
  }
}

/** A fresh id for a tab, a disk or a link. */
export function newId(random: Random): string {
  return toHex(random.bytes(16));
}
