/**
 * The `Admin` port: all that a page may see and do of the room and of its own server besides being a ZooKeeper client
 * of it. The UI and the automation contract use it; the browser world implements it. Interfaces only.
 */

import type { ProbeRecord, ProbeTopic, ServerState } from '../ports/probe.ts';
import type { SnapshotAnswer } from '../quorum/runningPeer.ts';
import type { Epoch, Sid, Zxid } from '../wire/ids.ts';

/** This tab's own server, as of now. */
export interface ServerStatus {
  readonly sid: Sid;
  readonly state: ServerState;
  /** Who leads, once this server follows, observes or leads. */
  readonly leader: Sid | null;
  /** currentEpoch. */
  readonly epoch: Epoch;
  /** The last zxid applied. */
  readonly zxid: Zxid;
  /** Answers clients. False without a quorum. */
  readonly serving: boolean;
  /** Voters of the ensemble. */
  readonly servers: readonly Sid[];
  /** Why this server has stopped for good (disk full, directory taken over by another tab), in words for a person. */
  readonly stopped: string | null;
}

/** A server of the room as this tab knows it. */
export interface Member {
  readonly sid: Sid;
  readonly kind: 'participant' | 'observer';
  readonly isSelf: boolean;
  /** Where the data is that the seat belongs to: nowhere yet, in this browser, or in another (or deleted). */
  readonly disk: 'none' | 'here' | 'elsewhere';
  readonly presence: 'absent' | 'here' | 'closed' | 'crashed' | 'silent' | 'cutOff';
  /** What it last said of itself; null while it is not here or does not run. */
  readonly state: ServerState | null;
  readonly serving: boolean;
  readonly zxid: Zxid | null;
  /** Null for ourselves and for those not here. */
  readonly link: {
    readonly state: 'connecting' | 'up' | 'silent' | 'down';
    readonly via: 'webrtc' | 'broadcast' | null;
  } | null;
}

/** What was heard of one server, in its order. */
export interface EventBatch {
  readonly sid: Sid;
  readonly records: readonly ProbeRecord[];
  /** So many events before these were not told: too much happened at once, or the way was full. */
  readonly missedCount: number;
}

/** The probe events of all servers of the room that tell of themselves, those that are gone among them. */
export interface RoomEvents {
  /** What is kept comes at once, then every batch as it is heard. Returns how to stop it. */
  listen(listener: (batch: EventBatch) => void): () => void;
  /**
   * Asks every server for these topics besides the usual ones. Of what comes with every write or read no more than about
   * so many events a second of each server are told: whole transactions, at all servers the same ones.
   */
  watch(topics: readonly ProbeTopic[], perSecondCount: number): void;
}

export type { SnapshotAnswer } from '../quorum/runningPeer.ts';

/** This server's data directory: where it lies, and what may be done to it from beside the running server. */
export interface DirectoryAdmin {
  /** The IndexedDB database that holds it: enough to read it from another Worker. */
  readonly databaseName: string;
  /** What the database has to say that it is before anything in it is replaced. */
  readonly diskId: string;
  /** Lets the server write a snapshot of this instant; who asks while one is written gets the same answer. */
  takeSnapshot(): Promise<SnapshotAnswer>;
  /** Ends the snapshot that was asked for, unless its file is being written already. */
  cancelSnapshot(): void;
  /** Starts the server if it has stopped. */
  start(): void;
  /**
   * Stops the server, does `work` while nothing of it runs, and starts it again whatever has become of the work; with
   * `thenStart` false it stays stopped where the work succeeded. Rejects as the work does. Whoever takes the files over
   * makes `owner` their owner: then whoever ran on them before can write no more, and they are still this tab's.
   */
  whileStopped(work: (owner: string) => Promise<void>, thenStart: boolean): Promise<void>;
}

export interface Admin {
  /** The room's link without `sid`: what others open to join. */
  readonly shareUrl: string;
  readonly directory: DirectoryAdmin;
  /** How many voters the room was opened for. */
  readonly voterCount: number;
  status(): ServerStatus;
  /** Every voter of the room in sid order (here or not), then the observers that are here. */
  members(): readonly Member[];
  /** Called after a change of status or members. Returns how to stop it. */
  onChange(listener: () => void): () => void;
  /** Probe events of this tab's server and room, in batches, from the oldest still kept. Returns how to stop it. */
  onEvents(listener: (records: readonly ProbeRecord[]) => void): () => void;
  /** The same of every server of the room. */
  roomEvents(): Promise<RoomEvents>;
  /** Asks for events of these topics besides the usual ones, which leave out what comes with every single write. */
  watch(topics: readonly ProbeTopic[]): void;
}
