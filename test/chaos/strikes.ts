/** Carries a schedule out on real tabs, as well as they can be struck at that moment, and heals everything again. */

import type { SwitchedServer } from '../browser/harness/switchedServer.ts';
import { type Isolation, isolate, unlink } from './isolation.ts';
import { withinTime } from '../browser/harness/withinTime.ts';
import type { ChaosTab } from './chaosTab.ts';
import type { ChaosTabs } from './chaosTabs.ts';
import { until } from './until.ts';
import type { Note } from './witness.ts';
import {
  describeFault,
  type Fault,
  type FaultKind,
  type RoomFaultKind,
  type TabFaultKind,
} from './schedule.ts';

/** What has been closed is opened again only up to so many tabs more than there are voters. */
const MAX_VISITOR_COUNT = 2;
/** So long a fault waits at most for clients that can write. */
const PATIENCE_MS = 10_000;
/** Whoever does not say by then that it leads is taken for one that does not. */
const ANSWER_WAIT_MS = 2_000;
/** No fault outlasts the schedule; what is still being healed then are tabs that are opened, each within 60 s. */
const OVER_WITHIN_MS = 150_000;

export class Strikes {
  readonly #notes: Note[] = [];
  readonly counts = new Map<FaultKind, number>();
  readonly #tabs: ChaosTabs;
  readonly #roomServer: SwitchedServer;
  readonly #voterCount: number;
  readonly #nowMs: () => number;
  readonly #isServed: () => boolean;
  readonly #pending = new Map<Promise<void>, Fault>();
  #serverAway = false;

  constructor(
    tabs: ChaosTabs,
    roomServer: SwitchedServer,
    voterCount: number,
    nowMs: () => number,
    isServed: () => boolean,
  ) {
    this.#tabs = tabs;
    this.#roomServer = roomServer;
    this.#voterCount = voterCount;
    this.#nowMs = nowMs;
    this.#isServed = isServed;
  }

  get notes(): readonly Note[] {
    return this.#notes;
  }

