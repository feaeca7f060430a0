/** Who watches and what they are told. Types only. */

import type { ACL } from '../wire/dataRecords.ts';
import type { Zxid } from '../wire/ids.ts';
import type { EventType, KeeperState } from '../wire/watchTypes.ts';

export interface WatchedEvent {
  readonly type: EventType;
  readonly state: KeeperState;
  readonly path: string;
  /** The transaction that caused it; -1 for one that `setWatches` found to be missed. */
  readonly zxid: Zxid;
  /**
   * The list of the node it is about: who may not READ that node should not hear of it (CVE-2024-23944). Null: nothing
   * to check.
   */
  readonly acl: readonly ACL[] | null;
}

/** Somebody who is told of changes: on a server, a client's connection. Compared by identity. */
export interface Watcher {
  /** Called while the transaction is being applied, in the order of changes, so that no reply can overtake it. */
  process(event: WatchedEvent): void;
}
