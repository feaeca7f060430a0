/**
 * Turns probe events into the plain sentences of the log: what happened and what it rested on. Pure; knows only the
 * probe's types, never the core.
 */

import type { ProbeRecord, StateCause, VoteView, ZabEvent } from '../ports/probe.ts';
import { unreachable } from '../base/assert.ts';
import type { Sid } from '../wire/ids.ts';
import { zxidToString } from '../wire/ids.ts';

/** How much a line matters to someone who watches: `turn` changes who leads or serves, `step` leads there, `detail` is the rest. */
export type Weight = 'turn' | 'step' | 'detail';

export interface Sentence {
  readonly text: string;
  readonly weight: Weight;
  /** ZooKeeper's class in which this rule lives, for those who read on. */
  readonly source: string;
}

type EventOf<Topic> = Extract<ProbeRecord['event'], { topic: Topic }>;

/** The sentence for an event, or null where only the detailed views show it (single packets, single requests). */
export function narrate(record: ProbeRecord): Sentence | null {
  const { event, sid } = record;
  switch (event.topic) {
    case 'peer':
      return narratePeer(event, sid);
    case 'election':
      return narrateElection(event, sid);
    case 'zab':
      return narrateZab(event, sid);
    case 'txn':
      return event.type === 'committed'
        ? say(
            'detail',
            `Commits ${zxidToString(event.zxid)}: on disk at ${servers(event.supporters)}.`,
            'Leader',
          )
        : null;
    case 'storage':
      return narrateStorage(event);
    case 'session':
      return narrateSession(event);
    case 'room':
      return narrateRoom(event);
    case 'request':
      return event.type === 'watchFired'
        ? say(
            'detail',
            `Tells session ${hex(event.sessionId)} that its watch on ${event.path} fired.`,
            'WatchManager',
          )
        : null;
    case 'connection':
    case 'packet':
      return null;
    default:
      return unreachable(event);
  }
}

function say(weight: Weight, text: string, source: string): Sentence {
  return { weight, text, source };
}

const server = (sid: Sid): string => `server ${sid}`;
const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;
const list = (sids: readonly Sid[]): string =>
  [...sids].sort((a, b) => (a < b ? -1 : 1)).join(', ');
const servers = (sids: readonly Sid[]): string =>
  sids.length === 1 ? `server ${list(sids)}` : `servers ${list(sids)}`;
const vote = (view: VoteView): string =>
  `${server(view.leader)} (epoch ${view.peerEpoch}, zxid ${zxidToString(view.zxid)})`;

function narratePeer(event: EventOf<'peer'>, self: Sid): Sentence | null {
  switch (event.type) {
    case 'state':
      return say('turn', stateSentence(event.state, event.cause, self), 'QuorumPeer');
    case 'zabState':
      return null;
    case 'serving':
      return event.serving
        ? say('turn', `Serves clients now: ${event.reason}.`, 'ZooKeeperServer')
        : say('turn', `Serves no clients: ${event.reason}.`, 'ZooKeeperServer');
    case 'stopped':
      return say('turn', `Has stopped: ${event.reason}.`, 'QuorumPeer');
    case 'warning':
      return say('step', event.message, 'QuorumPeer');
    default:
      return unreachable(event);
  }
}

function stateSentence(state: string, cause: StateCause, self: Sid): string {
  switch (cause.kind) {
    case 'started':
      return 'Starts and looks for a leader.';
    case 'elected':
      return cause.vote.leader === self
        ? `Leads: ${servers(cause.supporters)} voted for it.`
        : `Follows ${server(cause.vote.leader)}, for which ${servers(cause.supporters)} voted.`;
    case 'joined':
      return `Joins ${server(cause.vote.leader)}, which leads already (so say ${servers(cause.supporters)}).`;
    case 'leaderLost':
      return `Looks for a leader: lost ${server(cause.leader)} (${cause.reason}).`;
    case 'steppedDown':
      return `Steps down: only ${cause.synced.length} of ${cause.voterCount} voters in sync (${list(cause.synced)}); in sync is who is connected and was heard of within ${cause.syncLimitTicks} ticks of ${cause.tickTimeMs} ms.`;
    case 'epochNotAgreed':
      return `Looks for a leader again: no quorum agreed on the new epoch (${cause.reason}).`;
    case 'counterExhausted':
      return `Steps down: the zxid counter is used up at ${zxidToString(cause.zxid)}, so a new epoch must begin.`;
    case 'reconfigured':
      return `Is ${state} now: the configuration changed.`;
    default:
      return unreachable(cause);
  }
}

