/** Elections of real servers (connection managers and all) on a simulated network, under virtual time. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePeerConfig } from '../../../src/config/makePeerConfig.ts';
import type { PeerConfig } from '../../../src/config/peerConfig.ts';
import { createElectionAlgorithm } from '../../../src/election/createElectionAlgorithm.ts';
import type { LeaderElection } from '../../../src/election/electionPeer.ts';
import type { ElectionEvent } from '../../../src/ports/probe.ts';
import { Simulation, type Machine } from '../../../src/sim/simWorld.ts';
import { epoch, sid, zxid } from '../../../src/wire/ids.ts';
import { ElectingPeer, verifierOf } from './electingPeer.ts';

interface Member {
  readonly peer: ElectingPeer;
  readonly machine: Machine;
  readonly election: LeaderElection;
}

/** What outlives a crash of a server. */
interface History {
  logged: bigint;
  epoch: number;
}

/** Each gives the last one’s mistakes up. */
const MAX_TRY_COUNT = 10;

class Ensemble {
  readonly simulation: Simulation;
  readonly events: {
    readonly from: number;
    readonly timeMs: number;
    readonly event: ElectionEvent;
  }[] = [];
  readonly members = new Map<number, Member>();
  readonly histories = new Map<number, History>();
  readonly #verifier;
  readonly #config: Partial<PeerConfig>;

  constructor(verifier = verifierOf(3), config: Partial<PeerConfig> = {}, seed = 1) {
    this.simulation = new Simulation(seed);
    this.#verifier = verifier;
    this.#config = config;
    this.simulation.subscribe(['election'], ({ sid: from, timeMs, event }) => {
      if (event.topic === 'election') this.events.push({ from: Number(from), timeMs, event });
    });
  }

