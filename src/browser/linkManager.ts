/** The page's links, one to every other server of the room that is here, and who may use them. */

import type { Clock } from '../ports/clock.ts';
import type { Port } from '../ports/network.ts';
import type { LinkSignal, ServerReport, TabId } from '../room/messages.ts';
import { parseJson, readReport } from '../room/messages.ts';
import type { Member } from '../room/roster.ts';
import { seatSid } from '../room/roster.ts';
import { seatType } from '../room/seats.ts';
import type { LinkState } from './linkPair.ts';
import { GOODBYE, LinkPair } from './linkPair.ts';
import { makePeerLink } from './makePeerLink.ts';
import type { LinkKind } from './peerLink.ts';
import type { Pipe, PipeHandler } from './pipe.ts';

/** A page that was held up longer than this between two ticks judges nobody's silence by it. */
const HELD_UP_MS = 1_000;

export interface LinkManagerWorld {
  readonly clock: Clock;
  newLinkId(): string;
  signal(tab: TabId, signal: LinkSignal): void;
  /** Another server dials ours. */
  incoming(from: number, port: Port, pipe: Pipe): PipeHandler;
  linkChanged(
    tab: TabId,
    sid: number,
    state: LinkState,
    via: LinkKind | null,
    reason: string,
  ): void;
  /** It said so over the link. */
  goodbye(tab: TabId): void;
  reported(tab: TabId, report: ServerReport): void;
  /** From that tab's page, for this page's pictures. */
  story(tab: TabId, sid: number, text: string): void;
}

interface Linked {
  readonly sid: number;
  readonly pair: LinkPair;
}

export class LinkManager {
  readonly #world: LinkManagerWorld;
  readonly #servers: number;
  readonly #links = new Map<TabId, Linked>();
  readonly #members = new Map<TabId, Member>();
  #sid: number | null = null;
  #lastTickMs = 0;

  constructor(servers: number, world: LinkManagerWorld) {
    this.#servers = servers;
    this.#world = world;
  }

  /** From now on we are this server, and have links; null: no longer. */
  setSid(sid: number | null): void {
    for (const tab of [...this.#links.keys()]) this.#drop(tab, 'this tab changed its server');
    this.#sid = sid;
    for (const member of this.#members.values()) this.memberChanged(member);
  }

  memberChanged(member: Member): void {
    this.#members.set(member.tab, member);
    const sid = member.admitted ? seatSid(member.state.seat) : null;
    const linked = this.#links.get(member.tab);
    if (linked !== undefined && linked.sid !== sid) this.#drop(member.tab, 'it changed its server');
    if (sid === null || this.#sid === null || sid === this.#sid) return;
    if (this.#links.has(member.tab)) return;
    const pair = this.#pair(member.tab, sid, this.#sid);
    this.#links.set(member.tab, { sid, pair });
    if (this.#isWanted(sid, this.#sid)) pair.connect();
  }

  memberGone(tab: TabId, reason: string): void {
    this.#members.delete(tab);
    this.#drop(tab, reason);
  }

  signalled(member: Member, signal: LinkSignal): void {
    this.#links.get(member.tab)?.pair.signalled(signal);
  }

  /** Opens a way to a server's door; the handler is told if there is none. */
  dial(sid: number, port: Port, handler: PipeHandler): Pipe | null {
    for (const linked of this.#links.values()) {
      if (linked.sid === sid) return linked.pair.dial(port, handler);
    }
    return null;
  }

  /** The tabs with which a link is up, and which server each is. */
  linked(): ReadonlyMap<TabId, number> {
    const up = [...this.#links].filter(([, { pair }]) => pair.state === 'up');
    return new Map(up.map(([tab, { sid }]) => [tab, sid]));
  }

  /** False: not taken. */
  sendStory(tab: TabId, text: string): boolean {
    return this.#links.get(tab)?.pair.sendStory(text) ?? false;
  }

  closeStory(tab: TabId): void {
    this.#links.get(tab)?.pair.closeStory();
  }

  linkTo(tab: TabId): { state: LinkState; via: LinkKind | null } | null {
    const pair = this.#links.get(tab)?.pair;
    return pair === undefined ? null : { state: pair.state, via: pair.via };
  }

  /** From the Worker's timer, twice a second, with what our server has to say of itself. */
  tick(report: ServerReport | null): void {
    const nowMs = this.#world.clock.now();
    const heldUp = nowMs - this.#lastTickMs > HELD_UP_MS;
    this.#lastTickMs = nowMs;
    const text = JSON.stringify(report);
    for (const { pair } of this.#links.values()) {
      if (heldUp) pair.forgiveSilence(nowMs);
      pair.tick(text, nowMs);
    }
  }

  networkChanged(): void {
    for (const { pair } of this.#links.values()) pair.networkChanged();
  }

  /** The page goes away: everybody is told at once, and every link ends. */
  sayGoodbye(): void {
    for (const { pair } of this.#links.values()) pair.sayGoodbye();
    for (const tab of [...this.#links.keys()]) this.#drop(tab, 'this tab closed');
  }

  #pair(tab: TabId, sid: number, self: number): LinkPair {
    return new LinkPair(self > sid, {
      clock: this.#world.clock,
      newLinkId: () => this.#world.newLinkId(),
      signal: (signal) => this.#world.signal(tab, signal),
      makeLink: makePeerLink,
      sameBrowser: () => this.#members.get(tab)?.reach.has('broadcast') ?? false,
      incoming: (port, pipe) => this.#world.incoming(sid, port, pipe),
      control: (text) => this.#control(tab, text),
      story: (text) => this.#world.story(tab, sid, text),
      changed: (state, via, reason) => this.#world.linkChanged(tab, sid, state, via, reason),
    });
  }

  #control(tab: TabId, text: string): void {
    if (text === GOODBYE) {
      this.#world.goodbye(tab);
      return;
    }
    const report = readReport(parseJson(text));
    if (report !== undefined) this.#world.reported(tab, report);
  }

  /** Two observers have nothing to say to each other. */
  #isWanted(sid: number, self: number): boolean {
    return (
      seatType(sid, this.#servers) === 'participant' ||
      seatType(self, this.#servers) === 'participant'
    );
  }

  #drop(tab: TabId, reason: string): void {
    const linked = this.#links.get(tab);
    this.#links.delete(tab);
    linked?.pair.end(reason);
  }
}
