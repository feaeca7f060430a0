/** A server without an ensemble: prepare, log, apply, answer (`ZooKeeperServerMain`'s ZooKeeperServer). */

import { ContainerManager } from './containerManager.ts';
import { FinalRequestProcessor } from './finalRequestProcessor.ts';
import { PrepRequestProcessor } from './prepRequestProcessor.ts';
import type { SessionTracker } from './sessionTracker.ts';
import { SessionTrackerImpl } from './sessionTrackerImpl.ts';
import { SyncRequestProcessor } from './syncRequestProcessor.ts';
import { ZooKeeperServer } from './zooKeeperServer.ts';
import type { StorageDone } from '../storage/storageError.ts';
import type { World } from '../ports/world.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import type { ServerCnxnFactory } from './serverCnxnFactory.ts';
import type { ServerOptions } from './serverOptions.ts';
import type { ServerListener } from './zooKeeperServer.ts';

export class StandaloneServer extends ZooKeeperServer {
  readonly mode = 'standalone';
  #containerManager: ContainerManager | null = null;

  constructor(
    world: World,
    db: ZKDatabase,
    options: ServerOptions,
    listener: ServerListener,
    cnxnFactory: ServerCnxnFactory | null,
  ) {
    super(world, db, options, listener, cnxnFactory);
  }

  /** Reads the disk and serves. `done` tells how it went; after a failure nothing runs. */
  start(done: StorageDone<void>): void {
    this.db.load((loaded) => {
      if (!loaded.ok) {
        done(loaded);
        return;
      }
      this.loadData();
      this.startup();
      this.cnxnFactory?.setServer(this);
      done({ ok: true, value: undefined });
    });
  }

  override startup(): void {
    super.startup();
    this.#containerManager?.start();
  }

  override shutdown(stopped: () => void): void {
    this.#containerManager?.stop();
    super.shutdown(stopped);
  }

  protected override setupRequestProcessors(): void {
    const final = new FinalRequestProcessor(this);
    this.syncProcessor = new SyncRequestProcessor(this, final);
    const first = new PrepRequestProcessor(this, this.syncProcessor);
    this.firstProcessor = first;
    this.#containerManager = new ContainerManager(this, first);
  }

  protected override createSessionTracker(): SessionTracker {
    return new SessionTrackerImpl(
      this.world,
      this,
      this.db.sessionsWithTimeouts,
      this.options.tickTimeMs,
      this.options.serverId,
    );
  }
}
