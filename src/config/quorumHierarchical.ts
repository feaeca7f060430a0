/**
 * Servers in groups, with weights: a quorum is more than half of the weight in each of more than half of the groups
 * that weigh anything (`QuorumHierarchical`). Any two such sets share a voter.
 */

import type { Sid } from '../wire/ids.ts';
import { ConfigError } from './configError.ts';
import type { QuorumServer } from './quorumServer.ts';
import { memberLines, sortMembers, versionLine, type QuorumVerifier } from './quorumVerifier.ts';

/** What the `group.N` and `weight.N` lines say. A voter without a weight line weighs {@link DEFAULT_WEIGHT}. */
export interface GroupsAndWeights {
  /** Members of each group, by group id. */
  readonly groups: ReadonlyMap<bigint, readonly Sid[]>;
  readonly weights: ReadonlyMap<Sid, number>;
}

const DEFAULT_WEIGHT = 1;

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

export class QuorumHierarchical implements QuorumVerifier {
  readonly version: bigint;
  readonly allMembers: ReadonlyMap<Sid, QuorumServer>;
  readonly votingMembers: ReadonlyMap<Sid, QuorumServer>;
  readonly observingMembers: ReadonlyMap<Sid, QuorumServer>;
  readonly #weights: ReadonlyMap<Sid, number>;
  /** Voters of each group that weighs something. */
  readonly #votingGroups: readonly (readonly Sid[])[];
  readonly #text: string;

  /** @throws ConfigError where members, groups and weights do not fit together */
  constructor(servers: Iterable<QuorumServer>, layout: GroupsAndWeights, version = 0n) {
    const members = sortMembers(servers);
    this.version = version;
    this.allMembers = members.all;
    this.votingMembers = members.voting;
    this.observingMembers = members.observing;
    checkLayout(members.all, members.voting, layout);
    this.#weights = allWeights(members.voting, layout);
    this.#votingGroups = [...layout.groups.values()]
      .map((group) => group.filter((sid) => members.voting.has(sid)))
      .filter((voters) => this.#weightOf(voters) > 0);
    if (this.#votingGroups.length === 0 && members.voting.size > 0) {
      throw new ConfigError(
        null,
        'every group weighs 0, so that nobody could lead; give a server a weight',
      );
    }
    this.#text = configText(members.all, layout.groups, this.#weights, version);
  }

  /** 0 for servers that have no weight: observers and strangers. */
  weight(sid: Sid): number {
    return this.#weights.get(sid) ?? 0;
  }

  containsQuorum(acks: ReadonlySet<Sid>): boolean {
    const won = this.#votingGroups.filter((voters) => {
      const acked = voters.filter((sid) => acks.has(sid));
      return this.#weightOf(acked) * 2 > this.#weightOf(voters);
    });
    return won.length * 2 > this.#votingGroups.length;
  }

  toString(): string {
    return this.#text;
  }

  #weightOf(sids: readonly Sid[]): number {
    return sids.reduce((sum, sid) => sum + this.weight(sid), 0);
  }
}

function checkLayout(
  all: ReadonlyMap<Sid, QuorumServer>,
  voting: ReadonlyMap<Sid, QuorumServer>,
  { groups, weights }: GroupsAndWeights,
): void {
  const groupOf = new Map<Sid, bigint>();
  for (const [group, sids] of groups) {
    for (const sid of sids) {
      const other = groupOf.get(sid);
      if (other !== undefined) {
        throw new ConfigError(
          null,
          `server ${sid} is in group.${other} and in group.${group}; one of them only`,
        );
      }
      if (!all.has(sid)) {
        throw new ConfigError(
          null,
          `group.${group} names server ${sid}, but there is no line server.${sid}`,
        );
      }
      groupOf.set(sid, group);
    }
  }
  for (const sid of voting.keys()) {
    if (groupOf.has(sid)) continue;
    throw new ConfigError(
      null,
      `server ${sid} is not in a group; name it in a group.N line or make it an observer`,
    );
  }
  for (const sid of weights.keys()) {
    if (!all.has(sid))
      throw new ConfigError(null, `weight.${sid} is for no server: there is no line server.${sid}`);
  }
}

function allWeights(
  voting: ReadonlyMap<Sid, QuorumServer>,
  { weights }: GroupsAndWeights,
): ReadonlyMap<Sid, number> {
  const complete = new Map(weights);
  for (const sid of voting.keys()) if (!complete.has(sid)) complete.set(sid, DEFAULT_WEIGHT);
  return new Map([...complete].sort(([a], [b]) => ascending(a, b)));
}

function configText(
  all: ReadonlyMap<Sid, QuorumServer>,
  groups: GroupsAndWeights['groups'],
  weights: ReadonlyMap<Sid, number>,
  version: bigint,
): string {
  const byId = [...groups].sort(([a], [b]) => ascending(a, b));
  return [
    ...memberLines(all),
    ...byId.map(([group, sids]) => `group.${group}=${[...sids].sort(ascending).join(':')}`),
    ...[...weights].map(([sid, weight]) => `weight.${sid}=${weight}`),
    versionLine(version),
  ].join('\n');
}
