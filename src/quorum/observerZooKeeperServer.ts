/** An observer's request pipeline: as a follower's, but it hears of transactions only when they are committed (`ObserverZooKeeperServer`). */

import type { Request } from '../server/request.ts';
import { SyncRequestProcessor } from '../server/syncRequestProcessor.ts';
import type { MonitorValue } from '../server/zooKeeperServer.ts';
import { sid as asSid } from '../wire/ids.ts';
import { LearnerZooKeeperServer } from './learnerZooKeeperServer.ts';
import type { Observer } from './observer.ts';
import type { RolePeer } from './role.ts';
import type { RoleScope } from './roleScope.ts';

export class ObserverZooKeeperServer extends LearnerZooKeeperServer {
  readonly mode = 'observer';
  readonly #observer: Observer;

  constructor(peer: RolePeer, observer: Observer, scope: RoleScope) {
    super(peer, observer, scope);
    this.#observer = observer;
  }

  override monitorValues(): readonly MonitorValue[] {
    const masterSid = this.#observer.masterSid ?? NO_SID;
    return [...super.monitorValues(), ['observer_master_id', String(masterSid)]];
  }

  /** A committed transaction: to the log if it keeps one (`syncEnabled`), and applied. */
  commitRequest(request: Request): void {
    this.syncProcessor?.processRequest(request);
    this.passCommitted(request);
  }

  protected override setupRequestProcessors(): void {
    super.setupRequestProcessors();
    if (this.peer.config.syncEnabled) this.syncProcessor = new SyncRequestProcessor(this, null);
  }
}

/** As ZooKeeper says that there is no master. */
const NO_SID = asSid(-1);
