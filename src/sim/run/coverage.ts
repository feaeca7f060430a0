/** Counts what happened in runs, so that what never happens shows: a hole in the faults or the load. */

import type { ProbeRecord } from '../../ports/probe.ts';
import type { Sid } from '../../wire/ids.ts';
import { PacketType, packetTypeName } from '../../wire/quorumPackets.ts';
import type { Simulation } from '../simWorld.ts';
import { CHANGEABLE_SETTINGS } from './changedConfig.ts';

export class Coverage {
  readonly #counts = new Map<string, number>();
  readonly #states = new Map<Sid, string>();

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  add(counts: Iterable<readonly [string, number]>): void {
    for (const [what, count] of counts) this.count(what, count);
  }

  watch(simulation: Simulation): void {
    simulation.network.congested = (what) => this.count(`slow reader: its writer ${what}`);
    simulation.subscribe(['peer', 'zab', 'packet', 'storage', 'session', 'election'], (record) =>
      this.#observe(record),
    );
  }

  #observe({ sid, event }: ProbeRecord): void {
    switch (event.topic) {
      case 'packet':
        if (event.type === 'sent') this.count(PACKETS[event.packetType] ?? 'packet of no type');
        return;
      case 'peer':
        if (event.type === 'state') {
          if (event.cause.kind === 'leaderLost') this.#countGivenUp(event.cause.reason);
          const before = this.#states.get(sid) ?? 'none';
          this.#states.set(sid, event.state);
          this.count(
            event.cause.kind === 'started'
              ? 'state: started'
              : `state: ${before} to ${event.state} (${event.cause.kind})`,
          );
        } else if (event.type === 'stopped') this.count('peer: stopped');
        return;
      case 'zab':
        if (event.type === 'syncChosen') this.count(`sync: ${event.sync}`);
        else if (event.type === 'established') this.count('zab: established');
        else if (event.type === 'learnerDropped') {
          this.count('zab: learnerDropped');
          this.#countGivenUp(event.reason);
        }
        return;
      case 'storage':
        this.count(`storage: ${event.type}`);
        return;
      case 'session':
        this.count(`session: ${event.type}`);
        return;
      case 'election':
        if (
          event.type === 'roundAdopted' ||
          event.type === 'decided' ||
          event.type === 'timedOut'
        ) {
          this.count(`election: ${event.type}`);
        }
        return;
      case 'connection':
      case 'txn':
      case 'request':
      case 'room':
        return;
    }
  }

  #countGivenUp(reason: string): void {
    if (reason.endsWith('bytes wait to be sent')) this.count('slow reader: its writer gives it up');
  }

  /** Of what every long enough series of runs shows, what this one has not. */
  holes(): readonly string[] {
    return EXPECTED.filter((what) => !this.#counts.has(what));
  }
}

const PACKETS: readonly string[] = Array.from(
  { length: Math.max(...Object.values(PacketType)) + 1 },
  (_, type) => `packet: ${packetTypeName(type)}`,
);

const FAULTS = [
  'crash',
  'crashAt',
  'blackout',
  'stop',
  'restart',
  ...['majority', 'bridge', 'ring', 'isolatedLeader', 'oneWay', 'split'].map(
    (shape) => `partition ${shape}`,
  ),
  'halfOpen',
  'reset',
  'refuse',
  'slowLink',
  'freeze',
  'stall',
  'slowDisk',
  'diskError',
  'bitFlip',
  'wipe',
  'wallJump',
  'muteLeader',
  'oneVoice',
  'slowReader',
  'tailSnapshot',
  'reform',
  'lull',
  'mend',
  'damaged disk refused and replaced',
].map((kind) => `fault: ${kind}`);

const CRASHES = ['append', 'flush', 'replace', 'truncate', 'remove', 'send'].flatMap((point) => [
  `crash before ${point}`,
  `crash after ${point}`,
]);

/** Reconfiguration is not offered, so its packets never come. */
const NEVER: ReadonlySet<number> = new Set([
  PacketType.COMMITANDACTIVATE,
  PacketType.INFORMANDACTIVATE,
]);

const EXPECTED: readonly string[] = [
  ...FAULTS,
  ...CHANGEABLE_SETTINGS.map((key) => `setting: ${key}`),
  ...['waits', 'goes on', 'gives it up'].map((what) => `slow reader: its writer ${what}`),
  'history: linearizable',
  'a snapshot of a tail',
  ...['the majority', 'groups', 'a weight of 0', 'an observer votes', 'a voter observes'].map(
    (what) => `members: ${what}`,
  ),
  ...CRASHES,
  ...Object.values(PacketType)
    .filter((type) => !NEVER.has(type))
    .map((type) => `packet: ${packetTypeName(type)}`),
  // TRUNC+DIFF is for a learner whose zxids have a hole within an epoch, which honest servers never make.
  ...['DIFF', 'TRUNC', 'SNAP'].map((sync) => `sync: ${sync}`),
  'state: LOOKING to LEADING (elected)',
  'state: LOOKING to LEADING (joined)',
  'state: LOOKING to FOLLOWING (elected)',
  'state: LOOKING to FOLLOWING (joined)',
  'state: LOOKING to OBSERVING (joined)',
  'state: LEADING to LOOKING (steppedDown)',
  'state: LEADING to LOOKING (epochNotAgreed)',
  'state: LEADING to LOOKING (counterExhausted)',
  'state: FOLLOWING to LOOKING (leaderLost)',
  'state: OBSERVING to LOOKING (leaderLost)',
  ...['opened', 'reattached', 'expired', 'closing', 'closed', 'moved', 'disconnected'].map(
    (type) => `session: ${type}`,
  ),
  ...[
    'loaded',
    'tailCut',
    'snapshotStarted',
    'snapshotTaken',
    'snapshotRejected',
    'snapshotInstalled',
    'truncated',
    'epochWritten',
    'failed',
  ].map((type) => `storage: ${type}`),
  ...[
    'create',
    'set',
    'delete',
    'read',
    'synced read',
    'watch set',
    'watch fired',
    'child watch set',
    'child watch fired',
    'watches set anew',
    'ephemeral',
    'sequential',
    'multi',
    'reads slowly',
    'session opened',
    'session renewed',
    'session expired',
    'session closed',
    'session abandoned',
    'session moved',
    'connection lost',
  ].map((what) => `client: ${what}`),
];