  start(...numbers: number[]): void {
    for (const number of numbers) {
      const machine = this.simulation.machine(`tab-${number}`, sid(number));
      const peer = new ElectingPeer(number, this.#verifier);
      const { logged, epoch: of } = this.history(number);
      peer.logged = zxid(logged);
      peer.epoch = epoch(of);
      const config = makePeerConfig({
        sid: sid(number),
        quorumVerifier: this.#verifier,
        dataDir: 'data',
        initLimit: 10,
        syncLimit: 5,
        ...this.#config,
      });
      const election = createElectionAlgorithm(machine.boot(), config, peer);
      this.members.set(number, { peer, machine, election });
      election.start();
      election.lookForLeader(peer.done);
    }
  }

  crash(number: number): void {
    this.members.get(number)?.machine.crash();
    this.members.delete(number);
  }

  /** Those that lost their leader look again, as `QuorumPeer` has them do. */
  lookAgain(...numbers: number[]): void {
    for (const number of numbers) {
      const { peer, election } = this.member(number);
      peer.state = 'LOOKING';
      election.lookForLeader(peer.done);
    }
  }

  member(number: number): Member {
    const member = this.members.get(number);
    if (member === undefined) throw new Error(`server ${number} does not run`);
    return member;
  }

  history(number: number): History {
    const history = this.histories.get(number) ?? { logged: 0n, epoch: 0 };
    this.histories.set(number, history);
    return history;
  }

  states(): Record<number, string> {
    return Object.fromEntries([...this.members].map(([number, { peer }]) => [number, peer.state]));
  }

  leaders(): number[] {
    const votes = [...this.members.values()].flatMap(({ peer }) =>
      peer.state === 'LOOKING' || peer.vote === null ? [] : [Number(peer.vote.id)],
    );
    return [...new Set(votes)];
  }

  settled = (): boolean => [...this.members.values()].every(({ peer }) => peer.state !== 'LOOKING');

  /** Runs until nobody looks; how long it took, or fails. */
  settle(limitMs = 10_000): number {
    const beganMs = this.simulation.time.nowMs;
    if (!this.simulation.time.runUntil(this.settled, limitMs)) {
      throw new Error(`still looking after ${limitMs} ms: ${JSON.stringify(this.states())}`);
    }
    return this.simulation.time.nowMs - beganMs;
  }

  /**
   * As `settle`, but those whose leader has no quorum of followers give it up after a while and look again, as `Leader`
   * and `Follower` do after `initLimit`. Votes alone may come to two leaders, or to one whose voters have left it: when a
   * better vote arrives just as some have waited long enough.
   */
  settleForGood(limitMs = 20_000): void {
    for (let tryCount = 0; tryCount < MAX_TRY_COUNT; tryCount++) {
      const settled = this.simulation.time.runUntil(this.settled, limitMs);
      if (settled && this.leaders().length === 1) return;
      const led = [...this.members].flatMap(([number, { peer }]) =>
        peer.state === 'LOOKING' ? [] : [{ number, of: peer.vote?.id }],
      );
      for (const { number, of } of led) {
        const followers = new Set(led.filter((one) => one.of === of).map((one) => sid(one.number)));
        if (!this.#verifier.containsQuorum(followers)) this.lookAgain(number);
      }
    }
    throw new Error(`no single leader: ${JSON.stringify(this.states())}`);
  }

  /** How many votes the two have told each other. */
  saidBetween(one: number, other: number): number {
    const pair = [one, other];
    return this.events.filter(
      ({ from, event }) =>
        event.type === 'notificationSent' &&
        pair.includes(from) &&
        pair.includes(Number(event.peer)),
    ).length;
  }

  run(ms: number): void {
    this.simulation.time.runFor(ms);
  }
}

describe('a cold start', () => {
  it('of three makes the largest sid leader, at once when all agree', () => {
    const ensemble = new Ensemble();
    ensemble.start(1, 2, 3);
    expect(ensemble.settle()).toBeLessThan(50);
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 2: 'FOLLOWING', 3: 'LEADING' });
  });

  it('of three takes the finalize wait of 200 ms where it is not cut short', () => {
    const ensemble = new Ensemble(verifierOf(3), { finalizeEarly: false });
    ensemble.start(1, 2, 3);
    const tookMs = ensemble.settle();
    expect(tookMs).toBeGreaterThanOrEqual(200);
    expect(tookMs).toBeLessThan(300);
    expect(ensemble.states()[3]).toBe('LEADING');
  });

  it('makes the longest history leader: epoch before zxid before sid', () => {
    const histories: [Record<number, History>, number][] = [
      [{ 1: { logged: 5n, epoch: 0 } }, 1],
      [{ 1: { logged: 5n, epoch: 0 }, 2: { logged: 1n, epoch: 1 } }, 2],
      [{ 1: { logged: 5n, epoch: 1 }, 2: { logged: 5n, epoch: 1 } }, 2],
    ];
    for (const [given, leader] of histories) {
      const ensemble = new Ensemble();
      for (const [number, history] of Object.entries(given)) {
        ensemble.histories.set(Number(number), history);
      }
      ensemble.start(1, 2, 3);
      ensemble.settle();
      expect(ensemble.leaders()).toEqual([leader]);
    }
  });

  it('of two of three elects after 200 ms, and the third joins them when it comes', () => {
    const ensemble = new Ensemble();
    ensemble.start(1, 2);
    const tookMs = ensemble.settle();
    expect(tookMs).toBeGreaterThanOrEqual(200);
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 2: 'LEADING' });
    ensemble.history(3).logged = 99n;
    ensemble.start(3);
    expect(ensemble.settle()).toBeLessThan(50);
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 2: 'LEADING', 3: 'FOLLOWING' });
    expect(ensemble.member(3).peer.outcome?.kind).toBe('joined');
  });

  it('of one of three elects nobody', () => {
    const ensemble = new Ensemble();
    ensemble.start(3);
    ensemble.run(300_000);
    expect(ensemble.states()).toEqual({ 3: 'LOOKING' });
  });

  it('of one voter and two observers elects nobody either', () => {
    const ensemble = new Ensemble(verifierOf(5, [4, 5]));
    ensemble.start(1, 4, 5);
    ensemble.run(300_000);
    expect(ensemble.settled()).toBe(false);
  });

  it('in every order, whenever each comes, ends with one leader that all follow', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 5, maxLength: 5 }),
        fc.integer(),
        (order, pausesMs, seed) => {
          const ensemble = new Ensemble(verifierOf(5), {}, seed);
          order.forEach((number, i) => {
            ensemble.start(number);
            ensemble.run(pausesMs[i] ?? 0);
          });
          ensemble.settleForGood();
          expect(ensemble.leaders()).toHaveLength(1);
          expect(
            Object.values(ensemble.states()).filter((state) => state === 'LEADING'),
          ).toHaveLength(1);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('servers without weight', () => {
  it('never lead, though they are six of nine with the highest sids', () => {
    const groups = ['group.1=1:2:3', 'group.2=4:5:6', 'group.3=7:8:9'];
    const weights = [4, 5, 6, 7, 8, 9].map((number) => `weight.${number}=0`);
    const ensemble = new Ensemble(verifierOf(9, [], ...groups, ...weights));
    ensemble.start(9, 8, 7, 6, 5, 4, 3, 2, 1);
    ensemble.settle();
    expect(ensemble.leaders()).toEqual([3]);
    expect(ensemble.states()[9]).toBe('FOLLOWING');
  });
});

describe('observers', () => {
  it('of five servers learn who leads and are never chosen, whatever they have logged', () => {
    const ensemble = new Ensemble(verifierOf(5, [4, 5]));
    for (const number of [4, 5]) ensemble.histories.set(number, { logged: 99n, epoch: 9 });
    ensemble.start(4, 5, 1, 2, 3);
    ensemble.settle();
    expect(ensemble.states()).toEqual({
      1: 'FOLLOWING',
      2: 'FOLLOWING',
      3: 'LEADING',
      4: 'OBSERVING',
      5: 'OBSERVING',
    });
    expect(ensemble.leaders()).toEqual([3]);
  });

  it('find the leader that reigns already', () => {
    const ensemble = new Ensemble(verifierOf(4, [4]));
    ensemble.start(1, 2, 3);
    ensemble.settle();
    ensemble.start(4);
    expect(ensemble.settle()).toBeLessThan(50);
    expect(ensemble.states()[4]).toBe('OBSERVING');
  });

  it('do not answer a voter that answers them, over and over', () => {
    const ensemble = new Ensemble(verifierOf(4, [4]));
    ensemble.start(3, 4);
    ensemble.run(300);
    ensemble.crash(3);
    ensemble.start(1);
    ensemble.run(30_000);
    // Each still asks from time to time, and less and less often.
    expect(ensemble.saidBetween(1, 4)).toBeLessThan(30);
  });

  it('of a later round do not answer a voter that answers them, over and over', () => {
    const ensemble = new Ensemble(verifierOf(4, [4]));
    ensemble.start(2, 3, 4);
    ensemble.settle();
    ensemble.lookAgain(2, 3, 4);
    ensemble.settle();
    for (const number of [2, 3]) ensemble.crash(number);
    ensemble.lookAgain(4);
    ensemble.start(1);
    ensemble.run(10_000);
    expect(ensemble.saidBetween(1, 4)).toBeLessThan(30);
  });

  it('find the next leader when theirs is gone', () => {
    const ensemble = new Ensemble(verifierOf(4, [4]));
    ensemble.start(1, 2, 3, 4);
    ensemble.settle();
    ensemble.crash(3);
    ensemble.lookAgain(1, 2, 4);
    ensemble.settle(2_000);
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 2: 'LEADING', 4: 'OBSERVING' });
    expect(ensemble.leaders()).toEqual([2]);
  });
});

