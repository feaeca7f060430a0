/** What a `QuorumPeer` and the role it plays (leading, following, observing) know of each other. Interfaces only. */

import type { PeerConfig } from '../config/peerConfig.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { StateCause, ZabState } from '../ports/probe.ts';
import type { World } from '../ports/world.ts';
import type { Request } from '../server/request.ts';
import type { ServerCnxnFactory } from '../server/serverCnxnFactory.ts';
import type { ServerOptions } from '../server/serverOptions.ts';
import type { ZooKeeperServer } from '../server/zooKeeperServer.ts';
import type { EpochFiles } from '../storage/epochFiles.ts';
import type { StorageError } from '../storage/storageError.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import type { Epoch, Sid, Zxid } from '../wire/ids.ts';
import type { ObserverMasters } from './observerMasters.ts';

/** The server as its role sees it. */
export interface RolePeer {
  readonly sid: Sid;
  readonly config: PeerConfig;
  readonly world: World;
  readonly db: ZKDatabase;
  readonly epochs: EpochFiles;
  readonly serverOptions: ServerOptions;
  /** Null where no clients are served. */
  readonly cnxnFactory: ServerCnxnFactory | null;
  /** Null where this server does not observe, or follows the leader when it does. */
  readonly observerMasters: ObserverMasters | null;
  /** A leader wanted the history cut where it cannot be cut: the next one is to replace it with a snapshot. */
  needsSnapshot: boolean;
  /** The last transaction that survives a crash here: all this server may tell others it has. */
  lastLoggedZxid(): Zxid;
  quorumVerifier(): QuorumVerifier;
  lastSeenQuorumVerifier(): QuorumVerifier | null;
  zabState(): ZabState;
  setZabState(state: ZabState): void;
  /** Peers that look are told of this epoch from now on (`updateElectionVote`). */
  updateElectionVote(epoch: Epoch): void;
  /** Clients are handed to `server` from now on. */
  serve(server: ZooKeeperServer): void;
  /** Applies transactions that are in the log and were never committed here: they are this server's history all the same. */
  fastForward(logged: Iterable<Request>): void;
  /** A learner's memory is no longer what its log says: it is rebuilt from disk before the next election. */
  rebuildMemory(): void;
  diskFailed(error: StorageError): void;
}

export interface Role {
  /** Called once, after construction. */
  start(): void;
  /**
   * Ends the role in good order. `stopped` is called once, perhaps within this call, when no timer, socket or disk
   * operation of it is left.
   */
  stop(reason: string, stopped: () => void): void;
}

/** Called once, never from inside `start`, when the role cannot go on: the peer stops it and looks for a leader. */
export type RoleEnded = (cause: StateCause) => void;
