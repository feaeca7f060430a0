/** Does to a running ensemble what a plan's faults say, and puts everything right again at the end. */

import type { PeerConfig } from '../../config/peerConfig.ts';
import { INITIALIZE_FILE, INSTALLING_FILE } from '../../storage/dataDirectory.ts';
import { type Sid, type Zxid, sid as sidOf, zxid, zxidToString } from '../../wire/ids.ts';
import type { Ensemble } from '../ensemble.ts';
import { SimRandom } from '../simRandom.ts';
import { type Fault, type PartitionShape, RARE_POINTS, type Target } from './fault.ts';
import { reformMembers } from './reformMembers.ts';
import { RunViolation } from './runViolation.ts';
import { snapshotTail } from './tailSnapshot.ts';

/** An ambush waits no longer for its moment; one that anybody may walk into waits for a rare one. */
const AMBUSH_MS = 1_500;
const AMBUSH_OF_ANYONE_MS = 4_000;
const FLAPS_COUNT = 6;
/** Slow enough to be seen in the middle of what it does, and quick enough to be back before others miss their leader. */
const ONE_VOICE_FLUSH_MS = [40, 120] as const;

type ServerFault = Extract<Fault, { readonly target: Target | 'anyone' }>;

interface Ambush {
  readonly fault: Fault & { kind: 'crashAt' };
  /** Null: whoever comes. */
  readonly sid: Sid | null;
  readonly endMs: number;
  left: number;
}

/** At most one server's disk is damaged at a time: what only it had is nowhere else to be had. */
interface Damage {
  readonly sid: Sid;
  /** What it had on disk before. */
  readonly lastZxid: Zxid;
  readonly kind: 'bitFlip' | 'wipe';
}

export class FaultInjector {
  readonly #ensemble: Ensemble;
  readonly #suspicious: boolean;
  readonly #note: (what: string) => void;
  readonly #lull: (durationMs: number) => void;
  #ambush: Ambush | null = null;
  /** Waits for what seldom happens, beside the other one, and whatever is mended meanwhile. */
  #patientAmbush: Ambush | null = null;
  #damage: Damage | null = null;
  /** Ends what comes and goes. */
  #generation = 0;

