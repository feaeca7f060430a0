/**
 * The link to one other server of the room: opened by the higher sid of the two, kept up, replaced when it breaks. WebRTC
 * is always tried first; tabs of one browser change to a BroadcastChannel when it does not come up in time.
 */

import type { Clock, Timer } from '../ports/clock.ts';
import type { Port } from '../ports/network.ts';
import type { LinkSignal } from '../room/messages.ts';
import { parseJson } from '../room/messages.ts';
import type { LinkKind, PeerLink, PeerLinkHandler } from './peerLink.ts';
import type { Pipe, PipeHandler } from './pipe.ts';
import { PendingPipe } from './pendingPipe.ts';
import { WaitingDials } from './waitingDials.ts';

/** A dial that is not answered by then is refused: ICE itself may say nothing for ever (measured). */
const DIAL_TIMEOUT_MS = 3_000;
/**
 * With a default route WebRTC is up in 200-350 ms, mDNS and all. Tabs of one browser whose ICE has not even begun after
 * four times that have no network; one that is under way gets the whole dial's time.
 */
const BROADCAST_AFTER_MS = 1_200;
/** Beside a BroadcastChannel WebRTC is tried again after this long, then ever more seldom. */
const FIRST_UPGRADE_MS = 10_000;
const LAST_UPGRADE_MS = 5 * 60_000;
/** Silent this long is dead. Keep-alives come four times as often. */
const SILENT_AFTER_MS = 2_000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 4_000;
/** A lower sid asks for the link again after this long. */
const ASK_AGAIN_MS = 500;
/** A tab that is busy or frozen reads what was offered when it can; so often it is offered, before WebRTC has another try. */
const BROADCAST_OFFER_COUNT = 5;
/** Who accepts a BroadcastChannel uses it before the other can know: its first word may come as late as its offers. */
const FIRST_WORD_MS = BROADCAST_OFFER_COUNT * DIAL_TIMEOUT_MS;

export const GOODBYE = 'goodbye';

export type LinkState = 'connecting' | 'up' | 'silent' | 'down';

export interface LinkPairWorld {
  readonly clock: Clock;
  newLinkId(): string;
  signal(signal: LinkSignal): void;
  /** Our end of a link; `opens`: the one that makes the offer. */
  makeLink(kind: LinkKind, id: string, opens: boolean, handler: PeerLinkHandler): PeerLink;
  /** The other tab can be reached by a BroadcastChannel: it is of this browser. */
  sameBrowser(): boolean;
  incoming(port: Port, pipe: Pipe): PipeHandler;
  control(text: string): void;
  /** From the other page, for this page's pictures. */
  story(text: string): void;
  changed(state: LinkState, via: LinkKind | null, reason: string): void;
}

/** A link and the id that signalling knows it by. */
interface Attempt {
  readonly id: string;
  readonly link: PeerLink;
}

export class LinkPair {
  readonly #world: LinkPairWorld;
  /** We are the higher sid: the link is ours to open. */
  readonly #opens: boolean;
  readonly #waiting: WaitingDials;
  #active: Attempt | null = null;
  /** Replaced by a better one, and kept until the sockets on it have ended. */
  readonly #draining = new Set<Attempt>();
  #attempt: Attempt | null = null;
  #attemptTimer: Timer | null = null;
  #retryTimer: Timer | null = null;
  #upgradeTimer: Timer | null = null;
  #retryMs = FIRST_RETRY_MS;
  #upgradeMs = FIRST_UPGRADE_MS;
  #lastAskMs = -Infinity;
  #lastHeardMs = 0;
  /** The other end of the active link is known to use it, too. */
  #answered = false;
  #silent = false;
  #ended = false;

  constructor(opens: boolean, world: LinkPairWorld) {
    this.#opens = opens;
    this.#world = world;
    this.#waiting = new WaitingDials(world.clock, DIAL_TIMEOUT_MS);
  }

  get via(): LinkKind | null {
    return this.#active?.link.kind ?? null;
  }

