/**
 * The one stream of what happens in a server, told with its cause as data. The page's pictures, the log, the metrics,
 * the simulator's checkers and the tests all read it; none of them reaches into the core. Interfaces only.
 *
 * Emit like this, so that an unwatched event is never built:
 * `if (probe.watches('zab')) probe.emit({ topic: 'zab', type: 'committed', zxid });`
 */

import type { Epoch, SessionId, Sid, Zxid } from '../wire/ids.ts';
import type { Address, Port } from './network.ts';

export interface Probe {
  watches(topic: ProbeTopic): boolean;
  /** The world adds when (monotonic and wall time) and who (sid): see {@link ProbeRecord}. */
  emit(event: ProbeEvent): void;
}

/** An event as it travels outside the server it happened in. */
export interface ProbeRecord {
  readonly sid: Sid;
  /** Monotonic milliseconds of that server's clock. Tabs count them from 1970, so that those of one machine agree. */
  readonly timeMs: number;
  readonly wallTimeMs: number;
  /** 1, 2, 3, ... within one life of that server, so that a reader sees what it missed. */
  readonly sequence: number;
  readonly event: ProbeEvent;
}

export type ProbeTopic = ProbeEvent['topic'];

export type ProbeEvent =
  | PeerEvent
  | ElectionEvent
  | ConnectionEvent
  | PacketEvent
  | ZabEvent
  | TxnEvent
  | StorageEvent
  | SessionEvent
  | RequestEvent
  | RoomEvent;

export type ServerState = 'LOOKING' | 'FOLLOWING' | 'LEADING' | 'OBSERVING';
export type ZabState = 'ELECTION' | 'DISCOVERY' | 'SYNCHRONIZATION' | 'BROADCAST';

/** What a server votes for: the tuple that the total order compares. */
export interface VoteView {
  readonly leader: Sid;
  readonly zxid: Zxid;
  readonly peerEpoch: Epoch;
}

/** A server's own state machine (`QuorumPeer`). */
export type PeerEvent = { readonly topic: 'peer' } & (
  | { readonly type: 'state'; readonly state: ServerState; readonly cause: StateCause }
  | { readonly type: 'zabState'; readonly state: ZabState }
  /** It serves clients from now on, or no longer. */
  | { readonly type: 'serving'; readonly serving: boolean; readonly reason: string }
  /** It has stopped for good. */
  | { readonly type: 'stopped'; readonly cause: StopCause; readonly reason: string }
  | { readonly type: 'warning'; readonly message: string }
);

/** What ended a server for good; `disk` is also one that was fenced. */
export type StopCause = 'told' | 'configuration' | 'disk' | 'clientPort' | 'electionPort';

/** Why a server went into a state, with what the decision rested on. */
export type StateCause =
  | { readonly kind: 'started' }
  | { readonly kind: 'elected'; readonly vote: VoteView; readonly supporters: readonly Sid[] }
  | { readonly kind: 'joined'; readonly vote: VoteView; readonly supporters: readonly Sid[] }
  | { readonly kind: 'leaderLost'; readonly leader: Sid; readonly reason: string }
  | {
      readonly kind: 'steppedDown';
      readonly reason: string;
      readonly synced: readonly Sid[];
      readonly voterCount: number;
      /** A follower not heard of for so many ticks is not in sync. */
      readonly syncLimitTicks: number;
      readonly tickTimeMs: number;
    }
  | { readonly kind: 'epochNotAgreed'; readonly reason: string }
  | { readonly kind: 'counterExhausted'; readonly zxid: Zxid }
  | { readonly kind: 'reconfigured' };

/** `FastLeaderElection`. `round` is ZooKeeper's logical clock (electionEpoch). */
export type ElectionEvent = { readonly topic: 'election' } & (
  | { readonly type: 'roundStarted'; readonly round: bigint; readonly vote: VoteView }
  | {
      readonly type: 'roundAdopted';
      readonly from: Sid;
      readonly oldRound: bigint;
      readonly round: bigint;
    }
  | {
      readonly type: 'voteChanged';
      readonly from: Sid;
      readonly oldVote: VoteView;
      readonly vote: VoteView;
      /** The first of the three that differs: the field that decided. */
      readonly decidedBy: 'peerEpoch' | 'zxid' | 'sid' | 'round';
    }
  | {
      readonly type: 'notificationSent' | 'notificationReceived';
      /** The other server. */
      readonly peer: Sid;
      readonly state: ServerState;
      readonly vote: VoteView;
      readonly round: bigint;
    }
  | {
      readonly type: 'quorumOfVotes';
      readonly vote: VoteView;
      readonly supporters: readonly Sid[];
      readonly finalizeWaitMs: number;
    }
  | {
      readonly type: 'decided';
      readonly vote: VoteView;
      readonly state: ServerState;
      readonly supporters: readonly Sid[];
      readonly tookMs: number;
    }
  | {
      readonly type: 'timedOut';
      readonly nextWaitMs: number;
      readonly action: 'resend' | 'connectAll';
    }
  | { readonly type: 'ignored'; readonly from: Sid; readonly reason: string }
  /** A dial to its election port came to nothing. */
  | {
      readonly type: 'notReached';
      readonly peer: Sid;
      readonly address: Address;
      readonly reason: string;
    }
);

