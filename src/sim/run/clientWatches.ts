/** The watches that one client of a simulated run has set: what fires them, and by when it has to be told. */

import type { JuteWriter } from '../../wire/jute.ts';
import type { Zxid } from '../../wire/ids.ts';
import { type WatcherEvent, writeSetWatches } from '../../wire/watchRecords.ts';
import { EventType } from '../../wire/watchTypes.ts';
import type { ClientJudge } from './clientJudge.ts';

interface DataWatch {
  setAt: Zxid;
  readonly existed: boolean;
}

export class ClientWatches {
  readonly #judge: ClientJudge;
  /** By path. */
  readonly #data = new Map<string, DataWatch>();
  /** By path, the zxid of the reply that set it. */
  readonly #children = new Map<string, Zxid>();

  constructor(judge: ClientJudge) {
    this.#judge = judge;
  }

  get size(): number {
    return this.#data.size + this.#children.size;
  }

  clear(): void {
    this.#data.clear();
    this.#children.clear();
  }

  /** Set by a reply at that zxid; `existed` false: the watch waits for the node to be there. */
  watchData(path: string, setAt: Zxid, existed: boolean): void {
    if (!this.#data.has(path)) this.#data.set(path, { setAt, existed });
  }

  watchChildren(path: string, setAt: Zxid): void {
    if (!this.#children.has(path)) this.#children.set(path, setAt);
  }

  /** A reply at `zxid` came: nothing that it shows may be due. */
  judge(zxid: Zxid): void {
    for (const [path, { setAt }] of this.#data) this.#judge.watchIsDue(path, setAt, zxid);
    for (const [path, setAt] of this.#children) this.#judge.childWatchIsDue(path, setAt, zxid);
  }

  /** False if no watch was known: the answer that sets it is still under way. */
  fired({ type, path }: WatcherEvent): boolean {
    if (type === EventType.NodeChildrenChanged) {
      const setAt = this.#children.get(path);
      if (setAt === undefined) return false;
      this.#children.delete(path);
      this.#judge.childWatchFired(path, setAt);
      return true;
    }
    const watch = this.#data.get(path);
    if (watch === undefined) return false;
    this.#data.delete(path);
    this.#judge.watchFired(path, watch.setAt);
    return true;
  }

  /** What a new server is told, by a client that has seen `relativeZxid`. */
  write(writer: JuteWriter, relativeZxid: Zxid): void {
    writeSetWatches(writer, {
      relativeZxid,
      dataWatches: this.#paths(true),
      existWatches: this.#paths(false),
      childWatches: [...this.#children.keys()],
    });
  }

  /** The new server has taken them, at that zxid. */
  setAnew(zxid: Zxid): void {
    // What came and went in the meantime is never told to who waits for a node to be there.
    for (const watch of this.#data.values()) if (!watch.existed) watch.setAt = zxid;
    this.judge(zxid);
  }

  #paths(existed: boolean): string[] {
    return [...this.#data].filter(([, watch]) => watch.existed === existed).map(([path]) => path);
  }
}
