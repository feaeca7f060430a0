/** Where a browser keeps what it knows of a room. Interface only; the browser's stands in IndexedDB, tests use a map. */

import type { RoomRecord } from './bindings.ts';

export interface RoomMemory {
  /** What was last read or written; other tabs of this browser may have written since. */
  readonly record: RoomRecord;
  /**
   * Applies `change` to what is stored now, atomically against other tabs, and is resolved when it is durable. `change`
   * may be called with a newer record than {@link record} and must be pure.
   */
  update(change: (record: RoomRecord) => RoomRecord): Promise<RoomRecord>;
}
