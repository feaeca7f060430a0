/** The part of a server that an election needs, without the rest of a server. */

import { parseQuorumVerifier } from '../../../src/config/configText.ts';
import type { LearnerType } from '../../../src/config/quorumServer.ts';
import type { QuorumVerifier } from '../../../src/config/quorumVerifier.ts';
import type { ElectionOutcome, ElectionPeer } from '../../../src/election/electionPeer.ts';
import type { Vote } from '../../../src/election/vote.ts';
import type { ServerState } from '../../../src/ports/probe.ts';
import { epoch, sid, zxid, type Epoch, type Sid, type Zxid } from '../../../src/wire/ids.ts';

/** `count` servers `tab-N`, of which `observers` observe; more lines (groups, weights) may follow. */
export function verifierOf(
  count: number,
  observers: readonly number[] = [],
  ...lines: readonly string[]
): QuorumVerifier {
  const servers = Array.from({ length: count }, (_, i) => {
    const type = observers.includes(i + 1) ? 'observer' : 'participant';
    return `server.${i + 1}=tab-${i + 1}:2888:3888:${type};2181`;
  });
  return parseQuorumVerifier([...servers, ...lines].join('\n'));
}

export class ElectingPeer implements ElectionPeer {
  readonly sid: Sid;
  state: ServerState = 'LOOKING';
  verifier: QuorumVerifier;
  lastSeen: QuorumVerifier | null = null;
  vote: Vote | null = null;
  logged: Zxid = zxid(0n);
  epoch: Epoch = epoch(0);
  /** What to do with a newer configuration. */
  takesConfig = false;
  readonly outcomes: ElectionOutcome[] = [];
  readonly configs: bigint[] = [];
  readonly lookers: Sid[] = [];
  readonly portFailures: string[] = [];

  constructor(number: number, verifier: QuorumVerifier) {
    this.sid = sid(number);
    this.verifier = verifier;
  }

  learnerType(): LearnerType {
    return this.verifier.votingMembers.has(this.sid) ? 'participant' : 'observer';
  }

  serverState = (): ServerState => this.state;
  quorumVerifier = (): QuorumVerifier => this.verifier;
  lastSeenQuorumVerifier = (): QuorumVerifier | null => this.lastSeen;
  lastLoggedZxid = (): Zxid => this.logged;
  currentEpoch = (): Epoch => this.epoch;
  currentVote = (): Vote | null => this.vote;
  lookingPeer = (from: Sid): void => void this.lookers.push(from);
  electionPortFailed = (reason: string): void => void this.portFailures.push(reason);

  configReceived(verifier: QuorumVerifier): boolean {
    this.configs.push(verifier.version);
    return this.takesConfig;
  }

  /** To be given to `lookForLeader`. */
  done = (outcome: ElectionOutcome): void => {
    this.outcomes.push(outcome);
    this.state = outcome.state;
    this.vote = outcome.vote;
  };

  get outcome(): ElectionOutcome | undefined {
    return this.outcomes.at(-1);
  }
}
