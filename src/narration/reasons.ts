/**
 * Why something just happened: a sentence with its numbers, and what it rests on: the votes, the messages, and
 * ZooKeeper's rule with the class it stands in. Only from probe events, of any number of servers. Pure.
 */

import type { ElectionEvent, PeerEvent, ProbeRecord, VoteView, ZabEvent } from '../ports/probe.ts';
import { epochOf, type Sid, zxidToString } from '../wire/ids.ts';
import { narrate, type Sentence, type Weight } from './narrator.ts';
import { messageEnd } from './messages.ts';
import { ruleOf } from './rules.ts';

export interface Fact {
  readonly label: string;
  readonly value: string;
}

export interface Explanation {
  readonly id: number;
  readonly sid: number;
  readonly weight: Weight;
  /** Without who it happened to: that is `sid`. */
  readonly sentence: string;
  readonly facts: readonly Fact[];
  /** The messages it rests on, as this server saw them, oldest first. */
  readonly messages: readonly ProbeRecord[];
  /** It rests on packets, and none of them has been told. */
  readonly lacksPackets: boolean;
  /** ZooKeeper's rule in plain words. */
  readonly rule: string;
  /** The class and method that hold it. */
  readonly source: string;
  readonly record: ProbeRecord;
}

interface Said {
  readonly sentence: string;
  readonly facts: readonly Fact[];
  /** Whose last messages it rests on. */
  readonly heardFrom: readonly Sid[];
}

export class Explainer {
  readonly #voterCount: number | null;
  /** The last vote and the last packet of each server to each other, as it was received. */
  readonly #lastHeard = new Map<string, ProbeRecord>();
  #count = 0;

  /** `voterCount`: of the ensemble, where it is known. */
  constructor(voterCount: number | null) {
    this.#voterCount = voterCount;
  }

  /** Null for what needs no reason: single messages, single requests. */
  read(record: ProbeRecord): Explanation | null {
    const end = messageEnd(record);
    if (end !== null) {
      if (end.end === 'received') {
        this.#lastHeard.set(heardKey(record.event.topic, end.to, end.from), record);
      }
      return null;
    }
    const told = narrate(record);
    if (told === null || record.event.topic === 'request') return null;
    const { sentence, facts, heardFrom } = this.#say(record, told);
    const { rule, source } = ruleOf(record.event, told.source);
    const sid = Number(record.sid);
    const { topic } = record.event;
    const restsOn = topic === 'zab' || topic === 'txn' ? 'packet' : 'election';
    const messages = heardFrom.flatMap(
      (from) => this.#lastHeard.get(heardKey(restsOn, sid, Number(from))) ?? [],
    );
    const lacksPackets = restsOn === 'packet' && heardFrom.length > 0 && messages.length === 0;
    const id = ++this.#count;
    const { weight } = told;
    return { id, sid, weight, sentence, facts, messages, lacksPackets, rule, source, record };
  }

  #say(record: ProbeRecord, told: Sentence): Said {
    const { event, sid } = record;
    if (event.topic === 'election') return this.#election(event, sid) ?? asTold(told);
    if (event.topic === 'zab') return this.#zab(event) ?? asTold(told);
    if (event.topic === 'peer') return this.#peer(event, sid) ?? asTold(told);
    if (event.topic === 'txn' && event.type === 'committed') {
      const sentence = `Commits ${zxidToString(event.zxid)}: on disk at ${this.#of(event.supporters)} (${list(event.supporters)}).`;
      return { sentence, facts: [], heardFrom: event.supporters };
    }
    return asTold(told);
  }

  #election(event: ElectionEvent, self: Sid): Said | null {
    switch (event.type) {
      case 'voteChanged':
        return {
          sentence: wins(event),
          facts: [
            voteFact('The vote it had', event.oldVote),
            voteFact('The better vote', event.vote),
          ],
          heardFrom: [event.from],
        };
      case 'quorumOfVotes':
        return {
          sentence: `${this.#of(event.supporters)} (${list(event.supporters)}) vote for server ${event.vote.leader}: waits ${event.finalizeWaitMs} ms for a better vote.`,
          facts: [voteFact('The vote', event.vote)],
          heardFrom: event.supporters.filter((sid) => sid !== self),
        };
      case 'decided':
        return {
          sentence: `Server ${event.vote.leader} is elected after ${Math.round(event.tookMs)} ms: ${this.#of(event.supporters)} (${list(event.supporters)}) vote for it, and no better vote came.`,
          facts: [voteFact('The vote', event.vote)],
          heardFrom: event.supporters.filter((sid) => sid !== self),
        };
      default:
        return null;
    }
  }

  #zab(event: ZabEvent): Said | null {
    switch (event.type) {
      case 'syncChosen':
        return { sentence: chose(event), facts: syncFacts(event), heardFrom: [event.learner] };
      case 'epochProposed':
        return {
          sentence: `Proposes epoch ${event.epoch}: ${this.#of(event.supporters)} have said which epoch they accepted last (${list(event.supporters)}), and it is newer than all of them.`,
          facts: [],
          heardFrom: event.supporters,
        };
      case 'epochAcked':
      case 'established':
        return {
          sentence:
            event.type === 'epochAcked'
              ? `Epoch ${event.epoch} is agreed: ${this.#of(event.supporters)} accept it (${list(event.supporters)}).`
              : `Leads epoch ${event.epoch}: ${this.#of(event.supporters)} have its history on disk (${list(event.supporters)}).`,
          facts: [],
          heardFrom: event.supporters,
        };
      default:
        return null;
    }
  }

  #peer(event: PeerEvent, self: Sid): Said | null {
    if (event.type !== 'state') return null;
    const { cause } = event;
    switch (cause.kind) {
      case 'steppedDown':
        return {
          sentence: `Steps down: only ${cause.synced.length} of ${cause.voterCount} in sync (${list(cause.synced)}); in sync is who is connected and was heard of within ${cause.syncLimitTicks} ticks.`,
          facts: [
            { label: 'A tick', value: `${cause.tickTimeMs} ms` },
            {
              label: 'A quorum',
              value: `${Math.floor(cause.voterCount / 2) + 1} of ${cause.voterCount}`,
            },
          ],
          heardFrom: [],
        };
      case 'elected':
      case 'joined': {
        const leads = cause.vote.leader === self;
        const votes = `${this.#of(cause.supporters)} (${list(cause.supporters)})`;
        return {
          sentence: leads
            ? `Leads: ${votes} voted for it.`
            : cause.kind === 'joined'
              ? `Joins server ${cause.vote.leader}, which leads already: so say ${votes}.`
              : `Follows server ${cause.vote.leader}: ${votes} voted for it.`,
          facts: [voteFact('The vote', cause.vote)],
          heardFrom: cause.supporters.filter((sid) => sid !== self),
        };
      }
      default:
        return null;
    }
  }

  /** `2 of 3`, or `2 servers` where nobody knows how many there are. */
  #of(supporters: readonly Sid[]): string {
    const count = supporters.length;
    if (this.#voterCount !== null) return `${count} of ${this.#voterCount}`;
    return count === 1 ? '1 server' : `${count} servers`;
  }
}

