/** Clients that write and read through whichever tab can be asked, a tab for a while, and note all they are told. */

import { SimRandom } from '../../src/sim/simRandom.ts';
import { withinTime } from '../browser/harness/withinTime.ts';
import type { ChaosTab } from './chaosTab.ts';
import type { ChaosTabs } from './chaosTabs.ts';
import { until } from './until.ts';
import type { History } from './history.ts';
import { perform, type Task } from './inPage.ts';

export const ROOT = '/chaos';
export const FOLDERS = ['registers', 'kept', 'line', 'here'].map((name) => `${ROOT}/${name}`);

/** Asked at once by each of them. */
const LANE_COUNT = 3;
/** An answer that has not come by then is waited for no longer; should it come later, it still counts. */
const ANSWER_WAIT_MS = 1_500;
const TASKS_PER_TAB_COUNT = 25;
/** A history of one node stays short enough to judge: after so many tasks of all, other nodes are used. */
const TASKS_PER_GENERATION_COUNT = 240;
/** What nobody heard may have happened at any time: it counts for so many. */
const UNHEARD_WEIGHT = 15;
const REGISTER_COUNT = 4;
/** So that the browser has the time for something else: between two tasks of one lane. */
const PAUSE_MS = 6;
/** Before another tab is asked. */
const UNHEARD_PAUSE_MS = 50;

export class Writers {
  readonly #tabs: ChaosTabs;
  readonly #history: History;
  readonly #nowMs: () => number;
  readonly #lanes: Promise<void>[] = [];
  #stopped = false;
  #taskCount = 0;
  #unheardCount = 0;

  constructor(tabs: ChaosTabs, history: History, nowMs: () => number) {
    this.#tabs = tabs;
    this.#history = history;
    this.#nowMs = nowMs;
  }

  start(count: number, seed: number): void {
    for (let number = 1; number <= count; number++) {
      for (let lane = 1; lane <= LANE_COUNT; lane++) {
        const name = `client ${number}.${lane}`;
        this.#lanes.push(this.#work(name, new SimRandom(seed, name)));
      }
    }
  }

  /** Ends when nobody waits for an answer any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
  }

  async #work(name: string, random: SimRandom): Promise<void> {
    while (!this.#stopped) {
      const { healthy } = this.#tabs;
      if (healthy.length === 0) {
        await until(
          'there is a tab or an end',
          Infinity,
          () => this.#stopped || this.#tabs.healthy.length > 0,
        );
        continue;
      }
      const tab = random.pick(healthy);
      for (let count = 0; count < TASKS_PER_TAB_COUNT; count++) {
        if (this.#stopped || tab.gone || tab.trouble !== null) break;
        const heard = await this.#ask(tab, name, this.#nextTask(random, name));
        const pauseMs = heard ? PAUSE_MS : UNHEARD_PAUSE_MS;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        if (!heard) break;
      }
    }
  }

  /** False where another tab should be asked. */
  async #ask(tab: ChaosTab, name: string, task: Task): Promise<boolean> {
    const by = `${name} in ${tab.name}`;
    const call = this.#history.called(task, by, this.#nowMs());
    const answered = tab.ask(perform, task).then(
      (told) => {
        if (told === null) this.#history.withdrawn(call);
        else this.#history.returned(call, told, this.#nowMs());
        return told !== null;
      },
      () => {
        this.#unheardCount++;
        this.#history.returned(call, null, this.#nowMs());
        return false;
      },
    );
    return withinTime(ANSWER_WAIT_MS, answered, false);
  }

  #nextTask(random: SimRandom, name: string): Task {
    const number = this.#taskCount++;
    const value = `${name} ${number}`;
    const unique = `${name.replaceAll(/\D/g, '-')}-${number}`;
    const chance = random.fraction();
    if (chance < 0.12) return { kind: 'kept', path: `${ROOT}/kept/n${unique}`, value };
    if (chance < 0.17) return { kind: 'sequence', path: `${ROOT}/line/n-` };
    if (chance < 0.2) return { kind: 'ephemeral', path: `${ROOT}/here/n${unique}` };
    if (chance < 0.25) {
      const own = [...this.#history.ephemerals.keys()].slice(-RECENT_COUNT);
      if (own.length > 0) return { kind: 'look', path: random.pick(own) };
    }
    const age = number + this.#unheardCount * UNHEARD_WEIGHT;
    const generation = Math.floor(age / TASKS_PER_GENERATION_COUNT);
    const path = `${ROOT}/registers/r${generation}-${random.integer(1, REGISTER_COUNT)}`;
    const task = { kind: 'register', path, synced: true } as const;
    const action = random.fraction();
    const expected = random.chance(0.3) ? random.integer(0, 5) : -1;
    if (action < 0.3) return { ...task, input: { kind: 'create', value } };
    if (action < 0.6) return { ...task, input: { kind: 'set', value, expected } };
    if (action < 0.66) return { ...task, input: { kind: 'delete', expected } };
    return { ...task, input: { kind: 'read' }, synced: random.chance(0.6) };
  }
}

const RECENT_COUNT = 8;
