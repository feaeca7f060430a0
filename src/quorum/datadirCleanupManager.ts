/** Removes old snapshots and logs at a fixed interval, the first time at once (`DatadirCleanupManager`). */

import type { PeerConfig } from '../config/peerConfig.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import type { RoleScope } from './roleScope.ts';

const HOUR_MS = 3_600_000;

export class DatadirCleanupManager {
  readonly #scope: RoleScope;
  readonly #db: ZKDatabase;
  readonly #retainCount: number;
  readonly #intervalMs: number;

  constructor(scope: RoleScope, db: ZKDatabase, config: PeerConfig) {
    this.#scope = scope;
    this.#db = db;
    this.#retainCount = config.snapRetainCount;
    this.#intervalMs = config.purgeIntervalHours * HOUR_MS;
  }

  /** With an interval of 0 nothing is ever removed. */
  start(): void {
    if (this.#intervalMs > 0) this.#purge();
  }

  #purge(): void {
    this.#db.purge(
      this.#retainCount,
      this.#scope.answer(() => {
        this.#scope.world.clock.after(this.#intervalMs, () => {
          this.#purge();
        });
      }),
    );
  }
}
