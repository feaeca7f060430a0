/**
 * The data tree as the page shows it: what is open, what is selected, and which watches fired. It reads and writes
 * through the ZooKeeper client only, and one recursive watch on the root keeps it current.
 */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { WatchedEvent, ZooKeeper } from '../../client/zooKeeper.ts';
import type { CreateOptions } from '../../client/zooKeeper.ts';
import type { Stat } from '../../wire/dataRecords.ts';
import { AddWatchMode, EventType, eventTypeName } from '../../wire/watchTypes.ts';
import { frameBudget } from '../frameBudget.ts';
import { isNoNode, problemOf } from './problemText.ts';
import type { LongWork } from './longWork.ts';
import { bringBack, deletePaths, pathsBelow, readSubtree } from './subtree.ts';
import type { Subtree } from './subtreeFile.ts';
import { ChangeBatch, withChanges } from './treeChanges.ts';
import { nameOf, parentPath, TreeRows } from './treeRows.ts';

/** Fired watches kept for the list. */
const FIRED_KEPT = 50;
/** Under load the tree is drawn once in so many beats: nobody reads faster, and drawing must not slow the server. */
const CATCH_UP_BEAT_COUNT = 2;
/** How long a row that just changed stays marked. */
const CHANGED_MARK_MS = 1_500;

export interface SelectedNode {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

export interface Undo {
  /** What was done. */
  readonly did: string;
  /** Puts it back. */
  readonly back: (work: LongWork) => Promise<void>;
}

export interface FiredWatch {
  readonly key: number;
  readonly wallTimeMs: number;
  readonly type: string;
  readonly path: string;
}

/** Where somebody is in the tree: it outlasts the session that read it. */
export interface TreePlace {
  readonly selectedPath: string;
  readonly expanded: readonly string[];
  /** As it was last read. */
  readonly node: SelectedNode | null;
}

const AT_THE_ROOT: TreePlace = { selectedPath: '/', expanded: ['/'], node: null };

export type WatchKind = 'data' | 'children';

export class TreeState {
  selectedPath: string = $state('/');
  node: SelectedNode | null = $state.raw(null);
  /** Why the last thing somebody asked for did not happen, in words; else why the tree could not be read again. */
  readonly problem: string | null = $derived.by(() => this.#askedProblem ?? this.#followProblem);
  fired: readonly FiredWatch[] = $state.raw([]);
  readonly armed = new SvelteSet<string>();
  readonly changed = new SvelteSet<string>();
  readonly rows: TreeRows = $derived.by(() => new TreeRows(this.#children, this.#expanded));
  /** What the last thing that destroyed something did, and a way back. */
  undo: Undo | null = $state.raw(null);
  readonly client: ZooKeeper;

  #askedProblem: string | null = $state(null);
  #followProblem: string | null = $state(null);
  readonly #children = new SvelteMap<string, readonly string[]>();
  readonly #expanded: SvelteSet<string>;
  #firedCount = 0;
  #watching = false;
  readonly #changes = new ChangeBatch();
  #catchUpPlanned = false;
  /** Reads of the selected node, and which of them is shown: what waits to be drawn may be overtaken. */
  #readCount = 0;
  #shownRead = 0;

  constructor(client: ZooKeeper, place = AT_THE_ROOT) {
    this.client = client;
    this.selectedPath = place.selectedPath;
    this.node = place.node;
    this.#expanded = new SvelteSet(place.expanded);
  }

  get place(): TreePlace {
    return { selectedPath: this.selectedPath, expanded: [...this.#expanded], node: this.node };
  }

  /** Reads the tree whenever the client connects; call what it returns to stop. */
  listen(): () => void {
    const stop = this.client.on('state', (state) => {
      if (state === 'connected') void this.#followUp(() => this.#start());
    });
    if (this.client.state === 'connected') void this.#followUp(() => this.#start());
    return stop;
  }

  async toggle(path: string): Promise<void> {
    if (this.#expanded.delete(path)) return;
    this.#expanded.add(path);
    await this.#attempt(() => this.#readChildren(path));
  }

  async select(path: string): Promise<void> {
    this.selectedPath = path;
    await this.#attempt(() => this.#readSelected());
  }

  /** Somebody begins something new: what went wrong before no longer matters. */
  forgetProblem(): void {
    this.#askedProblem = null;
  }

  /** Opens everything above a path and selects it. */
  async reveal(path: string): Promise<void> {
    const above: string[] = [];
    for (let at = path; at !== '/'; at = parentPath(at)) above.unshift(parentPath(at));
    await this.#attempt(async () => {
      for (const [index, parent] of above.entries()) {
        this.#expanded.add(parent);
        const next = nameOf(above[index + 1] ?? path);
        // The watch that tells of a new node may be a moment behind.
        if (this.#children.get(parent)?.includes(next) !== true) await this.#readChildren(parent);
      }
      this.selectedPath = path;
      await this.#readSelected();
    });
  }

  /** Creates a node and shows it. Answers whether it worked. */
  async create(path: string, data: Uint8Array, options: CreateOptions): Promise<boolean> {
    return this.#attempt(async () => {
      const created = await this.client.create(path, data, options);
      await this.reveal(created);
    });
  }

  /** Writes the selected node, only if it is still as it was read. */
  async save(data: Uint8Array): Promise<boolean> {
    const node = this.node;
    if (node === null) return false;
    return this.#attempt(async () => {
      const { version } = await this.client.setData(node.path, data, node.stat.version);
      this.undo = {
        did: `Saved ${node.path}.`,
        back: async () => void (await this.client.setData(node.path, node.data, version)),
      };
      await this.#readSelected();
    });
  }

  /** How many nodes there are below a path; null, and {@link problem} says why, if that cannot be told. */
  async countBelow(path: string): Promise<number | null> {
    let count: number | null = null;
    await this.#attempt(async () => {
      count = await this.client.getAllChildrenNumber(path);
    });
    return count;
  }

