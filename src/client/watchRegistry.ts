/**
 * Which watchers the client's owner has set, by path (`ZKWatchManager`): whom an event is for, and what a new server
 * must be told. Paths are the owner's, without the chroot.
 */

import { EventType, WatcherType } from '../wire/watchTypes.ts';

/** What happened to a node. */
export interface WatchedEvent {
  readonly type: EventType;
  /** The type in words: `NodeCreated`, `NodeDeleted`, `NodeDataChanged` or `NodeChildrenChanged`. */
  readonly name: string;
  readonly path: string;
}

export type Watcher = (event: WatchedEvent) => void;

export type WatchKind = 'data' | 'exist' | 'child' | 'persistent' | 'persistentRecursive';

const KINDS: readonly WatchKind[] = ['data', 'exist', 'child', 'persistent', 'persistentRecursive'];

/** Paths to tell a new server, by kind of watch. */
export type WatchBatch = Readonly<Record<WatchKind, readonly string[]>>;

type Watches = Map<string, Set<Watcher>>;

export class WatchRegistry {
  readonly #watches: Readonly<Record<WatchKind, Watches>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
    persistent: new Map(),
    persistentRecursive: new Map(),
  };

  /** The same watcher on the same path is one watch. */
  add(kind: WatchKind, path: string, watcher: Watcher): void {
    const watchers = this.#watches[kind].get(path);
    if (watchers === undefined) this.#watches[kind].set(path, new Set([watcher]));
    else watchers.add(watcher);
  }

  /** Whom the event is for, each once. One-shot watches are used up by it. */
  take(type: EventType, path: string): Set<Watcher> {
    const found = new Set<Watcher>();
    for (const kind of oneShotKinds(type)) {
      addAll(found, this.#watches[kind].get(path));
      this.#watches[kind].delete(path);
    }
    addAll(found, this.#watches.persistent.get(path));
    if (type !== EventType.NodeChildrenChanged) this.#addRecursive(found, path);
    return found;
  }

  #addRecursive(found: Set<Watcher>, path: string): void {
    const recursive = this.#watches.persistentRecursive;
    for (let at = path; recursive.size > 0; at = at.slice(0, at.lastIndexOf('/')) || '/') {
      addAll(found, recursive.get(at));
      if (at === '/') return;
    }
  }

  /** Is this watcher (or, for null, any) set on the path? */
  has(type: WatcherType, path: string, watcher: Watcher | null): boolean {
    return kindsOf(type).some((kind) => {
      const watchers = this.#watches[kind].get(path);
      return watcher === null ? watchers !== undefined : watchers?.has(watcher) === true;
    });
  }

  /** Are there others of this type on the path? Then the server must go on watching for them. */
  hasOthers(type: WatcherType, path: string, watcher: Watcher): boolean {
    return kindsOf(type).some((kind) =>
      [...(this.#watches[kind].get(path) ?? [])].some((other) => other !== watcher),
    );
  }

  /** Removes this watcher, or all of them, from the path. */
  remove(type: WatcherType, path: string, watcher: Watcher | null): void {
    for (const kind of kindsOf(type)) {
      const watchers = this.#watches[kind].get(path);
      if (watcher !== null) watchers?.delete(watcher);
      if (watcher === null || watchers?.size === 0) this.#watches[kind].delete(path);
    }
  }

  /** Everything that is watched, in batches of about `maxBytes` of paths. */
  batches(maxBytes: number): WatchBatch[] {
    const batches: WatchBatch[] = [];
    let batch = emptyBatch();
    let bytes = 0;
    for (const kind of KINDS) {
      for (const path of this.#watches[kind].keys()) {
        if (bytes === 0) batches.push(batch);
        batch[kind].push(path);
        bytes += path.length;
        if (bytes < maxBytes) continue;
        batch = emptyBatch();
        bytes = 0;
      }
    }
    return batches;
  }
}

const emptyBatch = (): Record<WatchKind, string[]> => ({
  data: [],
  exist: [],
  child: [],
  persistent: [],
  persistentRecursive: [],
});

/** The one-shot watches that an event sets off. */
function oneShotKinds(type: EventType): readonly WatchKind[] {
  switch (type) {
    case EventType.NodeCreated:
    case EventType.NodeDataChanged:
      return ['data', 'exist'];
    case EventType.NodeDeleted:
      return ['data', 'exist', 'child'];
    case EventType.NodeChildrenChanged:
      return ['child'];
    default:
      return [];
  }
}

function kindsOf(type: WatcherType): readonly WatchKind[] {
  switch (type) {
    case WatcherType.Children:
      return ['child'];
    case WatcherType.Data:
      return ['data', 'exist'];
    case WatcherType.Any:
      return KINDS;
  }
}

function addAll(target: Set<Watcher>, watchers: ReadonlySet<Watcher> | undefined): void {
  for (const watcher of watchers ?? []) target.add(watcher);
}
