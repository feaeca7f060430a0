/**
 * Who is in the room: every other tab that has proved to be here now, which server it is, and whether its disk is the
 * one that belongs to that server. Answers others' claims to a sid; {@link claimSeat} makes ours. Pure of the page.
 */

import type { Clock } from '../ports/clock.ts';
import type { Binding } from './bindings.ts';
import { acquaintance, bind } from './bindings.ts';
import type {
  Claim,
  DenyReason,
  Envelope,
  LinkSignal,
  MemberState,
  RoomMessage,
  Seat,
  ServerReport,
  TabId,
} from './messages.ts';
import type { RoomMemory } from './memory.ts';
import type { ChannelKind } from './signalling.ts';

/** Another tab of the room. */
export interface Member {
  readonly tab: TabId;
  readonly state: MemberState;
  /** The channels it has been heard on. */
  readonly reach: ReadonlySet<ChannelKind>;
  /** It holds a seat, and its disk is the one this browser knows for that seat: links to it are allowed. */
  readonly admitted: boolean;
  /** Nothing has come over its link for too long. It may be frozen, or gone without a word. */
  readonly silent: boolean;
}

/** How a tab went. */
export type Departure =
  /** It said goodbye. */
  | 'closed'
  /** Its browser let go of its lock without a goodbye. */
  | 'crashed'
  /** The signalling server lost it, and there is no link to it. */
  | 'cutOff';

export interface RosterHandler {
  /** A tab is new here, or its seat, admission, reach or silence changed. */
  changed(member: Member): void;
  gone(member: Member, how: Departure): void;
  /** From an admitted member, for the link to it. */
  link(member: Member, signal: LinkSignal): void;
  /** Another tab will not talk to the server we hold: the sid belongs to the disk it names. */
  refused(member: Member, sid: number, boundTo: string): void;
  /** Something a person should read. */
  problem(message: string): void;
}

/** A room has at most 39 seats; the rest are tabs that found none. Further ones are not listed. */
const MAX_MEMBER_COUNT = 128;

/**
 * Signals for a link that come while the member is still being admitted: each side begins when it has admitted the other,
 * and an offer that was lost would be missed until the link is given up for another kind.
 */
const MAX_EARLY_SIGNAL_COUNT = 64;

interface MutableMember extends Member {
  state: MemberState;
  reach: Set<ChannelKind>;
  admitted: boolean;
  silent: boolean;
  early: LinkSignal[];
  /** Of the newest message that told its seat: one that was overtaken on its way tells what it no longer is. */
  toldIn: number;
}

export interface Verdict {
  readonly from: TabId;
  readonly number: number;
  readonly denied: DenyReason | null;
  /** The disk that tab's browser knows for the sid. */
  readonly bound: Binding | null;
}

export class Roster {
  readonly #tab: TabId;
  readonly #servers: number;
  readonly #send: (to: TabId | null, message: RoomMessage) => void;
  readonly #memory: RoomMemory;
  readonly #clock: Clock;
  readonly #handler: RosterHandler;
  readonly #members = new Map<TabId, MutableMember>();
  readonly #watchers = new Set<() => void>();
  #seat: Seat = { kind: 'none' };
  #report: ServerReport | null = null;
  #fresh = false;
  /** Our claim, while others may still decide it. */
  #claim: Claim | null = null;
  #verdicts: ((verdict: Verdict) => void) | null = null;

  constructor(
    tab: TabId,
    servers: number,
    send: (to: TabId | null, message: RoomMessage) => void,
    memory: RoomMemory,
    clock: Clock,
    handler: RosterHandler,
  ) {
    this.#tab = tab;
    this.#servers = servers;
    this.#send = send;
    this.#memory = memory;
    this.#clock = clock;
    this.#handler = handler;
  }

  get seat(): Seat {
    return this.#seat;
  }

  get members(): ReadonlyMap<TabId, Member> {
    return this.#members;
  }

  /** The admitted member that is this server, if any. */
  holderOf(sid: number): Member | null {
    for (const member of this.#members.values()) {
      if (member.admitted && seatSid(member.state.seat) === sid) return member;
    }
    return null;
  }

  /** Another tab that holds or claims this sid, admitted or not. */
  occupantOf(sid: number): Member | null {
    for (const member of this.#members.values()) {
      if (seatSid(member.state.seat) === sid) return member;
    }
    return null;
  }

  /** Asks everybody who is here to answer; again whenever a channel has come back. */
  sayHello(): void {
    this.#send(null, { type: 'hello' });
  }

  /** `fresh`: the disk we claim with was made just now. */
  setSeat(seat: Seat, fresh: boolean): void {
    this.#seat = seat;
    this.#fresh = fresh;
    this.#sayState();
  }

  /** What our server says of itself. */
  setReport(report: ServerReport | null): void {
    this.#report = report;
    this.#sayState();
  }

