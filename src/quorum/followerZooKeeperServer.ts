/** A follower's request pipeline: its clients' side, and beside it proposals to the log and ACKs (`FollowerZooKeeperServer`). */

import { Queue } from '../base/queue.ts';
import type { Request } from '../server/request.ts';
import { SyncRequestProcessor } from '../server/syncRequestProcessor.ts';
import type { MonitorValue } from '../server/zooKeeperServer.ts';
import type { Zxid } from '../wire/ids.ts';
import type { Follower } from './follower.ts';
import { LearnerZooKeeperServer } from './learnerZooKeeperServer.ts';
import type { RolePeer } from './role.ts';
import type { RoleScope } from './roleScope.ts';
import { SendAckRequestProcessor } from './sendAckRequestProcessor.ts';

export class FollowerZooKeeperServer extends LearnerZooKeeperServer {
  readonly mode = 'follower';
  /** Proposed and not committed yet, in the order of their zxids; the leader bounds it. */
  readonly #pendingTxns = new Queue<Request>();
  readonly #follower: Follower;

  constructor(peer: RolePeer, follower: Follower, scope: RoleScope) {
    super(peer, follower, scope);
    this.#follower = follower;
  }

  override monitorValues(): readonly MonitorValue[] {
    const observerCount = this.#follower.syncedObserverCount;
    const values = super.monitorValues();
    if (observerCount === null) return values;
    return [...values, ['synced_observers', String(observerCount)]];
  }

  /** A proposal: to the log, and acknowledged from there. */
  logRequest(request: Request): void {
    this.#pendingTxns.push(request);
    this.syncProcessor?.processRequest(request);
  }

  /** Commits and gives the oldest proposal, which has to be `zxid`. Else the zxid that it is, or null if there is none. */
  commit(
    zxid: Zxid,
  ):
    | { readonly ok: true; readonly request: Request }
    | { readonly ok: false; readonly next: Zxid | null } {
    const request = this.#pendingTxns.peek();
    if (request === undefined || request.zxid !== zxid) {
      return { ok: false, next: request?.zxid ?? null };
    }
    this.#pendingTxns.shift();
    this.passCommitted(request);
    return { ok: true, request };
  }

  /** Proposals that were never committed here. */
  get pendingTxns(): Iterable<Request> {
    return this.#pendingTxns;
  }

  protected override setupRequestProcessors(): void {
    super.setupRequestProcessors();
    this.syncProcessor = new SyncRequestProcessor(this, new SendAckRequestProcessor(this.learner));
  }
}
