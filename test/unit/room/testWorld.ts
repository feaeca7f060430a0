/** Rooms in memory under virtual time: tabs whose signalling is delayed, lost or cut as a test says. */

import type { Clock } from '../../../src/ports/clock.ts';
import type { Random } from '../../../src/ports/random.ts';
import type { RoomRecord } from '../../../src/room/bindings.ts';
import { emptyRoomRecord } from '../../../src/room/bindings.ts';
import type { ClaimResult, SeatWish } from '../../../src/room/claimSeat.ts';
import { claimSeat } from '../../../src/room/claimSeat.ts';
import type { RoomMemory } from '../../../src/room/memory.ts';
import type { Departure, Member } from '../../../src/room/roster.ts';
import { Roster } from '../../../src/room/roster.ts';
import { Sealer } from '../../../src/room/sealing.ts';
import { newId, Signalling } from '../../../src/room/signalling.ts';

/** A seeded generator (mulberry32): tests must be the same every time. */
export function testRandom(seed: number): Random {
  let state = seed >>> 0;
  const uint32 = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { uint32, bytes: (length) => Uint8Array.from({ length }, () => uint32() & 255) };
}

interface Waiting {
  readonly atMs: number;
  readonly order: number;
  readonly task: () => void;
}

class TestClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  now(): number {
    return this.#nowMs;
  }
  wallTime(): number {
    return Math.floor(this.#nowMs);
  }
  after(delayMs: number, task: () => void) {
    const waiting = { atMs: this.#nowMs + delayMs, order: ++this.#order, task };
    this.#waiting.add(waiting);
    return { cancel: () => void this.#waiting.delete(waiting) };
  }
  soon(task: () => void) {
    return this.after(0, task);
  }

  /** Runs timers and what they lead to until `done` says so; throws when nothing is left to happen. */
  async until(done: () => boolean): Promise<void> {
    for (;;) {
      await new Promise(setImmediate);
      if (done()) return;
      const next = [...this.#waiting].sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) throw new Error('nothing is left to happen');
      this.#waiting.delete(next);
      this.#nowMs = next.atMs;
      next.task();
    }
  }

  async run(durationMs: number): Promise<void> {
    let over = false;
    this.after(durationMs, () => (over = true));
    await this.until(() => over);
  }
}

/** One browser's storage and locks; its tabs share them. */
export class TestBrowser {
  readonly locks = new Map<number, string>();
  readonly disks = new Map<number, string>();
  readonly hasLocks: boolean;
  record: RoomRecord;

  constructor(servers: number, hasLocks = true) {
    this.record = emptyRoomRecord(servers);
    this.hasLocks = hasLocks;
  }

  memory(): RoomMemory {
    const read = () => this.record;
    return {
      get record() {
        return read();
      },
      update: async (change) => {
        await Promise.resolve();
        this.record = change(this.record);
        return this.record;
      },
    };
  }
}

export class TestRoom {
  readonly clock = new TestClock();
  readonly tabs: TestTab[] = [];
  readonly servers: number;
  readonly #key: Uint8Array;
  readonly #random: Random;

  constructor(servers: number, seed: number) {
    this.servers = servers;
    this.#random = testRandom(seed);
    this.#key = this.#random.bytes(16);
  }

  open(browser: TestBrowser, servers = this.servers): TestTab {
    const sealer = new Sealer('test', this.#key, this.#random);
    const tab = new TestTab(this, browser, servers, sealer, this.#random);
    this.tabs.push(tab);
    tab.roster.sayHello();
    return tab;
  }

  deliver(from: TestTab, sealed: Uint8Array): void {
    for (const tab of this.tabs) {
      if (tab === from || !tab.open || from.cutFrom.has(tab) || tab.cutFrom.has(from)) continue;
      const delayMs = from.browser === tab.browser ? 1 : 5 + (this.#random.uint32() % 20);
      this.clock.after(delayMs, () => {
        if (tab.open) tab.signalling.received(sealed, 'server');
      });
    }
  }
}

export class TestTab {
  readonly browser: TestBrowser;
  readonly signalling: Signalling;
  readonly roster: Roster;
  readonly cutFrom = new Set<TestTab>();
  readonly departures: Departure[] = [];
  readonly refusals: number[] = [];
  readonly problems: string[] = [];
  readonly sealedSent: Uint8Array[] = [];
  open = true;
  result: ClaimResult | null = null;
  readonly #room: TestRoom;
  readonly #random: Random;

  constructor(
    room: TestRoom,
    browser: TestBrowser,
    servers: number,
    sealer: Sealer,
    random: Random,
  ) {
    this.browser = browser;
    this.#room = room;
    this.#random = random;
    this.signalling = new Signalling(newId(random), sealer, {
      received: (envelope, via) => this.roster.received(envelope, via),
      heardAlso: (tab, via) => this.roster.heardAlso(tab, via),
    });
    this.signalling.addChannel({
      kind: 'server',
      send: (sealed) => {
        this.sealedSent.push(sealed);
        room.deliver(this, sealed);
      },
      close: () => {},
    });
    this.roster = new Roster(
      this.signalling.tab,
      servers,
      (to, message) => this.signalling.send(to, message),
      browser.memory(),
      room.clock,
      {
        changed: () => {},
        gone: (_member: Member, how) => this.departures.push(how),
        link: () => {},
        refused: (_member, sid) => this.refusals.push(sid),
        problem: (message) => this.problems.push(message),
      },
    );
  }

  get sid(): number | null {
    return this.result?.kind === 'seated' ? this.result.seat.sid : null;
  }

  /** Starts to claim; the result stands in `result` when it is there. */
  claim(wish: Partial<SeatWish> = {}): void {
    const { browser } = this;
    const wanted = { sid: null, observer: false, lastSid: null, ...wish };
    void claimSeat(this.roster, browser.memory(), this.#room.servers, wanted, {
      lock: async (sid) => {
        await Promise.resolve();
        if (!browser.hasLocks) return { real: false, release: () => {} };
        if (browser.locks.has(sid)) return null;
        browser.locks.set(sid, this.signalling.tab);
        return { real: true, release: () => void browser.locks.delete(sid) };
      },
      existingDisk: async (sid) => browser.disks.get(sid) ?? null,
      newDisk: () => newId(this.#random),
    }).then((result) => {
      this.result = result;
      if (result.kind === 'seated') browser.disks.set(result.seat.sid, result.seat.diskId);
    });
  }

  close(): void {
    this.roster.sayGoodbye();
    this.crash();
  }

  crash(): void {
    this.open = false;
    for (const [sid, holder] of this.browser.locks) {
      if (holder === this.signalling.tab) this.browser.locks.delete(sid);
    }
  }
}
