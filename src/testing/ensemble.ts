/**
 * `tabkeeper/testing`: a real ensemble in this process, on free TCP ports of 127.0.0.1, for anybody's tests. Any
 * ZooKeeper client can connect to it; a test may kill its servers, start them again and separate them.
 */

import { join } from 'node:path';
import { parseQuorumVerifier } from '../config/configText.ts';
import { makePeerConfig } from '../config/makePeerConfig.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import { type ConnectOptions, connect, type ZooKeeper } from '../node/client.ts';
import type { Address } from '../ports/network.ts';
import type { ProbeRecord, ProbeTopic, ServerState } from '../ports/probe.ts';
import { epoch as asEpoch, sid as sidOf, zxid as asZxid, zxidToString } from '../wire/ids.ts';
import type { DataDirectory } from './dataDirectory.ts';
import { FileDirectory } from './fileDirectory.ts';
import { freePorts, untilAccepts } from './localPorts.ts';
import { MemoryDirectory } from './memoryDisk.ts';
import { Separation } from './serverNetwork.ts';
import { ServerLife } from './serverLife.ts';

export type { ProbeRecord, ProbeTopic, ServerState } from '../ports/probe.ts';

const HOST = '127.0.0.1';
/** Elections and fail-over are quick, and yet a pause of the whole process is no reason to doubt a leader. */
const TICK_TIME_MS = 100;
const INIT_LIMIT_TICKS = 100;
const SYNC_LIMIT_TICKS = 50;
/** A client that asks for a usual session gets it, however short the tick. */
const MAX_SESSION_TIMEOUT_MS = 60_000;
/** A follower often dials its new leader a moment before that listens. */
const LEADER_RETRY_MS = 20;
const MAX_SERVERS_COUNT = 99;
const SERVING_TIMEOUT_MS = 30_000;
/** A port that was free may be taken a moment later; then all are chosen anew. */
const MAX_START_TRIES_COUNT = 3;

/** What a server may be told, under the names of `zoo.cfg` written as in the code: `tickTimeMs`, `snapCount`, ... */
export type ServerSettings = Omit<
  Partial<PeerConfig>,
  'sid' | 'quorumVerifier' | 'learnerType' | 'dataDir' | 'dataLogDir' | 'clientAddress'
>;

export interface EnsembleOptions {
  /** How many servers vote (default 1). Their numbers are 1, 2, ... */
  readonly servers?: number;
  /** How many more only observe (default 0); it takes two voters at least. */
  readonly observers?: number;
  /** Where each server keeps its data, in `server.<number>`; in memory if not given. */
  readonly dataDir?: string;
  /** The tick (default 100 ms): sessions last two ticks at least. */
  readonly tickTimeMs?: number;
  /** Any other setting of the servers. */
  readonly settings?: ServerSettings;
  /** How long {@link Ensemble.start} and the waiting methods wait (default 30,000). */
  readonly timeoutMs?: number;
  /** Hears what the servers do and why, of the topics in `topics` and always of `peer`. */
  readonly onEvent?: (record: ProbeRecord) => void;
  readonly topics?: readonly ProbeTopic[];
}

/** A server, as of now. */
export interface ServerStatus {
  readonly server: number;
  readonly running: boolean;
  readonly state: ServerState;
  /** Null while it knows of none. */
  readonly leader: number | null;
  readonly epoch: number;
  /** The last transaction it has applied, `0x` and hex. */
  readonly zxid: string;
  /** It answers clients. */
  readonly serving: boolean;
  /** Why it ended by itself (no port, a failed disk); null if it did not. */
  readonly endedBecause: string | null;
}

interface Server {
  readonly config: PeerConfig;
  readonly directory: DataDirectory;
  life: ServerLife | null;
  /** When the last life is over and its directory free. */
  ending: Promise<void>;
  endedBecause: string | null;
}

interface Waiter {
  readonly look: () => void;
}

export class Ensemble {
  readonly #options: EnsembleOptions;
  readonly #verifier: QuorumVerifier;
  readonly #servers = new Map<number, Server>();
  readonly #serverAt = new Map<Address, number>();
  readonly #separation = new Separation();
  readonly #waiters = new Set<Waiter>();
  readonly #clients = new Set<ZooKeeper>();
  #lookPlanned = false;

  private constructor(options: EnsembleOptions, verifier: QuorumVerifier) {
    this.#options = options;
    this.#verifier = verifier;
    for (const [sid, member] of verifier.allMembers) {
      const server = Number(sid);
      this.#serverAt.set(member.quorumAddress, server);
      this.#serverAt.set(member.electionAddress, server);
      const config = configOf(options, server, verifier);
      const inMemory = options.dataDir === undefined;
      const directory = inMemory ? new MemoryDirectory() : new FileDirectory(config);
      const ending = Promise.resolve();
      this.#servers.set(server, { config, directory, life: null, ending, endedBecause: null });
    }
  }

