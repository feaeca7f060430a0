/**
 * The tree's two tables of watches and the rules of which event goes to which (`DataTree`). What the tree holds it is
 * told; it changes nothing there.
 */

import type { ACL } from '../wire/dataRecords.ts';
import { type Zxid, zxid } from '../wire/ids.ts';
import { AddWatchMode, EventType, KeeperState, WatcherType } from '../wire/watchTypes.ts';
import type { DataNode } from './dataNode.ts';
import { WatchManager, type WatchesSummary, WatcherMode } from './watchManager.ts';
import type { WatchedEvent, Watcher } from './watcher.ts';

/** What a client had watched before it came to this server: the body of `setWatches` and `setWatches2`. */
export interface WatchesToSet {
  /** The newest zxid the client has seen: what changed later it has missed. */
  readonly relativeZxid: Zxid;
  readonly dataWatches: readonly string[];
  readonly existWatches: readonly string[];
  readonly childWatches: readonly string[];
  readonly persistentWatches?: readonly string[];
  readonly persistentRecursiveWatches?: readonly string[];
}

/** Whom an event may concern, and the transaction that caused it. */
interface ChangedNode {
  readonly path: string;
  readonly acl: readonly ACL[];
}

/** Events of `setWatches` belong to no transaction of their own. */
const NO_ZXID = zxid(-1n);

export class TreeWatches {
  readonly #dataWatches = new WatchManager();
  readonly #childWatches = new WatchManager();

  /** Nobody watches anything. */
  get isEmpty(): boolean {
    return this.#dataWatches.isEmpty && this.#childWatches.isEmpty;
  }

  get count(): number {
    return this.#dataWatches.size + this.#childWatches.size;
  }

  /** The table that `wchs`, `wchc` and `wchp` show: ZooKeeper shows data watches only. */
  get dataWatches(): Pick<WatchManager, 'byPath' | 'byWatcher'> {
    return this.#dataWatches;
  }

  summary(): WatchesSummary {
    return this.#dataWatches.summary();
  }

  addDataWatch(path: string, watcher: Watcher): void {
    this.#dataWatches.addWatch(path, watcher);
  }

  addChildWatch(path: string, watcher: Watcher): void {
    this.#childWatches.addWatch(path, watcher);
  }

  /** A watch that stays until it is removed. */
  addWatch(path: string, watcher: Watcher, mode: AddWatchMode): void {
    const watcherMode =
      mode === AddWatchMode.PERSISTENT ? WatcherMode.PERSISTENT : WatcherMode.PERSISTENT_RECURSIVE;
    this.#dataWatches.addWatch(path, watcher, watcherMode);
    this.#childWatches.addWatch(path, watcher, watcherMode);
  }

  nodeCreated(node: ChangedNode, parent: ChangedNode, causedBy: Zxid): void {
    this.#dataWatches.triggerWatch(eventOf(EventType.NodeCreated, node, causedBy));
    this.#childWatches.triggerWatch(eventOf(EventType.NodeChildrenChanged, parent, causedBy));
  }

  nodeDataChanged(node: ChangedNode, causedBy: Zxid): void {
    this.#dataWatches.triggerWatch(eventOf(EventType.NodeDataChanged, node, causedBy));
  }

  /** Who watches the node's data and its children is told once that it is gone. */
  nodeDeleted(node: ChangedNode, parent: ChangedNode, causedBy: Zxid): void {
    const deleted = eventOf(EventType.NodeDeleted, node, causedBy);
    const told = this.#dataWatches.triggerWatch(deleted);
    this.#childWatches.triggerWatch(deleted, told);
    this.#childWatches.triggerWatch(eventOf(EventType.NodeChildrenChanged, parent, causedBy));
  }

  /**
   * Sets the watches a client brings along, or tells it at once what it has missed since `relativeZxid`. Persistent
   * watches are set without telling.
   */
  setWatches(
    watches: WatchesToSet,
    watcher: Watcher,
    nodeAt: (path: string) => DataNode | null,
  ): void {
    const tell = (type: EventType, path: string): void => watcher.process(missedEvent(type, path));
    for (const path of watches.dataWatches) {
      const node = nodeAt(path);
      if (node === null) tell(EventType.NodeDeleted, path);
      else if (node.mzxid > watches.relativeZxid) tell(EventType.NodeDataChanged, path);
      else this.addDataWatch(path, watcher);
    }
    for (const path of watches.existWatches) {
      if (nodeAt(path) !== null) tell(EventType.NodeCreated, path);
      else this.addDataWatch(path, watcher);
    }
    for (const path of watches.childWatches) {
      const node = nodeAt(path);
      if (node === null) tell(EventType.NodeDeleted, path);
      else if (node.pzxid > watches.relativeZxid) tell(EventType.NodeChildrenChanged, path);
      else this.addChildWatch(path, watcher);
    }
    for (const path of watches.persistentWatches ?? [])
      this.addWatch(path, watcher, AddWatchMode.PERSISTENT);
    for (const path of watches.persistentRecursiveWatches ?? [])
      this.addWatch(path, watcher, AddWatchMode.PERSISTENT_RECURSIVE);
  }

  /** It has a watch of this type on `path`; persistent ones count as both types. */
  containsWatcher(path: string, type: WatcherType, watcher: Watcher): boolean {
    return this.#tablesOf(type).some((table) => table.containsWatcher(path, watcher));
  }

  /** Ends its watches of this type on `path`; false if there were none. */
  removeWatch(path: string, type: WatcherType, watcher: Watcher): boolean {
    // Every table has to be asked, so no `some` here.
    return this.#tablesOf(type).filter((table) => table.removeWatch(path, watcher)).length > 0;
  }

  /** Its connection is gone. */
  removeWatcher(watcher: Watcher): void {
    this.#dataWatches.removeWatcher(watcher);
    this.#childWatches.removeWatcher(watcher);
  }

  #tablesOf(type: WatcherType): readonly WatchManager[] {
    switch (type) {
      case WatcherType.Children:
        return [this.#childWatches];
      case WatcherType.Data:
        return [this.#dataWatches];
      case WatcherType.Any:
        return [this.#childWatches, this.#dataWatches];
    }
  }
}

const eventOf = (type: EventType, { path, acl }: ChangedNode, causedBy: Zxid): WatchedEvent => ({
  type,
  state: KeeperState.SyncConnected,
  path,
  zxid: causedBy,
  acl,
});

const missedEvent = (type: EventType, path: string): WatchedEvent => ({
  type,
  state: KeeperState.SyncConnected,
  path,
  zxid: NO_ZXID,
  acl: null,
});
