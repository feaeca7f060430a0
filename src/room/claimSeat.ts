/**
 * How a tab becomes a server: tries the sids it may have, best first, until every tab that is here has agreed to one.
 * A sid is only ours when the browser's lock on it (where there are locks) and everybody's verdict say so. Pure of the page.
 */

import type { Binding } from './bindings.ts';
import { bind, hold } from './bindings.ts';
import type { Claim, DenyReason, DiskId, TabId } from './messages.ts';
import type { RoomMemory } from './memory.ts';
import type { Member, Roster, Verdict } from './roster.ts';
import { observerSids, seatType, voterSids } from './seats.ts';

/** What this tab was told, and what it was before it was reloaded. */
export interface SeatWish {
  readonly sid: number | null;
  readonly observer: boolean;
  /** The sid of this very tab before a reload. */
  readonly lastSid: number | null;
}

/** A browser's lock on one sid of the room. */
export interface SeatLock {
  /** False where the browser has no locks: then only the verdicts guard. */
  readonly real: boolean;
  release(): void;
}

export interface SeatWorld {
  /** Null when another tab of this browser has it. `patient`: wait a moment for a page that is just unloading. */
  lock(sid: number, patient: boolean): Promise<SeatLock | null>;
  /** The disk this browser has for the sid, or null. */
  existingDisk(sid: number): Promise<DiskId | null>;
  newDisk(): DiskId;
}

export interface ClaimedSeat {
  readonly sid: number;
  readonly diskId: DiskId;
  readonly generation: number;
  /** The disk is empty. */
  readonly fresh: boolean;
  /** Empty and nobody ever was this server: it may vote at once. Otherwise an empty disk must be synced first. */
  readonly firstOfItsName: boolean;
  readonly lock: SeatLock;
}

export type ClaimResult =
  | { readonly kind: 'seated'; readonly seat: ClaimedSeat }
  /** What is in the way, and what would do: sentences for a person. */
  | { readonly kind: 'refused'; readonly reason: string };

/** A frozen tab does not answer, and one that is just loading is slow: after this long, silence agrees. */
const VERDICT_TIMEOUT_MS = 700;
/** When every seat left is being claimed by others, some of them will settle elsewhere. */
const MAX_ROUND_COUNT = 5;
const ROUND_PAUSE_MS = 150;

export async function claimSeat(
  roster: Roster,
  memory: RoomMemory,
  servers: number,
  wish: SeatWish,
  world: SeatWorld,
): Promise<ClaimResult> {
  const claimer = new Claimer(roster, memory, servers, wish, world);
  for (let round = 0; round < MAX_ROUND_COUNT; round++) {
    const outcome = await claimer.tryAll();
    if (outcome.seat !== null) return { kind: 'seated', seat: outcome.seat };
    if (!outcome.contested) break;
    await roster.when(() => false, ROUND_PAUSE_MS);
  }
  return { kind: 'refused', reason: claimer.whyNot() };
}

/** In which order a tab tries: what it was told; what it was; what this browser has data of; what nobody has. */
function candidates(wish: SeatWish, memory: RoomMemory, servers: number): number[] {
  if (wish.sid !== null) return [wish.sid];
  const held = Object.keys(memory.record.held).map(Number);
  const all = wish.observer
    ? observerSids(servers)
    : [...voterSids(servers), ...observerSids(servers)];
  const known = all.filter((sid) => held.includes(sid));
  // A voter's seat that nobody has comes before an observer's seat that this browser once had.
  const order = [
    ...(wish.lastSid === null ? [] : [wish.lastSid]),
    ...known.filter((sid) => seatType(sid, servers) === 'participant'),
    ...(wish.observer ? [] : voterSids(servers)),
    ...known,
    ...all,
  ];
  return [...new Set(order)].filter((sid) => all.includes(sid));
}

class Claimer {
  readonly #roster: Roster;
  readonly #memory: RoomMemory;
  readonly #servers: number;
  readonly #wish: SeatWish;
  readonly #world: SeatWorld;
  #number = 0;
  #lastDenial: DenyReason = 'held';

  constructor(
    roster: Roster,
    memory: RoomMemory,
    servers: number,
    wish: SeatWish,
    world: SeatWorld,
  ) {
    this.#roster = roster;
    this.#memory = memory;
    this.#servers = servers;
    this.#wish = wish;
    this.#world = world;
  }

