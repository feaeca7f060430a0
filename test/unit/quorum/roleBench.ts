import { makePeerConfig } from '../../../src/config/makePeerConfig.ts';
import { parseQuorumVerifier } from '../../../src/config/configText.ts';
import type { PeerConfig } from '../../../src/config/peerConfig.ts';
import type { QuorumVerifier } from '../../../src/config/quorumVerifier.ts';
import type { Vote } from '../../../src/election/vote.ts';
import type { Connection, ConnectionHandler } from '../../../src/ports/network.ts';
import type { PacketEvent, ProbeEvent, StateCause, ZabState } from '../../../src/ports/probe.ts';
import { Follower } from '../../../src/quorum/follower.ts';
import { Leader } from '../../../src/quorum/leader.ts';
import { Observer } from '../../../src/quorum/observer.ts';
import { ObserverMasters } from '../../../src/quorum/observerMasters.ts';
import type { Role, RolePeer } from '../../../src/quorum/role.ts';
import { encodeSnapshotSignature } from '../../../src/quorum/snapshotTail.ts';
import { databaseOptionsOf, serverOptionsOf } from '../../../src/quorum/serverOptionsOf.ts';
import type { Request } from '../../../src/server/request.ts';
import type { ServerOptions } from '../../../src/server/serverOptions.ts';
import type { ZooKeeperServer } from '../../../src/server/zooKeeperServer.ts';
import { Simulation, type Machine, type SimWorld } from '../../../src/sim/simWorld.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { EpochFiles } from '../../../src/storage/epochFiles.ts';
import type { StorageError } from '../../../src/storage/storageError.ts';
import { ZKDatabase } from '../../../src/storage/zkDatabase.ts';
import {
  epoch,
  makeZxid,
  sessionId,
  sid as asSid,
  zxid as asZxid,
  type Epoch,
  type Sid,
  type Zxid,
} from '../../../src/wire/ids.ts';
import {
  encodeInt,
  encodeLearnerInfo,
  LEARNER_PROTOCOL_VERSION,
} from '../../../src/wire/learnerPayloads.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import {
  encodeQuorumPacket,
  PacketType,
  packetTypeName,
  QuorumPacketReader,
  type QuorumPacket,
} from '../../../src/wire/quorumPackets.ts';
import { encodeTxn } from '../../../src/wire/txns.ts';

/** Longer than anything that is going to happen takes. */
const PATIENCE_MS = 5_000;

export const zxidOf = (ofEpoch: number, counter: number): Zxid =>
  makeZxid(epoch(ofEpoch), BigInt(counter));

/** The creation of a node named after its zxid, as it is proposed and logged. */
export function createTxn(zxid: Zxid): Uint8Array {
  return encodeTxn({
    header: { clientId: sessionId(7n), cxid: 1, zxid, time: 1_000, type: OpCode.create },
    txn: {
      type: OpCode.create,
      path: nodeOf(zxid),
      data: new Uint8Array([1]),
      acl: OPEN_ACL_UNSAFE,
      ephemeral: false,
      parentCVersion: -1,
    },
    digest: null,
  });
}

export const nodeOf = (zxid: Zxid): string => `/n${zxid.toString(16)}`;

/** What a role asks of its server, with a real database on a simulated disk and nothing else. */
class BenchPeer implements RolePeer {
  readonly sid: Sid;
  readonly config: PeerConfig;
  readonly world: SimWorld;
  readonly db: ZKDatabase;
  readonly epochs: EpochFiles;
  readonly serverOptions: ServerOptions;
  readonly cnxnFactory = null;
  readonly observerMasters: ObserverMasters | null;
  readonly electionEpochs: Epoch[] = [];
  failure: StorageError | null = null;
  serving: ZooKeeperServer | null = null;
  memoryIsStale = false;
  needsSnapshot = false;
  #zabState: ZabState = 'ELECTION';
  readonly #verifier: QuorumVerifier;

  constructor(sid: Sid, config: PeerConfig, verifier: QuorumVerifier, world: SimWorld) {
    this.sid = sid;
    this.config = config;
    this.world = world;
    this.#verifier = verifier;
    this.serverOptions = serverOptionsOf(config, sid);
    this.db = new ZKDatabase(world, databaseOptionsOf(config), (error) => this.diskFailed(error));
    this.epochs = new EpochFiles(world);
    this.observerMasters = ObserverMasters.of(config, verifier, world.random);
  }

