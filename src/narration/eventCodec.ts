/**
 * Probe records as text: what tabs tell each other of, and what is exported. A record that comes in is checked field by
 * field. The tables must name every event there is, or this file does not compile. Pure.
 */

import type {
  ProbeEvent,
  ProbeRecord,
  ProbeTopic,
  ServerState,
  StateCause,
  VoteView,
} from '../ports/probe.ts';
import {
  BadEvent,
  bytes,
  epochField,
  type Field,
  flag,
  integer,
  isObject,
  listOf,
  maybe,
  nullable,
  number,
  oneOf,
  sessionField,
  shape,
  sidField,
  text,
  variants,
  whole,
  zxidField,
} from './fieldCodec.ts';

/** The events of a topic without its name. `Omit` would melt the union into one; this keeps its members apart. */
type Events<Topic extends ProbeTopic> = EachWithoutTopic<Extract<ProbeEvent, { topic: Topic }>>;
type EachWithoutTopic<Each> = Each extends { readonly type: string } ? Omit<Each, 'topic'> : never;

const serverState: Field<ServerState> = oneOf('LOOKING', 'FOLLOWING', 'LEADING', 'OBSERVING');
const port = oneOf('election', 'quorum', 'client');
const sids = listOf(sidField);
const vote = shape<VoteView>({ leader: sidField, zxid: zxidField, peerEpoch: epochField });

const reason = { reason: text };
const backing = { vote, supporters: sids };
const stateCause = variants<'kind', StateCause>('kind', {
  started: {},
  elected: backing,
  joined: backing,
  leaderLost: { leader: sidField, ...reason },
  steppedDown: {
    ...reason,
    synced: sids,
    voterCount: whole,
    syncLimitTicks: whole,
    tickTimeMs: number,
  },
  epochNotAgreed: reason,
  counterExhausted: { zxid: zxidField },
  reconfigured: {},
});

const notification = { peer: sidField, state: serverState, vote, round: integer };
const packet = {
  connection: whole,
  peer: sidField,
  offsetBytes: whole,
  packetType: whole,
  zxid: zxidField,
  data: nullable(bytes),
  dataBytes: whole,
};
const ofSession = { sessionId: sessionField };
const ofTxn = { zxid: zxidField, sessionId: sessionField, txnType: whole };
const ofRequest = { ...ofSession, connection: whole, xid: whole, op: whole };
const ofEpoch = { epoch: epochField };

