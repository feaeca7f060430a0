import { beforeEach, describe, expect, it } from 'vitest';
import { LinkPair, type LinkState } from '../../../src/browser/linkPair.ts';
import type { LinkKind, PeerLink, PeerLinkHandler } from '../../../src/browser/peerLink.ts';
import type { PipeHandler } from '../../../src/browser/pipe.ts';
import type { LinkSignal } from '../../../src/room/messages.ts';
import { SimClock, SimTime } from '../../../src/sim/simClock.ts';

const TICK_MS = 500;

/** Two tabs of one browser under virtual time; the first has the higher sid, so that it opens the link. */
class TwoTabs {
  readonly time = new SimTime();
  readonly first: Tab = new Tab(this, true, () => this.second);
  readonly second: Tab = new Tab(this, false, () => this.first);
  /** Until a signal is read, as where a page is busy. */
  signalMs = 1;
  /** Signals that are lost. */
  loses: (signal: LinkSignal) => boolean = () => false;
  webRtcWorks = false;
  linkCount = 0;

  run(durationMs: number): void {
    this.time.runFor(durationMs);
  }

  bothUp(withinMs: number): boolean {
    const isUp = ({ pair }: Tab): boolean => pair.state === 'up';
    return this.time.runUntil(() => isUp(this.first) && isUp(this.second), withinMs);
  }
}

class Tab {
  readonly pair: LinkPair;
  readonly told: LinkState[] = [];
  readonly links = new Map<string, TestLink>();
  /** Nothing comes from it or to it. */
  cutOff = false;
  readonly #tabs: TwoTabs;
  readonly #clock: SimClock;
  readonly #other: () => Tab;

  constructor(tabs: TwoTabs, opens: boolean, other: () => Tab) {
    this.#tabs = tabs;
    this.#clock = new SimClock(tabs.time);
    this.#other = other;
    this.pair = new LinkPair(opens, {
      clock: this.#clock,
      newLinkId: () => `link ${++tabs.linkCount}`,
      signal: (signal) => this.#signal(signal),
      makeLink: (kind, id, first, handler) => this.#makeLink(kind, id, first, handler),
      sameBrowser: () => true,
      incoming: () => ({ message: () => {}, closed: () => {} }),
      control: () => {},
      story: () => {},
      changed: (state) => this.told.push(state),
    });
    this.#tick();
  }

  /** The reason for which a socket that was dialled ends, once it has. */
  dial(): { reason: string | null } {
    const socket: { reason: string | null } = { reason: null };
    this.pair.dial('election', { message: () => {}, closed: (reason) => (socket.reason = reason) });
    return socket;
  }

  /** What is done at the other end of the link, if it has one and can be reached. */
  atOther(id: string, action: (link: TestLink) => void): void {
    this.#clock.after(1, () => {
      const link = this.#other().links.get(id);
      if (link !== undefined && !this.cutOff && !this.#other().cutOff) action(link);
    });
  }

  get webRtcWorks(): boolean {
    return this.#tabs.webRtcWorks;
  }

  #signal(signal: LinkSignal): void {
    if (this.cutOff || this.#tabs.loses(signal)) return;
    this.#clock.after(this.#tabs.signalMs, () => {
      if (!this.#other().cutOff) this.#other().pair.signalled(signal);
    });
  }

  #makeLink(kind: LinkKind, id: string, first: boolean, handler: PeerLinkHandler): PeerLink {
    const link = new TestLink(this, kind, id, handler);
    this.links.set(id, link);
    if (kind === 'webrtc' && first) this.#clock.soon(() => handler.signal('{"type":"offer"}'));
    return link;
  }

  #tick(): void {
    this.#clock.after(TICK_MS, () => {
      this.pair.tick('', this.#clock.now());
      this.#tick();
    });
  }
}

class TestLink implements PeerLink {
  readonly begun = false;
  readonly kind: LinkKind;
  readonly handler: PeerLinkHandler;
  readonly #tab: Tab;
  readonly #id: string;
  readonly #sockets = new Set<PipeHandler>();

  constructor(tab: Tab, kind: LinkKind, id: string, handler: PeerLinkHandler) {
    this.#tab = tab;
    this.kind = kind;
    this.#id = id;
    this.handler = handler;
  }

  get pipeCount(): number {
    return this.#sockets.size;
  }

  open(_port: string, handler: PipeHandler) {
    this.#sockets.add(handler);
    return { send: () => {}, close: () => void this.#sockets.delete(handler) };
  }

  sendControl(text: string): void {
    this.#tab.atOther(this.#id, ({ handler }) => handler.control(text));
  }

  sendStory(): boolean {
    return false;
  }

  closeStory(): void {}

  signal(): void {
    if (!this.#tab.webRtcWorks) return;
    this.handler.up();
    this.#tab.atOther(this.#id, ({ handler }) => handler.up());
  }

  close(): void {
    this.#tab.links.delete(this.#id);
    const sockets = [...this.#sockets];
    this.#sockets.clear();
    for (const { closed } of sockets) closed('the link was closed');
  }
}

describe('a link between two tabs of one browser', () => {
  let tabs: TwoTabs;
  beforeEach(() => {
    tabs = new TwoTabs();
  });

  it('comes up, though a tab is so busy that it reads what the other offers four seconds late', () => {
    tabs.signalMs = 4_000;
    tabs.first.pair.connect();
    expect(tabs.bothUp(20_000)).toBe(true);
    tabs.run(5_000);
    expect(tabs.first.pair.via).toBe('broadcast');
    expect(tabs.second.pair.state).toBe('up');
  });

  it('comes up, though the first answer to a BroadcastChannel is lost', () => {
    let answers = 0;
    tabs.loses = ({ kind }) => kind === 'broadcastReady' && ++answers === 1;
    tabs.first.pair.connect();
    expect(tabs.bothUp(6_000)).toBe(true);
    expect(answers).toBe(2);
  });

  it('that is lost while a better one is waited for is said to be down, and is opened again', () => {
    tabs.first.pair.connect();
    expect(tabs.bothUp(5_000)).toBe(true);
    tabs.second.cutOff = true;
    tabs.run(2_500);
    expect(tabs.first.told.slice(-3)).toEqual(['silent', 'down', 'connecting']);
    tabs.second.cutOff = false;
    expect(tabs.bothUp(10_000)).toBe(true);
  });

  it('ends its sockets when the other tab, which has lost it, offers another', () => {
    tabs.webRtcWorks = true;
    tabs.first.pair.connect();
    expect(tabs.bothUp(5_000)).toBe(true);
    const socket = tabs.second.dial();
    tabs.webRtcWorks = false;
    tabs.loses = ({ kind }) => kind === 'end' || kind === 'webrtc';
    for (const { handler } of tabs.first.links.values()) handler.closed('the network is gone');
    tabs.time.runUntil(() => tabs.second.pair.via === 'broadcast', 10_000);
    expect(socket.reason).toBe('the link was closed');
  });

  it('changes to WebRTC as soon as there is a way, and keeps its sockets', () => {
    tabs.first.pair.connect();
    expect(tabs.bothUp(5_000)).toBe(true);
    const socket = tabs.second.dial();
    tabs.webRtcWorks = true;
    expect(tabs.time.runUntil(() => tabs.second.pair.via === 'webrtc', 15_000)).toBe(true);
    tabs.run(5_000);
    expect(tabs.first.pair.via).toBe('webrtc');
    expect(socket.reason).toBeNull();
  });
});