  /** Starts the servers and resolves when all of them serve. */
  static async start(options: EnsembleOptions = {}): Promise<Ensemble> {
    checkOptions(options);
    for (let tries = 1; ; tries++) {
      const ensemble = new Ensemble(options, await newVerifier(options));
      try {
        await Promise.all(ensemble.servers.map((server) => ensemble.restart(server)));
        await ensemble.waitForServing();
        return ensemble;
      } catch (error) {
        const portWasTaken = ensemble.#endings().some((why) => why.includes('EADDRINUSE'));
        await ensemble.close();
        if (!portWasTaken || tries === MAX_START_TRIES_COUNT) throw error;
      }
    }
  }

  /** All servers' numbers, voters first. */
  get servers(): readonly number[] {
    return [...this.#servers.keys()];
  }

  /** For any client: `127.0.0.1:40001,127.0.0.1:40002,127.0.0.1:40003`. It stays the same over every restart. */
  get connectString(): string {
    return this.servers.map((server) => this.clientAddress(server)).join(',');
  }

  /** Where clients of this one server connect. */
  clientAddress(server: number): string {
    return this.#server(server).config.clientAddress ?? '';
  }

  /** A client of our own of all servers, with an open session. {@link close} closes it too. */
  async connect(options: ConnectOptions = {}): Promise<ZooKeeper> {
    const client = await connect(this.connectString, { maxReconnectPauseMs: 50, ...options });
    this.#clients.add(client);
    return client;
  }

  status(server: number): ServerStatus {
    const { life, endedBecause } = this.#server(server);
    const { state, leader, epoch, zxid, serving } = life?.status() ?? DOWN;
    return {
      server,
      running: life !== null && endedBecause === null,
      state,
      leader: leader === null ? null : Number(leader),
      epoch: Number(epoch),
      zxid: zxidToString(zxid),
      serving,
      endedBecause,
    };
  }

  /** Waits until a server leads and serves; answers its number. */
  async leader(): Promise<number> {
    return this.#waitFor('a server leads', () => this.#leaderNow());
  }

  /** Waits until all of these serve under one leader; by default all that run and are not cut off from a quorum. */
  async waitForServing(...servers: readonly number[]): Promise<void> {
    const wanted = servers.length > 0 ? servers.join(', ') : 'all';
    const serving = await this.#waitFor(`to serve: ${wanted}`, () => {
      const leader = this.#leaderNow();
      if (leader === null) return null;
      const near = this.#runningNear(leader);
      const asked = servers.length > 0 ? servers : near;
      const reign = this.status(leader);
      const inReign = (server: number): boolean => {
        const { serving, leader: theirs, epoch } = this.status(server);
        return near.includes(server) && serving && theirs === leader && epoch === reign.epoch;
      };
      return asked.every(inReign) ? asked : null;
    });
    await Promise.all(serving.map((server) => untilAccepts(this.clientAddress(server))));
  }

  /** The server is gone as by `kill -9`: what it had not flushed is lost, its connections break. */
  async kill(server: number): Promise<void> {
    await this.#end(server, (life) => life.kill());
  }

  /** The server stops in good order, as by SIGTERM. */
  async stop(server: number): Promise<void> {
    await this.#end(server, (life) => life.stop());
  }

  /** Starts the server on its data; one that runs is killed before. Wait with {@link waitForServing}. */
  async restart(server: number): Promise<void> {
    await this.kill(server);
    const one = this.#server(server);
    const { config, directory } = one;
    one.endedBecause = null;
    one.life = new ServerLife({
      sid: server,
      config,
      directory,
      separation: this.#separation,
      serverAt: this.#serverAt,
      watched: new Set(this.#options.topics),
      onEvent: (record) => this.#happened(server, record),
    });
  }

  /** `partition([1], [2, 3])`: no byte passes between the groups. Servers not named are one more group. */
  partition(...groups: readonly (readonly number[])[]): void {
    for (const server of groups.flat()) this.#server(server);
    this.#separation.set(groups);
    for (const { life } of this.#servers.values()) life?.separationChanged();
  }

  /** Ends a {@link partition}: all servers reach each other again. */
  heal(): void {
    this.partition();
  }

  /** Closes the clients of {@link connect} and stops all servers; data in a directory stays there. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await Promise.all(this.servers.map((server) => this.kill(server)));
  }

  /** As {@link close}: `await using ensemble = await Ensemble.start()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #server(number: number): Server {
    const server = this.#servers.get(number);
    if (server !== undefined) return server;
    throw new Error(`there is no server ${number}; there are ${this.servers.join(', ')}`);
  }

  async #end(server: number, end: (life: ServerLife) => Promise<void>): Promise<void> {
    const one = this.#server(server);
    const { life } = one;
    if (life !== null) {
      one.life = null;
      one.ending = end(life);
      this.#planLook();
    }
    await one.ending;
  }

  /** The server that leads and serves. One that has lost its quorum leads no more, whether or not it knows it yet. */
  #leaderNow(): number | null {
    const leads = (server: number): boolean => {
      const { state, serving } = this.status(server);
      return state === 'LEADING' && serving && this.#hasQuorum(server);
    };
    return this.servers.find(leads) ?? null;
  }

  #hasQuorum(server: number): boolean {
    return this.#verifier.containsQuorum(new Set(this.#runningNear(server).map(sidOf)));
  }

  /** Servers that run and that this one reaches, itself among them. */
  #runningNear(server: number): readonly number[] {
    return this.servers.filter(
      (other) => this.status(other).running && !this.#separation.between(server, other),
    );
  }

  #endings(): readonly string[] {
    return [...this.#servers.values()].flatMap(({ endedBecause }) => endedBecause ?? []);
  }

  #happened(server: number, record: ProbeRecord): void {
    const { event } = record;
    if (event.topic === 'peer') {
      const one = this.#server(server);
      if (event.type === 'stopped' && one.life !== null) one.endedBecause = event.reason;
      this.#planLook();
    }
    this.#options.onEvent?.(record);
  }

  /** A server tells of a change in the middle of it: what it says of itself is asked a moment later. */
  #planLook(): void {
    if (this.#lookPlanned) return;
    this.#lookPlanned = true;
    setImmediate(() => {
      this.#lookPlanned = false;
      for (const waiter of [...this.#waiters]) waiter.look();
    });
  }

  #waitFor<T>(what: string, look: () => T | null): Promise<T> {
    const { timeoutMs = SERVING_TIMEOUT_MS } = this.#options;
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(limit);
        this.#waiters.delete(waiter);
        finish();
      };
      const fail = (why: string): void =>
        settle(() => reject(new Error(`${why}: ${what} (${this.#describe()})`)));
      const waiter: Waiter = {
        look: () => {
          const value = look();
          if (value !== null) settle(() => resolve(value));
          else if (this.#endings().length > 0) fail('a server has ended by itself');
        },
      };
      const limit = setTimeout(() => fail(`not within ${timeoutMs} ms`), timeoutMs);
      this.#waiters.add(waiter);
      waiter.look();
    });
  }

  #describe(): string {
    return this.servers
      .map((server) => {
        const { running, state, serving, endedBecause } = this.status(server);
        const standing = running ? `${state}${serving ? ', serving' : ''}` : 'down';
        return `${server}: ${endedBecause ?? standing}`;
      })
      .join('; ');
  }
}