  lastLoggedZxid = (): Zxid => this.db.lastDurableZxid;
  quorumVerifier = (): QuorumVerifier => this.#verifier;
  lastSeenQuorumVerifier = (): null => null;
  zabState = (): ZabState => this.#zabState;
  setZabState(state: ZabState): void {
    this.#zabState = state;
  }
  updateElectionVote(newEpoch: Epoch): void {
    this.electionEpochs.push(newEpoch);
  }
  serve(server: ZooKeeperServer): void {
    this.serving = server;
  }
  fastForward(_logged: Iterable<Request>): void {}
  rebuildMemory(): void {
    this.memoryIsStale = true;
  }
  diskFailed(error: StorageError): void {
    this.failure ??= error;
  }
}

export interface BenchOptions {
  readonly sid: number;
  readonly participants?: number;
  readonly observers?: number;
  readonly config?: Partial<PeerConfig>;
  /** Instead of `participants` and `observers`: the member list itself. */
  readonly serverLines?: readonly string[];
  /** Instead of `server-N`: the host that the server under test runs on. */
  readonly host?: string;
}

/** One role of one server, and a network on which scripted servers talk to it. Servers are called 1, 2, ... */
export class RoleBench {
  readonly simulation = new Simulation(1);
  readonly machine: Machine;
  readonly verifier: QuorumVerifier;
  readonly events: ProbeEvent[] = [];
  /** Every packet that the server under test sent, encoded. */
  readonly sentHex: string[] = [];
  readonly #options: BenchOptions;
  #peer: BenchPeer | null = null;
  role: Role | null = null;
  ended: StateCause | null = null;

  constructor(options: BenchOptions) {
    this.#options = options;
    const { participants = 3, observers = 0 } = options;
    const lines = Array.from({ length: participants + observers }, (_, index) => {
      const kind = index < participants ? 'participant' : 'observer';
      return `server.${index + 1}=server-${index + 1}:2888:3888:${kind}`;
    });
    this.verifier = parseQuorumVerifier((options.serverLines ?? lines).join('\n'));
    const host = options.host ?? `server-${options.sid}`;
    this.machine = this.simulation.machine(host, asSid(options.sid));
    this.simulation.subscribe(
      ['peer', 'zab', 'txn', 'storage', 'packet', 'connection'],
      ({ event }) => {
        this.events.push(event);
        if (event.topic === 'packet' && event.type === 'sent') this.sentHex.push(hexOf(event));
      },
    );
  }

