/** Finds container and TTL nodes whose time has come and asks for their deletion, at a bounded rate; for a leader. */

import type { Timer } from '../ports/clock.ts';
import { ephemeralTypeOf, ttlOfEphemeralOwner } from '../tree/ephemeralType.ts';
import { encodeUtf8 } from '../wire/utf8.ts';
import { sessionId } from '../wire/ids.ts';
import { OpCode } from '../wire/opCodes.ts';
import { Request } from './request.ts';
import type { RequestProcessor } from './requestProcessor.ts';
import { CONTAINER_CHECK_INTERVAL_MS, MAX_CONTAINERS_PER_MINUTE } from './serverLimits.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

/** The session of requests that the server makes itself. */
const NO_SESSION = sessionId(0n);
const PAUSE_BETWEEN_DELETES_MS = 60_000 / MAX_CONTAINERS_PER_MINUTE;

export class ContainerManager {
  readonly #server: ZooKeeperServer;
  readonly #first: RequestProcessor;
  #timer: Timer | null = null;
  #running = false;

  /** Deletions are handed to `first`, the chain's first processor. */
  constructor(server: ZooKeeperServer, first: RequestProcessor) {
    this.#server = server;
    this.#first = first;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#after(CONTAINER_CHECK_INTERVAL_MS, () => {
      this.#check();
    });
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #after(delayMs: number, task: () => void): void {
    this.#timer = this.#server.world.clock.after(delayMs, () => {
      if (this.#running) task();
    });
  }

  #check(): void {
    this.#deleteNext(this.#candidates(), this.#server.world.clock.now());
  }

  /** One at a time; what is no longer empty by then is refused when it is prepared. */
  #deleteNext(candidates: string[], startMs: number): void {
    const path = candidates.shift();
    if (path === undefined) {
      const tookMs = this.#server.world.clock.now() - startMs;
      this.#after(Math.max(0, CONTAINER_CHECK_INTERVAL_MS - tookMs), () => {
        this.#check();
      });
      return;
    }
    const request = new Request({
      sessionId: NO_SESSION,
      cxid: 0,
      type: OpCode.deleteContainer,
      payload: encodeUtf8(path),
      createTimeMs: this.#server.world.clock.now(),
    });
    this.#server.coalesceReplies(() => {
      this.#first.processRequest(request);
    });
    this.#after(PAUSE_BETWEEN_DELETES_MS, () => {
      this.#deleteNext(candidates, startMs);
    });
  }

  /** Containers that have had a child and have none, and TTL nodes without children whose time is over. */
  #candidates(): string[] {
    const { tree } = this.#server.db;
    const isEmpty = (path: string): boolean => tree.getNode(path)?.children.size === 0;
    const isUsedUp = (path: string): boolean => (tree.getNode(path)?.cversion ?? 0) > 0;
    const containers = [...tree.containers].filter((path) => isEmpty(path) && isUsedUp(path));
    const ttls = [...tree.ttls].filter((path) => isEmpty(path) && this.#isOverdue(path));
    return [...containers, ...ttls];
  }

  #isOverdue(path: string): boolean {
    const node = this.#server.db.tree.getNode(path);
    if (node === null) return false;
    const { extendedTypesEnabled } = this.#server.options;
    if (ephemeralTypeOf(node.ephemeralOwner, extendedTypesEnabled) !== 'TTL') return false;
    const ageMs = this.#server.world.clock.wallTime() - node.mtime;
    return BigInt(Math.floor(ageMs)) > ttlOfEphemeralOwner(node.ephemeralOwner);
  }
}
