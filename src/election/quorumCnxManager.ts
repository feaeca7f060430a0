/**
 * Connections between the servers of an ensemble for their elections: one a pair, always dialled by the one with the
 * larger sid. A fault of one connection never touches another, and nothing here knows what a vote is.
 *
 * A connection that has died without a word is not noticed here: the protocol has no message that must come, so a
 * silent link is either idle or dead. The network beneath has to tell (a link's keep-alive, TCP keep-alive).
 */

import { assert } from '../base/assert.ts';
import { ByteQueue } from '../base/byteQueue.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import type { QuorumServer } from '../config/quorumServer.ts';
import type { Timer } from '../ports/clock.ts';
import type { Address, CloseReason, Connection, ConnectionHandler } from '../ports/network.ts';
import type { World } from '../ports/world.ts';
import { ANY_IPV4_HOST } from '../config/hostPort.ts';
import {
  encodePreamble,
  PREAMBLE_VERSION_ADDRESS_LIST,
  PREAMBLE_VERSION_ONE_ADDRESS,
  type Preamble,
} from '../wire/electionMessages.ts';
import { sid as toSid, type Sid } from '../wire/ids.ts';
import { CnxWorker, SendQueue, type WorkerOwner } from './cnxWorker.ts';
import { DialledHandler } from './dialledHandler.ts';
import type { ElectionChannel, MessageReceiver } from './electionChannel.ts';
import { ElectionListener } from './electionListener.ts';
import type { ElectionPeer } from './electionPeer.ts';
import { dialableAddresses } from './preambleAddresses.ts';
import { Stranger } from './stranger.ts';

/** Messages to ourselves that wait; the oldest goes first (`RECV_CAPACITY`). */
const RECV_CAPACITY_COUNT = 100;
/** Accepted connections that nobody in the configuration stands behind, unidentified ones among them. */
const STRANGERS_MAX_COUNT = 100;
/** Dials under way. An ensemble never comes near it; somebody who asks to be dialled back under many names would. */
const DIALS_MAX_COUNT = 300;
/** A dial to somebody who is there is answered sooner than this; a WebRTC link takes up to 350 ms to come up. */
const STALE_DIAL_MS = 400;
/** `Long.MAX_VALUE`, the sid of an observer that has none of its own (`QuorumPeer.OBSERVER_ID`). */
const OBSERVER_ID = toSid(2n ** 63n - 1n);
/**
 * Servers that start together dial each other more than once; who ends a connection that young, in the middle of an
 * election, may only have a newer one.
 */
const SETTLED_MS = 1_000;

export type CnxManagerConfig = Pick<
  PeerConfig,
  | 'cnxTimeoutMs'
  | 'quorumCnxnTimeoutMs'
  | 'electionPortBindRetryCount'
  | 'quorumListenOnAllIPs'
  | 'multiAddressEnabled'
>;

export type CnxManagerPeer = Pick<
  ElectionPeer,
  'sid' | 'serverState' | 'quorumVerifier' | 'lastSeenQuorumVerifier' | 'electionPortFailed'
>;

/** A dial that has not been answered. */
interface Dial {
  readonly connection: Connection;
  readonly beganMs: number;
  readonly deadline: Timer;
}

export class QuorumCnxManager implements ElectionChannel, WorkerOwner {
  readonly #world: Pick<World, 'clock' | 'network' | 'probe'>;
  readonly #peer: CnxManagerPeer;
  readonly #config: CnxManagerConfig;
  #receiver: MessageReceiver | null = null;
  #listeners: ElectionListener[] = [];
  /** One for each server ever written to (`queueSendMap` and `lastMessageSent`). */
  readonly #queues = new Map<Sid, SendQueue>();
  /** `senderWorkerMap` */
  readonly #workers = new Map<Sid, CnxWorker>();
  /** Had settled connections and have none. Who comes up now was never here, or has announced itself since. */
  readonly #lost = new Set<Sid>();
  /** `inprogressConnections` */
  readonly #dials = new Map<Sid, Dial>();
  /** Which of a server's several addresses is dialled next. */
  readonly #dialCounts = new Map<Sid, number>();
  /** In the order of their coming. */
  readonly #strangers = new Set<Stranger>();
  #loopback: Uint8Array[] = [];
  #nextObserverId = -1n;

