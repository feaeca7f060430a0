/** ZooKeeper's rules in plain words, each with the class that holds it: for whoever wants to read on. Pure. */

import type { ProbeEvent } from '../ports/probe.ts';

export interface Rule {
  readonly rule: string;
  readonly source: string;
}

/** By topic and type, and for a state by what caused it. */
const RULES: Readonly<Record<string, Rule>> = {
  'election/roundStarted': {
    rule: 'A server that looks for a leader opens a new round and votes for itself with the last zxid on its disk.',
    source: 'FastLeaderElection.lookForLeader',
  },
  'election/roundAdopted': {
    rule: 'Who hears of a newer round joins it and throws away the votes of its own.',
    source: 'FastLeaderElection.lookForLeader',
  },
  'election/voteChanged': {
    rule: 'A vote is better if its epoch is newer; with the same epoch, if its zxid is larger; with the same zxid, if its id is larger.',
    source: 'FastLeaderElection.totalOrderPredicate',
  },
  'election/quorumOfVotes': {
    rule: 'When more than half of the voters have the same vote, a server waits finalizeWait (200 ms) for a better one before it believes it.',
    source: 'FastLeaderElection.finalizeWait',
  },
  'election/decided': {
    rule: 'More than half of the voters with the same vote, and no better one within finalizeWait, is an election.',
    source: 'SyncedLearnerTracker.hasAllQuorums',
  },
  'election/timedOut': {
    rule: 'Who hears nothing asks again, each time after twice as long.',
    source: 'FastLeaderElection.lookForLeader',
  },
  'peer/state/elected': {
    rule: 'Whom more than half of the voters vote for leads; all others follow it.',
    source: 'QuorumPeer.setPeerState',
  },
  'peer/state/joined': {
    rule: 'Who comes late and hears a quorum say that somebody leads, the leader among them, joins that leader.',
    source: 'FastLeaderElection.checkLeader',
  },
  'peer/state/leaderLost': {
    rule: 'A follower without its leader looks for a new one.',
    source: 'Follower.followLeader',
  },
  'peer/state/steppedDown': {
    rule: 'A leader that has not heard of a quorum within syncLimit ticks gives up, so that there are never two that can commit.',
    source: 'Leader.lead',
  },
  'peer/state/epochNotAgreed': {
    rule: 'An elected leader must get a quorum to agree on its epoch within initLimit ticks.',
    source: 'Leader.getEpochToPropose',
  },
  'peer/state/started': {
    rule: 'A server that starts is LOOKING.',
    source: 'QuorumPeer.startLeaderElection',
  },
  'peer/state/counterExhausted': {
    rule: 'A zxid counts 32 bits of transactions in one epoch; then there has to be a new epoch.',
    source: 'Leader.propose',
  },
  'peer/serving': {
    rule: 'Only a server in sync with a leader that has a quorum answers clients.',
    source: 'ZooKeeperServer.setState',
  },
  'zab/learnerRegistered': {
    rule: 'A learner first says who it is and which epoch it accepted last.',
    source: 'LearnerHandler.run',
  },
  'zab/epochProposed': {
    rule: 'The new epoch is one more than the newest that anybody in a quorum has accepted.',
    source: 'Leader.getEpochToPropose',
  },
  'zab/epochAccepted': {
    rule: 'A learner writes acceptedEpoch to its disk before it says so, so that it never accepts an older leader afterwards.',
    source: 'Learner.registerWithLeader',
  },
  'zab/epochAcked': {
    rule: 'A leader goes on only when a quorum has accepted its epoch and nobody in it has seen more than the leader.',
    source: 'Leader.waitForEpochAck',
  },
  'zab/syncChosen': {
    rule: 'Same zxid, or what is missing is in the committed log: DIFF. More than was ever committed: TRUNC. Older than the committed log, and the log on disk does not help: SNAP.',
    source: 'LearnerHandler.syncFollower',
  },
  'zab/synchronizing': {
    rule: 'A learner takes over the leader’s history before it serves anybody.',
    source: 'Learner.syncWithLeader',
  },
  'zab/newLeaderAcked': {
    rule: 'A learner acknowledges NEWLEADER when the leader’s history is on its disk.',
    source: 'Leader.waitForNewLeaderAck',
  },
  'zab/established': {
    rule: 'A leader leads when a quorum has its history on disk.',
    source: 'Leader.waitForNewLeaderAck',
  },
  'zab/upToDate': {
    rule: 'After UPTODATE a learner serves clients.',
    source: 'Learner.syncWithLeader',
  },
  'zab/learnerDropped': {
    rule: 'A learner that does not answer in time, or breaks the protocol, has to begin again.',
    source: 'LearnerHandler.ping',
  },
  'txn/committed': {
    rule: 'A transaction is committed when more than half of the voters have it on disk, and all before it are committed.',
    source: 'Leader.tryToCommit',
  },
  'session/expired': {
    rule: 'Sessions expire in buckets of a tick: a client must be heard of within its timeout, and the leader decides.',
    source: 'SessionTrackerImpl.run',
  },
  'session/closed': {
    rule: 'When a session ends, its ephemeral nodes go in the same transaction.',
    source: 'DataTree.killSession',
  },
  'storage/truncated': {
    rule: 'What the leader never committed is cut off the log before anything new is taken over.',
    source: 'FileTxnLog.truncate',
  },
  'storage/loaded': {
    rule: 'A server starts from its newest valid snapshot and replays the log after it.',
    source: 'FileTxnSnapLog.restore',
  },
};

const ROOM: Rule = {
  rule: 'Not ZooKeeper’s: tabs find and lose each other by their links, Web Locks and goodbyes.',
  source: 'none',
};

/** `source` is what is known when there is no rule of its own. */
export function ruleOf(event: ProbeEvent, source: string): Rule {
  if (event.topic === 'room') return ROOM;
  const key =
    event.topic === 'peer' && event.type === 'state'
      ? `peer/state/${event.cause.kind}`
      : `${event.topic}/${event.type}`;
  return RULES[key] ?? { rule: '', source };
}
