/** A server that stands alone, with the same face to the world as a member of an ensemble (`ZooKeeperServerMain`). */

import type { PeerConfig } from '../config/peerConfig.ts';
import type { StopCause } from '../ports/probe.ts';
import type { World } from '../ports/world.ts';
import type { ServerCnxnFactory } from '../server/serverCnxnFactory.ts';
import { StandaloneServer } from '../server/standaloneServer.ts';
import type { ServerListener } from '../server/zooKeeperServer.ts';
import type { StorageError } from '../storage/storageError.ts';
import { ZKDatabase } from '../storage/zkDatabase.ts';
import { epochOf, sid as asSid, zxid as asZxid } from '../wire/ids.ts';
import { DatadirCleanupManager } from './datadirCleanupManager.ts';
import { RoleScope } from './roleScope.ts';
import type { CancelSnapshot, PeerStatus, RunningPeer, SnapshotAnswer } from './runningPeer.ts';
import { databaseOptionsOf, serverOptionsOf } from './serverOptionsOf.ts';
import { takeSnapshotNow } from './snapshotNow.ts';

type Life = 'loading' | 'serving' | 'stopping' | 'stopped';

export class StandalonePeer implements RunningPeer, ServerListener {
  readonly #config: PeerConfig;
  readonly #world: World;
  readonly #cnxnFactory: ServerCnxnFactory | null;
  readonly #scope: RoleScope;
  readonly #db: ZKDatabase;
  readonly #server: StandaloneServer;
  readonly #stoppedCallbacks: (() => void)[] = [];
  #life: Life = 'loading';

  constructor(config: PeerConfig, world: World, cnxnFactory: ServerCnxnFactory | null) {
    this.#config = config;
    this.#world = world;
    this.#cnxnFactory = cnxnFactory;
    this.#scope = new RoleScope(world, (error) => {
      this.diskFailed(error);
    });
    this.#db = new ZKDatabase(world, databaseOptionsOf(config), (error) => {
      this.diskFailed(error);
    });
    const options = serverOptionsOf(config, config.sid ?? NO_SID);
    this.#server = new StandaloneServer(this.#scope.world, this.#db, options, this, cnxnFactory);
  }

  start(): void {
    this.#server.start(
      this.#scope.answer(() => {
        if (this.#life !== 'loading') return;
        this.#life = 'serving';
        this.#tellServing(true, 'it stands alone');
        new DatadirCleanupManager(this.#scope, this.#db, this.#config).start();
        this.#cnxnFactory?.start((reason) => {
          this.#halt('clientPort', `clients cannot connect: ${reason}`);
        });
      }),
    );
  }

  takeSnapshot(answer: (answer: SnapshotAnswer) => void): CancelSnapshot {
    return takeSnapshotNow(this.#db, this.#life === 'serving', this.#world.clock, answer);
  }

  stop(stopped: () => void): void {
    if (this.#life === 'stopped') {
      stopped();
      return;
    }
    this.#stoppedCallbacks.push(stopped);
    this.#halt('told', 'it was told to stop');
  }

  diskFailed(error: StorageError): void {
    this.#halt('disk', error.message);
  }

  #halt(cause: StopCause, reason: string): void {
    if (this.#life === 'stopping' || this.#life === 'stopped') return;
    if (this.#life === 'serving') this.#tellServing(false, reason);
    this.#life = 'stopping';
    this.#cnxnFactory?.shutdown();
    this.#server.shutdown(() => {
      this.#scope.close(() => {
        this.#life = 'stopped';
        const { probe } = this.#world;
        if (probe.watches('peer')) probe.emit({ topic: 'peer', type: 'stopped', cause, reason });
        for (const stopped of this.#stoppedCallbacks.splice(0)) stopped();
      });
    });
  }

  #tellServing(serving: boolean, reason: string): void {
    const { probe } = this.#world;
    if (probe.watches('peer')) probe.emit({ topic: 'peer', type: 'serving', serving, reason });
  }

  /** Its own leader, as far as anybody asks. */
  status(): PeerStatus {
    const sid = this.#config.sid ?? NO_SID;
    const serving = this.#life === 'serving';
    const zxid = this.#db.initialized ? this.#db.tree.lastProcessedZxid : asZxid(0n);
    return {
      sid,
      state: serving ? 'LEADING' : 'LOOKING',
      leader: serving ? sid : null,
      epoch: epochOf(zxid),
      zxid,
      serving,
      servers: [...(this.#config.quorumVerifier?.allMembers.values() ?? [])],
    };
  }
}

/** A server without a `myid`. */
const NO_SID = asSid(0);