describe('when servers crash', () => {
  it('the leader of three is replaced without the finalize wait, since its connections are gone', () => {
    const ensemble = new Ensemble();
    ensemble.start(1, 2, 3);
    ensemble.settle();
    ensemble.run(1_000);
    ensemble.crash(3);
    ensemble.lookAgain(1, 2);
    expect(ensemble.settle()).toBeLessThan(50);
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 2: 'LEADING' });
  });

  it('who looks late joins a leader that lost one of its voters, since the others need it for a quorum', () => {
    const ensemble = new Ensemble(verifierOf(5));
    ensemble.start(1, 2, 3, 4, 5);
    ensemble.settle();
    ensemble.run(1_000);
    ensemble.crash(5);
    ensemble.lookAgain(2, 3, 4);
    ensemble.run(300);
    expect(ensemble.member(4).peer.state).toBe('LEADING');
    ensemble.crash(2);
    ensemble.lookAgain(1);
    expect(ensemble.settle()).toBeLessThan(1_000);
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 3: 'FOLLOWING', 4: 'LEADING' });
  });

  it('two of five are too few to stop an election, three are enough', () => {
    const ensemble = new Ensemble(verifierOf(5));
    ensemble.start(1, 2, 3, 4, 5);
    ensemble.settle();
    for (const number of [4, 5]) ensemble.crash(number);
    ensemble.lookAgain(1, 2, 3);
    ensemble.settle();
    expect(ensemble.leaders()).toEqual([3]);
    ensemble.crash(3);
    ensemble.lookAgain(1, 2);
    ensemble.run(120_000);
    expect(ensemble.states()).toEqual({ 1: 'LOOKING', 2: 'LOOKING' });
    ensemble.start(5);
    ensemble.settle(70_000);
    expect(ensemble.leaders()).toEqual([5]);
  });

  it.each([1, 2, 3])('seven elect %i times while each leader but the last dies', (rounds) => {
    const ensemble = new Ensemble(verifierOf(7));
    ensemble.start(1, 2, 3, 4, 5, 6, 7);
    ensemble.settle();
    for (let leader = 7; leader > 8 - rounds; leader--) {
      expect(ensemble.leaders()).toEqual([leader]);
      ensemble.crash(leader);
      ensemble.lookAgain(...ensemble.members.keys());
      ensemble.settle();
    }
    expect(ensemble.leaders()).toEqual([8 - rounds]);
    expect(ensemble.states()[8 - rounds]).toBe('LEADING');
  });

  it('one that comes while another begins a new round after a crash elects with it', () => {
    const ensemble = new Ensemble();
    ensemble.start(2, 3);
    ensemble.settle();
    ensemble.crash(3);
    ensemble.start(1);
    ensemble.run(100);
    expect(ensemble.states()[1]).toBe('LOOKING');
    ensemble.lookAgain(2);
    ensemble.settle();
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 2: 'LEADING' });
  });

  it('one joins an ensemble whose members tell different rounds and zxids (ZOOKEEPER-1732)', () => {
    const ensemble = new Ensemble();
    ensemble.start(1, 2);
    ensemble.settle();
    const { peer } = ensemble.member(1);
    if (peer.vote === null) throw new Error('it has elected');
    const { zxid: logged, electionEpoch } = peer.vote;
    peer.vote = {
      ...peer.vote,
      zxid: zxid(logged + 100n),
      electionEpoch: electionEpoch + 100n,
    };
    ensemble.start(3);
    ensemble.settle();
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 2: 'LEADING', 3: 'FOLLOWING' });
  });

  it('one that comes back joins its old ensemble with a round of its own', () => {
    const ensemble = new Ensemble();
    ensemble.start(1, 2, 3);
    ensemble.settle();
    for (let i = 0; i < 3; i++) {
      ensemble.lookAgain(1, 2, 3);
      ensemble.settle();
    }
    expect(ensemble.member(1).election.logicalClock).toBe(4n);
    ensemble.crash(1);
    ensemble.start(1);
    ensemble.settle();
    expect(ensemble.states()).toEqual({ 1: 'FOLLOWING', 2: 'FOLLOWING', 3: 'LEADING' });
    expect(ensemble.member(1).election.logicalClock).toBe(4n);
  });

  it('one that restarts in the middle of an election does not stop it', () => {
    const ensemble = new Ensemble(verifierOf(3), { finalizeEarly: false });
    ensemble.start(1, 2);
    ensemble.run(100);
    ensemble.crash(1);
    ensemble.start(1);
    ensemble.run(50);
    ensemble.start(3);
    ensemble.settle();
    expect(ensemble.leaders()).toHaveLength(1);
  });
});