  get state(): LinkState {
    if (this.#active !== null) return this.#silent ? 'silent' : 'up';
    return this.#attempt === null ? 'down' : 'connecting';
  }

  /** Wants the link to be there, whether or not anybody dials yet. */
  connect(): void {
    if (this.#ended || this.#active !== null || this.#attempt !== null) return;
    if (this.#opens) this.#tryWebRtc();
    else this.#ask();
  }

  dial(port: Port, handler: PipeHandler): Pipe {
    const pipe = new PendingPipe(handler);
    if (this.#active !== null) {
      this.#openOn(this.#active.link, port, pipe);
      return pipe;
    }
    this.#waiting.add(port, pipe);
    this.connect();
    return pipe;
  }

  /** What signalling brought from the other tab. */
  signalled(signal: LinkSignal): void {
    if (this.#ended) return;
    switch (signal.kind) {
      case 'ask':
        if (this.#opens) this.#asked();
        return;
      case 'webrtc':
        this.#signalledWebRtc(signal.link, signal.data);
        return;
      case 'broadcast':
        if (!this.#opens && this.#world.sameBrowser()) this.#acceptBroadcast(signal.link);
        return;
      case 'broadcastReady':
        if (this.#attempt?.id === signal.link && this.#attempt.link.kind === 'broadcast') {
          this.#came(this.#attempt);
        }
        return;
      case 'end':
        if (this.#active?.id === signal.link) this.#loseActive('the other tab ended the link');
        else if (this.#attempt?.id === signal.link) this.#gaveUp('the other tab gave up');
        return;
    }
  }

  /** From the Worker's timer: says that we live, and looks whether the other does. */
  tick(text: string, nowMs: number): void {
    this.#closeDrained();
    if (this.#active === null) return;
    this.#active.link.sendControl(text);
    const silentMs = nowMs - this.#lastHeardMs;
    if (silentMs >= this.#silentAfterMs) {
      this.#world.signal({ kind: 'end', link: this.#active.id });
      this.#loseActive(`nothing was heard for ${(silentMs / 1000).toFixed(1)} s`);
    } else if (silentMs >= this.#silentAfterMs / 2 && !this.#silent) {
      this.#silent = true;
      this.#world.changed('silent', this.#active.link.kind, 'no keep-alive for a second');
    }
  }

  get #silentAfterMs(): number {
    return this.#answered ? SILENT_AFTER_MS : FIRST_WORD_MS;
  }

  /** This page was itself held up: the others' silence of that time proves nothing. */
  forgiveSilence(nowMs: number): void {
    this.#lastHeardMs = nowMs;
  }

  /** The network may be better than it was: WebRTC gets another chance beside a BroadcastChannel. */
  networkChanged(): void {
    this.#retryMs = FIRST_RETRY_MS;
    this.#upgradeMs = FIRST_UPGRADE_MS;
    if (this.#active?.link.kind === 'webrtc' || this.#attempt?.link.kind === 'webrtc') return;
    if (this.#opens) this.#tryWebRtc();
  }

  sendStory(text: string): boolean {
    return this.#active?.link.sendStory(text) ?? false;
  }

  closeStory(): void {
    this.#active?.link.closeStory();
  }

  sayGoodbye(): void {
    this.#active?.link.sendControl(GOODBYE);
  }

  /** The other tab is gone, or is no longer this server. Every socket on the link ends for `reason`. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#retryTimer?.cancel();
    this.#upgradeTimer?.cancel();
    this.#attemptTimer?.cancel();
    for (const attempt of [this.#active, this.#attempt]) if (attempt !== null) this.#drop(attempt);
    this.#dropDraining();
    const hadLink = this.#active !== null || this.#attempt !== null;
    this.#active = null;
    this.#attempt = null;
    for (const { pipe } of this.#waiting.take()) pipe.fail(reason);
    if (hadLink) this.#world.changed('down', null, reason);
  }

  #tryWebRtc(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    this.#startAttempt('webrtc', this.#world.newLinkId(), true);
    this.#attemptTimer = this.#world.clock.after(BROADCAST_AFTER_MS, () => {
      const begun = this.#attempt?.link.begun ?? false;
      if (this.#world.sameBrowser() && !begun) this.#noWebRtc('WebRTC found nobody to talk to');
      else this.#waitOut();
    });
  }

  #waitOut(): void {
    this.#attemptTimer = this.#world.clock.after(DIAL_TIMEOUT_MS - BROADCAST_AFTER_MS, () =>
      this.#noWebRtc(`WebRTC found no way within ${DIAL_TIMEOUT_MS / 1000} s`),
    );
  }

  /** Another kind of link, or a later try. */
  #noWebRtc(reason: string): void {
    const attempt = this.#attempt;
    if (attempt === null || attempt.link.kind !== 'webrtc') return;
    this.#attemptTimer?.cancel();
    this.#attempt = null;
    this.#drop(attempt);
    if (this.#active !== null) this.#upgradeLater();
    else if (this.#opens && this.#world.sameBrowser()) this.#offerBroadcast(reason);
    else this.#retryLater(reason);
  }

  #offerBroadcast(reason: string): void {
    const attempt = this.#startAttempt('broadcast', this.#world.newLinkId(), true);
    this.#world.changed('connecting', 'broadcast', reason);
    this.#offerAgain(attempt, BROADCAST_OFFER_COUNT);
  }

  #offerAgain(attempt: Attempt, count: number): void {
    if (count === 0) {
      this.#gaveUp('the other tab does not answer');
      return;
    }
    this.#world.signal({ kind: 'broadcast', link: attempt.id });
    this.#attemptTimer = this.#world.clock.after(DIAL_TIMEOUT_MS, () =>
      this.#offerAgain(attempt, count - 1),
    );
  }

  #acceptBroadcast(id: string): void {
    this.#world.signal({ kind: 'broadcastReady', link: id });
    // Offered again, since our answer was late.
    if (this.#active?.id === id) return;
    // A tab offers one only when it has no link: what there was is dead for it, and every socket with it.
    this.#loseActive('the other tab opened a new link');
    this.#came(this.#startAttempt('broadcast', id, false));
  }

  #signalledWebRtc(id: string, data: string): void {
    if (this.#attempt?.id === id) {
      this.#attempt.link.signal(data);
    } else if (this.#active?.id === id) {
      this.#active.link.signal(data);
    } else if (!this.#opens && isOffer(data)) {
      // The other side has begun anew, so whatever WebRTC link there was is dead for it.
      if (this.via === 'webrtc') this.#loseActive('the other tab opened a new link');
      this.#startAttempt('webrtc', id, false).link.signal(data);
      this.#attemptTimer = this.#world.clock.after(DIAL_TIMEOUT_MS, () =>
        this.#gaveUp(`WebRTC found no way within ${DIAL_TIMEOUT_MS / 1000} s`),
      );
    }
  }

  #startAttempt(kind: LinkKind, id: string, opens: boolean): Attempt {
    this.#attemptTimer?.cancel();
    if (this.#attempt !== null) this.#drop(this.#attempt);
    const handler: PeerLinkHandler = {
      up: () => this.#came(attempt),
      incoming: (port, pipe) => this.#world.incoming(port, pipe),
      control: (text) => this.#heard(attempt, text),
      story: (text) => {
        if (this.#active === attempt) this.#world.story(text);
      },
      signal: (data) => this.#world.signal({ kind: 'webrtc', link: id, data }),
      hopeless: (reason) => {
        if (this.#attempt === attempt && this.#world.sameBrowser()) this.#noWebRtc(reason);
      },
      closed: (reason) => {
        if (this.#active === attempt) this.#loseActive(reason);
        else if (this.#attempt === attempt) this.#gaveUp(reason);
      },
    };
    const attempt: Attempt = { id, link: this.#world.makeLink(kind, id, opens, handler) };
    this.#attempt = attempt;
    if (this.#active === null) this.#world.changed('connecting', kind, 'opening');
    return attempt;
  }

  #came(attempt: Attempt): void {
    if (this.#attempt !== attempt) return;
    this.#attemptTimer?.cancel();
    this.#attempt = null;
    const old = this.#active;
    this.#active = attempt;
    this.#silent = false;
    this.#answered = this.#opens || attempt.link.kind === 'webrtc';
    this.#lastHeardMs = this.#world.clock.now();
    this.#retryMs = FIRST_RETRY_MS;
    // Sockets do not move; those that are dialled from now on take the better way.
    if (old !== null) this.#draining.add(old);
    this.#closeDrained();
    this.#world.changed('up', attempt.link.kind, 'connected');
    if (attempt.link.kind === 'broadcast') this.#upgradeLater();
    else this.#upgradeMs = FIRST_UPGRADE_MS;
    for (const { port, pipe } of this.#waiting.take()) this.#openOn(attempt.link, port, pipe);
  }

  #closeDrained(): void {
    for (const old of this.#draining) {
      if (old.link.pipeCount > 0) continue;
      this.#draining.delete(old);
      old.link.close();
    }
  }

  #dropDraining(): void {
    for (const old of this.#draining) old.link.close();
    this.#draining.clear();
  }

  /** The higher sid tries WebRTC again while the BroadcastChannel goes on. */
  #upgradeLater(): void {
    if (this.#ended || !this.#opens) return;
    this.#upgradeTimer?.cancel();
    this.#upgradeTimer = this.#world.clock.after(this.#upgradeMs, () => {
      if (this.#attempt === null && this.via === 'broadcast') this.#tryWebRtc();
    });
    this.#upgradeMs = Math.min(2 * this.#upgradeMs, LAST_UPGRADE_MS);
  }

  #openOn(link: PeerLink, port: Port, pipe: PendingPipe): void {
    if (!pipe.closed) pipe.attach(link.open(port, pipe.linkHandler));
  }

  #heard(attempt: Attempt, text: string): void {
    if (this.#active !== attempt) return;
    this.#answered = true;
    this.#lastHeardMs = this.#world.clock.now();
    if (this.#silent) {
      this.#silent = false;
      this.#world.changed('up', attempt.link.kind, 'it is heard again');
    }
    this.#world.control(text);
  }

  /** The link that is up, if one is, and those it replaced, lead nowhere any more. */
  #loseActive(reason: string): void {
    const lost = this.#active;
    if (lost === null) return;
    this.#active = null;
    this.#silent = false;
    this.#upgradeTimer?.cancel();
    lost.link.close();
    this.#dropDraining();
    this.#retryLater(reason);
  }

  #gaveUp(reason: string): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    this.#attemptTimer?.cancel();
    this.#attempt = null;
    this.#drop(attempt);
    if (this.#active !== null) this.#upgradeLater();
    else if (attempt.link.kind === 'webrtc' && this.#opens && this.#world.sameBrowser()) {
      this.#offerBroadcast(reason);
    } else this.#retryLater(reason);
  }

  /** The other end need not wait for it. */
  #drop({ id, link }: Attempt): void {
    this.#world.signal({ kind: 'end', link: id });
    link.close();
  }

  #retryLater(reason: string): void {
    if (this.#ended || this.#retryTimer !== null) return;
    this.#world.changed('down', null, reason);
    this.#retryTimer = this.#world.clock.after(this.#retryMs, () => {
      this.#retryTimer = null;
      this.connect();
    });
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  #ask(): void {
    const nowMs = this.#world.clock.now();
    if (nowMs - this.#lastAskMs < ASK_AGAIN_MS) return;
    this.#lastAskMs = nowMs;
    this.#world.signal({ kind: 'ask' });
  }

  #asked(): void {
    // It would not ask if it had this link: ours leads nowhere, unless the two crossed.
    const unheardMs = this.#world.clock.now() - this.#lastHeardMs;
    if (this.#active !== null && unheardMs < SILENT_AFTER_MS / 2) return;
    this.#loseActive('the other tab no longer has this link');
    this.connect();
  }
}

function isOffer(data: string): boolean {
  const value = parseJson(data);
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'offer';
}