const TOPICS: { readonly [Topic in ProbeTopic]: Field<Events<Topic>> } = {
  peer: variants('type', {
    state: { state: serverState, cause: stateCause },
    zabState: { state: oneOf('ELECTION', 'DISCOVERY', 'SYNCHRONIZATION', 'BROADCAST') },
    serving: { serving: flag, ...reason },
    stopped: {
      cause: oneOf('told', 'configuration', 'disk', 'clientPort', 'electionPort'),
      ...reason,
    },
    warning: { message: text },
  }),
  election: variants('type', {
    roundStarted: { round: integer, vote },
    roundAdopted: { from: sidField, oldRound: integer, round: integer },
    voteChanged: {
      from: sidField,
      oldVote: vote,
      vote,
      decidedBy: oneOf('peerEpoch', 'zxid', 'sid', 'round'),
    },
    notificationSent: notification,
    notificationReceived: notification,
    quorumOfVotes: { ...backing, finalizeWaitMs: number },
    decided: { ...backing, state: serverState, tookMs: number },
    timedOut: { nextWaitMs: number, action: oneOf('resend', 'connectAll') },
    ignored: { from: sidField, ...reason },
    notReached: { peer: sidField, address: text, ...reason },
  }),
  connection: variants('type', {
    opened: {
      connection: whole,
      port,
      direction: oneOf('dialled', 'accepted'),
      remote: text,
      peer: maybe(sidField),
    },
    closed: {
      connection: whole,
      port,
      peer: maybe(sidField),
      ...reason,
      by: oneOf('us', 'them'),
    },
  }),
  packet: variants('type', { sent: packet, received: packet }),
  zab: variants('type', {
    learnerRegistered: {
      learner: sidField,
      learnerType: oneOf('participant', 'observer'),
      acceptedEpoch: epochField,
    },
    epochProposed: { ...ofEpoch, supporters: sids },
    epochAccepted: ofEpoch,
    epochAcked: { ...ofEpoch, supporters: sids },
    syncChosen: {
      learner: sidField,
      sync: oneOf('DIFF', 'TRUNC', 'TRUNC+DIFF', 'SNAP'),
      learnerZxid: zxidField,
      leaderZxid: zxidField,
      minCommittedLog: zxidField,
      maxCommittedLog: zxidField,
      proposalCount: whole,
      ...reason,
    },
    synchronizing: {
      leader: sidField,
      sync: oneOf('DIFF', 'TRUNC', 'SNAP'),
      zxid: zxidField,
    },
    newLeaderAcked: { learner: sidField, supporters: sids },
    established: { ...ofEpoch, supporters: sids },
    upToDate: { leader: sidField, ...ofEpoch, zxid: zxidField },
    learnerDropped: { learner: sidField, ...reason },
    pingCheck: { synced: sids, voterCount: whole },
  }),
  txn: variants('type', {
    proposed: ofTxn,
    acked: { zxid: zxidField, by: sidField },
    committed: { zxid: zxidField, supporters: sids },
    appended: { zxid: zxidField, sizeBytes: whole },
    flushed: { zxid: zxidField, groupCount: whole, tookMs: number },
    applied: { ...ofTxn, path: nullable(text) },
  }),
  storage: variants('type', {
    loaded: {
      snapshot: nullable(text),
      zxid: zxidField,
      nodeCount: whole,
      replayedCount: whole,
      tookMs: number,
    },
    tailCut: { file: text, sizeBytes: whole, ...reason },
    snapshotStarted: { file: text, zxid: zxidField },
    snapshotTaken: { file: text, zxid: zxidField, sizeBytes: whole, tookMs: number },
    snapshotRejected: { file: text, ...reason },
    snapshotInstalled: {
      file: text,
      zxid: zxidField,
      sizeBytes: whole,
      superseded: listOf(text),
    },
    digestMismatch: { zxid: zxidField, expected: integer, actual: integer },
    truncated: { zxid: zxidField, removed: listOf(text) },
    purged: { removed: listOf(text) },
    epochWritten: { file: oneOf('acceptedEpoch', 'currentEpoch'), ...ofEpoch },
    failed: {
      kind: oneOf('missing', 'full', 'fenced', 'failed', 'corrupt', 'incomplete'),
      file: text,
      message: text,
    },
  }),
  session: variants('type', {
    opened: { ...ofSession, timeoutMs: number, connection: whole },
    reattached: { ...ofSession, valid: flag, connection: whole },
    expired: { ...ofSession, timeoutMs: number },
    closing: ofSession,
    closed: { ...ofSession, ephemerals: listOf(text) },
    moved: { ...ofSession, ...reason },
    disconnected: { ...ofSession, connection: whole, ...reason },
  }),
  request: variants('type', {
    received: { ...ofRequest, sizeBytes: whole },
    replied: { ...ofRequest, zxid: zxidField, errorCode: whole, tookMs: number },
    watchFired: { ...ofSession, connection: whole, eventType: whole, path: text },
  }),
  room: variants('type', {
    link: {
      peer: sidField,
      state: oneOf('connecting', 'up', 'silent', 'down'),
      via: nullable(oneOf('webrtc', 'broadcast')),
      ...reason,
    },
    presence: {
      peer: sidField,
      state: oneOf('here', 'closed', 'crashed', 'silent', 'cutOff'),
    },
    signalling: { server: oneOf('connected', 'away'), ...reason },
    problem: { message: text },
  }),
};

const topics = new Map<unknown, Field<object>>(
  Object.entries(TOPICS as Readonly<Record<string, Field<object>>>),
);

export const isTopic = (value: unknown): value is ProbeTopic => topics.has(value);

const head = shape<Omit<ProbeRecord, 'event'>>({
  sid: sidField,
  timeMs: number,
  wallTimeMs: number,
  sequence: whole,
});

/** @throws BadEvent for an event that is too large to be told. */
export function recordToJson(record: ProbeRecord): unknown {
  const { topic } = record.event;
  const field = topics.get(topic);
  if (field === undefined) throw new BadEvent('of no topic there is');
  const event = field.write(record.event) as object;
  return { ...(head.write(record) as object), event: { topic, ...event } };
}

/** @throws BadEvent for anything that is not exactly a record. */
export function recordFromJson(json: unknown): ProbeRecord {
  if (!isObject(json) || !isObject(json['event'])) throw new BadEvent('no record');
  const { topic } = json['event'];
  const field = topics.get(topic);
  if (field === undefined) throw new BadEvent('of no topic there is');
  const event = { topic, ...field.read(json['event']) } as ProbeEvent;
  return { ...head.read(json), event };
}
