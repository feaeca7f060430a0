/** What {@link Invariants} remembers of one server: what it has promised, and what its disk holds. */

import { type Epoch, type Zxid, epoch, zxid } from '../wire/ids.ts';
import { DiskHistory } from './diskHistory.ts';
import type { Machine } from './simWorld.ts';

export interface WatchedServer {
  readonly machine: Machine;
  readonly history: DiskHistory;
  acceptedEpoch: Epoch | null;
  currentEpoch: Epoch | null;
  /** The last transaction in memory; null before its disk has been read. */
  lastApplied: Zxid | null;
  /** The last transaction it has acknowledged; null once its leader has cut its history or replaced it. */
  acknowledged: Zxid | null;
  /** What it had acknowledged when somebody took its disk away: a leader may count on that without blame. */
  lostUpTo: Zxid;
  /** The epoch that it had accepted then. */
  lostEpoch: Epoch;
  /** Transactions that no quorum has accepted yet and that came, or are to come, inside a snapshot of its leader's. */
  offered: readonly Zxid[];
  /** The last transaction in that snapshot, which names its file; null: none was ever offered. */
  offeredUpTo: Zxid | null;
  inSnapshot: readonly Zxid[];
  /** What it will have after its synchronisation, and in whose epoch. */
  syncTarget: { readonly zxid: Zxid; readonly epoch: Epoch | null } | null;
}

/** `found` is told each transaction as it appears on the disk; its bytes are a view. */
export function watchedServer(
  machine: Machine,
  found: (zxid: Zxid, transaction: Uint8Array) => void,
): WatchedServer {
  return {
    machine,
    history: new DiskHistory(machine.disk, found),
    acceptedEpoch: null,
    currentEpoch: null,
    lastApplied: null,
    acknowledged: null,
    lostUpTo: zxid(0n),
    lostEpoch: epoch(0),
    offered: [],
    offeredUpTo: null,
    inSnapshot: [],
    syncTarget: null,
  };
}

/** Its history ends at `last`: what a snapshot of its had beyond that has gone with that snapshot. */
export function dropFromSnapshot(server: WatchedServer, last: Zxid): void {
  server.inSnapshot = server.inSnapshot.filter((entry) => entry <= last);
}

/** The server's disk is a new, empty one by somebody's decision: what it promised is forgotten. */
export function forgive(server: WatchedServer): void {
  const { acceptedEpoch } = server;
  if (acceptedEpoch !== null && acceptedEpoch > server.lostEpoch) server.lostEpoch = acceptedEpoch;
  server.acceptedEpoch = null;
  server.currentEpoch = null;
  server.inSnapshot = [];
  const { lastZxid } = server.history;
  if (lastZxid > server.lostUpTo) server.lostUpTo = lastZxid;
  server.acknowledged = null;
}