  /**
   * Ends when the last fault has healed, or as soon as `isOver`. Whoever waits makes all later ones come later; what does
   * not come by `endMs` is left out.
   */
  async run(schedule: readonly Fault[], endMs: number, isOver: () => boolean): Promise<void> {
    const beganMs = this.#nowMs();
    let lateMs = 0;
    for (const planned of schedule) {
      const dueMs = beganMs + planned.atMs + lateMs;
      const ended = (): boolean => isOver() || this.#nowMs() >= endMs;
      await until('its time has come', Infinity, () => ended() || this.#nowMs() >= dueMs);
      if (planned.patient) {
        const lastMs = dueMs + PATIENCE_MS;
        const comes = (): boolean => this.#isServed() || this.#nowMs() >= lastMs;
        await until('clients can write', Infinity, () => ended() || comes());
        lateMs += this.#nowMs() - dueMs;
      }
      if (ended()) break;
      const lastsMs = Math.min(planned.lastsMs, endMs - this.#nowMs());
      const fault = { ...planned, atMs: Math.round(this.#nowMs()), lastsMs };
      const struck = this.#strike(fault).catch((error: unknown) => {
        // A tab that is struck a second time, by the end of its browser, cannot be healed any more.
        this.#say(`${fault.kind} ended early: ${String(error).split('\n')[0]}`);
      });
      this.#pending.set(struck, fault);
      void struck.then(() => this.#pending.delete(struck));
    }
    await this.#allOver();
  }

  async #allOver(): Promise<void> {
    const isOver = (): boolean => this.#pending.size === 0;
    await until('every fault is over', OVER_WITHIN_MS, isOver, this.#tabs.pulse).catch(() => {
      const left = [...this.#pending.values()].map(describeFault);
      throw new Error(`not over within ${OVER_WITHIN_MS} ms: ${left.join('; ')}`);
    });
  }

  async #strike(fault: Fault): Promise<void> {
    const { kind, lastsMs } = fault;
    if (strikesRoom(kind)) {
      this.#count(kind);
      this.#say(describeFault(fault));
      await this.#strikeRoom(kind, lastsMs);
      this.#say(`${kind} is over`);
      return;
    }
    const victim = await this.#victim(fault);
    if (victim === null) {
      this.#say(`${describeFault(fault)}: nobody is there to be struck`);
      return;
    }
    this.#count(kind);
    this.#say(`${describeFault(fault)}: ${victim.name}`);
    await this.#strikeTab(kind, lastsMs, victim);
    this.#say(`${kind} of ${victim.name} is over`);
  }

  #count(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  async #strikeTab(kind: TabFaultKind, lastsMs: number, tab: ChaosTab): Promise<void> {
    switch (kind) {
      case 'close':
      case 'crash':
        tab.trouble = kind;
        await this.#tabs[kind](tab);
        await this.#pass(lastsMs);
        return this.#open(1);
      case 'reload':
        return this.#during(tab, kind, () => this.#reload(tab));
      case 'unlink':
        return this.#during(tab, kind, () => unlink(tab));
      case 'look':
        return tab.front();
      case 'freeze':
        await this.#hide(tab);
        return this.#during(tab, kind, async () => {
          await tab.freeze();
          await this.#pass(lastsMs);
          await tab.thaw();
        });
      case 'noWebRtc':
        await this.#isolated(tab, 'webrtc', lastsMs);
        return;
      case 'cutOff':
        await this.#isolated(tab, 'everything', lastsMs);
        return;
      case 'stop':
        return this.#during(tab, kind, async () => {
          await tab.ask(() => globalThis.tabkeeper?.stop(), null);
          await this.#pass(lastsMs);
          await tab.ask(() => globalThis.tabkeeper?.start(), null);
        });
    }
  }

  async #strikeRoom(kind: RoomFaultKind, lastsMs: number): Promise<void> {
    switch (kind) {
      case 'visit': {
        const tab = await this.#tabs.open();
        await this.#pass(lastsMs);
        // A visitor that has become a voter in the meantime goes like any other.
        if (tab.trouble === null) {
          tab.trouble = 'closing';
          await this.#tabs.close(tab);
        }
        return this.#open(this.#voterCount - this.#tabs.all.length);
      }
      case 'serverAway':
        if (this.#serverAway) return;
        this.#serverAway = true;
        await this.#roomServer.stop();
        await this.#pass(lastsMs);
        await this.#roomServer.start();
        this.#serverAway = false;
        return;
      case 'closeAll': {
        const closing = this.#tabs.healthy;
        for (const tab of closing) tab.trouble = kind;
        await Promise.all(closing.map((tab) => this.#tabs.close(tab)));
        return this.#open(closing.length);
      }
      case 'killBrowser':
        await this.#tabs.killBrowser();
        return this.#open(this.#voterCount);
    }
  }

  /** A tab that is cut off goes on working, and may be asked: it must not answer what is not so. */
  async #isolated(tab: ChaosTab, isolation: Isolation, lastsMs: number): Promise<void> {
    tab.isolated = true;
    await isolate(tab, isolation);
    await this.#pass(lastsMs);
    await isolate(tab, 'nothing');
    tab.isolated = false;
  }

  async #during(tab: ChaosTab, trouble: string, action: () => Promise<void>): Promise<void> {
    tab.trouble = trouble;
    await action();
    tab.trouble = null;
  }

  async #reload(tab: ChaosTab): Promise<void> {
    const came = await tab.reload().then(
      () => true,
      () => false,
    );
    // While the room server is away the browser shows a page of its own.
    if (!came) await this.#tabs.load(tab);
  }

  /** A browser freezes hidden tabs only. */
  async #hide(tab: ChaosTab): Promise<void> {
    const state = await tab.ask(() => document.visibilityState, null);
    if (state === 'hidden') return;
    const other = this.#tabs.healthy.find((one) => one !== tab);
    await other?.front();
  }

  async #open(count: number): Promise<void> {
    for (let opened = 0; opened < count; opened++) {
      if (this.#tabs.all.length >= this.#voterCount + MAX_VISITOR_COUNT) return;
      await this.#tabs.open();
    }
  }

  async #pass(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs() + durationMs;
    await until('the fault has lasted', Infinity, () => this.#nowMs() >= untilMs);
  }

  async #victim({ aim, chance }: Fault): Promise<ChaosTab | null> {
    if (aim === 'leader') {
      const asked = this.#tabs.healthy;
      const leads = await Promise.all(asked.map(isLeading));
      const leader = asked[leads.indexOf(true)];
      // Another fault may have struck it in the meantime.
      if (leader !== undefined && this.#tabs.healthy.includes(leader)) return leader;
    }
    const { healthy } = this.#tabs;
    return healthy[Math.floor(chance * healthy.length)] ?? null;
  }

  #say(text: string): void {
    this.#notes.push({ atMs: this.#nowMs(), text });
  }
}

const ROOM_KINDS: readonly FaultKind[] = ['visit', 'serverAway', 'closeAll', 'killBrowser'];

const strikesRoom = (kind: FaultKind): kind is RoomFaultKind => ROOM_KINDS.includes(kind);

function isLeading(tab: ChaosTab): Promise<boolean> {
  const asked = tab.ask(() => globalThis.tabkeeper?.status().state === 'LEADING', null);
  return withinTime(
    ANSWER_WAIT_MS,
    asked.catch(() => false),
    false,
  );
}