  /** `suspicious`: an empty disk without a note that it is new is one that has lost its data. */
  constructor(
    ensemble: Ensemble,
    suspicious: boolean,
    note: (what: string) => void,
    lull: (durationMs: number) => void,
  ) {
    this.#ensemble = ensemble;
    this.#lull = lull;
    this.#suspicious = suspicious;
    this.#note = note;
    const { simulation } = ensemble;
    simulation.network.sending = (when, from) => this.#step('send', when, from);
    for (const sid of ensemble.sids) {
      const machine = ensemble.machine(sid);
      machine.disk.stepping = ({ operation, when }) => this.#step(operation, when, machine.name);
      if (suspicious) machine.disk.put(INITIALIZE_FILE, new Uint8Array(0));
    }
    simulation.subscribe(['zab', 'txn', 'storage', 'packet', 'peer'], ({ sid, event }) => {
      if (event.topic === 'storage' && event.type === 'loaded') this.#loaded(sid, event.zxid);
      if (event.topic === 'peer' && event.type === 'serving' && event.serving) this.#serves(sid);
      if (this.#ambush !== null) this.#step('event', 'after', ensemble.machine(sid).name);
    });
  }

  /** Whose disk has a flipped bit, which nobody may have read yet; null: nobody's. */
  get flipped(): Sid | null {
    return this.#damage?.kind === 'bitFlip' ? this.#damage.sid : null;
  }

  strike(fault: Fault): void {
    const done = this.#strike(fault);
    const what = fault.kind === 'partition' ? `partition ${fault.shape}` : fault.kind;
    this.#note(done ? `fault: ${what}` : `fault without effect: ${what}`);
  }

  /** False if there was nothing to do it to. */
  #strike(fault: Fault): boolean {
    const ensemble = this.#ensemble;
    const { network } = ensemble.simulation;
    if (fault.kind === 'mend') {
      this.mend();
      return true;
    }
    if (fault.kind === 'lull') {
      this.#lull(fault.durationMs);
      return true;
    }
    if (fault.kind === 'blackout') {
      for (const sid of ensemble.sids) ensemble.crash(sid, 'silent');
      return true;
    }
    if (fault.kind === 'partition') return this.#partition(fault);
    if (fault.kind === 'muteLeader') return this.#muteLeader(fault.powerLossMs);
    if (fault.kind === 'oneVoice') return this.#oneVoice(fault);
    if (fault.kind === 'reform') {
      const generation = this.#generation;
      const mayGoOn = (): boolean => generation === this.#generation && this.#damage === null;
      return reformMembers(ensemble, fault, mayGoOn, this.#note);
    }
    if ('from' in fault) {
      const from = this.#find(fault.from);
      const to = this.#find(fault.to);
      if (from === null || to === null || from === to) return false;
      const [left, right] = [ensemble.machine(from).name, ensemble.machine(to).name];
      if (fault.kind === 'halfOpen') network.block(left, right);
      else if (fault.kind === 'reset') network.reset(left, right);
      else if (fault.kind === 'refuse') network.refuse(left, right);
      else if (fault.kind === 'slowReader')
        return network.slowReader(left, right, fault.pick, fault.everyMs);
      else network.setLatency(left, right, fault.latencyMs);
      return true;
    }
    if (fault.kind === 'crashAt' && fault.target === 'anyone') {
      if (RARE_POINTS.has(fault.point)) {
        this.#patientAmbush = { fault, sid: null, endMs: Infinity, left: fault.count };
        return true;
      }
      const endMs = ensemble.simulation.time.nowMs + AMBUSH_OF_ANYONE_MS;
      this.#ambush = { fault, sid: null, endMs, left: fault.count };
      return true;
    }
    const sid = fault.target === 'anyone' ? null : this.#find(fault.target);
    return sid !== null && this.#strikeServer(fault, sid);
  }

  #strikeServer(fault: ServerFault, sid: Sid): boolean {
    const ensemble = this.#ensemble;
    const machine = ensemble.machine(sid);
    const isUp = machine.world !== null;
    const { time } = ensemble.simulation;
    switch (fault.kind) {
      case 'crash':
        ensemble.crash(sid, fault.how);
        return isUp;
      case 'crashAt':
        this.#ambush = { fault, sid, endMs: time.nowMs + AMBUSH_MS, left: fault.count };
        return isUp;
      case 'stop':
        ensemble.requestStop(sid);
        return isUp;
      case 'restart':
        return this.#restart(sid, fault.change);
      case 'freeze':
        machine.freeze();
        time.schedule(fault.durationMs, () => machine.thaw());
        return isUp;
      case 'stall':
        machine.disk.stall();
        time.schedule(fault.durationMs, () => machine.disk.release());
        return isUp;
      case 'slowDisk':
        machine.disk.configure({ flushMs: fault.flushMs });
        return true;
      case 'diskError':
        machine.disk.failNext(fault.error, () => true, fault.count);
        return isUp;
      case 'bitFlip':
        return this.#flipBit(sid, fault.pick);
      case 'wipe':
        return this.#wipe(sid);
      case 'tailSnapshot':
        return snapshotTail(ensemble, sid, this.#note);
      case 'wallJump':
        machine.timepiece.wallOffsetMs += fault.byMs;
        return true;
    }
  }

  #restart(sid: Sid, change: Partial<PeerConfig> | null): boolean {
    if (change !== null) {
      this.#ensemble.configure(sid, change);
      for (const key of Object.keys(change)) this.#note(`setting: ${key}`);
    }
    this.#ensemble.crash(sid);
    this.#ensemble.start(sid);
    return true;
  }

  /** Nothing goes wrong any more: links, disks, frozen servers and those that are down. */
  mend(): void {
    this.#generation++;
    this.#ambush = null;
    this.#ensemble.heal();
    for (const sid of this.#ensemble.sids) {
      const machine = this.#ensemble.machine(sid);
      machine.disk.mend();
      machine.thaw();
    }
    this.restartEnded();
  }

  /**
   * The last mend: also disks are as quick as at the beginning, and a server that has not noticed yet that its disk has
   * failed does not find out in the calm.
   */
  endStorm(flushMs: readonly [number, number]): void {
    for (const sid of this.#ensemble.sids) {
      const { disk } = this.#ensemble.machine(sid);
      disk.configure({ flushMs });
      if (disk.failed) this.#ensemble.crash(sid);
    }
    this.#patientAmbush = null;
    this.mend();
  }

