/**
 * Logs transactions in groups: appends as they come, one flush in flight, and passes requests on in order, some at a
 * time, when theirs is durable. It also decides when to roll the log and take a snapshot.
 */

import { assert } from '../base/assert.ts';
import { Queue } from '../base/queue.ts';
import type { Timer } from '../ports/clock.ts';
import type { Request } from './request.ts';
import type { RequestProcessor } from './requestProcessor.ts';
import { MAX_REQUESTS_AT_ONCE } from './serverLimits.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

export class SyncRequestProcessor implements RequestProcessor {
  readonly #server: ZooKeeperServer;
  readonly #next: RequestProcessor | null;
  /** Appended (or, for reads, queued behind what is) since the flush in flight began. */
  #waiting: Request[] = [];
  /** Those that the flush in flight makes durable; null while none is. */
  #flushing: Request[] | null = null;
  /** Durable, or behind nothing that is not: next to be passed on. */
  readonly #durable = new Queue<Request>();
  /** The event in which more of them are passed on. */
  #rest: Timer | null = null;
  #flushScheduled = false;
  #running = true;
  #idleCallbacks: (() => void)[] = [];
  #txnCount = 0;
  #txnBytes = 0;
  #snapshotAfterCount = 0;
  #snapshotAfterBytes = 0;

  /** `next` null: nothing is passed on (an observer). `server.listener` is told when a write fails. */
  constructor(server: ZooKeeperServer, next: RequestProcessor | null) {
    this.#server = server;
    this.#next = next;
    this.#drawSnapshotLimits();
  }

  processRequest(request: Request): void {
    if (!this.#running) return;
    this.#server.serverStats.syncRequestCount += 1;
    if (request.header === null) {
      // Nothing to log: it only keeps its place behind the writes that are.
      if (this.#flushing !== null || this.#waiting.length > 0) this.#waiting.push(request);
      else if (this.#durable.length > 0) this.#durable.push(request);
      else this.#next?.processRequest(request);
      return;
    }
    this.#append(request, request.header.zxid);
    this.#waiting.push(request);
    if (this.#flushing !== null || this.#flushScheduled) return;
    // What comes within the same event is logged as one group.
    this.#flushScheduled = true;
    this.#server.turn.atEnd(this.#flush);
  }

  shutdown(): void {
    this.#running = false;
    this.#waiting = [];
    this.#durable.clear();
    this.#rest?.cancel();
    this.#next?.shutdown();
  }

  /** Calls back once no flush is in flight, perhaps within this call. For a role that is over. */
  whenIdle(done: () => void): void {
    if (this.#flushing === null) done();
    else this.#idleCallbacks.push(done);
  }

  #append(request: Request, zxid: Request['zxid']): void {
    const bytes = request.txnBytes;
    assert(bytes !== null, 'a transaction carries its bytes');
    this.#server.db.append(bytes, zxid);
    this.#txnCount += 1;
    this.#txnBytes += bytes.length;
    if (!this.#snapshotIsDue()) return;
    this.#txnCount = 0;
    this.#txnBytes = 0;
    this.#drawSnapshotLimits();
    this.#server.db.rollLog();
    this.#takeSnapshot();
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    if (!this.#running) return;
    const group = this.#waiting;
    this.#waiting = [];
    this.#flushing = group;
    const { serverStats, world, db, listener } = this.#server;
    serverStats.syncBatchSize.add(group.length);
    const startMs = world.clock.now();
    db.flush((result) => {
      serverStats.fsyncTime.add(Math.floor(world.clock.now() - startMs));
      this.#flushing = null;
      if (!result.ok) {
        this.#running = false;
        listener.diskFailed(result.error);
      }
      if (this.#running) this.#server.coalesceReplies(() => this.#flushed(group));
      this.#becomeIdle();
    });
  };

  /** Starts the next group's flush first: the disk works while these are answered. */
  #flushed(group: readonly Request[]): void {
    for (const request of group) this.#durable.push(request);
    if (this.#waiting.some((request) => request.header !== null)) this.#flush();
    else this.#takeReads();
    if (this.#rest === null) this.#passOn();
  }

  /** Reads that came last, with no write behind which they would have to wait. */
  #takeReads(): void {
    const reads = this.#waiting;
    this.#waiting = [];
    for (const request of reads) this.#durable.push(request);
  }

  #passOn(): void {
    for (let count = 0; this.#running && count < MAX_REQUESTS_AT_ONCE; count += 1) {
      const request = this.#durable.shift();
      if (request === undefined) return;
      this.#next?.processRequest(request);
    }
    if (this.#running && this.#durable.length > 0) this.#passOnSoon();
  }

  #passOnSoon(): void {
    this.#rest = this.#server.world.clock.soon(() => {
      this.#rest = null;
      this.#server.coalesceReplies(() => this.#passOn());
    });
  }

  #becomeIdle(): void {
    if (this.#flushing !== null) return;
    const callbacks = this.#idleCallbacks;
    this.#idleCallbacks = [];
    for (const callback of callbacks) callback();
  }

  /** Between half and all of the limits, so that the servers of an ensemble do not all snapshot at once. */
  #drawSnapshotLimits(): void {
    const { snapCount, snapSizeLimitBytes } = this.#server.options;
    const fraction = (): number => this.#server.world.random.uint32() / 2 ** 32;
    const half = Math.floor(Math.max(snapCount, SMALLEST_SNAP_COUNT) / 2);
    this.#snapshotAfterCount = half + Math.floor(fraction() * half);
    this.#snapshotAfterBytes =
      snapSizeLimitBytes <= 0 ? Infinity : (snapSizeLimitBytes / 2) * (1 + fraction());
  }

  #snapshotIsDue(): boolean {
    return this.#txnCount > this.#snapshotAfterCount || this.#txnBytes > this.#snapshotAfterBytes;
  }

  #takeSnapshot(): void {
    const { db, world, serverStats } = this.#server;
    if (db.snapshotInProgress) return;
    const startMs = world.clock.now();
    db.takeSnapshot((result) => {
      // A snapshot that failed is told by the database itself, which then has lost its disk.
      if (result.ok) serverStats.snapshotTime.add(Math.floor(world.clock.now() - startMs));
    });
  }
}

/** ZooKeeper takes no less. */
const SMALLEST_SNAP_COUNT = 2;
