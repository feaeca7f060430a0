/**
 * A whole ensemble of real servers in the simulated world, for tests, transcripts and demonstrations: starts, stops,
 * kills and separates them, and compares what they hold.
 */

import { assert } from '../base/assert.ts';
import { makePeerConfig } from '../config/makePeerConfig.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import { parseQuorumVerifier } from '../config/configText.ts';
import { QuorumMaj } from '../config/quorumMaj.ts';
import { QuorumOracleMaj } from '../config/quorumOracleMaj.ts';
import type { LearnerType } from '../config/quorumServer.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { ProbeRecord } from '../ports/probe.ts';
import type { Address } from '../ports/network.ts';
import type { World } from '../ports/world.ts';
import { startPeer } from '../quorum/quorumPeerMain.ts';
import type { PeerOptions, PeerStatus, RunningPeer } from '../quorum/runningPeer.ts';
import { KeeperError } from '../wire/errorCodes.ts';
import { type Sid, sid as sidOf } from '../wire/ids.ts';
import { Invariants } from './invariants.ts';
import { ScriptedClient } from './scriptedClient.ts';
import { type Machine, Simulation, type SimulationOptions } from './simWorld.ts';
import { type TreeImage, differences, readTree } from './treeImage.ts';

export interface EnsembleOptions extends Partial<SimulationOptions> {
  readonly seed: number;
  /** Their sids are 1, 2, ... */
  readonly participantCount: number;
  /** Theirs come after those of the participants. */
  readonly observerCount?: number;
  /** Further lines of the member list: `group.1=1:2`, `weight.3=0`. */
  readonly memberLines?: readonly string[];
  readonly config?: Partial<PeerConfig>;
  /** What the oracle says to each server when it is asked (`oraclePath`). */
  readonly oracle?: (sid: Sid) => boolean;
}

/** Quick enough that a test passes hundreds of elections a second, slow enough for the links' delays. */
const TICK_TIME_MS = 200;
const LIMIT_TICKS = 10;
/** Virtual time within which an undisturbed ensemble has to agree; elections back off to tens of seconds. */
const AGREEMENT_LIMIT_MS = 180_000;
const CLIENT_SESSION_TIMEOUT_MS = 4_000;
/** Only a new reign in mid-read is a reason to read a tree again. */
const MAX_READS_COUNT = 3;

type Server =
  | { readonly kind: 'down' }
  | { readonly kind: 'up'; readonly peer: RunningPeer }
  /** It was up and ended by itself, for that reason. */
  | { readonly kind: 'ended'; readonly reason: string };

export class Ensemble {
  readonly simulation: Simulation;
  #verifier: QuorumVerifier;
  readonly invariants: Invariants;
  readonly #config: Partial<PeerConfig>;
  readonly #oracle: ((sid: Sid) => boolean) | null;
  /** What a server is started with instead, from its next start on. */
  readonly #ownConfigs = new Map<Sid, Partial<PeerConfig>>();
  readonly #servers = new Map<Sid, Server>();
  readonly #machines = new Map<Sid, Machine>();
  /** Leaders of established reigns. */
  readonly #established = new Set<Sid>();
  #clientCount = 0;