function narrateElection(event: EventOf<'election'>, self: Sid): Sentence | null {
  const source = 'FastLeaderElection';
  switch (event.type) {
    case 'roundStarted':
      return say(
        'step',
        `Opens election round ${event.round} and votes for ${voteFor(event.vote, self)}.`,
        source,
      );
    case 'roundAdopted':
      return say(
        'step',
        `${capital(server(event.from))} is in round ${event.round} already: leaves round ${event.oldRound} and counts anew.`,
        source,
      );
    case 'voteChanged':
      return say('step', changeSentence(event), source);
    case 'quorumOfVotes':
      return say(
        'step',
        `A quorum (${list(event.supporters)}) votes for ${server(event.vote.leader)}: ${waitFor(event.finalizeWaitMs)}.`,
        source,
      );
    case 'decided':
      return say(
        'step',
        `Election decided in ${Math.round(event.tookMs)} ms: ${server(event.vote.leader)} leads, ${servers(event.supporters)} support it.`,
        source,
      );
    case 'timedOut':
      return say(
        'detail',
        event.action === 'resend'
          ? `Heard nothing: sends its vote again, next time after ${event.nextWaitMs} ms.`
          : `Heard nothing and has mail undelivered: dials every server again, next time after ${event.nextWaitMs} ms.`,
        source,
      );
    case 'ignored':
      return say('detail', `Ignores a vote of ${server(event.from)}: ${event.reason}.`, source);
    case 'notificationReceived':
      return say(
        'detail',
        `${capital(server(event.peer))} (${event.state}, round ${event.round}) votes for ${vote(event.vote)}.`,
        source,
      );
    case 'notReached':
      return say(
        'detail',
        `Cannot reach ${server(event.peer)} at ${event.address}: ${event.reason}.`,
        'QuorumCnxManager',
      );
    case 'notificationSent':
      return null;
    default:
      return unreachable(event);
  }
}

const waitFor = (finalizeWaitMs: number): string =>
  finalizeWaitMs === 0
    ? 'does not wait, since nobody who is here can bring a better vote'
    : `waits ${finalizeWaitMs} ms for a better vote`;

/** Observers vote for nobody, which is the smallest number there is. */
const votesForNobody = (view: VoteView): boolean => view.leader < 0n;

const voteFor = (view: VoteView, self: Sid): string =>
  votesForNobody(view)
    ? 'nobody, since it observes'
    : view.leader === self
      ? `itself (epoch ${view.peerEpoch}, zxid ${zxidToString(view.zxid)})`
      : vote(view);

function changeSentence(event: Extract<EventOf<'election'>, { type: 'voteChanged' }>): string {
  const winner = server(event.vote.leader);
  const loser = event.oldVote.leader;
  if (votesForNobody(event.oldVote)) return `Learns that ${winner} is voted for.`;
  switch (event.decidedBy) {
    case 'peerEpoch':
      return `Votes for ${winner} instead of ${loser}: its epoch ${event.vote.peerEpoch} is newer than ${event.oldVote.peerEpoch}.`;
    case 'zxid':
      return `Votes for ${winner} instead of ${loser}: same epoch, and its zxid ${zxidToString(event.vote.zxid)} is further than ${zxidToString(event.oldVote.zxid)}.`;
    case 'sid':
      return `Votes for ${winner} instead of ${loser}: same epoch, same zxid, higher id.`;
    case 'round':
      return `Votes for ${winner}: a newer election round began.`;
    default:
      return unreachable(event.decidedBy);
  }
}

function narrateZab(event: ZabEvent, self: Sid): Sentence | null {
  switch (event.type) {
    case 'learnerRegistered':
      return say(
        'step',
        `${capital(server(event.learner))} reports as ${event.learnerType}; it accepted epoch ${event.acceptedEpoch} last.`,
        'LearnerHandler',
      );
    case 'epochProposed':
      return say(
        'step',
        `Proposes epoch ${event.epoch}: a quorum (${list(event.supporters)}) has reported.`,
        'Leader',
      );
    case 'epochAccepted':
      return say(
        'step',
        `Accepts epoch ${event.epoch} and writes it down before saying so.`,
        'Learner',
      );
    case 'epochAcked':
      return say(
        'step',
        `Epoch ${event.epoch} is agreed: acknowledged by ${servers(event.supporters)}.`,
        'Leader',
      );
    case 'syncChosen':
      return say('step', syncSentence(event), 'LearnerHandler');
    case 'synchronizing':
      return say(
        'step',
        `Receives ${event.sync} up to ${zxidToString(event.zxid)} from ${server(event.leader)}.`,
        'Learner',
      );
    case 'newLeaderAcked':
      return say(
        'step',
        `${event.learner === self ? 'Has' : `${capital(server(event.learner))} has`} the leader's history on disk (now ${list(event.supporters)}).`,
        'Leader',
      );
    case 'established':
      return say(
        'turn',
        `Leads epoch ${event.epoch}: a quorum (${list(event.supporters)}) has its history on disk.`,
        'Leader',
      );
    case 'upToDate':
      return say(
        'turn',
        `Is up to date with ${server(event.leader)} at ${zxidToString(event.zxid)}.`,
        'Learner',
      );
    case 'learnerDropped':
      return say(
        'step',
        `Gives up on ${server(event.learner)}: ${event.reason}.`,
        'LearnerHandler',
      );
    case 'pingCheck':
      return null;
    default:
      return unreachable(event);
  }
}

