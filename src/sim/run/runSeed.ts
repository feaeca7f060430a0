/**
 * One simulated run, decided by its plan alone: a storm of faults while clients work, a quiet period in which the ensemble
 * must serve again, and then the account: trees, disks and histories. The same plan gives the same run, byte for byte.
 */

import { type Sid, sid as sidOf, zxidToString } from '../../wire/ids.ts';
import { Ensemble, type EnsembleOptions } from '../ensemble.ts';
import { ClientJudge } from './clientJudge.ts';
import { ClientLoad, type LoadContext } from './clientLoad.ts';
import { Coverage } from './coverage.ts';
import { checkDisk } from './diskCheck.ts';
import { FaultInjector } from './faultInjector.ts';
import { faultText } from './faultText.ts';
import { type PlanOptions, type RunPlan, drawPlan } from './runPlan.ts';
import { Trace } from './runTrace.ts';
import { RunViolation } from './runViolation.ts';
import { SharedNodes } from './sharedNodes.ts';
import { TreeWalk } from './treeWalk.ts';
import { TreeModel } from './treeModel.ts';

/** Nodes that the clients of a run share. */
const SHARED_NODES_COUNT = 3;
/** Within so much virtual time after the last fault every server serves; elections may have backed off. */
const LIVENESS_LIMIT_MS = 60_000;
/** Conditions are looked at so often. */
const GLANCE_MS = 20;
/** A client that rests looks so often whether it still has to. */
const REST_MS = 500;

export interface RunReport {
  readonly plan: RunPlan;
  /** What was wrong, in words; null if nothing was. */
  readonly failure: string | null;
  readonly eventCount: number;
  readonly virtualMs: number;
  readonly checkCount: number;
  readonly acknowledgedCount: number;
  readonly coverage: Coverage;
  readonly trace: Trace;
}

export interface RunOptions {
  /** Keeps everything that happens, to be read or compared. */
  readonly trace: boolean;
}

export function runSeed(seed: number, options: Partial<PlanOptions & RunOptions> = {}): RunReport {
  return runPlan(drawPlan(seed, options), options);
}

export function runPlan(plan: RunPlan, options: Partial<RunOptions> = {}): RunReport {
  const run = new Run(plan, options.trace === true);
  let failure: string | null = null;
  try {
    run.play();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    failure = `${error.name}: ${error.message}`;
    run.trace.note(run.nowMs, `FAILED: ${failure}`);
    if (error.name !== 'RunViolation' && error.name !== 'InvariantViolation') {
      failure += `\n${error.stack ?? ''}`;
    }
  }
  return { plan, failure, ...run.figures() };
}

class Run {
  readonly trace: Trace;
  readonly #plan: RunPlan;
  readonly #ensemble: Ensemble;
  readonly #coverage = new Coverage();
  readonly #tree = new TreeModel();
  readonly #judge: ClientJudge;
  readonly #injector: FaultInjector;
  readonly #clients: ClientLoad[] = [];
  #epoch = -1n;
  #stormIsOver = false;
  #restUntilMs = 0;
  /** Reigns of a few dozen transactions end before everybody has joined them, as long as clients never rest. */
  #restsWhileAllJoin = false;

  constructor(plan: RunPlan, traced: boolean) {
    this.#plan = plan;
    this.#ensemble = new Ensemble(ensembleOptions(plan));
    const { simulation, invariants } = this.#ensemble;
    this.trace = new Trace(simulation, traced);
    this.#coverage.watch(simulation);
    this.#judge = new ClientJudge(this.#tree);
    invariants.onCommitted((_zxid, transaction) => this.#tree.apply(transaction));
    simulation.subscribe(['zab'], ({ event }) => {
      if (event.topic === 'zab' && event.type === 'established') this.#epoch = event.epoch;
    });
    this.#injector = new FaultInjector(
      this.#ensemble,
      plan.config.dbAutocreate === false,
      (what) => this.#note(what),
      (durationMs) => {
        this.#restUntilMs = this.nowMs + durationMs;
      },
    );
  }

  get nowMs(): number {
    return this.#ensemble.simulation.time.nowMs;
  }

  figures(): Omit<RunReport, 'plan' | 'failure'> {
    const { time } = this.#ensemble.simulation;
    return {
      eventCount: time.eventCount,
      virtualMs: time.nowMs,
      checkCount: this.#judge.checkCount + this.#ensemble.invariants.checkCount,
      acknowledgedCount: this.#judge.acknowledgedCount,
      coverage: this.#coverage,
      trace: this.trace,
    };
  }

  play(): void {
    this.#begin();
    this.#storm();
    this.#quiet();
    this.#account();
  }