/** A decision about votes rests on votes, and one about history on packets. */
const heardKey = (topic: string, to: number, from: number): string => `${topic} ${to}<${from}`;

const asTold = ({ text }: Sentence): Said => ({ sentence: text, facts: [], heardFrom: [] });

const list = (sids: readonly Sid[]): string =>
  [...sids].sort((a, b) => (a < b ? -1 : 1)).join(', ');

const voteFact = (label: string, { leader, peerEpoch, zxid }: VoteView): Fact => ({
  label,
  value: `server ${leader < 0n ? 'nobody' : leader}, epoch ${peerEpoch}, zxid ${zxidToString(zxid)}`,
});

function wins({
  oldVote,
  vote,
  decidedBy,
}: Extract<ElectionEvent, { type: 'voteChanged' }>): string {
  if (oldVote.leader < 0n) return `Hears that server ${vote.leader} is voted for.`;
  const wonOver = `Server ${vote.leader} wins over ${oldVote.leader}`;
  switch (decidedBy) {
    case 'peerEpoch':
      return `${wonOver}: epoch ${vote.peerEpoch} is newer than ${oldVote.peerEpoch}.`;
    case 'zxid':
      return `${wonOver}: same epoch ${vote.peerEpoch}, zxid ${zxidToString(vote.zxid)} is further than ${zxidToString(oldVote.zxid)}.`;
    case 'sid':
      return `${wonOver}: same epoch ${vote.peerEpoch}, same zxid ${zxidToString(vote.zxid)}, higher id.`;
    case 'round':
      return `Votes for server ${vote.leader}: a newer round of the election has begun, and all votes of the old one are void.`;
  }
}

type SyncChosen = Extract<ZabEvent, { type: 'syncChosen' }>;

function chose(event: SyncChosen): string {
  const chosen = `Leader chose ${event.sync} for server ${event.learner}`;
  if (event.sync !== 'DIFF') return `${chosen}: ${event.reason}.`;
  const count = event.proposalCount;
  if (count === 0)
    return `${chosen}: it is where the leader is, ${zxidToString(event.leaderZxid)}.`;
  const behind = count === 1 ? '1 transaction behind' : `${count} transactions behind`;
  const inMemory = event.learnerZxid >= event.minCommittedLog;
  return inMemory
    ? `${chosen}: ${behind}, all in the committed log.`
    : `${chosen}: ${behind}; ${event.reason}.`;
}

const syncFacts = (event: SyncChosen): readonly Fact[] => [
  {
    label: `Server ${event.learner} is at`,
    value: `${zxidToString(event.learnerZxid)} (epoch ${epochOf(event.learnerZxid)})`,
  },
  {
    label: 'The leader is at',
    value: `${zxidToString(event.leaderZxid)} (epoch ${epochOf(event.leaderZxid)})`,
  },
  {
    label: 'Its committed log holds',
    value: `${zxidToString(event.minCommittedLog)} to ${zxidToString(event.maxCommittedLog)}`,
  },
  { label: 'Which means', value: event.reason },
];