  /** What a member's server said of itself over its link. */
  reported(tab: TabId, report: ServerReport): void {
    const member = this.#members.get(tab);
    if (member === undefined) return;
    member.state = { ...member.state, report };
    this.#changed(member);
  }

  #sayState(): void {
    for (const tab of this.#members.keys()) this.#sendState(tab, false);
  }

  sayGoodbye(): void {
    for (const tab of this.#members.keys()) this.#send(tab, { type: 'goodbye' });
  }

  /** Puts the claim to every tab there is now, and passes their verdicts on until {@link decideClaim}. */
  sendClaim(claim: Claim, verdicts: (verdict: Verdict) => void): readonly TabId[] {
    this.#claim = claim;
    this.#verdicts = verdicts;
    const asked = [...this.#members.keys()];
    for (const tab of asked) this.#send(tab, { type: 'claim', claim });
    return asked;
  }

  /** From now on nobody's rival claim can undo ours, granted or given up as it is. */
  decideClaim(): void {
    this.#claim = null;
    this.#verdicts = null;
  }

  sendLink(tab: TabId, signal: LinkSignal): void {
    this.#send(tab, { type: 'link', signal });
  }

  setSilent(tab: TabId, silent: boolean): void {
    const member = this.#members.get(tab);
    if (member === undefined || member.silent === silent) return;
    member.silent = silent;
    this.#changed(member);
  }

  /** A channel no longer reaches this tab. */
  lostReach(tab: TabId, via: ChannelKind): void {
    const member = this.#members.get(tab);
    if (member !== undefined && member.reach.delete(via)) this.#changed(member);
  }

  remove(tab: TabId, how: Departure): void {
    const member = this.#members.get(tab);
    if (member === undefined) return;
    this.#members.delete(tab);
    this.#handler.gone(member, how);
    this.wake();
  }

  heardAlso(tab: TabId, via: ChannelKind): void {
    const member = this.#members.get(tab);
    if (member !== undefined && !member.reach.has(via)) {
      member.reach.add(via);
      this.#changed(member);
    }
  }

  /** Resolved when `condition` holds or the time is up; true if it held. */
  when(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      if (condition()) {
        resolve(true);
        return;
      }
      const finish = (held: boolean) => {
        timer.cancel();
        this.#watchers.delete(check);
        resolve(held);
      };
      const check = () => {
        if (condition()) finish(true);
      };
      const timer = this.#clock.after(timeoutMs, () => finish(false));
      this.#watchers.add(check);
    });
  }

  received(envelope: Envelope, via: ChannelKind): void {
    const { from, message } = envelope;
    if (message.type === 'hello') {
      // Even a known tab says hello again when it missed something: the answer repeats all we are.
      this.#sendState(from, true);
      return;
    }
    if (message.type === 'goodbye') {
      this.remove(from, 'closed');
      return;
    }
    if (message.type === 'state') {
      // Whoever is met for the first time may have been told what we were before we knew of it.
      const met = !this.#members.has(from);
      this.#receivedState(envelope, message.state, via);
      if (message.answer || met) this.#sendState(from, false);
      return;
    }
    if (message.type === 'claim') {
      this.#answerClaim(envelope, message.claim);
      return;
    }
    const member = this.#members.get(from);
    if (member === undefined) {
      // It takes us for somebody it knows, so we have missed who it is: ask.
      this.#sendState(from, true);
      return;
    }
    this.heardAlso(from, via);
    switch (message.type) {
      case 'verdict':
        this.#verdicts?.({ ...message, from });
        this.wake();
        break;
      case 'refused':
        this.#handler.refused(member, message.sid, message.boundTo);
        break;
      case 'link':
        this.#receivedLink(member, message.signal);
        break;
    }
  }

