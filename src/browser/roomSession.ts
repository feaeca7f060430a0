/**
 * A page's part in its room: signalling both ways, who is here, how they went, the links to them, and the seat this tab
 * takes. It knows nothing of the server that sits in the seat.
 */

import type { Clock } from '../ports/clock.ts';
import type { Port } from '../ports/network.ts';
import type { Random } from '../ports/random.ts';
import type { RoomEvent } from '../ports/probe.ts';
import type { Member as SeatMember } from '../room/admin.ts';
import { bind, hold, letGo } from '../room/bindings.ts';
import type { ClaimedSeat, ClaimResult, SeatWish } from '../room/claimSeat.ts';
import { claimSeat } from '../room/claimSeat.ts';
import type { ServerReport, TabId } from '../room/messages.ts';
import type { RoomLink } from '../room/roomLink.ts';
import type { Departure, Member } from '../room/roster.ts';
import { Roster, seatSid } from '../room/roster.ts';
import { Sealer } from '../room/sealing.ts';
import { newId, Signalling } from '../room/signalling.ts';
import { sid as sidOf } from '../wire/ids.ts';
import { hasLocks, lockSeat, lockTab, watchTab } from './browserLocks.ts';
import { diskDatabaseName, readDiskMeta } from './diskRecords.ts';
import { LinkManager } from './linkManager.ts';
import type { LinkState } from './linkPair.ts';
import type { LinkKind } from './peerLink.ts';
import type { Pipe, PipeHandler } from './pipe.ts';
import { StoredRoomMemory } from './roomMemoryStore.ts';
import { BroadcastSignalling, WebSocketSignalling } from './signallingChannels.ts';

/** A server that is not there says so at once; one that does not answer at all is given this long. */
const SERVER_WAIT_MS = 5_000;
/** And for everybody the server says is there to answer. A frozen tab never does. */
const ANSWER_WAIT_MS = 1_000;
/** Without locks only the answers of the other tabs of this browser tell which sids are taken, and nobody says how many. */
const LOCKLESS_WAIT_MS = 300;

export interface RoomSessionHandler {
  event(event: RoomEvent): void;
  /** Something about the members changed. */
  changed(): void;
  incoming(from: number, port: Port, pipe: Pipe): PipeHandler;
  /** Our server's disk is still ours to write. */
  ownsDisk(): Promise<boolean>;
  /** Our seat is another's: it belongs to another disk, or another tab of this browser has it with ours. */
  unseated(): void;
  /** From that tab's page, for this page's pictures. */
  story(tab: TabId, sid: number, text: string): void;
  /** A link to that tab is up, or up again. */
  linkUp(tab: TabId, sid: number): void;
  /** Nothing more comes from that tab. */
  tabGone(tab: TabId): void;
}

type ServerContact = 'unknown' | 'away' | { readonly peerCount: number };

export class RoomSession {
  readonly roster: Roster;
  readonly links: LinkManager;
  readonly #link: RoomLink;
  readonly #memory: StoredRoomMemory;
  readonly #handler: RoomSessionHandler;
  readonly #signalling: Signalling;
  readonly #server: WebSocketSignalling | null;
  readonly #random: Random;
  readonly #watches = new Map<TabId, () => void>();
  #contact: ServerContact = 'unknown';
  #seat: ClaimedSeat | null = null;
  #accepted = false;

  static async open(
    link: RoomLink,
    serverUrl: string | null,
    clock: Clock,
    random: Random,
    handler: RoomSessionHandler,
  ): Promise<RoomSession> {
    const { relayName } = new Sealer(link.room, link.key, random);
    const memory = await StoredRoomMemory.open(link.room, link.servers, relayName);
    const tab = newId(random);
    // Before anybody can hear of this tab: who watches its lock takes a free one for a crash.
    await lockTab(link.room, tab);
    return new RoomSession(tab, link, serverUrl, clock, random, memory, handler);
  }

