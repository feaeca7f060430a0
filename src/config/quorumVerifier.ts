/**
 * Who belongs to the ensemble and what makes a quorum of it, with the config text both travel as. The one place where
 * "enough of them" is decided; only voters ever count (`QuorumVerifier`).
 */

import type { Sid } from '../wire/ids.ts';
import type { QuorumServer } from './quorumServer.ts';

export interface QuorumVerifier {
  /** Which configuration this is: the zxid of the reconfiguration that made it, 0 for the first. */
  readonly version: bigint;
  /** All three in ascending order of sid. */
  readonly allMembers: ReadonlyMap<Sid, QuorumServer>;
  readonly votingMembers: ReadonlyMap<Sid, QuorumServer>;
  readonly observingMembers: ReadonlyMap<Sid, QuorumServer>;
  /** A server of weight 0 may vote but never leads. */
  weight(sid: Sid): number;
  /** Whether those of `acks` that vote are enough. Observers and strangers in the set are passed over. */
  containsQuorum(acks: ReadonlySet<Sid>): boolean;
  /** The config text: one line a member, groups and weights if any, and last `version=<hex>` without a newline. */
  toString(): string;
}

export interface Members {
  readonly all: ReadonlyMap<Sid, QuorumServer>;
  readonly voting: ReadonlyMap<Sid, QuorumServer>;
  readonly observing: ReadonlyMap<Sid, QuorumServer>;
}

export function sortMembers(servers: Iterable<QuorumServer>): Members {
  const sorted = [...servers].sort((a, b) => (a.sid < b.sid ? -1 : a.sid > b.sid ? 1 : 0));
  const entries = sorted.map((server) => [server.sid, server] as const);
  return {
    all: new Map(entries),
    voting: new Map(entries.filter(([, server]) => server.type === 'participant')),
    observing: new Map(entries.filter(([, server]) => server.type === 'observer')),
  };
}

export const memberLines = (members: ReadonlyMap<Sid, QuorumServer>): readonly string[] =>
  [...members.values()].map((server) => `server.${server.sid}=${server.toString()}`);

export const versionLine = (version: bigint): string =>
  `version=${BigInt.asUintN(64, version).toString(16)}`;