  #receivedLink(member: MutableMember, signal: LinkSignal): void {
    if (member.admitted) {
      this.#handler.link(member, signal);
      return;
    }
    if (member.early.length < MAX_EARLY_SIGNAL_COUNT) member.early.push(signal);
    // Only a server wants a link, so we have missed that it has become one: ask.
    if (member.state.seat.kind !== 'holding') this.#sendState(member.tab, true);
  }

  #receivedState({ from, sequence }: Envelope, state: MemberState, via: ChannelKind): void {
    let member = this.#members.get(from);
    if (member === undefined) {
      if (this.#members.size >= MAX_MEMBER_COUNT) {
        this.#handler.problem(
          `More than ${MAX_MEMBER_COUNT} tabs are open in this room; one more is not listed.`,
        );
        return;
      }
      member = {
        tab: from,
        state,
        reach: new Set([via]),
        admitted: false,
        silent: false,
        early: [],
        toldIn: sequence,
      };
      this.#members.set(from, member);
    }
    member.reach.add(via);
    if (sequence < member.toldIn) return;
    member.toldIn = sequence;
    const sameServer = isSameServer(member.state, state);
    member.state = state;
    member.admitted = member.admitted && sameServer;
    if (!sameServer) member.early = [];
    this.#changed(member);
    if (!member.admitted) void this.#admit(member);
  }

  /** Binds the sid to this disk durably, or finds that it belongs to another, before any link to it is allowed. */
  async #admit(member: MutableMember): Promise<void> {
    const { state } = member;
    if (state.servers !== this.#servers) {
      this.#handler.problem(
        `Another tab's link says the room has ${state.servers} servers, ours says ${this.#servers}: they do not belong together. Open both with the same link.`,
      );
      return;
    }
    const { seat } = state;
    if (seat.kind !== 'holding') return;
    const disk: Binding = { diskId: seat.diskId, generation: seat.generation };
    const record = await this.#memory.update((stored) => {
      const known = acquaintance(stored, seat.sid, disk);
      return known === 'first' || known === 'newer' ? bind(stored, seat.sid, disk) : stored;
    });
    if (!isSameServer(member.state, state) || this.#members.get(member.tab) !== member) return;
    const bound = record.bindings[seat.sid];
    if (bound === undefined || bound.diskId === seat.diskId) {
      if (member.admitted) return;
      member.admitted = true;
      this.#changed(member);
      for (const signal of member.early.splice(0)) this.#handler.link(member, signal);
      return;
    }
    this.#send(member.tab, { type: 'refused', sid: seat.sid, boundTo: bound.diskId });
    this.#handler.problem(
      `A tab calls itself server ${seat.sid} but does not have that server's data; this server does not talk to it.`,
    );
  }

  #answerClaim({ from, sequence }: Envelope, claim: Claim): void {
    const denied = this.#verdictOn(from, claim);
    const member = this.#members.get(from);
    if (denied === null && member !== undefined && sequence > member.toldIn) {
      const { sid, diskId } = claim;
      member.toldIn = sequence;
      member.state = { ...member.state, seat: { kind: 'claiming', sid, diskId } };
      member.admitted = false;
      this.#changed(member);
    }
    if (denied === null && this.#claim?.sid === claim.sid) {
      // Who comes after the other gives up, whether or not the other has been asked.
      this.#verdicts?.({ from, number: this.#claim.number, denied: 'claimed', bound: null });
      this.wake();
    }
    const bound = this.#memory.record.bindings[claim.sid] ?? null;
    this.#send(from, { type: 'verdict', number: claim.number, denied, bound });
  }

  #verdictOn(from: TabId, claim: Claim): DenyReason | null {
    if (seatSid(this.#seat) === claim.sid) {
      if (this.#claim === null) return 'held';
      if (comesFirst(this.#fresh, this.#tab, claim.fresh, from)) return 'claimed';
    }
    const occupant = this.#otherOccupant(claim.sid, from);
    if (occupant !== null && !this.#mayReplace(occupant, claim)) {
      return occupant.state.seat.kind === 'holding' ? 'held' : 'claimed';
    }
    const bound = this.#memory.record.bindings[claim.sid];
    if (bound !== undefined && bound.diskId !== claim.diskId && !claim.takeover) return 'bound';
    return null;
  }

  #otherOccupant(sid: number, except: TabId): Member | null {
    for (const member of this.#members.values()) {
      if (member.tab !== except && seatSid(member.state.seat) === sid) return member;
    }
    return null;
  }

  /**
   * Who claims with the very disk of the tab that has the seat is in the same browser: its lock, or the other's silence,
   * shows that the other is gone. A claimer that still competes is left to the two of them.
   */
  #mayReplace(occupant: Member, claim: Claim): boolean {
    const { seat } = occupant.state;
    if (seat.kind === 'claiming') return true;
    if (seat.kind === 'none') return true;
    if (seat.diskId === claim.diskId) return claim.locked || occupant.silent;
    return claim.takeover && occupant.silent;
  }

  #sendState(to: TabId, answer: boolean): void {
    const state: MemberState = {
      servers: this.#servers,
      seat: this.#seat,
      report: this.#report,
    };
    this.#send(to, { type: 'state', state, answer });
  }

  #changed(member: Member): void {
    this.#handler.changed(member);
    this.wake();
  }

  /** Something that a condition of {@link when} looks at has changed. */
  wake(): void {
    for (const check of [...this.#watchers]) check();
  }
}

function isSameServer(one: MemberState, other: MemberState): boolean {
  return one.servers === other.servers && JSON.stringify(one.seat) === JSON.stringify(other.seat);
}

export function seatSid(seat: Seat): number | null {
  return seat.kind === 'none' ? null : seat.sid;
}

/** Of two tabs that claim one sid: the one that brings that server's disk, else the one with the smaller id. */
function comesFirst(fresh: boolean, tab: TabId, otherFresh: boolean, other: TabId): boolean {
  return fresh === otherFresh ? tab < other : !fresh;
}
