/**
 * Looks at every tab again and again, so that a time in which nothing was acknowledged can be explained: what each server
 * said of itself, and whether a majority of the voters had a tab that nothing was being done to.
 */

import type { ChaosTab } from './chaosTab.ts';
import type { ChaosTabs } from './chaosTabs.ts';

const LOOK_INTERVAL_MS = 100;

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export const lengthMs = ({ fromMs, toMs }: Span): number => toMs - fromMs;

export const longestOf = (spans: readonly Span[]): Span =>
  spans.reduce((longest, span) => (lengthMs(span) > lengthMs(longest) ? span : longest), {
    fromMs: 0,
    toMs: 0,
  });

export interface Note {
  readonly atMs: number;
  readonly text: string;
}

/** From here on `well`: a majority of the voters' tabs could have served. */
interface Turn {
  readonly atMs: number;
  readonly well: boolean;
}

/** What a tab answers: as it is now, and what its server and its room told since it was asked last. */
interface Seen {
  readonly sid: number;
  readonly text: string;
  readonly events: readonly { readonly wallTimeMs: number; readonly text: string }[];
}

export class Witness {
  readonly #tabs: ChaosTabs;
  readonly #voterCount: number;
  readonly #nowMs: () => number;
  readonly #notes: Note[] = [];
  readonly #turns: Turn[] = [];
  readonly #seen = new WeakMap<ChaosTab, Seen>();
  readonly #asked = new WeakSet<ChaosTab>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tabs: ChaosTabs, voterCount: number, nowMs: () => number) {
    this.#tabs = tabs;
    this.#voterCount = voterCount;
    this.#nowMs = nowMs;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What changed, the oldest first. */
  get notes(): readonly Note[] {
    return this.#notes;
  }

  /** The longest stretch of these milliseconds in which a majority was well all the time. */
  longestWell(span: Span): Span {
    return longestOf(this.#wellStretches(span));
  }

  /** In how much of that time a majority was well: 0 to 1. */
  wellShare(span: Span): number {
    const wellMs = this.#wellStretches(span).reduce((sum, stretch) => sum + lengthMs(stretch), 0);
    return wellMs / lengthMs(span);
  }

  #wellStretches({ fromMs, toMs }: Span): readonly Span[] {
    const stretches = this.#turns.map(({ atMs }, index) => ({
      fromMs: Math.max(atMs, fromMs),
      toMs: Math.min(this.#turns[index + 1]?.atMs ?? Infinity, toMs),
    }));
    return stretches.filter((stretch, index) => this.#turns[index]?.well && lengthMs(stretch) > 0);
  }

  #look(): void {
    for (const tab of this.#tabs.all) void this.#ask(tab);
    const seats = new Set<number>();
    for (const tab of this.#tabs.healthy) {
      const sid = this.#seen.get(tab)?.sid ?? 0;
      if (!tab.isolated && sid > 0 && sid <= this.#voterCount) seats.add(sid);
    }
    const well = seats.size > this.#voterCount / 2;
    if (this.#turns.at(-1)?.well !== well) this.#turns.push({ atMs: this.#nowMs(), well });
  }

  async #ask(tab: ChaosTab): Promise<void> {
    if (this.#asked.has(tab)) return;
    this.#asked.add(tab);
    const seen = await tab.ask(whatItSays, null).catch(() => GONE);
    this.#asked.delete(tab);
    const wallAheadMs = Date.now() - this.#nowMs();
    for (const { wallTimeMs, text } of seen.events) {
      this.#notes.push({ atMs: wallTimeMs - wallAheadMs, text: `${tab.name}: ${text}` });
    }
    if (this.#seen.get(tab)?.text !== seen.text) {
      this.#notes.push({ atMs: this.#nowMs(), text: `${tab.name}: ${seen.text}` });
    }
    this.#seen.set(tab, seen);
  }
}

const GONE: Seen = { sid: 0, text: 'gone', events: [] };

declare global {
  /** The last of this page's events that was told. */
  var chaosToldSequence: number | undefined;
}

/** Runs in the page. */
function whatItSays(): Seen {
  const room = globalThis.tabkeeper;
  if (room === undefined) return { sid: 0, text: 'no seat yet', events: [] };
  const { sid, state, leader, epoch, serving, stopped } = room.status();
  const words = [
    `server ${sid} ${state}`,
    `leader ${leader ?? 'none'}`,
    `epoch ${epoch}`,
    serving ? 'serves' : 'does not serve',
    `client ${room.client.state}`,
    document.visibilityState,
  ];
  if (stopped !== null) words.push(stopped);
  const hex = (_key: string, value: unknown): unknown =>
    typeof value === 'bigint' ? `0x${BigInt.asUintN(64, value).toString(16)}` : value;
  const told = globalThis.chaosToldSequence ?? 0;
  globalThis.chaosToldSequence = room.events.at(-1)?.sequence ?? told;
  const events = room.events
    .filter(({ sequence }) => sequence > told)
    .filter(({ event }) => ['room', 'peer', 'election', 'connection'].includes(event.topic))
    .map(({ wallTimeMs, event }) => ({ wallTimeMs, text: JSON.stringify(event, hex) }));
  return { sid, text: words.join(', '), events };
}