  /** Deletes a node with all below it, and keeps what it held, so that it can be put back. */
  async remove(path: string, work: LongWork): Promise<boolean> {
    return this.#attempt(async () => {
      const held = await readSubtree(this.client, path, { ...work, progress: () => undefined });
      const paths = await pathsBelow(this.client, path, { ...work, progress: () => undefined });
      await deletePaths(this.client, paths, work);
      this.undo = held === null ? null : undoOfRemoval(this.client, held);
      this.#forget(path);
      await this.#readSelected();
    });
  }

  /** Does what {@link undo} offers. */
  async putBack(work: LongWork): Promise<boolean> {
    const undo = this.undo;
    if (undo === null) return false;
    this.undo = null;
    return this.#attempt(async () => {
      await undo.back(work);
      await this.#readSelected();
    });
  }

  /** Sets one of ZooKeeper's one-shot watches on the selected node; the list tells when it fires. */
  async watch(kind: WatchKind): Promise<boolean> {
    const path = this.selectedPath;
    const key = `${kind} ${path}`;
    return this.#attempt(async () => {
      const fire = (event: WatchedEvent): void => this.#fire(key, event);
      if (kind === 'data') await this.client.exists(path, fire);
      else await this.client.getChildren(path, fire);
      this.armed.add(key);
    });
  }

  async #start(): Promise<void> {
    // Once: the client itself sets it again on every new connection.
    if (!this.#watching) {
      await this.client.addWatch('/', AddWatchMode.PERSISTENT_RECURSIVE, (event) =>
        this.#follow(event),
      );
      this.#watching = true;
    }
    for (const path of [...this.#expanded]) await this.#readChildren(path);
    await this.#readSelected();
  }

  /** Takes note; the tree is drawn again a few times a second, and not at all while nobody can see the page. */
  #follow(event: WatchedEvent): void {
    if (event.type === EventType.None) return;
    if (event.type === EventType.NodeDeleted) this.#forget(event.path);
    const parent = parentPath(event.path);
    if (this.#expanded.has(parent)) this.#changes.path(event.path);
    if (this.#children.has(parent) && event.type !== EventType.NodeDataChanged) {
      this.#changes.child(event.path, event.type !== EventType.NodeDeleted);
    }
    if (event.path === this.selectedPath || parent === this.selectedPath) {
      this.#changes.selected();
    }
    if (this.#catchUpPlanned) return;
    this.#catchUpPlanned = true;
    setTimeout(
      () => frameBudget.draw(() => void this.#followUp(() => this.#catchUp())),
      CATCH_UP_BEAT_COUNT * frameBudget.allowance.beatMs,
    );
  }

  async #catchUp(): Promise<void> {
    this.#catchUpPlanned = false;
    const { paths, parents, selected } = this.#changes.take();
    this.#mark(paths);
    for (const [parent, changes] of parents) {
      const names = this.#children.get(parent);
      if (names !== undefined) this.#children.set(parent, withChanges(names, changes));
    }
    if (selected) await this.#readSelected((show) => frameBudget.draw(show));
  }

  #forget(path: string): void {
    this.#children.delete(path);
    this.#expanded.delete(path);
    if (this.selectedPath === path) this.selectedPath = parentPath(path);
  }

  #mark(paths: readonly string[]): void {
    for (const path of paths) this.changed.add(path);
    setTimeout(() => {
      frameBudget.draw(() => {
        for (const path of paths) this.changed.delete(path);
      });
    }, CHANGED_MARK_MS);
  }

  #fire(key: string, event: WatchedEvent): void {
    if (event.type === EventType.None) return;
    this.armed.delete(key);
    this.#firedCount += 1;
    const fired = {
      key: this.#firedCount,
      wallTimeMs: Date.now(),
      type: eventTypeName(event.type),
      path: event.path,
    };
    this.fired = [fired, ...this.fired].slice(0, FIRED_KEPT);
  }

  async #readChildren(path: string): Promise<void> {
    try {
      const { children } = await this.client.getChildren(path);
      this.#children.set(path, [...children].sort());
    } catch (error) {
      if (!isNoNode(error)) throw error;
      this.#forget(path);
    }
  }

  /** What somebody waits for is shown at once; what the page reads by itself, when it draws. */
  async #readSelected(when: (show: () => void) => void = (show) => show()): Promise<void> {
    const path = this.selectedPath;
    const read = ++this.#readCount;
    try {
      const { data, stat } = await this.client.getData(path);
      when(() => {
        if (path !== this.selectedPath || read < this.#shownRead) return;
        this.#shownRead = read;
        this.node = { path, data, stat };
      });
    } catch (error) {
      if (!isNoNode(error)) throw error;
      if (path !== this.selectedPath || path === '/') return;
      this.selectedPath = parentPath(path);
      await this.#readSelected();
    }
  }

  /** What somebody asked for: only the next thing they ask for takes its problem back. */
  async #attempt(task: () => Promise<void>): Promise<boolean> {
    this.#askedProblem = await problemOf(task);
    return this.#askedProblem === null;
  }

  /** What the page reads by itself. */
  async #followUp(task: () => Promise<void>): Promise<void> {
    this.#followProblem = await problemOf(task);
  }
}

const undoOfRemoval = (client: ZooKeeper, held: Subtree): Undo => ({
  did: `Deleted ${held.root}${held.nodes.length > 1 ? ` and ${held.nodes.length - 1} below it` : ''}.`,
  back: (work) => bringBack(client, held, work),
});
