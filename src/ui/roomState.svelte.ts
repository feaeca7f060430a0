/** What the room page shows, kept current from the Admin port and the probe. It only listens; it changes nothing. */

import type { ProbeRecord } from '../ports/probe.ts';
import type { Admin, Member, ServerStatus } from '../room/admin.ts';
import type { narrate, Sentence } from '../narration/narrator.ts';
import { type Standing, standingOf } from './room/standing.ts';

/** Lines kept in the log; older ones go first. */
const LOG_LINES_KEPT = 1_000;

export interface LogLine extends Sentence {
  readonly key: number;
  /** When, for people: the wall clock of this tab. */
  readonly wallTimeMs: number;
}

export class RoomState {
  status: ServerStatus;
  members: readonly Member[];
  lines: readonly LogLine[] = $state.raw([]);
  readonly standing: Standing = $derived.by(() => standingOf(this.status, this.members));

  readonly #admin: Admin;
  #lineCount = 0;
  #stops: (() => void)[] = [];

  constructor(admin: Admin) {
    this.#admin = admin;
    this.status = $state.raw(admin.status());
    this.members = $state.raw(admin.members());
  }

  /** Begins to listen; call what it returns to stop. */
  listen(): () => void {
    this.#stops = [this.#admin.onChange(() => this.#changed())];
    let stopped = false;
    void import('./room/pacedDrawing.ts').then(({ pacedDrawing }) => {
      this.#changed = pacedDrawing(
        () => [this.status, this.members],
        () => [this.#admin.status(), this.#admin.members()],
        this.#draw,
      );
    });
    // The words come when the page stands; no event is lost meanwhile, since the oldest kept come first.
    void import('../narration/narrator.ts').then(({ narrate: narrator }) => {
      if (!stopped)
        this.#stops.push(this.#admin.onEvents((records) => this.#read(records, narrator)));
    });
    return () => {
      stopped = true;
      for (const stop of this.#stops) stop();
    };
  }

  /** Whether every single commit and watch is told as well. */
  tellDetails(wanted: boolean): void {
    this.#admin.watch(wanted ? ['txn', 'request'] : []);
  }

  readonly #draw = (): void => {
    this.status = this.#admin.status();
    this.members = this.#admin.members();
  };

  #changed = this.#draw;

  #read(records: readonly ProbeRecord[], narrator: typeof narrate): void {
    const fresh: LogLine[] = [];
    for (const record of records) {
      const sentence = narrator(record);
      if (sentence === null) continue;
      this.#lineCount += 1;
      fresh.push({ ...sentence, key: this.#lineCount, wallTimeMs: record.wallTimeMs });
    }
    if (fresh.length > 0) this.lines = [...this.lines, ...fresh].slice(-LOG_LINES_KEPT);
  }
}
