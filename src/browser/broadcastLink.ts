/**
 * A {@link PeerLink} between two tabs of one browser where WebRTC finds no way (no network at all, or one that says
 * nothing): the same sockets over a BroadcastChannel that only these two tabs know the name of.
 */

import type { Port } from '../ports/network.ts';
import { MAX_STORY_LENGTH, type PeerLink, type PeerLinkHandler } from './peerLink.ts';
import type { Pipe, PipeHandler } from './pipe.ts';
import { PipeMux } from './pipeMux.ts';

export class BroadcastLink implements PeerLink {
  readonly kind = 'broadcast';
  readonly begun = true;
  readonly #channel: BroadcastChannel;
  readonly #mux: PipeMux;
  #ended = false;
  #tellsStories = true;

  /** `name` is the link's random id. */
  constructor(name: string, side: 'first' | 'second', handler: PeerLinkHandler) {
    this.#channel = new BroadcastChannel(`tabkeeper/link/${name}`);
    this.#mux = new PipeMux({ post: (frames) => this.#post(frames) }, side, ({ port }, pipe) => {
      const pipeHandler = handler.incoming(port, pipe);
      pipeHandler.take?.(null);
      return pipeHandler;
    });
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') handler.control(data);
      else if (isStory(data)) this.#receivedStory(data.story, handler);
      else this.#mux.received(data);
    };
  }

  get pipeCount(): number {
    return this.#mux.pipeCount;
  }

  open(port: Port, handler: PipeHandler): Pipe {
    handler.take?.(null);
    // Who dials whom is known of the whole link.
    return this.#mux.open({ port, to: 0, from: 0 }, handler);
  }

  sendControl(text: string): void {
    if (!this.#ended) this.#channel.postMessage(text);
  }

  sendStory(story: string): boolean {
    if (this.#ended || !this.#tellsStories) return false;
    this.#channel.postMessage({ story });
    return true;
  }

  closeStory(): void {
    this.#tellsStories = false;
  }

  signal(): void {}

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#mux.end('the link was closed');
    this.#channel.close();
  }

  #receivedStory(story: unknown, handler: PeerLinkHandler): void {
    if (typeof story !== 'string' || story.length > MAX_STORY_LENGTH) this.closeStory();
    else if (this.#tellsStories) handler.story(story);
  }

  #post(frames: readonly unknown[]): void {
    if (!this.#ended) this.#channel.postMessage(frames);
  }
}

const isStory = (data: unknown): data is { readonly story: unknown } =>
  typeof data === 'object' && data !== null && 'story' in data;