  #begin(): void {
    const ensemble = this.#ensemble;
    const { simulation } = ensemble;
    this.#plan.clockRates.forEach((rate, index) => {
      ensemble.machine(index + 1).timepiece.rate = rate;
    });
    ensemble.startAll();
    const nodes = new SharedNodes(SHARED_NODES_COUNT);
    const context: LoadContext = {
      ensemble,
      judge: this.#judge,
      note: (what) => this.#note(what),
      restMs: () =>
        this.#restsWhileAllJoin ? REST_MS : Math.max(0, this.#restUntilMs - this.nowMs),
      isCurrent: (sid) => ensemble.status(sid)?.epoch === this.#epoch,
    };
    for (let index = 0; index < this.#plan.clientCount; index++) {
      const name = `c${index + 1}`;
      const world = simulation.machine(name, NOBODY).boot();
      const random = simulation.random.fork(name);
      const client = new ClientLoad(context, world, name, nodes, random);
      this.#clients.push(client);
      client.start();
    }
  }

  #storm(): void {
    const { time } = this.#ensemble.simulation;
    for (const fault of this.#plan.faults) {
      time.schedule(fault.atMs, () => {
        // A storm that was cut short for its many events leaves faults that come no more.
        if (this.#stormIsOver) return;
        this.trace.note(time.nowMs, `FAULT: ${faultText(fault)}`);
        this.#injector.strike(fault);
      });
    }
    this.#until(
      () => time.nowMs >= this.#plan.stormMs || time.eventCount >= this.#plan.maxEventCount,
      Infinity,
    );
  }

  #quiet(): void {
    this.#stormIsOver = true;
    this.#injector.endStorm(this.#plan.disk.flushMs);
    this.#restsWhileAllJoin = this.#plan.config.initialZxidCounter !== undefined;
    this.#mustHappen('every server serves under one leader', () => {
      // A server that noticed only now that its disk had failed is started once more.
      this.#injector.restartEnded();
      return this.#allServe();
    });
    this.#restsWhileAllJoin = false;
    for (const client of this.#clients) client.stop();
    this.#mustHappen('every client is served and done', () =>
      this.#clients.every(({ done }) => done),
    );
    this.#mustHappen(
      'every session has ended, the abandoned ones by their timeouts',
      () => this.#tree.openSessionCount === 0,
    );
  }

  #allServe(): boolean {
    const leader = this.#ensemble.leader();
    const reign = leader === null ? null : this.#ensemble.status(leader)?.epoch;
    return this.#ensemble.sids.every((sid) => {
      const status = this.#ensemble.status(sid);
      const serves = status?.serving === true || this.#leadsOnly(sid);
      // An observer behind a follower may not know whose reign it is.
      const agrees = status?.leader === leader || status?.leader === null;
      return serves && agrees && status?.epoch === reign;
    });
  }

  /** By its configuration it serves no clients while it leads. */
  #leadsOnly(sid: Sid): boolean {
    return sid === this.#ensemble.leader() && !this.#ensemble.serving(sid);
  }

  #account(): void {
    const { invariants, simulation, sids } = this.#ensemble;
    for (const verdict of this.#judge.checkHistories()) this.#note(`history: ${verdict}`);
    invariants.checkCommittedDurable();
    const last = this.#tree.lastZxid;
    if (last === null) return;
    const orphans = this.#tree.orphans(last);
    if (orphans.length > 0) throw new RunViolation(`${orphans.join(', ')} outlived their sessions`);
    const walks = sids
      .filter((sid) => this.#ensemble.serving(sid))
      .map((sid) => new TreeWalk(this.#ensemble, this.#tree, this.#judge, sid));
    for (const walk of walks) walk.start();
    // Meanwhile a counter may be used up, and whoever leads next may serve nobody.
    this.#mustHappen('every tree is read', () =>
      walks.every(({ done, sid }) => done || this.#leadsOnly(sid)),
    );
    const [first, ...others] = walks.filter(({ done }) => done);
    for (const walk of others) walk.compare(first ?? walk);
    const random = simulation.random.fork('disks');
    const sid = random.pick(sids.filter((one) => one !== this.#injector.flipped));
    const { disk } = this.#ensemble.machine(sid);
    const counter = this.#plan.config.initialZxidCounter ?? null;
    checkDisk(sid, disk, this.#tree, random, counter);
    this.#note('checked: replay of a prefix of a disk');
  }

  #mustHappen(what: string, condition: () => boolean): void {
    if (this.#until(condition, LIVENESS_LIMIT_MS)) return;
    const states = this.#ensemble.sids.map((sid) => `${sid}: ${this.#ensemble.describe(sid)}`);
    const last = this.#tree.lastZxid;
    throw new RunViolation(
      `not within ${LIVENESS_LIMIT_MS} ms after the last fault: ${what} (${states.join('; ')}; committed ${last === null ? 'nothing' : zxidToString(last)})`,
    );
  }

  #until(condition: () => boolean, limitMs: number): boolean {
    const { time } = this.#ensemble.simulation;
    const endMs = time.nowMs + limitMs;
    while (!condition()) {
      if (time.nowMs >= endMs) return false;
      time.runFor(GLANCE_MS);
    }
    return true;
  }

  #note(what: string): void {
    this.#coverage.count(what);
    // The trace has told of the fault itself, in more words.
    if (!/^fault: (?!damaged)/.test(what)) this.trace.note(this.nowMs, what);
  }
}

const NOBODY = sidOf(0);

function ensembleOptions(plan: RunPlan): EnsembleOptions {
  const { seed, participantCount, observerCount, memberLines, config, network, disk } = plan;
  return { seed, participantCount, observerCount, memberLines, config, network, disk };
}