  constructor(options: EnsembleOptions) {
    this.simulation = new Simulation(options.seed, options);
    this.#verifier = parseQuorumVerifier(memberText(rolesOf(options), options.memberLines));
    this.#oracle = options.oracle ?? null;
    this.invariants = new Invariants(this.simulation, this.#quorums());
    this.#config = {
      ...(this.#oracle === null ? {} : { oraclePath: '/oracle' }),
      ...options.config,
    };
    for (const sid of this.#verifier.allMembers.keys()) {
      const machine = this.simulation.machine(machineName(sid), sid);
      this.invariants.watch(machine);
      this.#machines.set(sid, machine);
      this.#servers.set(sid, { kind: 'down' });
    }
    this.simulation.subscribe(['peer', 'zab'], (record) => this.#observe(record));
  }

  get verifier(): QuorumVerifier {
    return this.#verifier;
  }

  /** While nobody runs: from now on server 1, 2, ... have these roles, and the member list these further lines. */
  reform(roles: readonly LearnerType[], memberLines: readonly string[]): void {
    assert(this.running.length === 0, 'the whole ensemble is down');
    assert(roles.length === this.sids.length, 'every server keeps its place');
    this.#verifier = parseQuorumVerifier(memberText(roles, memberLines));
    this.invariants.reform(this.#quorums());
  }

  get sids(): readonly Sid[] {
    return [...this.#machines.keys()];
  }

  /** Servers that run now. */
  get running(): readonly Sid[] {
    return this.sids.filter((sid) => this.#servers.get(sid)?.kind === 'up');
  }

  machine(sid: Sid | number): Machine {
    const machine = this.#machines.get(sidOf(sid));
    assert(machine !== undefined, `there is no server ${sid}`);
    return machine;
  }

  /** Starts these servers, at this instant. */
  start(...sids: readonly (Sid | number)[]): void {
    for (const sid of sids.map(sidOf)) {
      const machine = this.machine(sid);
      // A server that ended by itself leaves its process behind until it is started anew, and others may use its machine.
      if (this.#servers.get(sid)?.kind !== 'up') machine.crash();
      const peer = startPeer(this.#configOf(sid), machine.boot(), this.#optionsOf(sid));
      this.#servers.set(sid, { kind: 'up', peer });
    }
  }

  startAll(): void {
    this.start(...this.sids);
  }

  crash(sid: Sid | number, how: 'reset' | 'silent' = 'reset'): void {
    this.machine(sid).crash(how);
    this.#servers.set(sidOf(sid), { kind: 'down' });
  }

  /** From its next start on the server has these settings, and the ensemble's for the rest. */
  configure(sid: Sid | number, config: Partial<PeerConfig>): void {
    this.#ownConfigs.set(sidOf(sid), config);
  }

  /** Tells the server to stop in good order; its process ends when it has. */
  requestStop(sid: Sid | number): void {
    const server = this.#servers.get(sidOf(sid));
    if (server?.kind !== 'up') return;
    const { world } = this.machine(sid);
    server.peer.stop(() => {
      if (this.machine(sid).world === world) this.crash(sid);
    });
  }

  /** Stops the server in good order and waits for it. */
  async stop(sid: Sid | number): Promise<void> {
    const server = this.#servers.get(sidOf(sid));
    if (server?.kind !== 'up') return;
    let stopped = false;
    server.peer.stop(() => {
      stopped = true;
    });
    await this.until(() => stopped, `server ${sid} stopped`);
    this.crash(sid);
  }

  /** `partition([1, 2], [3])`: no byte passes between the groups. */
  partition(...groups: readonly (readonly (Sid | number)[])[]): void {
    this.simulation.network.partition(...groups.map((group) => group.map(machineName)));
  }

  heal(): void {
    this.simulation.network.heal();
  }

  status(sid: Sid | number): PeerStatus | null {
    const server = this.#servers.get(sidOf(sid));
    return server?.kind === 'up' ? server.peer.status() : null;
  }

  /** Why the server ended by itself; null if it did not. */
  endedBecause(sid: Sid | number): string | null {
    const server = this.#servers.get(sidOf(sid));
    return server?.kind === 'ended' ? server.reason : null;
  }

  serving(sid: Sid | number): boolean {
    return this.status(sid)?.serving === true;
  }

  /** The server that leads and serves (or would, if its configuration let it); null if there is none, or two for the moment. */
  leader(): Sid | null {
    const leaders = this.running.filter(
      (sid) =>
        this.status(sid)?.state === 'LEADING' &&
        (this.serving(sid) || (this.#established.has(sid) && !this.#configOf(sid).leaderServes)),
    );
    return leaders.length === 1 ? (leaders[0] ?? null) : null;
  }

  /** Lets time go on until the condition holds; an error with the last events if it does not in time. */
  async until(condition: () => boolean, what: string, limitMs = AGREEMENT_LIMIT_MS): Promise<void> {
    const beginMs = this.simulation.time.nowMs;
    if (await this.simulation.until(condition, limitMs)) return;
    const states = this.sids.map((sid) => `${sid}: ${this.describe(sid)}`).join('; ');
    throw new Error(
      `seed ${this.simulation.seed}: not within ${limitMs} ms after ${beginMs.toFixed(0)} ms: ${what} (${states})`,
    );
  }

  describe(sid: Sid | number): string {
    const status = this.status(sid);
    if (status !== null) return `${status.state}${status.serving ? ', serving' : ''}`;
    return this.endedBecause(sid) ?? 'down';
  }

  /** All of these (by default: all that run) serve under one leader. */
  async untilServing(...sids: readonly (Sid | number)[]): Promise<void> {
    await this.until(
      () => {
        const wanted = sids.length === 0 ? this.running : sids.map(sidOf);
        const leader = this.leader();
        const reign = leader === null ? null : this.status(leader);
        return wanted.every((sid) => {
          const status = this.status(sid);
          return (
            reign !== null &&
            status?.serving === true &&
            // An observer behind a follower may not know whose reign it is.
            (status.leader === leader || status.leader === null) &&
            status.epoch === reign.epoch
          );
        });
      },
      `servers [${(sids.length === 0 ? this.running : sids).join(', ')}] serve`,
    );
  }

  /** A leader serves, with whoever is needed for it. */
  async untilQuorum(): Promise<Sid> {
    await this.until(() => this.leader() !== null, 'a leader serves');
    const leader = this.leader();
    assert(leader !== null, 'a leader serves');
    return leader;
  }

  clientAddress(sid: Sid | number): Address {
    return `${machineName(sid)}:2181`;
  }

  /** A client on a machine of its own. */
  client(timeoutMs = CLIENT_SESSION_TIMEOUT_MS): ScriptedClient {
    return new ScriptedClient(this.clientMachine().boot(), timeoutMs);
  }

  clientOn(world: World, timeoutMs = CLIENT_SESSION_TIMEOUT_MS): ScriptedClient {
    return new ScriptedClient(world, timeoutMs);
  }

  /** A machine for a client of any kind. */
  clientMachine(): Machine {
    this.#clientCount++;
    return this.simulation.machine(`client-${this.#clientCount}`, sidOf(0), 'client');
  }

  async connect(sid: Sid | number, timeoutMs = CLIENT_SESSION_TIMEOUT_MS): Promise<ScriptedClient> {
    const client = this.client(timeoutMs);
    await this.simulation.settle(client.connect(this.clientAddress(sid)));
    return client;
  }

  /** Everything the server shows its clients, after a `sync`. If the reign ends in between, it is read again. */
  async tree(sid: Sid | number): Promise<TreeImage> {
    for (let attempt = 1; ; attempt++) {
      const client = this.client();
      try {
        await this.simulation.settle(client.connect(this.clientAddress(sid)));
        const image = await this.simulation.settle(readTree(client));
        await this.simulation.settle(client.close());
        return image;
      } catch (error) {
        if (!(error instanceof KeeperError) || attempt === MAX_READS_COUNT) throw error;
        client.disconnect();
        await this.untilServing(sid);
      }
    }
  }

  /** Throws unless all running servers show the same tree; gives it. */
  async checkTreesEqual(): Promise<TreeImage> {
    await this.untilServing();
    const images: { readonly sid: Sid; readonly image: TreeImage }[] = [];
    for (const sid of this.running) images.push({ sid, image: await this.tree(sid) });
    const [first, ...others] = images;
    assert(first !== undefined, 'some server runs');
    for (const { sid, image } of others) {
      const found = differences(first.image, image);
      if (found.length === 0) continue;
      throw new Error(
        `seed ${this.simulation.seed}: servers ${first.sid} and ${sid} differ: ${found.slice(0, 5).join('; ')}`,
      );
    }
    this.invariants.checkCommittedDurable();
    return first.image;
  }

  #optionsOf(sid: Sid): PeerOptions {
    const oracle = this.#oracle;
    if (oracle === null) return { environment: [] };
    return { environment: [], oracle: { grants: () => oracle(sid) } };
  }

  /** What may count as a quorum at any time: with an oracle, whoever it would say yes to. */
  #quorums(): QuorumVerifier {
    const verifier = this.#verifier;
    if (this.#oracle === null || !(verifier instanceof QuorumMaj)) return verifier;
    return new QuorumOracleMaj(verifier, { grants: () => true });
  }

  #configOf(sid: Sid): PeerConfig {
    return makePeerConfig({
      sid,
      quorumVerifier: this.#verifier,
      dataDir: '/data',
      tickTimeMs: TICK_TIME_MS,
      initLimit: LIMIT_TICKS,
      syncLimit: LIMIT_TICKS / 2,
      ...this.#config,
      ...this.#ownConfigs.get(sid),
    });
  }

  #observe(record: ProbeRecord): void {
    const { topic, type } = record.event;
    if (topic === 'zab' && type === 'established') this.#established.add(record.sid);
    else if (topic === 'peer' && type === 'state') this.#established.delete(record.sid);
    if (record.event.topic !== 'peer' || record.event.type !== 'stopped') return;
    if (this.#servers.get(record.sid)?.kind !== 'up') return;
    this.#servers.set(record.sid, { kind: 'ended', reason: record.event.reason });
  }
}

function machineName(sid: Sid | number): string {
  return `server-${sid}`;
}

function rolesOf({ participantCount, observerCount = 0 }: EnsembleOptions): LearnerType[] {
  return Array.from({ length: participantCount + observerCount }, (_, index) =>
    index < participantCount ? 'participant' : 'observer',
  );
}

function memberText(roles: readonly LearnerType[], memberLines: readonly string[] = []): string {
  const lines = roles.map((role, index) => {
    const host = machineName(index + 1);
    return `server.${index + 1}=${host}:2888:3888:${role};${host}:2181`;
  });
  return [...lines, ...memberLines].join('\n');
}