const DOWN = {
  state: 'LOOKING',
  leader: null,
  epoch: asEpoch(0),
  zxid: asZxid(0n),
  serving: false,
} as const;

function checkOptions({ servers = 1, observers = 0 }: EnsembleOptions): void {
  const isCount = (count: number, least: number): boolean =>
    Number.isInteger(count) && count >= least && count <= MAX_SERVERS_COUNT;
  if (!isCount(servers, 1)) {
    throw new Error(
      `servers is ${servers}; it takes a whole number from 1 to ${MAX_SERVERS_COUNT}`,
    );
  }
  if (!isCount(observers, 0)) {
    throw new Error(
      `observers is ${observers}; it takes a whole number from 0 to ${MAX_SERVERS_COUNT}`,
    );
  }
  if (observers > 0 && servers < 2) {
    throw new Error('observers need an ensemble to observe: ask for servers: 2 or more');
  }
}

async function newVerifier({
  servers = 1,
  observers = 0,
}: EnsembleOptions): Promise<QuorumVerifier> {
  const count = servers + observers;
  const ports = await freePorts(HOST, 3 * count);
  const lines = Array.from({ length: count }, (_, index) => {
    const [quorum, election, client] = ports.slice(3 * index);
    const role = index < servers ? 'participant' : 'observer';
    return `server.${index + 1}=${HOST}:${quorum}:${election}:${role};${HOST}:${client}`;
  });
  return parseQuorumVerifier(lines.join('\n'));
}

function configOf(options: EnsembleOptions, server: number, verifier: QuorumVerifier): PeerConfig {
  return makePeerConfig({
    tickTimeMs: options.tickTimeMs ?? TICK_TIME_MS,
    initLimit: INIT_LIMIT_TICKS,
    syncLimit: SYNC_LIMIT_TICKS,
    maxSessionTimeoutMs: MAX_SESSION_TIMEOUT_MS,
    maxClientCnxns: 0,
    leaderConnectDelayDuringRetryMs: LEADER_RETRY_MS,
    fourLetterWordWhitelist: ['*'],
    // A killed server's writes are the kernel's already; only a power cut could lose them.
    forceSync: false,
    ...options.settings,
    sid: sidOf(server),
    quorumVerifier: verifier,
    dataDir: folderOf(options, server) ?? 'memory',
  });
}

const folderOf = ({ dataDir }: EnsembleOptions, server: number): string | null =>
  dataDir === undefined ? null : join(dataDir, `server.${server}`);