  get peer(): BenchPeer {
    if (this.#peer === null) throw new Error('the server has not been started');
    return this.#peer;
  }

  /** Starts the server's process and loads its disk. */
  boot(): this {
    const { sid, config } = this.#options;
    const world = this.machine.boot();
    const peerConfig = makePeerConfig({
      sid: asSid(sid),
      quorumVerifier: this.verifier,
      dataDir: '/data',
      tickTimeMs: 100,
      initLimit: 10,
      syncLimit: 5,
      ...config,
    });
    const peer = new BenchPeer(asSid(sid), peerConfig, this.verifier, world);
    this.#peer = peer;
    let loaded = false;
    peer.db.load((result) => {
      if (!result.ok) throw new Error(result.error.message);
      peer.epochs.load(result.value.zxid, (epochs) => {
        if (!epochs.ok) throw new Error(epochs.error.message);
        loaded = true;
      });
    });
    this.until(() => loaded, 'loaded');
    return this;
  }

  /** The power goes off and on again. */
  reboot(): this {
    this.machine.crash();
    return this.boot();
  }

  lead(): this {
    const election = {
      vote: voteFor(Number(this.peer.sid)),
      supporters: [...this.peer.quorumVerifier().votingMembers.keys()],
    };
    this.role = new Leader(this.peer, election, (cause) => (this.ended = cause));
    this.role.start();
    return this;
  }

  get leader(): Leader {
    if (this.role instanceof Leader) return this.role;
    throw new Error('the server does not lead');
  }

  /** `ofEpoch`: the epoch in the vote that the leader was elected by. */
  follow(leader: number, ofEpoch = 0): this {
    const vote = { ...voteFor(leader), peerEpoch: epoch(ofEpoch) };
    this.ended = null;
    this.role = new Follower(this.peer, vote, (cause) => (this.ended = cause));
    this.role.start();
    return this;
  }

  observe(leader: number): this {
    this.role = new Observer(this.peer, voteFor(leader), (cause) => (this.ended = cause));
    this.role.start();
    return this;
  }

  stop(): void {
    let stopped = false;
    this.role?.stop('the test is over', () => (stopped = true));
    this.until(() => stopped, 'the role has stopped');
  }

  /** Sets history and epochs as an earlier reign left them: transactions of (epoch, 1..count). */
  history(ofEpoch: number, count: number): this {
    const { db, epochs } = this.peer;
    for (let counter = 1; counter <= count; counter++) {
      const zxid = zxidOf(ofEpoch, counter);
      db.append(createTxn(zxid), zxid);
    }
    let done = false;
    db.flush(() => {
      epochs.setAcceptedEpoch(epoch(ofEpoch), () => {
        epochs.setCurrentEpoch(epoch(ofEpoch), () => (done = true));
      });
    });
    this.until(() => done, 'the history is written');
    return this.reboot();
  }

  /** What an epoch file says on the disk at this moment. */
  epochOnDisk(file: 'acceptedEpoch' | 'currentEpoch'): number {
    const bytes = this.machine.disk.durable(file);
    return bytes === null ? -1 : Number(new TextDecoder().decode(bytes));
  }

  until(condition: () => boolean, what: string): void {
    const limitMs = this.simulation.time.nowMs + PATIENCE_MS;
    while (!condition()) {
      if (this.simulation.time.nowMs > limitMs || this.simulation.time.nextEventMs() === Infinity) {
        throw new Error(`never: ${what}${this.ended === null ? '' : ` (${describe(this.ended)})`}`);
      }
      this.simulation.time.step();
    }
  }

  /** A server of the ensemble that does what the test says. */
  scripted(sid: number): ScriptedServer {
    return new ScriptedServer(this, sid);
  }

  eventsOf<T extends ProbeEvent['type']>(type: T): Extract<ProbeEvent, { type: T }>[] {
    return this.events.filter(
      (event): event is Extract<ProbeEvent, { type: T }> => event.type === type,
    );
  }

  /** The packets that the server under test sent. */
  get sent(): PacketEvent[] {
    return this.events.filter(
      (event): event is PacketEvent => event.topic === 'packet' && event.type === 'sent',
    );
  }
}

const hexOf = ({ packetType: type, zxid, data }: PacketEvent): string =>
  Array.from(encodeQuorumPacket({ type, zxid, data, authinfo: null }), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');

const voteFor = (leader: number): Vote => ({
  version: 2,
  id: asSid(leader),
  zxid: asZxid(0n),
  peerEpoch: epoch(0),
  electionEpoch: 1n,
  state: 'LEADING',
});

export const describe = (cause: StateCause): string =>
  'reason' in cause ? `${cause.kind}: ${cause.reason}` : cause.kind;

/** One end of a conversation, byte for byte. */
export class ScriptedServer implements ConnectionHandler {
  readonly sid: number;
  readonly #bench: RoleBench;
  readonly #world: SimWorld;
  #reader = new QuorumPacketReader();
  readonly #packets: QuorumPacket[] = [];
  #connection: Connection | null = null;
  /** Why the other side, or the network, ended the connection. */
  closedBecause: string | null = null;

  constructor(bench: RoleBench, sid: number) {
    this.sid = sid;
    this.#bench = bench;
    const machine = bench.simulation.machine(`server-${sid}`, asSid(sid));
    this.#world = machine.world ?? machine.boot();
  }

  /** As a learner: dials the leader. */
  dial(leader: number): this {
    return this.dialAddress(`server-${leader}:2888`);
  }

  dialAddress(address: string): this {
    this.#reader = new QuorumPacketReader();
    this.closedBecause = null;
    this.#connection = this.#world.network.connect(address, 'quorum', this);
    return this;
  }

  /** As a leader: waits for learners, and talks to the last that came. */
  listen(): this {
    this.#world.network.listen(
      'quorum',
      `server-${this.sid}:2888`,
      (connection) => {
        this.#reader = new QuorumPacketReader();
        this.closedBecause = null;
        this.#connection = connection;
        return this;
      },
      (reason) => {
        throw new Error(reason);
      },
    );
    return this;
  }

  opened(): void {}
  drained(): void {}
  received(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    this.#read();
  }
  closed(reason: { kind: string; message?: string }): void {
    this.closedBecause = reason.message ?? reason.kind;
  }

  hangUp(): void {
    this.#connection?.close();
  }

  #read(): void {
    for (let packet = this.#reader.next(); packet !== null; packet = this.#reader.next()) {
      this.#packets.push(packet);
    }
  }