  constructor(
    world: Pick<World, 'clock' | 'network' | 'probe'>,
    peer: CnxManagerPeer,
    config: CnxManagerConfig,
  ) {
    this.#world = world;
    this.#peer = peer;
    this.#config = config;
  }

  start(receiver: MessageReceiver): void {
    assert(this.#receiver === null, 'the connection manager has been started already');
    this.#receiver = receiver;
    const addresses = this.#listenAddresses();
    const failures: string[] = [];
    const { clock, network } = this.#world;
    this.#listeners = addresses.map(
      (address) =>
        new ElectionListener(
          clock,
          network,
          address,
          this.#config.electionPortBindRetryCount,
          (connection) => this.#accept(connection),
          (reason) => {
            failures.push(reason);
            if (failures.length === addresses.length) {
              this.#peer.electionPortFailed(failures.join('; '));
            }
          },
        ),
    );
  }

  toSend(sid: Sid, message: Uint8Array): void {
    if (this.#receiver === null) return;
    if (sid === this.#peer.sid) return this.#sendToSelf(message);
    const worker = this.#workers.get(sid);
    if (worker === undefined && this.#memberAddresses(sid).length === 0) return;
    this.#queueFor(sid).pending = message;
    if (worker === undefined) this.#connectOne(sid);
    else worker.flush();
  }

  haveDelivered(): boolean {
    for (const queue of this.#queues.values()) if (queue.pending === null) return true;
    return false;
  }

  connectAll(): void {
    for (const sid of this.#queues.keys()) this.#connectOne(sid);
  }

  electionEnded(): void {
    for (const worker of this.#workers.values()) worker.isSettled = true;
  }

  hasLost(sid: Sid): boolean {
    return this.#lost.has(sid);
  }

  /** Whether there is an identified connection with that server. */
  connectedToPeer(sid: Sid): boolean {
    return this.#workers.has(sid);
  }

  halt(): void {
    this.#receiver = null;
    this.#loopback = [];
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
    for (const { connection, deadline } of this.#dials.values()) {
      deadline.cancel();
      connection.destroy();
    }
    this.#dials.clear();
    for (const stranger of [...this.#strangers]) stranger.close('this server stops');
    for (const worker of [...this.#workers.values()]) worker.close('this server stops');
    this.#queues.clear();
  }

  workerReceived(worker: CnxWorker, message: Uint8Array): string | null {
    return this.#receiver === null ? null : this.#receiver.received(worker.sid, message);
  }

  workerFinished(worker: CnxWorker, reason: string, by: 'us' | 'them'): void {
    const { sid } = worker;
    if (this.#workers.get(sid) === worker) {
      this.#workers.delete(sid);
      // Nobody can be dialled under a stranger's name: what waits for it would wait for ever.
      if (this.#memberAddresses(sid).length === 0) this.#queues.delete(sid);
      else if (this.#hadSettled(worker)) this.#lost.add(sid);
    }
    for (const stranger of this.#strangers) {
      if (stranger.connection === worker.connection) this.#strangers.delete(stranger);
    }
    this.#emitClosed(worker.connection, sid, reason, by);
    if (this.#lost.has(sid)) this.#receiver?.lost(sid);
  }

  #hadSettled({ beganMs, isSettled }: CnxWorker): boolean {
    return isSettled || this.#world.clock.now() - beganMs >= SETTLED_MS;
  }

  // Dialling.

  #connectOne(sid: Sid): void {
    this.#dial(sid, this.#memberAddresses(sid));
  }

  #dial(sid: Sid, addresses: readonly Address[]): void {
    if (this.#workers.has(sid) || this.#dials.has(sid)) return;
    if (this.#receiver === null || this.#dials.size >= DIALS_MAX_COUNT) return;
    const address = this.#nextAddress(sid, addresses);
    if (address === undefined) return;
    const { clock, network } = this.#world;
    const handler = new DialledHandler({
      opened: () => this.#dialled(sid, handler),
      failed: (reason) => this.#dialFailed(sid, address, reason),
    });
    const connection = network.connect(address, 'election', handler);
    const deadline = clock.after(this.#config.cnxTimeoutMs, () => {
      connection.destroy();
      const message = `no answer from ${address} within ${this.#config.cnxTimeoutMs} ms`;
      this.#dialFailed(sid, address, { kind: 'refused', message });
    });
    this.#dials.set(sid, { connection, beganMs: clock.now(), deadline });
  }

  /** Members with several addresses are tried at each in turn. */
  #nextAddress(sid: Sid, addresses: readonly Address[]): Address | undefined {
    if (this.#memberAddresses(sid).length < 2) return addresses[0];
    const count = this.#dialCounts.get(sid) ?? 0;
    this.#dialCounts.set(sid, count + 1);
    return addresses[count % addresses.length];
  }

  #dialFailed(peer: Sid, address: Address, cause: CloseReason): void {
    const dial = this.#endDial(peer);
    const reason = cause.kind === 'ended' ? 'closed in order' : cause.message;
    this.#emitClosed(dial.connection, peer, reason, 'them');
    const { probe } = this.#world;
    if (!probe.watches('election')) return;
    probe.emit({ topic: 'election', type: 'notReached', peer, address, reason });
  }

  #dialled(sid: Sid, handler: DialledHandler): void {
    const { connection } = this.#endDial(sid);
    this.#emitOpened(connection, sid, 'dialled');
    connection.write(this.#preamble());
    if (sid > this.#peer.sid) {
      connection.close();
      this.#emitClosed(
        connection,
        sid,
        'the server with the larger sid dials: it was asked to',
        'us',
      );
      return;
    }
    const worker = this.#adopt(sid, connection, new ByteQueue());
    handler.worker = worker;
    worker.start();
  }

  /** A dial from before the server came up would keep us from dialling it now until its deadline. */
  #giveUpStaleDial(sid: Sid): void {
    const dial = this.#dials.get(sid);
    if (dial === undefined || this.#world.clock.now() - dial.beganMs < STALE_DIAL_MS) return;
    dial.connection.destroy();
    this.#endDial(sid);
    this.#emitClosed(dial.connection, sid, 'nobody was there when it was dialled', 'us');
  }

  #endDial(sid: Sid): Dial {
    const dial = this.#dials.get(sid);
    assert(dial !== undefined, 'a dial ends once');
    dial.deadline.cancel();
    this.#dials.delete(sid);
    return dial;
  }

  #preamble(): Uint8Array {
    const { sid } = this.#peer;
    const addresses = this.#self().electionAddresses;
    return this.#config.multiAddressEnabled
      ? encodePreamble({ sid, addresses }, PREAMBLE_VERSION_ADDRESS_LIST)
      : encodePreamble({ sid, addresses: addresses.slice(0, 1) }, PREAMBLE_VERSION_ONE_ADDRESS);
  }

  // Accepting.

  #accept(connection: Connection): ConnectionHandler {
    const stranger: Stranger = new Stranger(connection, {
      identify: (preamble, rest) => this.#identify(stranger, preamble, rest),
      gone: (reason, by) => {
        this.#strangers.delete(stranger);
        this.#emitClosed(connection, null, reason, by);
      },
    });
    this.#admit(stranger);
    const limitMs = this.#config.quorumCnxnTimeoutMs;
    stranger.deadline = this.#world.clock.after(limitMs, () =>
      stranger.close(`did not say who it is within ${limitMs} ms`),
    );
    return stranger;
  }

  /** Makes room by closing the one that is there longest, so that nobody can lock others out by staying. */
  #admit(stranger: Stranger): void {
    this.#strangers.add(stranger);
    if (this.#strangers.size <= STRANGERS_MAX_COUNT) return;
    const [oldest] = this.#strangers;
    oldest?.close(`more than ${STRANGERS_MAX_COUNT} connections from outside the ensemble`);
  }

  /** The worker that takes the connection over, or null if it is closed. */
  #identify(stranger: Stranger, preamble: Preamble, rest: ByteQueue): CnxWorker | null {
    const announced = preamble.sid;
    const addresses = dialableAddresses(preamble.addresses);
    if (announced < 0n || addresses === null) {
      stranger.close(`names itself server ${announced} at ${preamble.addresses.join('|')}`);
      return null;
    }
    if (announced === this.#peer.sid) {
      stranger.close(`claims our own sid ${announced}: two servers have the same myid`);
      return null;
    }
    if (announced < this.#peer.sid) {
      this.#workers.get(announced)?.destroy('the server asked to be dialled anew');
      this.#lost.delete(announced);
      stranger.close(`server ${announced} has the smaller sid: it is dialled back`);
      this.#giveUpStaleDial(announced);
      this.#dial(announced, addresses.length > 0 ? addresses : this.#memberAddresses(announced));
      return null;
    }
    const sid = announced === OBSERVER_ID ? this.#nameObserver() : announced;
    if (this.#memberAddresses(sid).length > 0) this.#strangers.delete(stranger);
    this.#emitOpened(stranger.connection, sid, 'accepted');
    return this.#adopt(sid, stranger.connection, rest);
  }

  #nameObserver(): Sid {
    const sid = toSid(this.#nextObserverId);
    this.#nextObserverId--;
    return sid;
  }

  // Workers.

  /** The newer connection takes the place of an older one. */
  #adopt(sid: Sid, connection: Connection, received: ByteQueue): CnxWorker {
    const older = this.#workers.get(sid);
    const worker = new CnxWorker(
      sid,
      connection,
      this.#world.clock.now(),
      this,
      this.#queueFor(sid),
      received,
    );
    worker.isSettled = this.#peer.serverState() !== 'LOOKING';
    this.#workers.set(sid, worker);
    this.#lost.delete(sid);
    older?.destroy('a newer connection with the same server replaces it');
    return worker;
  }

  #queueFor(sid: Sid): SendQueue {
    let queue = this.#queues.get(sid);
    if (queue === undefined) {
      queue = new SendQueue();
      this.#queues.set(sid, queue);
    }
    return queue;
  }

  #sendToSelf(message: Uint8Array): void {
    this.#loopback.push(message);
    if (this.#loopback.length > RECV_CAPACITY_COUNT) this.#loopback.shift();
    this.#world.clock.soon(() => {
      const next = this.#loopback.shift();
      if (next === undefined || this.#receiver === null) return;
      const fault = this.#receiver.received(this.#peer.sid, next);
      assert(fault === null, `a message of our own is impossible: ${fault}`);
    });
  }

  // Who is where.

  #self(): QuorumServer {
    const { sid } = this.#peer;
    const self =
      this.#peer.quorumVerifier().allMembers.get(sid) ??
      this.#peer.lastSeenQuorumVerifier()?.allMembers.get(sid);
    assert(self !== undefined, `server ${sid} is no member of its own configuration`);
    return self;
  }

  #listenAddresses(): readonly Address[] {
    const self = this.#self();
    if (!this.#config.quorumListenOnAllIPs) return self.electionAddresses;
    const ports = new Set(self.endpoints.map(({ electionPort }) => electionPort));
    return [...ports].map((port) => `${ANY_IPV4_HOST}:${port}`);
  }

  /** Where the configuration in force, or else the one to come, says that server is; none for strangers. */
  #memberAddresses(sid: Sid): readonly Address[] {
    const member =
      this.#peer.quorumVerifier().allMembers.get(sid) ??
      this.#peer.lastSeenQuorumVerifier()?.allMembers.get(sid);
    return member === undefined ? [] : member.electionAddresses;
  }

  #emitOpened(connection: Connection, peer: Sid, direction: 'dialled' | 'accepted'): void {
    const { probe } = this.#world;
    if (!probe.watches('connection')) return;
    probe.emit({
      topic: 'connection',
      type: 'opened',
      connection: connection.id,
      port: 'election',
      direction,
      remote: connection.remoteAddress,
      peer,
    });
  }

  #emitClosed(connection: Connection, peer: Sid | null, reason: string, by: 'us' | 'them'): void {
    const { probe } = this.#world;
    if (!probe.watches('connection')) return;
    probe.emit({
      topic: 'connection',
      type: 'closed',
      connection: connection.id,
      port: 'election',
      ...(peer === null ? {} : { peer }),
      reason,
      by,
    });
  }
}
