/** A stage that is told what a test wants, by a clock that the test sets. */

import { flushSync } from 'svelte';
import type { Batch } from '../../../src/narration/eventStore.ts';
import type { ProbeRecord } from '../../../src/ports/probe.ts';
import { StageState } from '../../../src/ui/stage/stageState.svelte.ts';
import { sid } from '../../../src/wire/ids.ts';
import { drawn } from './shown.svelte.ts';

export class ToldStage {
  /** By the clock of the events. */
  nowMs = 0;
  readonly stage = new StageState(3, () => this.nowMs);
  #listener: ((batch: Batch) => void) | null = null;

  static async listening(): Promise<ToldStage> {
    const told = new ToldStage();
    told.stage.listen(
      Promise.resolve({
        listen: (listener) => {
          told.#listener = listener;
          return () => undefined;
        },
        watch: () => undefined,
      }),
    );
    await Promise.resolve();
    return told;
  }

  /** Tells these, and comes back when they are drawn. */
  async tell(records: readonly ProbeRecord[]): Promise<void> {
    this.#listener?.({ sid: sid(1), records, missedCount: 0 });
    await drawn();
    flushSync();
  }
}