  private constructor(
    tab: TabId,
    link: RoomLink,
    serverUrl: string | null,
    clock: Clock,
    random: Random,
    memory: StoredRoomMemory,
    handler: RoomSessionHandler,
  ) {
    this.#link = link;
    this.#random = random;
    this.#memory = memory;
    this.#handler = handler;
    const sealer = new Sealer(link.room, link.key, random);
    this.#signalling = new Signalling(tab, sealer, {
      received: (envelope, via) => this.roster.received(envelope, via),
      heardAlso: (tab, via) => this.roster.heardAlso(tab, via),
    });
    this.roster = new Roster(
      this.#signalling.tab,
      link.servers,
      (to, message) => this.#signalling.send(to, message),
      memory,
      clock,
      {
        changed: (member) => this.#memberChanged(member),
        gone: (member, how) => this.#memberGone(member, how),
        link: (member, signal) => this.links.signalled(member, signal),
        refused: (member, sid, boundTo) => void this.#refused(member, sid, boundTo),
        problem: (message) => handler.event({ topic: 'room', type: 'problem', message }),
      },
    );
    this.links = new LinkManager(link.servers, {
      clock,
      newLinkId: () => newId(random),
      signal: (tab, signal) => this.roster.sendLink(tab, signal),
      incoming: (from, port, pipe) => handler.incoming(from, port, pipe),
      linkChanged: (tab, sid, state, via, reason) =>
        this.#linkChanged(tab, sid, state, via, reason),
      goodbye: (tab) => this.roster.remove(tab, 'closed'),
      reported: (tab, report) => this.roster.reported(tab, report),
      story: (tab, sid, text) => handler.story(tab, sid, text),
    });
    this.#signalling.addChannel(
      new BroadcastSignalling(
        sealer.relayName,
        (sealed) => void this.#signalling.received(sealed, 'broadcast'),
      ),
    );
    this.#server =
      serverUrl === null ? null : this.#connectServer(`${serverUrl}/${sealer.relayName}`, clock);
    if (this.#server === null) this.#contact = 'away';
  }

  get tab(): TabId {
    return this.#signalling.tab;
  }

  get seat(): ClaimedSeat | null {
    return this.#seat;
  }

  /** How many servers this browser knows the room to have; it may differ from what the link says. */
  get knowsAnotherKey(): boolean {
    return this.#memory.knowsAnotherKey;
  }

  get knownServers(): number {
    return this.#memory.record.servers;
  }

  /** Says hello, listens who is here, and claims a seat. */
  async join(wish: SeatWish): Promise<ClaimResult> {
    this.roster.sayHello();
    await this.#heardEverybody();
    return this.takeSeat(wish);
  }

  async takeSeat(wish: SeatWish): Promise<ClaimResult> {
    const result = await claimSeat(this.roster, this.#memory, this.#link.servers, wish, {
      lock: (sid, patient) => lockSeat(this.#link.room, sid, patient),
      existingDisk: (sid) => this.#existingDisk(sid),
      newDisk: () => newId(this.#random),
    });
    if (result.kind === 'seated') {
      this.#seat = result.seat;
      this.#accepted = this.#memory.record.held[result.seat.sid]?.accepted ?? false;
      this.links.setSid(result.seat.sid);
    }
    return result;
  }

  /** Where the disk of that seat is, as far as this browser knows. */
  diskOf(sid: number): SeatMember['disk'] {
    const { bindings, held } = this.#memory.record;
    const bound = bindings[sid];
    if (bound === undefined) return 'none';
    return held[sid]?.diskId === bound.diskId ? 'here' : 'elsewhere';
  }

  setReport(report: ServerReport | null): void {
    this.roster.setReport(report);
  }

  networkChanged(): void {
    this.#server?.retryNow();
    this.links.networkChanged();
  }

  /** The page goes away. */
  leave(): void {
    this.links.sayGoodbye();
    this.roster.sayGoodbye();
    this.#signalling.close();
    this.#seat?.lock.release();
  }

  #connectServer(url: string, clock: Clock): WebSocketSignalling {
    const server = new WebSocketSignalling(url, clock, {
      received: (sealed) => this.#signalling.received(sealed, 'server'),
      connected: (peerCount) => {
        this.#contact = { peerCount };
        this.#signallingEvent('connected', 'the room server is there');
        this.roster.sayHello();
      },
      away: (reason) => {
        if (this.#contact !== 'away') this.#signallingEvent('away', reason);
        this.#contact = 'away';
        for (const tab of [...this.roster.members.keys()]) this.#lostByServer(tab);
      },
      left: (tab) => this.#lostByServer(tab),
    });
    this.#signalling.addChannel(server);
    return server;
  }

  #signallingEvent(server: 'connected' | 'away', reason: string): void {
    this.#handler.event({ topic: 'room', type: 'signalling', server, reason });
    this.roster.wake();
  }

  async #heardEverybody(): Promise<void> {
    await this.roster.when(() => this.#contact !== 'unknown', SERVER_WAIT_MS);
    const contact = this.#contact;
    if (typeof contact === 'object') {
      await this.roster.when(() => this.#reachedCount() >= contact.peerCount, ANSWER_WAIT_MS);
    }
    if (!hasLocks()) await this.roster.when(() => false, LOCKLESS_WAIT_MS);
  }

  #reachedCount(): number {
    let count = 0;
    for (const member of this.roster.members.values()) if (member.reach.has('server')) count++;
    return count;
  }

  /** The disk itself is asked, not only the memory: a browser may have thrown it away. */
  async #existingDisk(sid: number): Promise<string | null> {
    const held = this.#memory.record.held[sid];
    if (held === undefined) return null;
    const meta = await readDiskMeta(diskDatabaseName(this.#link.room, sid));
    if (meta !== null) return meta.diskId;
    if (held.accepted) await this.#memory.update((record) => letGo(record, sid));
    return null;
  }

  #memberChanged(member: Member): void {
    if (member.reach.has('broadcast') && !this.#watches.has(member.tab)) {
      const stop = watchTab(this.#link.room, member.tab, () =>
        this.roster.remove(member.tab, 'crashed'),
      );
      this.#watches.set(member.tab, stop);
    }
    this.links.memberChanged(member);
    if (this.#isTwin(member)) void this.#metTwin();
    this.#handler.changed();
  }

  /** It has our seat with our disk: where there are no locks, who does not answer in time is taken for gone. */
  #isTwin({ state: { seat } }: Member): boolean {
    if (seat.kind !== 'holding' || this.#seat === null) return false;
    return seat.sid === this.#seat.sid && seat.diskId === this.#seat.diskId;
  }

  /** Only one can write to the disk: that one is the server. */
  async #metTwin(): Promise<void> {
    if (await this.#handler.ownsDisk()) return;
    if (this.#seat !== null) this.#leaveSeat(this.#seat);
  }

  #memberGone(member: Member, how: Departure): void {
    this.#watches.get(member.tab)?.();
    this.#watches.delete(member.tab);
    this.links.memberGone(member.tab, DEPARTURES[how]);
    this.#handler.tabGone(member.tab);
    this.#handler.changed();
    const sid = seatSid(member.state.seat);
    if (sid === null || !member.admitted) return;
    this.#handler.event({ topic: 'room', type: 'presence', peer: sidOf(sid), state: how });
  }

  #linkChanged(
    tab: TabId,
    sid: number,
    state: LinkState,
    via: LinkKind | null,
    reason: string,
  ): void {
    this.#handler.event({ topic: 'room', type: 'link', peer: sidOf(sid), state, via, reason });
    const member = this.roster.members.get(tab);
    if (state === 'up') {
      this.roster.setSilent(tab, false);
      void this.#rememberAccepted();
      this.#handler.linkUp(tab, sid);
      this.#handler.event({ topic: 'room', type: 'presence', peer: sidOf(sid), state: 'here' });
    } else if (state === 'silent') {
      this.roster.setSilent(tab, true);
      this.#handler.event({ topic: 'room', type: 'presence', peer: sidOf(sid), state });
    } else if (state === 'down' && member !== undefined && member.reach.size === 0) {
      this.roster.remove(tab, 'cutOff');
    }
    this.#handler.changed();
  }

  #lostByServer(tab: TabId): void {
    this.roster.lostReach(tab, 'server');
    const member = this.roster.members.get(tab);
    if (member === undefined || member.reach.size > 0) return;
    const link = this.links.linkTo(tab);
    if (link?.state !== 'up' && link?.state !== 'silent') this.roster.remove(tab, 'cutOff');
  }

  async #rememberAccepted(): Promise<void> {
    const seat = this.#seat;
    if (this.#accepted || seat === null) return;
    this.#accepted = true;
    const { sid, diskId } = seat;
    await this.#memory.update((record) => hold(record, sid, { diskId, accepted: true }));
  }

  async #refused(by: Member, sid: number, boundTo: string): Promise<void> {
    const seat = this.#seat;
    if (seat === null || seat.sid !== sid || this.#accepted) return;
    // Two that took one seat without knowing of each other: one of them stays, and both know which.
    const rival = by.state.seat.kind === 'holding' && by.state.seat.diskId === boundTo;
    if (rival && seat.diskId < boundTo) return;
    this.#seat = null;
    await this.#memory.update((record) =>
      letGo(bind(record, sid, { diskId: boundTo, generation: seat.generation }), sid),
    );
    this.#leaveSeat(seat);
  }

  #leaveSeat(seat: ClaimedSeat): void {
    this.#seat = null;
    this.links.setSid(null);
    this.roster.setSeat({ kind: 'none' }, false);
    seat.lock.release();
    this.#handler.unseated();
  }
}

const DEPARTURES: Record<Departure, string> = {
  closed: 'that tab was closed',
  crashed: 'that tab crashed',
  cutOff: 'that tab cannot be reached any more',
};
