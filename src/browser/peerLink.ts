/**
 * One way between two tabs of a room, over which any number of sockets can be opened: WebRTC, or a BroadcastChannel where
 * WebRTC finds no way. Interfaces only.
 */

import type { Port } from '../ports/network.ts';
import type { Pipe, PipeHandler } from './pipe.ts';

export type LinkKind = 'webrtc' | 'broadcast';

/** A longer text is no story; what sends one is not listened to any more. */
export const MAX_STORY_LENGTH = 64 * 1024;

export interface PeerLinkHandler {
  /** Sockets can be opened from now on. */
  up(): void;
  /** The other tab opens a socket; the answer handles it. */
  incoming(port: Port, pipe: Pipe): PipeHandler;
  /** A short text beside the sockets: keep-alive, goodbye. */
  control(text: string): void;
  /** A text for this page's pictures, from the other page. */
  story(text: string): void;
  /** For the other end of the link, by way of signalling. */
  signal(data: string): void;
  /** This browser has no way to anybody: there is nothing to wait for. */
  hopeless(reason: string): void;
  /** The last call; every pipe has ended. Not called after our own `close`. */
  closed(reason: string): void;
}

export interface PeerLink {
  readonly kind: LinkKind;
  readonly pipeCount: number;
  /** The two ends have found something of each other: it is worth waiting for. */
  readonly begun: boolean;
  open(port: Port, handler: PipeHandler): Pipe;
  sendControl(text: string): void;
  /** A text for the other page's pictures, beside all sockets. False: it was not taken, since too much waits already. */
  sendStory(text: string): boolean;
  /** Hears no more of the other page's stories and tells it none. */
  closeStory(): void;
  /** What signalling brought from the other end. */
  signal(data: string): void;
  /** Ends the link and every pipe on it, at once. */
  close(): void;
}
