/** What the live views draw: the room's events kept, folded into a picture, and explained. It only listens. */

import { EnsemblePicture } from '../../narration/ensemblePicture.ts';
import { type Batch, EventStore, type MessageRow } from '../../narration/eventStore.ts';
import { Explainer, type Explanation } from '../../narration/reasons.ts';
import type { ProbeTopic } from '../../ports/probe.ts';
import { frameBudget } from '../frameBudget.ts';

/** A stream of probe events, wherever it comes from. */
export interface EventSource {
  listen(listener: (batch: Batch) => void): () => void;
  /** Of what comes with every write no more than so many events a second are wanted of a server. */
  watch(topics: readonly ProbeTopic[], perSecondCount: number): void;
}

/** Reasons kept; older ones go first. */
const EXPLANATIONS_KEPT_COUNT = 400;
/** What is older is history: it is not drawn on its way. */
const LIVE_MS = 2_000;
/** More between two frames than anybody could draw are only counted. */
const MAX_WAITING_COUNT = 2_000;
/** How many were not told changes with everything, and nobody reads it so fast. */
const MISSED_MS = 1_000;
const EVERY_MESSAGE: readonly ProbeTopic[] = ['packet', 'txn'];

export class StageState {
  readonly store = new EventStore();
  readonly picture = new EnsemblePicture();
  explanations: readonly Explanation[] = $state.raw([]);
  /** Changes, a few times a second at most, when there is something else to draw. */
  version = $state(0);
  everyMessage = $state(false);
  missedCount = $state(0);
  /** Why nothing can be shown. */
  trouble: string | null = $state(null);

  readonly #explainer: Explainer;
  readonly #nowMs: () => number;
  #source: EventSource | null = null;
  #reasons: Explanation[] = [];
  #reasonsChanged = false;
  #waiting: MessageRow[] = [];
  #untoldCount = 0;
  #missedShownMs = -Infinity;
  #missedTimer: ReturnType<typeof setTimeout> | undefined;
  #stops: (() => void)[] = [];

  /** `nowMs`: by the clock of the events. */
  constructor(voterCount: number, nowMs: () => number) {
    this.#explainer = new Explainer(voterCount);
    this.#nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs();
  }

  /** Begins to listen; call what it returns to stop. */
  listen(source: Promise<EventSource>): () => void {
    let stopped = false;
    source.then(
      (loaded) => {
        if (stopped) return;
        this.#source = loaded;
        this.#stops = [
          loaded.listen((batch) => this.#read(batch)),
          // Where there is no time to draw it, there is none to hear of it either.
          frameBudget.onChange(() => this.#watch()),
        ];
      },
      (error: unknown) => {
        this.trouble = `What the servers tell could not be loaded (${String(error)}). Reload the page.`;
      },
    );
    return () => {
      stopped = true;
      clearTimeout(this.#missedTimer);
      for (const stop of this.#stops) stop();
      this.#source?.watch([], 0);
    };
  }

  /** Whether proposals, acknowledgements, commits and pings are told as well. */
  tellEveryMessage(wanted: boolean): void {
    this.everyMessage = wanted;
    this.#watch();
  }

  /** What has come since it was last taken, for a picture that shows messages on their way. */
  takeFresh(): { readonly rows: readonly MessageRow[]; readonly untoldCount: number } {
    const taken = { rows: this.#waiting, untoldCount: this.#untoldCount };
    this.#waiting = [];
    this.#untoldCount = 0;
    return taken;
  }

  #watch(): void {
    const { eventsPerSecondCount } = frameBudget.allowance;
    this.#source?.watch(this.everyMessage ? EVERY_MESSAGE : [], eventsPerSecondCount);
  }

  #read(batch: Batch): void {
    const fresh = this.store.add(batch);
    for (const record of batch.records) {
      this.picture.read(record);
      const reason = this.#explainer.read(record);
      if (reason !== null) this.#keep(reason);
    }
    const liveFromMs = this.#nowMs() - LIVE_MS;
    for (const row of fresh) {
      if (row.type !== 'message' || row.atMs < liveFromMs) continue;
      if (this.#waiting.length < MAX_WAITING_COUNT) this.#waiting.push(row);
      else this.#untoldCount++;
    }
    // What was not told is two ends of each message.
    if (this.everyMessage) this.#untoldCount += Math.ceil(batch.missedCount / 2);
    frameBudget.draw(this.#draw);
  }

  /** Servers tell a little late, so the order is by time. */
  #keep(reason: Explanation): void {
    const reasons = this.#reasons;
    let at = reasons.length;
    while (at > 0 && (reasons[at - 1]?.record.timeMs ?? 0) > reason.record.timeMs) at--;
    reasons.splice(at, 0, reason);
    if (reasons.length > EXPLANATIONS_KEPT_COUNT) reasons.shift();
    this.#reasonsChanged = true;
  }

  readonly #draw = (): void => {
    this.version++;
    if (this.#reasonsChanged) this.explanations = [...this.#reasons];
    this.#reasonsChanged = false;
    this.#drawMissed();
  };

  #drawMissed(): void {
    let missed = 0;
    for (const count of this.store.missed.values()) missed += count;
    if (missed === this.missedCount || this.#missedTimer !== undefined) return;
    const waitMs = this.#missedShownMs + MISSED_MS - performance.now();
    if (waitMs > 0) {
      this.#missedTimer = setTimeout(() => {
        this.#missedTimer = undefined;
        frameBudget.draw(this.#draw);
      }, waitMs);
      return;
    }
    this.#missedShownMs = performance.now();
    this.missedCount = missed;
  }
}
