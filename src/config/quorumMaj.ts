/** More than half of the voters (`QuorumMaj`). */

import type { Sid } from '../wire/ids.ts';
import type { QuorumServer } from './quorumServer.ts';
import { memberLines, sortMembers, versionLine, type QuorumVerifier } from './quorumVerifier.ts';

export class QuorumMaj implements QuorumVerifier {
  readonly version: bigint;
  readonly allMembers: ReadonlyMap<Sid, QuorumServer>;
  readonly votingMembers: ReadonlyMap<Sid, QuorumServer>;
  readonly observingMembers: ReadonlyMap<Sid, QuorumServer>;
  readonly #text: string;

  constructor(servers: Iterable<QuorumServer>, version = 0n) {
    const members = sortMembers(servers);
    this.version = version;
    this.allMembers = members.all;
    this.votingMembers = members.voting;
    this.observingMembers = members.observing;
    this.#text = [...memberLines(members.all), versionLine(version)].join('\n');
  }

  /** 1 for everybody, as in ZooKeeper: who may lead is decided by who may vote. */
  weight(_sid: Sid): number {
    return 1;
  }

  containsQuorum(acks: ReadonlySet<Sid>): boolean {
    let count = 0;
    for (const sid of acks) if (this.votingMembers.has(sid)) count++;
    return count * 2 > this.votingMembers.size;
  }

  toString(): string {
    return this.#text;
  }
}