/** Sockets of any port. `connection` is the `Connection`'s id. */
export type ConnectionEvent = { readonly topic: 'connection' } & (
  | {
      readonly type: 'opened';
      readonly connection: number;
      readonly port: Port;
      readonly direction: 'dialled' | 'accepted';
      readonly remote: string;
      readonly peer?: Sid;
    }
  | {
      readonly type: 'closed';
      readonly connection: number;
      readonly port: Port;
      readonly peer?: Sid;
      readonly reason: string;
      readonly by: 'us' | 'them';
    }
);

/** Packets of the quorum port, both sides. */
export interface PacketEvent {
  readonly topic: 'packet';
  readonly type: 'sent' | 'received';
  readonly connection: number;
  readonly peer: Sid;
  /** Where in that direction's byte stream the packet begins. */
  readonly offsetBytes: number;
  readonly packetType: number;
  readonly zxid: Zxid;
  /** The payload, not to be changed; null as on the wire. Far from its server it may be only the beginning. */
  readonly data: Uint8Array | null;
  /** How long the whole payload is. */
  readonly dataBytes: number;
}

/** Discovery, synchronisation, broadcast (`Leader`, `LearnerHandler`, `Learner`). */
export type ZabEvent = { readonly topic: 'zab' } & (
  | {
      readonly type: 'learnerRegistered';
      readonly learner: Sid;
      readonly learnerType: 'participant' | 'observer';
      readonly acceptedEpoch: Epoch;
    }
  | { readonly type: 'epochProposed'; readonly epoch: Epoch; readonly supporters: readonly Sid[] }
  | { readonly type: 'epochAccepted'; readonly epoch: Epoch }
  | { readonly type: 'epochAcked'; readonly epoch: Epoch; readonly supporters: readonly Sid[] }
  | {
      readonly type: 'syncChosen';
      readonly learner: Sid;
      readonly sync: 'DIFF' | 'TRUNC' | 'TRUNC+DIFF' | 'SNAP';
      readonly learnerZxid: Zxid;
      readonly leaderZxid: Zxid;
      readonly minCommittedLog: Zxid;
      readonly maxCommittedLog: Zxid;
      /** How many proposals the DIFF sends; 0 for TRUNC and SNAP. */
      readonly proposalCount: number;
      /** ZooKeeper's rule that applied, in words. */
      readonly reason: string;
    }
  | {
      readonly type: 'synchronizing';
      /** Whom the history comes from: for an observer this may be a follower. */
      readonly leader: Sid;
      readonly sync: 'DIFF' | 'TRUNC' | 'SNAP';
      readonly zxid: Zxid;
    }
  | { readonly type: 'newLeaderAcked'; readonly learner: Sid; readonly supporters: readonly Sid[] }
  | { readonly type: 'established'; readonly epoch: Epoch; readonly supporters: readonly Sid[] }
  | { readonly type: 'upToDate'; readonly leader: Sid; readonly epoch: Epoch; readonly zxid: Zxid }
  | { readonly type: 'learnerDropped'; readonly learner: Sid; readonly reason: string }
  | { readonly type: 'pingCheck'; readonly synced: readonly Sid[]; readonly voterCount: number }
);

/**
 * The way of each transaction, from proposal to tree: a topic of its own, because under load it is most of the stream
 * and only few ask for it.
 */
export type TxnEvent = { readonly topic: 'txn' } & (
  | {
      readonly type: 'proposed';
      readonly zxid: Zxid;
      readonly sessionId: SessionId;
      readonly txnType: number;
    }
  | { readonly type: 'acked'; readonly zxid: Zxid; readonly by: Sid }
  | { readonly type: 'committed'; readonly zxid: Zxid; readonly supporters: readonly Sid[] }
  | { readonly type: 'appended'; readonly zxid: Zxid; readonly sizeBytes: number }
  | {
      readonly type: 'flushed';
      readonly zxid: Zxid;
      readonly groupCount: number;
      readonly tookMs: number;
    }
  | {
      readonly type: 'applied';
      readonly zxid: Zxid;
      readonly sessionId: SessionId;
      readonly txnType: number;
      readonly path: string | null;
    }
);

