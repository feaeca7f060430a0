/**
 * What a picture of an ensemble shows at a moment, folded from the servers' probe events and nothing else: roles, epochs,
 * zxids, votes and how far they are counted, waits, links. Pure.
 */

import type {
  ElectionEvent,
  PeerEvent,
  ProbeRecord,
  ServerState,
  StorageEvent,
  TxnEvent,
  VoteView,
  ZabEvent,
  ZabState,
} from '../ports/probe.ts';
import type { Epoch, Zxid } from '../wire/ids.ts';

export interface FinalizeWait {
  readonly sinceMs: number;
  readonly waitMs: number;
}

export interface ServerPicture {
  /** Null: it does not run, as far as is known. */
  state: ServerState | null;
  zab: ZabState | null;
  serving: boolean;
  epoch: Epoch | null;
  /** The last transaction it has applied. */
  zxid: Zxid | null;
  /** The last one on its disk. */
  loggedZxid: Zxid | null;
  round: bigint;
  /** What it votes for while it looks. */
  vote: VoteView | null;
  /** The votes of this round that it has heard, its own among them: who, and for whom. */
  readonly heard: Map<number, VoteView>;
  finalizeWait: FinalizeWait | null;
}

export interface LinkPicture {
  readonly state: 'connecting' | 'up' | 'silent' | 'down';
  readonly via: 'webrtc' | 'broadcast' | null;
  readonly reason: string;
}

const unknown = (): ServerPicture => ({
  state: null,
  zab: null,
  serving: false,
  epoch: null,
  zxid: null,
  loggedZxid: null,
  round: 0n,
  vote: null,
  heard: new Map(),
  finalizeWait: null,
});

export class EnsemblePicture {
  readonly servers = new Map<number, ServerPicture>();
  readonly #links = new Map<string, LinkPicture>();

  read(record: ProbeRecord): void {
    const { event } = record;
    const sid = Number(record.sid);
    switch (event.topic) {
      case 'peer':
        readPeer(this.#server(sid), event);
        return;
      case 'election':
        readElection(this.#server(sid), sid, event, record.timeMs);
        return;
      case 'zab':
        readZab(this.#server(sid), event);
        return;
      case 'txn':
        readTxn(this.#server(sid), event);
        return;
      case 'storage':
        readStorage(this.#server(sid), event);
        return;
      case 'room':
        if (event.type === 'link') this.#readLink(sid, Number(event.peer), event);
        else if (event.type === 'presence' && event.state !== 'here' && event.state !== 'silent') {
          this.#gone(Number(event.peer), event.state);
        }
        return;
      default:
        return;
    }
  }

  link(one: number, other: number): LinkPicture | null {
    return this.#links.get(linkKey(one, other)) ?? null;
  }

  #server(sid: number): ServerPicture {
    const known = this.servers.get(sid);
    if (known !== undefined) return known;
    const server = unknown();
    this.servers.set(sid, server);
    return server;
  }

  #readLink(sid: number, peer: number, { state, via, reason }: LinkPicture): void {
    this.#links.set(linkKey(sid, peer), { state, via, reason });
  }

  #gone(sid: number, how: string): void {
    if (how !== 'cutOff') this.servers.delete(sid);
  }
}

const linkKey = (one: number, other: number): string =>
  `${Math.min(one, other)}-${Math.max(one, other)}`;

/** How many of the votes heard are the same as the server's own. */
export function tally({ vote, heard }: ServerPicture): number {
  if (vote === null) return 0;
  let count = 0;
  for (const each of heard.values()) if (each.leader === vote.leader) count++;
  return count;
}

function endElection(server: ServerPicture): void {
  server.vote = null;
  server.finalizeWait = null;
  server.heard.clear();
}

function readPeer(server: ServerPicture, event: PeerEvent): void {
  switch (event.type) {
    case 'state':
      server.state = event.state;
      endElection(server);
      if (event.state === 'LOOKING') server.serving = false;
      return;
    case 'zabState':
      server.zab = event.state;
      return;
    case 'serving':
      server.serving = event.serving;
      return;
    case 'stopped':
      server.state = null;
      server.serving = false;
      endElection(server);
      return;
    case 'warning':
      return;
  }
}

function readElection(
  server: ServerPicture,
  sid: number,
  event: ElectionEvent,
  timeMs: number,
): void {
  switch (event.type) {
    case 'roundStarted':
      server.state = 'LOOKING';
      server.round = event.round;
      server.vote = event.vote;
      server.finalizeWait = null;
      server.heard.clear();
      server.heard.set(sid, event.vote);
      return;
    case 'roundAdopted':
      server.round = event.round;
      server.finalizeWait = null;
      server.heard.clear();
      return;
    case 'voteChanged':
      server.vote = event.vote;
      server.finalizeWait = null;
      server.heard.set(sid, event.vote);
      return;
    case 'notificationReceived':
      if (server.vote !== null && (event.round === server.round || event.state !== 'LOOKING')) {
        server.heard.set(Number(event.peer), event.vote);
      }
      return;
    case 'quorumOfVotes':
      server.finalizeWait = { sinceMs: timeMs, waitMs: event.finalizeWaitMs };
      return;
    case 'decided':
      endElection(server);
      return;
    case 'notificationSent':
    case 'timedOut':
    case 'notReached':
    case 'ignored':
      return;
  }
}

function readZab(server: ServerPicture, event: ZabEvent): void {
  if (event.type === 'established') server.epoch = event.epoch;
  if (event.type === 'upToDate') {
    server.epoch = event.epoch;
    server.zxid = event.zxid;
  }
}

function readTxn(server: ServerPicture, event: TxnEvent): void {
  if (event.type === 'applied') server.zxid = event.zxid;
  if (event.type === 'flushed') server.loggedZxid = event.zxid;
}

function readStorage(server: ServerPicture, event: StorageEvent): void {
  switch (event.type) {
    case 'loaded':
    case 'truncated':
    case 'snapshotInstalled':
      server.zxid = event.zxid;
      server.loggedZxid = event.zxid;
      return;
    case 'epochWritten':
      if (event.file === 'currentEpoch') server.epoch = event.epoch;
      return;
    default:
      return;
  }
}
