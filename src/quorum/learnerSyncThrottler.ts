/** Bounds how many observers are brought to their master's history at once (`LearnerSyncThrottler`). */

import type { PeerConfig } from '../config/peerConfig.ts';
import type { LearnerType } from '../config/quorumServer.ts';

interface Syncing {
  readonly learnerType: LearnerType;
}

export class LearnerSyncThrottler {
  readonly #limits: Readonly<Record<'diff' | 'snap', number>>;
  readonly #syncing = new Map<Syncing, 'diff' | 'snap'>();

  constructor(config: PeerConfig) {
    this.#limits = { diff: config.maxConcurrentDiffSyncs, snap: config.maxConcurrentSnapSyncs };
  }

  /** False: too many are under way. Followers count, but are never turned away: the ensemble needs them. */
  beginSync(learner: Syncing, sync: 'diff' | 'snap'): boolean {
    let count = 0;
    for (const other of this.#syncing.values()) if (other === sync) count += 1;
    if (learner.learnerType === 'observer' && count >= this.#limits[sync]) return false;
    this.#syncing.set(learner, sync);
    return true;
  }

  endSync(learner: Syncing): void {
    this.#syncing.delete(learner);
  }
}
