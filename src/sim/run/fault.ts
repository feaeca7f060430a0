/** What can be done to a running ensemble, as plain data. Types, and what all who handle them have to know. */

import type { LearnerType } from '../../config/quorumServer.ts';
import type { PeerConfig } from '../../config/peerConfig.ts';
import type { DiskOperationKind } from '../simDisk.ts';

/** A server by its number (1, 2, ...), or by what it is when the fault strikes. */
export type Target = number | 'leader' | 'follower';
/** Whom an ambush waits for. */
export type Victim = Target | 'anyone';

export type PartitionShape = 'majority' | 'bridge' | 'ring' | 'isolatedLeader' | 'oneWay' | 'split';

/** Where in a server's doing a crash strikes. */
export type CrashPoint = DiskOperationKind | 'send' | 'event';

export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'crash'; readonly target: Target; readonly how: 'reset' | 'silent' }
  | {
      readonly kind: 'crashAt';
      readonly target: Victim;
      readonly point: CrashPoint;
      readonly when: 'before' | 'after';
      /** That many of them go by first. */
      readonly count: number;
    }
  | { readonly kind: 'blackout' }
  | { readonly kind: 'stop'; readonly target: Target }
  /** `change`: the settings that it has from then on, beside those of all; null: as before. */
  | {
      readonly kind: 'restart';
      readonly target: Target;
      readonly change: Partial<PeerConfig> | null;
    }
  | {
      readonly kind: 'partition';
      readonly shape: PartitionShape;
      /** Decides who is on which side. */
      readonly pick: number;
      /** Comes and goes with this period; null: stays until it is mended. */
      readonly flapMs: number | null;
    }
  | { readonly kind: 'halfOpen'; readonly from: Target; readonly to: Target }
  | { readonly kind: 'reset'; readonly from: Target; readonly to: Target }
  | { readonly kind: 'refuse'; readonly from: Target; readonly to: Target }
  | {
      readonly kind: 'slowLink';
      readonly from: Target;
      readonly to: Target;
      readonly latencyMs: readonly [number, number];
    }
  | { readonly kind: 'freeze'; readonly target: Target; readonly durationMs: number }
  | { readonly kind: 'stall'; readonly target: Target; readonly durationMs: number }
  | {
      readonly kind: 'slowDisk';
      readonly target: Target;
      readonly flushMs: readonly [number, number];
    }
  | {
      readonly kind: 'diskError';
      readonly target: Target;
      readonly error: 'full' | 'failed';
      readonly count: number;
    }
  | { readonly kind: 'bitFlip'; readonly target: Target; readonly pick: number }
  | { readonly kind: 'wipe'; readonly target: Target }
  | { readonly kind: 'wallJump'; readonly target: Target; readonly byMs: number }
  | { readonly kind: 'muteLeader'; readonly powerLossMs: number }
  /** The leader is heard by one follower only, which acknowledges, loses its connection and comes back with a slow disk. */
  | { readonly kind: 'oneVoice'; readonly pick: number; readonly resetMs: number }
  /** Its directory is used by a server of ZooKeeper, which takes a snapshot of all that is logged. */
  | { readonly kind: 'tailSnapshot'; readonly target: Target }
  /** One connection's receiver takes that long for each few bytes. */
  | {
      readonly kind: 'slowReader';
      readonly from: Target;
      readonly to: Target;
      readonly pick: number;
      readonly everyMs: number;
    }
  /** The whole ensemble is stopped when all are in step, and started with other roles, groups and weights. */
  | {
      readonly kind: 'reform';
      readonly roles: readonly LearnerType[];
      readonly memberLines: readonly string[];
    }
  /** Clients ask for nothing new for so long. */
  | { readonly kind: 'lull'; readonly durationMs: number }
  | { readonly kind: 'mend' }
);

/** What a server does so seldom that an ambush of it lasts until the storm ends. */
export const RARE_POINTS: ReadonlySet<CrashPoint> = new Set<CrashPoint>(['truncate', 'remove']);
