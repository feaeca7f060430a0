/**
 * One table of watches (`WatchManager`): who watches which path, and in which ways. Knows paths and watchers only, not
 * the tree. A watcher may watch one path in several ways at once; an event reaches it once.
 */

import type { Watcher, WatchedEvent } from './watcher.ts';
import { EventType } from '../wire/watchTypes.ts';
import { parentPath, ROOT } from './paths.ts';

/** How a watch watches, as bits: one watcher may have all three on one path. */
export const WatcherMode = { STANDARD: 1, PERSISTENT: 2, PERSISTENT_RECURSIVE: 4 } as const;
export type WatcherMode = (typeof WatcherMode)[keyof typeof WatcherMode];

/** What the `wchs` command tells. */
export interface WatchesSummary {
  readonly connectionCount: number;
  readonly pathCount: number;
  readonly watchCount: number;
}

const NOBODY: ReadonlySet<Watcher> = new Set();

export class WatchManager {
  /** For every watched path its watchers, each with the sum of its modes. */
  readonly #watchTable = new Map<string, Map<Watcher, number>>();
  /** A watcher stays here, perhaps without paths, until it is removed: `wchs` counts connections that way. */
  readonly #pathsOfWatcher = new Map<Watcher, Set<string>>();
  #recursiveCount = 0;

  /** Nobody watches anything: the usual case, worth asking before an event is made. */
  get isEmpty(): boolean {
    return this.#watchTable.size === 0;
  }

  /** Pairs of path and watcher. */
  get size(): number {
    let count = 0;
    for (const watchers of this.#watchTable.values()) count += watchers.size;
    return count;
  }

  addWatch(path: string, watcher: Watcher, mode: WatcherMode = WatcherMode.STANDARD): void {
    const watchers = this.#watchTable.get(path);
    const modes = watchers?.get(watcher) ?? 0;
    if ((modes & mode) !== 0) return;
    if (watchers === undefined) this.#watchTable.set(path, new Map([[watcher, mode]]));
    else watchers.set(watcher, modes | mode);
    if (mode === WatcherMode.PERSISTENT_RECURSIVE) this.#recursiveCount++;
    const paths = this.#pathsOfWatcher.get(watcher);
    if (paths === undefined) this.#pathsOfWatcher.set(watcher, new Set([path]));
    else paths.add(path);
  }

  /**
   * Tells everybody who watches `event.path`, and by recursive watches who watches a node above it, except those in
   * `suppress`. One-shot watches are used up, also suppressed ones. Returns whom it concerned, told or suppressed.
   */
  triggerWatch(event: WatchedEvent, suppress: ReadonlySet<Watcher> = NOBODY): ReadonlySet<Watcher> {
    const concerned = this.#takeWatchers(event);
    for (const watcher of concerned) if (!suppress.has(watcher)) watcher.process(event);
    return concerned;
  }

  /** It watches `path` itself in some way. */
  containsWatcher(path: string, watcher: Watcher): boolean {
    return this.#watchTable.get(path)?.has(watcher) ?? false;
  }

  /** Ends all its watches on `path`; false if there was none. */
  removeWatch(path: string, watcher: Watcher): boolean {
    const watchers = this.#watchTable.get(path);
    const modes = watchers?.get(watcher);
    if (watchers === undefined || modes === undefined) return false;
    this.#setModes(path, watchers, watcher, modes, 0);
    return true;
  }

  /** Ends all its watches: the connection is gone. */
  removeWatcher(watcher: Watcher): void {
    const paths = this.#pathsOfWatcher.get(watcher);
    if (paths === undefined) return;
    for (const path of [...paths]) this.removeWatch(path, watcher);
    this.#pathsOfWatcher.delete(watcher);
  }

  summary(): WatchesSummary {
    let watchCount = 0;
    for (const paths of this.#pathsOfWatcher.values()) watchCount += paths.size;
    return {
      connectionCount: this.#pathsOfWatcher.size,
      pathCount: this.#watchTable.size,
      watchCount,
    };
  }

  /** Who watches which paths, for `wchc`. */
  byWatcher(): ReadonlyMap<Watcher, ReadonlySet<string>> {
    return this.#pathsOfWatcher;
  }

  /** Which path is watched by whom, for `wchp`. */
  *byPath(): IterableIterator<readonly [string, Iterable<Watcher>]> {
    for (const [path, watchers] of this.#watchTable) yield [path, watchers.keys()];
  }

  #takeWatchers(event: WatchedEvent): ReadonlySet<Watcher> {
    const here = this.#watchTable.get(event.path);
    if (here === undefined && this.#recursiveCount === 0) return NOBODY;
    const concerned = new Set<Watcher>();
    if (here !== undefined) this.#takeFrom(event, here, concerned);
    if (this.#recursiveCount > 0 && event.type !== EventType.NodeChildrenChanged)
      this.#takeAbove(event.path, concerned);
    return concerned;
  }

  #takeFrom(event: WatchedEvent, watchers: Map<Watcher, number>, concerned: Set<Watcher>): void {
    for (const [watcher, modes] of [...watchers]) {
      // A recursive watch is told of the children themselves, so it need not be told that there are others now.
      const deaf = event.type === EventType.NodeChildrenChanged ? ONLY_RECURSIVE : 0;
      if (modes !== deaf) concerned.add(watcher);
      this.#setModes(event.path, watchers, watcher, modes, modes & ~WatcherMode.STANDARD);
    }
  }

  #takeAbove(path: string, concerned: Set<Watcher>): void {
    for (let above = path; above !== ROOT;) {
      above = parentPath(above);
      for (const [watcher, modes] of this.#watchTable.get(above) ?? [])
        if ((modes & WatcherMode.PERSISTENT_RECURSIVE) !== 0) concerned.add(watcher);
    }
  }

  #setModes(
    path: string,
    watchers: Map<Watcher, number>,
    watcher: Watcher,
    before: number,
    after: number,
  ): void {
    if (after === before) return;
    if ((before & ~after & WatcherMode.PERSISTENT_RECURSIVE) !== 0) this.#recursiveCount--;
    if (after !== 0) {
      watchers.set(watcher, after);
      return;
    }
    watchers.delete(watcher);
    if (watchers.size === 0) this.#watchTable.delete(path);
    this.#pathsOfWatcher.get(watcher)?.delete(path);
  }
}

const ONLY_RECURSIVE = WatcherMode.PERSISTENT_RECURSIVE;
