/** What the sequence shows: the rows that pass its filters, how they are spaced, and which one is chosen. It only reads the stage. */

import type { Row } from '../../narration/eventStore.ts';
import { MESSAGE_KINDS, type MessageKind } from '../../narration/messages.ts';
import { frameBudget } from '../frameBudget.ts';
import type { StageState } from '../stage/stageState.svelte.ts';
import { filterRows, type SequenceFilter, setOf, toggled } from './sequenceFilter.ts';
import type { Spacing } from './sequenceLayout.ts';

/** A filter over all that is kept is tried anew only once in so many beats, */
const REFILTER_BEAT_COUNT = 2.5;
/** and not so often that it takes a larger part of the time. */
const REFILTER_FRACTION = 1 / 50;

export class SequenceState {
  readonly stage: StageState;
  rows: readonly Row[] = $state.raw([]);
  /** They are some of so many. */
  keptCount = $state(0);
  chosen: Row | null = $state.raw(null);
  /** Every server that is spoken of. */
  sids: readonly number[] = $state.raw([]);

  spacing: Spacing = $state('order');
  /** Powers of two of pixels a millisecond, to scale. */
  zoom = $state(2);
  session = $state('');
  path = $state('');
  /** What happens in a server, besides messages. */
  marks = $state(true);
  hiddenKinds: ReadonlySet<MessageKind> = $state.raw(setOf<MessageKind>(['ping']));
  hiddenSids: ReadonlySet<number> = $state.raw(setOf<number>([]));

  readonly shownSids = $derived(this.sids.filter((sid) => !this.hiddenSids.has(sid)));
  /** -1: nothing, or nothing that passes. */
  readonly chosenAt = $derived.by(() => {
    const { chosen } = this;
    return chosen === null ? -1 : this.rows.findIndex(({ id }) => id === chosen.id);
  });
  readonly filter: SequenceFilter = $derived({
    kinds: setOf(MESSAGE_KINDS.filter((kind) => !this.hiddenKinds.has(kind))),
    marks: this.marks,
    sids: setOf(this.shownSids),
    session: this.session.trim(),
    path: this.path.trim(),
  });

  #nextMs = -Infinity;

  constructor(stage: StageState) {
    this.stage = stage;
  }

  /** Looks what passes; not `now` means that it may be left to a later call. */
  refresh(now: boolean): void {
    const nowMs = performance.now();
    if (!now && nowMs < this.#nextMs) return;
    const known = this.stage.store.sids.filter((sid) => sid > 0);
    if (known.length !== this.sids.length) this.sids = known;
    this.rows = filterRows(this.stage.store, this.filter);
    this.keptCount = this.stage.store.rows.length;
    const doneMs = performance.now();
    this.#nextMs = Math.max(
      nowMs + REFILTER_BEAT_COUNT * frameBudget.allowance.beatMs,
      doneMs + (doneMs - nowMs) / REFILTER_FRACTION,
    );
  }

  toggleKind(kind: MessageKind): void {
    this.hiddenKinds = toggled(this.hiddenKinds, kind);
  }

  toggleSid(sid: number): void {
    this.hiddenSids = toggled(this.hiddenSids, sid);
  }
}