  send(type: number, zxid: Zxid, data: Uint8Array | null = null): this {
    return this.sendBytes(encodeQuorumPacket({ type, zxid, data, authinfo: null }));
  }

  sendBytes(bytes: Uint8Array): this {
    this.#bench.until(() => this.#connection !== null, `server ${this.sid} is connected`);
    this.#connection?.write(bytes);
    return this;
  }

  /** The next packet, which has to be of that type; PINGs are passed over unless one is wanted. */
  expect(type: number): QuorumPacket {
    const next = (): QuorumPacket | undefined => {
      while (type !== PacketType.PING && this.#packets[0]?.type === PacketType.PING) {
        this.#packets.shift();
      }
      return this.#packets[0];
    };
    this.#bench.until(
      () => next() !== undefined,
      `${packetTypeName(type)} for server ${this.sid}; closed: ${this.closedBecause ?? 'no'}`,
    );
    const packet = this.#packets.shift();
    if (packet?.type !== type) {
      throw new Error(
        `${packetTypeName(packet?.type ?? -1)} came where ${packetTypeName(type)} was due`,
      );
    }
    return packet;
  }

  /** Nothing but PINGs comes for that long. */
  expectSilence(durationMs: number): this {
    this.#bench.simulation.time.runFor(durationMs);
    const rest = this.#packets.filter((packet) => packet.type !== PacketType.PING);
    if (rest.length > 0) throw new Error(`${packetTypeName(rest[0]?.type ?? -1)} came unasked`);
    return this;
  }

  expectClosed(): string {
    this.#bench.until(() => this.closedBecause !== null, `server ${this.sid} is hung up on`);
    return this.closedBecause ?? '';
  }

  // -- what learners say ----------------------------------------------------------------------------------------------

  info(acceptedEpoch: number, kind: 'follower' | 'observer' = 'follower'): this {
    const type = kind === 'follower' ? PacketType.FOLLOWERINFO : PacketType.OBSERVERINFO;
    const data = encodeLearnerInfo({
      serverid: asSid(this.sid),
      protocolVersion: LEARNER_PROTOCOL_VERSION,
      configVersion: 0n,
    });
    return this.send(type, zxidOf(acceptedEpoch, 0), data);
  }

  ackEpoch(currentEpoch: number, lastZxid: Zxid): this {
    return this.send(PacketType.ACKEPOCH, lastZxid, encodeInt(currentEpoch));
  }

  // -- what leaders say -----------------------------------------------------------------------------------------------

  leaderInfo(newEpoch: number): this {
    return this.send(
      PacketType.LEADERINFO,
      zxidOf(newEpoch, 0),
      encodeInt(LEARNER_PROTOCOL_VERSION),
    );
  }

  propose(...zxids: readonly Zxid[]): this {
    for (const zxid of zxids) this.send(PacketType.PROPOSAL, zxid, createTxn(zxid));
    return this;
  }

  commit(...zxids: readonly Zxid[]): this {
    for (const zxid of zxids) this.send(PacketType.COMMIT, zxid);
    return this;
  }

  /** SNAP with a history of (epoch, 1..count), as a server that has it sends it. */
  snapshot(ofEpoch: number, count: number): this {
    const source = new RoleBench({ sid: this.sid }).boot().history(ofEpoch, count);
    const stream = source.peer.db.beginSnapshotStream();
    this.send(PacketType.SNAP, stream.zxid);
    for (let slice = stream.next(); slice !== null; slice = stream.next()) this.sendBytes(slice);
    return this.sendBytes(encodeSnapshotSignature());
  }

  newLeader(ofEpoch: number): this {
    const config = new TextEncoder().encode(this.#bench.verifier.toString());
    return this.send(PacketType.NEWLEADER, zxidOf(ofEpoch, 0), config);
  }

  upToDate(): this {
    return this.send(PacketType.UPTODATE, asZxid(-1n));
  }
}
