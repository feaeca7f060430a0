/** What page and Worker say to each other besides the sockets. Types only; both sides are of one build. */

import type { ProbeRecord, ProbeTopic, ServerState } from '../ports/probe.ts';
import type { SnapshotAnswer } from '../quorum/runningPeer.ts';
import type { Epoch, Sid, Zxid } from '../wire/ids.ts';
import type { DiskMeta } from './diskRecords.ts';

/** The first message, with the two ports that all else goes over. */
export interface Greeting {
  readonly control: MessagePort;
  readonly pipes: MessagePort;
}

export interface StartServer {
  readonly type: 'start';
  readonly sid: number;
  /** The `server.N` lines of the room. */
  readonly members: string;
  readonly databaseName: string;
  readonly disk: DiskMeta;
  /** Marks this life of the server as the owner of the directory. */
  readonly owner: string;
  readonly watched: readonly ProbeTopic[];
  readonly eventsPerSecondCount: number;
}

export type ToWorker =
  | StartServer
  | { readonly type: 'stop' }
  /** Of what comes with every write or read about so many events a second are wanted. */
  | {
      readonly type: 'watch';
      readonly topics: readonly ProbeTopic[];
      readonly eventsPerSecondCount: number;
    }
  /** Answered by `snapshot`; one at a time. */
  | { readonly type: 'takeSnapshot' }
  | { readonly type: 'cancelSnapshot' }
  /** The page's timers, which are throttled when it is hidden, run here. */
  | { readonly type: 'timer'; readonly id: number; readonly delayMs: number }
  | { readonly type: 'cancel'; readonly id: number };

/** The server as of now. */
export interface WorkerStatus {
  readonly state: ServerState;
  readonly leader: Sid | null;
  readonly epoch: Epoch;
  readonly zxid: Zxid;
  readonly serving: boolean;
}

export type ToPage =
  | { readonly type: 'status'; readonly status: WorkerStatus }
  /** The server runs no more; `failure` is null if it was told to stop. */
  | { readonly type: 'stopped'; readonly failure: string | null }
  | {
      readonly type: 'events';
      readonly records: readonly ProbeRecord[];
      readonly missedCount: number;
    }
  | { readonly type: 'snapshot'; readonly answer: SnapshotAnswer }
  | { readonly type: 'timer'; readonly id: number }
  /** Twice a second, hidden or not. */
  | { readonly type: 'tick' };