/** Transaction log, snapshots, epoch files. */
export type StorageEvent = { readonly topic: 'storage' } & (
  | {
      readonly type: 'loaded';
      readonly snapshot: string | null;
      readonly zxid: Zxid;
      readonly nodeCount: number;
      readonly replayedCount: number;
      readonly tookMs: number;
    }
  | {
      readonly type: 'tailCut';
      readonly file: string;
      readonly sizeBytes: number;
      readonly reason: string;
    }
  | { readonly type: 'snapshotStarted'; readonly file: string; readonly zxid: Zxid }
  | {
      readonly type: 'snapshotTaken';
      readonly file: string;
      readonly zxid: Zxid;
      readonly sizeBytes: number;
      readonly tookMs: number;
    }
  /** A snapshot that is there cannot be used; an older one is tried. */
  | { readonly type: 'snapshotRejected'; readonly file: string; readonly reason: string }
  /** A snapshot from the leader is this server's whole history from now on. */
  | {
      readonly type: 'snapshotInstalled';
      readonly file: string;
      readonly zxid: Zxid;
      readonly sizeBytes: number;
      readonly superseded: readonly string[];
    }
  /** The tree differs from that of whoever proposed the transaction. */
  | {
      readonly type: 'digestMismatch';
      readonly zxid: Zxid;
      readonly expected: bigint;
      readonly actual: bigint;
    }
  | { readonly type: 'truncated'; readonly zxid: Zxid; readonly removed: readonly string[] }
  | { readonly type: 'purged'; readonly removed: readonly string[] }
  | {
      readonly type: 'epochWritten';
      readonly file: 'acceptedEpoch' | 'currentEpoch';
      readonly epoch: Epoch;
    }
  | {
      readonly type: 'failed';
      readonly kind: 'missing' | 'full' | 'fenced' | 'failed' | 'corrupt' | 'incomplete';
      readonly file: string;
      readonly message: string;
    }
);

export type SessionEvent = { readonly topic: 'session' } & (
  | {
      readonly type: 'opened';
      readonly sessionId: SessionId;
      readonly timeoutMs: number;
      readonly connection: number;
    }
  | {
      readonly type: 'reattached';
      readonly sessionId: SessionId;
      readonly valid: boolean;
      readonly connection: number;
    }
  | { readonly type: 'expired'; readonly sessionId: SessionId; readonly timeoutMs: number }
  | { readonly type: 'closing'; readonly sessionId: SessionId }
  | {
      readonly type: 'closed';
      readonly sessionId: SessionId;
      readonly ephemerals: readonly string[];
    }
  | { readonly type: 'moved'; readonly sessionId: SessionId; readonly reason: string }
  | {
      readonly type: 'disconnected';
      readonly sessionId: SessionId;
      readonly connection: number;
      readonly reason: string;
    }
);

/** What clients ask of this server and what they are told. */
export type RequestEvent = { readonly topic: 'request' } & (
  | {
      readonly type: 'received';
      readonly sessionId: SessionId;
      readonly connection: number;
      readonly xid: number;
      readonly op: number;
      readonly sizeBytes: number;
    }
  | {
      readonly type: 'replied';
      readonly sessionId: SessionId;
      readonly connection: number;
      readonly xid: number;
      readonly op: number;
      readonly zxid: Zxid;
      readonly errorCode: number;
      readonly tookMs: number;
    }
  | {
      readonly type: 'watchFired';
      readonly sessionId: SessionId;
      readonly connection: number;
      readonly eventType: number;
      readonly path: string;
    }
);

/** What only the page around a server knows: links, who is there, who went and how. */
export type RoomEvent = { readonly topic: 'room' } & (
  | {
      readonly type: 'link';
      readonly peer: Sid;
      readonly state: 'connecting' | 'up' | 'silent' | 'down';
      readonly via: 'webrtc' | 'broadcast' | null;
      readonly reason: string;
    }
  | {
      readonly type: 'presence';
      readonly peer: Sid;
      readonly state: 'here' | 'closed' | 'crashed' | 'silent' | 'cutOff';
    }
  | { readonly type: 'signalling'; readonly server: 'connected' | 'away'; readonly reason: string }
  | { readonly type: 'problem'; readonly message: string }
);