  /** A server that ended only now, of a fault from before, is started again. */
  restartEnded(): void {
    for (const sid of this.#ensemble.sids) {
      if (this.#ensemble.running.includes(sid)) continue;
      this.#replaceIfDamaged(sid);
      this.#ensemble.start(sid);
    }
  }

  /** What a person does with a server that refuses its damaged disk: a new, empty one in its place. */
  #replaceIfDamaged(sid: Sid): void {
    if (this.#damage?.sid !== sid || this.#damage.kind !== 'bitFlip') return;
    if (this.#ensemble.endedBecause(sid) === null) return;
    this.#note('fault: damaged disk refused and replaced');
    this.#empty(sid);
  }

  #empty(sid: Sid): void {
    this.#ensemble.crash(sid);
    const machine = this.#ensemble.machine(sid);
    this.#damage = { sid, lastZxid: zxid(0n), kind: 'wipe' };
    this.#ensemble.invariants.forgive(sid);
    machine.disk.wipe();
  }

  #find(target: Target): Sid | null {
    const { sids } = this.#ensemble;
    if (typeof target === 'number') return sids.includes(sidOf(target)) ? sidOf(target) : null;
    const leader = this.#ensemble.leader();
    if (target === 'leader') return leader;
    return sids.find((sid) => sid !== leader && this.#ensemble.serving(sid)) ?? null;
  }

  #step(point: string, when: 'before' | 'after', name: string): void {
    if (this.#ambush === null && this.#patientAmbush === null) return;
    const { nowMs } = this.#ensemble.simulation.time;
    if (this.#ambush !== null && nowMs > this.#ambush.endMs) this.#ambush = null;
    for (const ambush of [this.#ambush, this.#patientAmbush]) {
      const victim = ambush === null ? null : this.#victimOf(ambush, point, when, name);
      if (ambush === null || victim === null) continue;
      if (ambush === this.#ambush) this.#ambush = null;
      else this.#patientAmbush = null;
      this.#note(`crash ${ambush.fault.when} ${point}`);
      this.#ensemble.crash(victim, 'silent');
    }
  }

  /** Who has walked into the ambush with what it does now; null: nobody. */
  #victimOf(ambush: Ambush, point: string, when: 'before' | 'after', name: string): Sid | null {
    const { fault, sid } = ambush;
    if (fault.point !== point || (point !== 'event' && fault.when !== when)) return null;
    const victim = this.#ensemble.running.find((one) => this.#ensemble.machine(one).name === name);
    if (victim === undefined || (sid !== null && victim !== sid)) return null;
    return ambush.left-- > 0 ? null : victim;
  }

  #partition({ shape, pick, flapMs }: Fault & { kind: 'partition' }): boolean {
    const cuts = this.#cuts(shape, pick);
    if (cuts.length === 0) return false;
    const { network, time } = this.#ensemble.simulation;
    const name = (sid: Sid): string => this.#ensemble.machine(sid).name;
    const cut = (): void => {
      for (const [from, to] of cuts) network.block(name(from), name(to));
    };
    cut();
    if (flapMs === null) return true;
    const generation = this.#generation;
    for (let flap = 1; flap <= FLAPS_COUNT; flap++) {
      time.schedule(flap * flapMs, () => {
        if (generation !== this.#generation) return;
        if (flap % 2 === 0) cut();
        else for (const [from, to] of cuts) network.unblock(name(from), name(to));
      });
    }
    return true;
  }

  /** From whom nothing gets to whom. */
  #cuts(shape: PartitionShape, pick: number): readonly (readonly [Sid, Sid])[] {
    const random = new SimRandom(pick, 'partition');
    const sids = random.shuffle(this.#ensemble.sids);
    const between = (left: readonly Sid[], right: readonly Sid[]): (readonly [Sid, Sid])[] =>
      left.flatMap((one) =>
        right.flatMap((other) => [[one, other] as const, [other, one] as const]),
      );
    const half = Math.floor(sids.length / 2);
    const [first, ...rest] = sids;
    if (first === undefined || rest.length === 0) return [];
    switch (shape) {
      case 'majority':
        return between(sids.slice(0, half), sids.slice(half));
      case 'bridge':
        return between(rest.slice(0, half), rest.slice(half));
      case 'ring':
        return sids.flatMap((one, index) =>
          sids
            .filter((_, other) => {
              const distance = Math.abs(index - other);
              return distance > 1 && distance < sids.length - 1;
            })
            .map((other) => [one, other] as const),
        );
      case 'isolatedLeader': {
        const leader = this.#ensemble.leader();
        if (leader === null) return [];
        return between(
          [leader],
          sids.filter((sid) => sid !== leader),
        );
      }
      case 'oneWay':
        return rest.map((other) =>
          random.chance(0.5) ? ([first, other] as const) : ([other, first] as const),
        );
      case 'split':
        return between(
          sids.filter((sid) => sid % 2n === 0n),
          sids.filter((sid) => sid % 2n === 1n),
        );
    }
  }

  /** The leader writes down what it can tell nobody any more, and loses power: a tail to be cut off. */
  #muteLeader(powerLossMs: number): boolean {
    const leader = this.#ensemble.leader();
    if (leader === null) return false;
    const { network, time } = this.#ensemble.simulation;
    for (const other of this.#ensemble.sids) {
      if (other === leader) continue;
      network.block(this.#ensemble.machine(leader).name, this.#ensemble.machine(other).name);
    }
    time.schedule(powerLossMs, () => this.#ensemble.crash(leader, 'silent'));
    return true;
  }

  /** One follower hears the leader, says that it has what it heard, and has to begin anew with a slow disk. */
  #oneVoice({ pick, resetMs }: Fault & { kind: 'oneVoice' }): boolean {
    const leader = this.#ensemble.leader();
    if (leader === null) return false;
    const voters = this.#ensemble.verifier.votingMembers;
    const [follower, ...others] = new SimRandom(pick, 'oneVoice').shuffle(
      this.#ensemble.sids.filter((sid) => sid !== leader && voters.has(sid)),
    );
    if (follower === undefined || others.length < 2) return false;
    const { network, time } = this.#ensemble.simulation;
    const [from, to] = [this.#ensemble.machine(leader).name, this.#ensemble.machine(follower).name];
    for (const other of others) network.block(from, this.#ensemble.machine(other).name);
    const generation = this.#generation;
    time.schedule(resetMs, () => {
      if (generation !== this.#generation) return;
      this.#ensemble.machine(follower).disk.configure({ flushMs: ONE_VOICE_FLUSH_MS });
      network.reset(from, to);
    });
    return true;
  }

  #mayDamage(sid: Sid): boolean {
    if (!this.#suspicious || (this.#damage !== null && this.#damage.sid !== sid)) return false;
    // A server that has never been in an ensemble has nothing to lose.
    return this.#ensemble.invariants.history(sid).currentEpoch !== null;
  }

  #wipe(sid: Sid): boolean {
    if (!this.#mayDamage(sid)) return false;
    this.#empty(sid);
    return true;
  }

  #flipBit(sid: Sid, pick: number): boolean {
    if (!this.#mayDamage(sid) || this.#damage !== null) return false;
    const { disk } = this.#ensemble.machine(sid);
    this.#ensemble.crash(sid);
    const random = new SimRandom(pick, 'bitFlip');
    const files = disk.names().filter((name) => /^(log|snapshot)\./.test(name));
    const lastZxid = this.#hasToKeep(sid);
    if (files.length === 0) return false;
    const name = random.pick(files);
    const sizeBytes = disk.durable(name)?.length ?? 0;
    if (sizeBytes === 0) return false;
    this.#damage = { sid, lastZxid, kind: 'bitFlip' };
    disk.corrupt(name, random.integer(0, sizeBytes - 1), 1 << random.integer(0, 7));
    return true;
  }

  /** All that it had, or, where the power went while a leader's snapshot took the place of that, no more than is in it. */
  #hasToKeep(sid: Sid): Zxid {
    const { lastZxid } = this.#ensemble.invariants.history(sid);
    const note = this.#ensemble.machine(sid).disk.durable(INSTALLING_FILE);
    if (note === null) return lastZxid;
    const [hex = ''] = new TextDecoder().decode(note).split(' ');
    const coming = zxid(BigInt(`0x${hex}`));
    return coming < lastZxid ? coming : lastZxid;
  }

  /** Nobody may start with less than it has promised to keep and not say so. */
  #loaded(sid: Sid, loaded: Zxid): void {
    const damage = this.#damage;
    if (damage?.sid !== sid || damage.kind !== 'bitFlip') return;
    this.#damage = { ...damage, lastZxid: zxid(0n) };
    if (loaded >= damage.lastZxid) return;
    throw new RunViolation(
      `server ${sid} starts with ${zxidToString(loaded)} after a flipped bit; it had ${zxidToString(damage.lastZxid)}`,
    );
  }

  /** In step with a leader it has again all that is committed; but a flipped bit may lie in wait for the next start. */
  #serves(sid: Sid): void {
    if (this.#damage?.sid === sid && this.#damage.kind === 'wipe') this.#damage = null;
  }
}