  async tryAll(): Promise<{ seat: ClaimedSeat | null; contested: boolean }> {
    let contested = false;
    for (const sid of candidates(this.#wish, this.#memory, this.#servers)) {
      const result = await this.#try(sid);
      if (typeof result !== 'string') return { seat: result, contested };
      this.#lastDenial = result;
      if (result === 'servers') return { seat: null, contested: false };
      contested ||= result === 'claimed';
    }
    return { seat: null, contested };
  }

  whyNot(): string {
    const { sid, observer } = this.#wish;
    if (this.#lastDenial === 'servers') {
      return `Other tabs of this room have a link with another number of servers than ${this.#servers}. Open the same link they have.`;
    }
    if (sid !== null) {
      return `Server ${sid} is running in another tab of this room. Close that tab, or open the link without &sid=${sid}.`;
    }
    return observer
      ? 'Every observer seat of this room is taken. Close a tab, or open another room.'
      : 'Every seat of this room is taken. Close a tab, or open another room.';
  }

  async #try(sid: number): Promise<ClaimedSeat | DenyReason> {
    const existing = await this.#world.existingDisk(sid);
    const diskId = existing ?? this.#promisedDisk(sid) ?? this.#world.newDisk();
    const takeover = this.#wish.sid === sid;
    const known = this.#memory.record.bindings[sid];
    if (known !== undefined && known.diskId !== diskId && !takeover) return 'bound';
    const occupant = this.#roster.occupantOf(sid);
    if (occupant !== null && !mayTry(occupant, diskId, takeover)) {
      return occupant.state.seat.kind === 'holding' ? 'held' : 'claimed';
    }
    const lock = await this.#world.lock(sid, takeover || sid === this.#wish.lastSid);
    if (lock === null) return 'held';

    const fresh = existing === null;
    this.#roster.setSeat({ kind: 'claiming', sid, diskId }, fresh);
    const claim = { number: ++this.#number, sid, diskId, fresh, takeover, locked: lock.real };
    const { denied, bound } = await this.#askEverybody(claim);
    if (denied !== null) {
      this.#roster.setSeat({ kind: 'none' }, false);
      lock.release();
      return denied;
    }
    const generation = generationOf(diskId, bound);
    await this.#memory.update((record) =>
      hold(bind(record, sid, { diskId, generation }), sid, {
        diskId,
        accepted: record.held[sid]?.accepted ?? false,
      }),
    );
    this.#roster.setSeat({ kind: 'holding', sid, diskId, generation }, fresh);
    // An empty disk that is known already is one that was promised and never made.
    const firstOfItsName = fresh && (bound === null || bound.diskId === diskId);
    return { sid, diskId, generation, fresh, firstOfItsName, lock };
  }

  /**
   * A page that is reloaded before its server has made its disk leaves a seat that belongs to a disk nobody has. As long
   * as no other server ever linked to it, nothing can be lost with it, and the seat is taken again in its name.
   */
  #promisedDisk(sid: number): DiskId | null {
    const held = this.#memory.record.held[sid];
    return held === undefined || held.accepted ? null : held.diskId;
  }

  /** What the others say: why not, if so, and the newest disk that anybody (we too) knows for the sid. */
  async #askEverybody(claim: Claim): Promise<{ denied: DenyReason | null; bound: Binding | null }> {
    const waiting = new Set<TabId>();
    let denied: DenyReason | null = null;
    let bound: Binding | null = this.#memory.record.bindings[claim.sid] ?? null;
    const asked = this.#roster.sendClaim(claim, (verdict: Verdict) => {
      if (verdict.number !== claim.number) return;
      waiting.delete(verdict.from);
      denied ??= verdict.denied;
      bound = newest(bound, verdict.bound);
    });
    for (const tab of asked) waiting.add(tab);
    const settled = () => {
      for (const tab of waiting) if (!this.#roster.members.has(tab)) waiting.delete(tab);
      return denied !== null || waiting.size === 0;
    };
    await this.#roster.when(settled, VERDICT_TIMEOUT_MS);
    this.#roster.decideClaim();
    return { denied, bound };
  }
}

function newest(one: Binding | null, other: Binding | null): Binding | null {
  if (one === null || other === null) return one ?? other;
  return other.generation > one.generation ? other : one;
}

function generationOf(diskId: DiskId, bound: Binding | null): number {
  if (bound === null) return 1;
  return bound.diskId === diskId ? bound.generation : bound.generation + 1;
}

/** Whether a claim against the tab that has the seat could be granted at all; the verdicts then decide. */
function mayTry(occupant: Member, diskId: DiskId, takeover: boolean): boolean {
  const { seat } = occupant.state;
  return seat.kind === 'holding' && (seat.diskId === diskId || takeover);
}