describe('when messages are lost', () => {
  it('with their connections, the last vote is told again on the next one', () => {
    const ensemble = new Ensemble(verifierOf(3), { finalizeEarly: false });
    ensemble.start(1, 2, 3);
    for (let i = 0; i < 5; i++) {
      ensemble.run(20);
      ensemble.simulation.network.reset('tab-3', 'tab-1');
      ensemble.simulation.network.reset('tab-2', 'tab-1');
    }
    ensemble.settle();
    expect(ensemble.leaders()).toEqual([3]);
  });

  it('in a partition, the minority elects nobody and joins when it heals', () => {
    const ensemble = new Ensemble(verifierOf(5));
    const { network } = ensemble.simulation;
    network.partition(['tab-1', 'tab-2', 'tab-3'], ['tab-4', 'tab-5']);
    ensemble.start(1, 2, 3, 4, 5);
    ensemble.run(30_000);
    expect(ensemble.states()).toEqual({
      1: 'FOLLOWING',
      2: 'FOLLOWING',
      3: 'LEADING',
      4: 'LOOKING',
      5: 'LOOKING',
    });
    network.heal();
    ensemble.settle(120_000);
    expect(ensemble.leaders()).toEqual([3]);
  });

  it('at random, one leader comes out all the same', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.nat(8), { maxLength: 12 }), (seed, resets) => {
        const ensemble = new Ensemble(verifierOf(5, [5]), {}, seed);
        ensemble.simulation.network.configure({ latencyMs: [0.1, 80], cutSegments: true });
        ensemble.start(1, 2, 3, 4, 5);
        for (const reset of resets) {
          ensemble.run(40);
          ensemble.simulation.network.reset(`tab-${(reset % 4) + 1}`, `tab-${(reset % 3) + 2}`);
        }
        ensemble.settleForGood();
        expect(ensemble.leaders()).toHaveLength(1);
      }),
      // The example: a leader whose voters have left it, with too few to elect another until it gives up.
      { numRuns: 40, examples: [[459407477, [7, 3, 2, 3, 8, 2, 2, 7, 6]]] },
    );
  });
});

describe('the story an election tells', () => {
  it('says who voted for whom, why votes changed and on whose votes the outcome rests', () => {
    const ensemble = new Ensemble();
    ensemble.start(1, 2, 3);
    ensemble.settle();
    const of = (number: number) =>
      ensemble.events.filter(({ from }) => from === number).map(({ event }) => event);
    expect(of(1)[0]).toMatchObject({ type: 'roundStarted', round: 1n, vote: { leader: 1n } });
    expect(of(1)).toContainEqual(
      expect.objectContaining({ type: 'voteChanged', decidedBy: 'sid', from: expect.anything() }),
    );
    expect(of(3).at(-1)).toMatchObject({
      type: 'decided',
      state: 'LEADING',
      supporters: [1n, 2n, 3n],
      vote: { leader: 3n },
    });
    const sent = ensemble.events.filter(({ event }) => event.type === 'notificationSent');
    const received = ensemble.events.filter(({ event }) => event.type === 'notificationReceived');
    expect(sent.length).toBeGreaterThanOrEqual(6);
    expect(received.length).toBeGreaterThanOrEqual(6);
  });
});