function syncSentence(event: Extract<ZabEvent, { type: 'syncChosen' }>): string {
  const count = event.proposalCount;
  const sent = count === 1 ? '1 transaction' : `${count} transactions`;
  const chosen = `Chose ${event.sync} for ${server(event.learner)}`;
  const rests = `${event.reason} (it is at ${zxidToString(event.learnerZxid)}, the leader at ${zxidToString(event.leaderZxid)})`;
  return count > 0 ? `${chosen}, ${sent}: ${rests}.` : `${chosen}: ${rests}.`;
}

function narrateStorage(event: EventOf<'storage'>): Sentence | null {
  switch (event.type) {
    case 'loaded':
      return say(
        'step',
        `Read its disk in ${Math.round(event.tookMs)} ms: ${event.snapshot ?? 'no snapshot'} and ${event.replayedCount} logged transactions, ${event.nodeCount} znodes, last zxid ${zxidToString(event.zxid)}.`,
        'ZKDatabase',
      );
    case 'tailCut':
      return say(
        'step',
        `Cut ${event.file} to ${event.sizeBytes} bytes: ${event.reason}.`,
        'FileTxnLog',
      );
    case 'snapshotTaken':
      return say(
        'detail',
        `Wrote ${event.file}: ${event.sizeBytes} bytes in ${Math.round(event.tookMs)} ms.`,
        'FileSnap',
      );
    case 'snapshotRejected':
      return say('step', `Passed over ${event.file}: ${event.reason}.`, 'FileSnap');
    case 'snapshotInstalled':
      return say(
        'detail',
        `Made ${event.file} (${event.sizeBytes} bytes) its whole history in place of ${event.superseded.length} older files.`,
        'FileSnap',
      );
    case 'digestMismatch':
      return say(
        'turn',
        `Its tree differs from the proposer's after ${zxidToString(event.zxid)}: digest ${event.actual}, not ${event.expected}.`,
        'DataTree',
      );
    case 'truncated':
      return say(
        'step',
        `Cut its log back to ${zxidToString(event.zxid)}: what came later was never committed.`,
        'FileTxnLog',
      );
    case 'purged':
      return say('detail', `Removed ${event.removed.length} old files.`, 'PurgeTxnLog');
    case 'epochWritten':
      return say('detail', `Wrote ${event.file} ${event.epoch}.`, 'QuorumPeer');
    case 'failed':
      return say(
        'turn',
        `The disk failed (${event.kind}) on ${event.file}: ${event.message}`,
        'FileTxnSnapLog',
      );
    case 'snapshotStarted':
      return null;
    default:
      return unreachable(event);
  }
}

function narrateSession(event: EventOf<'session'>): Sentence | null {
  const source = 'SessionTrackerImpl';
  const session = `Session ${hex(event.sessionId)}`;
  switch (event.type) {
    case 'opened':
      return say('detail', `${session} opens with a timeout of ${event.timeoutMs} ms.`, source);
    case 'reattached':
      return say(
        'detail',
        event.valid
          ? `${session} comes back on a new connection.`
          : `${session} is gone: its client is told so.`,
        source,
      );
    case 'expired':
      return say('step', `${session} expires: nothing heard for ${event.timeoutMs} ms.`, source);
    case 'closed':
      return say(
        'detail',
        `${session} ends${event.ephemerals.length > 0 ? `, and with it ${event.ephemerals.join(', ')}` : ''}.`,
        source,
      );
    case 'moved':
      return say('detail', `${session} moved: ${event.reason}.`, source);
    case 'disconnected':
      return say('detail', `${session} lost its connection: ${event.reason}.`, source);
    case 'closing':
      return null;
    default:
      return unreachable(event);
  }
}

function narrateRoom(event: EventOf<'room'>): Sentence | null {
  const source = 'room';
  switch (event.type) {
    case 'link':
      return linkSentence(event);
    case 'presence':
      return say('step', `${capital(server(event.peer))} ${PRESENCE[event.state]}.`, source);
    case 'signalling':
      return event.server === 'connected'
        ? say('detail', 'The room server is connected: tabs on other machines can join.', source)
        : say(
            'step',
            `The room server is away (${event.reason}): only tabs of this browser can join.`,
            source,
          );
    case 'problem':
      return say('turn', event.message, source);
    default:
      return unreachable(event);
  }
}

const PRESENCE = {
  here: 'is here',
  closed: 'closed its tab',
  crashed: 'crashed',
  silent: 'has gone silent',
  cutOff: 'is cut off from this tab',
} as const;

function linkSentence(event: Extract<EventOf<'room'>, { type: 'link' }>): Sentence | null {
  const peer = server(event.peer);
  switch (event.state) {
    case 'connecting':
      return null;
    case 'up':
      return say(
        'detail',
        `Link to ${peer} is up over ${event.via === 'webrtc' ? 'WebRTC' : 'this browser (BroadcastChannel)'}.`,
        'room',
      );
    case 'silent':
      return say('step', `Link to ${peer} is silent: ${event.reason}.`, 'room');
    case 'down':
      return say('step', `Link to ${peer} is down: ${event.reason}.`, 'room');
    default:
      return unreachable(event.state);
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
