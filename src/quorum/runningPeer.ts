/** What starting a server gives to the world that started it: a way to look at it and a way to stop it. Types only. */

import type { Oracle } from '../config/quorumOracleMaj.ts';
import type { QuorumServer } from '../config/quorumServer.ts';
import type { ServerState } from '../ports/probe.ts';
import type { Epoch, Sid, Zxid } from '../wire/ids.ts';

/** What only the world that starts a server can know; everything else stands in its configuration. */
export interface PeerOptions {
  /** `key=value` facts that `envi` prints after the version. */
  readonly environment: readonly (readonly [string, string])[];
  /** Whom one of two servers asks when the other is gone (`oraclePath`); without it nobody goes on alone. */
  readonly oracle?: Oracle;
}

export interface PeerStatus {
  readonly sid: Sid;
  readonly state: ServerState;
  /** Null while it knows of none. */
  readonly leader: Sid | null;
  /** The epoch of the reign it last took part in (`currentEpoch`). */
  readonly epoch: Epoch;
  /** The last transaction it has applied. */
  readonly zxid: Zxid;
  /** It answers clients. */
  readonly serving: boolean;
  readonly servers: readonly QuorumServer[];
}

/** What became of a snapshot that somebody asked for. */
export type SnapshotAnswer =
  | { readonly kind: 'taken'; readonly file: string; readonly sizeBytes: number }
  /** It was cancelled, or what it held was cut from history while it was written. */
  | { readonly kind: 'abandoned' }
  /** Nothing was written; why, for a person. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Ends a snapshot that is being made. Harmless when there is none any more, and too late once its file is written. */
export type CancelSnapshot = () => void;

export interface RunningPeer {
  status(): PeerStatus;
  /**
   * Writes a snapshot of this instant while all other work goes on; the log goes on too, in the same file. `answer` is
   * called once, never inside this call.
   */
  takeSnapshot(answer: (answer: SnapshotAnswer) => void): CancelSnapshot;
  /**
   * Stops in good order: a leader first says goodbye to its learners. `stopped` is called once, when nothing of the
   * server runs any more and everything it had handed to the disk is settled (also when a failed disk stopped it earlier).
   */
  stop(stopped: () => void): void;
}
