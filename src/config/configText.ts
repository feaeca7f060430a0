/**
 * The membership part of a configuration: `server.N`, `group.N`, `weight.N` and `version` lines to a quorum verifier
 * (`QuorumPeerConfig.parseDynamicConfig`). The same lines stand in `zoo.cfg`, in notifications and in NEWLEADER.
 */

import { sid, type Sid } from '../wire/ids.ts';
import { ConfigError } from './configError.ts';
import { parseProperties, type PropertyEntry } from './javaProperties.ts';
import { QuorumHierarchical } from './quorumHierarchical.ts';
import { QuorumMaj } from './quorumMaj.ts';
import { parseQuorumServer, type QuorumServer } from './quorumServer.ts';
import type { QuorumVerifier } from './quorumVerifier.ts';

/** `Long.MAX_VALUE` names observers without an identity of their own, so that no server may have it. */
const SID_LIMIT = 2n ** 63n - 1n;
const INT_MAX = 2 ** 31 - 1;

/**
 * Reads a config text as `QuorumVerifier.toString` writes it.
 * @throws ConfigError on any other key, a malformed line, groups that do not fit, or nobody who votes
 */
export function parseQuorumVerifier(text: string): QuorumVerifier {
  const entries = parseProperties(text);
  const stranger = entries.find(({ key }) => key !== 'version' && !isMemberKey(key));
  if (stranger !== undefined) {
    throw new ConfigError(
      stranger.line,
      `"${stranger.key}" has no place in a list of members; only server.N, group.N, weight.N and version have`,
    );
  }
  const version = entries.findLast(({ key }) => key === 'version');
  const verifier = verifierOf(entries, version === undefined ? 0n : parseVersion(version));
  if (verifier.votingMembers.size === 0) {
    throw new ConfigError(null, 'no member votes; there must be a server.N line of a participant');
  }
  return verifier;
}

/** Keys that tell who belongs to the ensemble. */
export const isMemberKey = (key: string): boolean =>
  key.startsWith('server.') || key.startsWith('group') || key.startsWith('weight');

/**
 * The verifier that the member lines among `entries` make: hierarchical as soon as one of them names a group or a
 * weight. A repeated key counts as its last line, as in Java.
 * @throws ConfigError
 */
export function verifierOf(entries: readonly PropertyEntry[], version: bigint): QuorumVerifier {
  const servers = new Map<Sid, QuorumServer>();
  const groups = new Map<bigint, readonly Sid[]>();
  const weights = new Map<Sid, number>();
  for (const entry of entries.filter(({ key }) => isMemberKey(key))) {
    const { kind, id } = parseMemberKey(entry);
    const value = entry.value.trim();
    if (kind === 'server') servers.set(sid(id), parseQuorumServer(sid(id), value, entry.line));
    else if (kind === 'group') groups.set(id, parseGroup(entry));
    else weights.set(sid(id), parseWeight(entry));
  }
  return groups.size > 0 || weights.size > 0
    ? new QuorumHierarchical(servers.values(), { groups, weights }, version)
    : new QuorumMaj(servers.values(), version);
}

type MemberKind = 'server' | 'group' | 'weight';

function parseMemberKey(entry: PropertyEntry): { readonly kind: MemberKind; readonly id: bigint } {
  const [, kind, digits] = /^(server|group|weight)\.(\d{1,19})$/.exec(entry.key) ?? [];
  const id = digits === undefined ? SID_LIMIT : BigInt(digits);
  if (id >= SID_LIMIT || (kind !== 'server' && kind !== 'group' && kind !== 'weight')) {
    throw new ConfigError(
      entry.line,
      `"${entry.key}" names no server; write server.N, group.N or weight.N with a whole number N`,
    );
  }
  return { kind, id };
}

function parseGroup(entry: PropertyEntry): readonly Sid[] {
  return entry.value.split(':').map((part) => {
    const digits = part.trim();
    if (/^\d{1,19}$/.test(digits) && BigInt(digits) < SID_LIMIT) return sid(BigInt(digits));
    throw new ConfigError(
      entry.line,
      `${entry.key}=${entry.value}: "${digits}" is no server's number; write them with colons between, like 1:2:3`,
    );
  });
}

function parseWeight(entry: PropertyEntry): number {
  const weight = entry.value.trim();
  if (/^\d{1,10}$/.test(weight) && Number(weight) <= INT_MAX) return Number(weight);
  throw new ConfigError(
    entry.line,
    `${entry.key}=${entry.value}: a weight is a whole number from 0 to ${INT_MAX}`,
  );
}

function parseVersion(entry: PropertyEntry): bigint {
  const hex = entry.value.trim();
  if (/^[0-9a-fA-F]{1,16}$/.test(hex)) return BigInt.asIntN(64, BigInt(`0x${hex}`));
  throw new ConfigError(entry.line, `version=${entry.value}: a version is up to 16 hex digits`);
}
