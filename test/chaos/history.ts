/**
 * What the clients of a chaos run asked and were told, and whether an honest ensemble could have told them so. Pure: the
 * order of calls and returns is the one in which it is told of them.
 */

import { checkLinearizable } from '../../src/sim/run/linearizability.ts';
import {
  type NodeInput,
  type NodeOperation,
  nodeRegister,
} from '../../src/sim/run/nodeRegister.ts';
import type { Task, Told } from './inPage.ts';
import type { Span } from './witness.ts';

export interface Call {
  readonly task: Task;
  /** Who asked, and through which tab. */
  readonly by: string;
  readonly atMs: number;
  readonly calledAt: number;
  /** The newest reign that had answered anything when this was asked. */
  readonly knownEpoch: number;
}

interface Entry extends Call {
  /** Null: nobody heard. */
  told: Told | null;
  returnedAtMs: number | null;
}

interface Shown {
  readonly returnedAt: number;
  readonly zxid: bigint;
}

const EPOCH_SHIFT = 32n;

export class History {
  readonly violations: string[] = [];
  readonly counts = {
    acknowledged: 0,
    reads: 0,
    refused: 0,
    unheard: 0,
    deposedReads: 0,
    unjudged: 0,
  };
  readonly #entries: Entry[] = [];
  readonly #open = new Set<Call>();
  readonly #registers = new Map<string, NodeOperation[]>();
  /** Per session, in order of return: the greatest zxid it had been shown. */
  readonly #shown = new Map<string, Shown[]>();
  /** The same per session and path, of the node's own zxid. */
  readonly #shownNodes = new Map<string, Shown[]>();
  readonly #kept = new Map<string, string>();
  readonly #ephemerals = new Map<string, string>();
  readonly #sequence: { readonly returnedAt: number; readonly number: number }[] = [];
  readonly #names = new Set<string>();
  #position = 0;
  #newestEpoch = 0;
  /** When each acknowledgement of a write came. */
  readonly #acknowledgedMs: number[] = [];

  /** Nodes that have to be there at the end, with their values. */
  get kept(): ReadonlyMap<string, string> {
    return this.#kept;
  }

  /** Acknowledged ephemeral nodes and their sessions. */
  get ephemerals(): ReadonlyMap<string, string> {
    return this.#ephemerals;
  }

  /** Sequential names that were given. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  get registers(): Iterable<string> {
    return this.#registers.keys();
  }

  /** When the last of it was asked. */
  get lastMs(): number {
    return this.#entries.at(-1)?.atMs ?? 0;
  }

  /** The times without an acknowledged write from there to there, in their order. */
  pauses({ fromMs, toMs }: Span): readonly Span[] {
    const ends = this.#acknowledgedMs.filter((atMs) => atMs > fromMs && atMs < toMs);
    return [...ends, toMs].map((endMs, index) => ({
      fromMs: ends[index - 1] ?? fromMs,
      toMs: endMs,
    }));
  }

  /** 0: none yet. */
  get lastAcknowledgedMs(): number {
    return this.#acknowledgedMs.at(-1) ?? 0;
  }

  called(task: Task, by: string, atMs: number): Call {
    const call = { task, by, atMs, calledAt: this.#position++, knownEpoch: this.#newestEpoch };
    this.#open.add(call);
    return call;
  }

  /** The answer came; null: it never will. */
  returned(call: Call, told: Told | null, atMs: number): void {
    this.#open.delete(call);
    this.#entries.push({ ...call, told, returnedAtMs: told === null ? null : atMs });
    const returnedAt = this.#position++;
    const { task } = call;
    if (task.kind === 'register') this.#noteRegister(call, task, told, returnedAt);
    if (told === null) {
      this.counts.unheard++;
      return;
    }
    this.#noteEpoch(told);
    this.#checkSession(call, told, returnedAt);
    if (told.lateWatch !== null) this.violations.push(told.lateWatch);
    if (!told.outcome.ok) {
      this.counts.refused++;
      if (task.kind === 'kept') {
        this.violations.push(
          `${task.path}, a name never used before, was refused: ${told.outcome.error}`,
        );
      }
      return;
    }
    if (isRead(task)) this.counts.reads++;
    else this.#noteAcknowledged(atMs);
    const { path, value } = told.outcome;
    if (task.kind === 'kept') this.#kept.set(path, value);
    else if (task.kind === 'ephemeral') this.#ephemerals.set(path, told.session);
    else if (task.kind === 'sequence') this.#noteSequence(call, path, returnedAt);
    else if (task.kind === 'look') this.#checkEphemeral(path, value, told.session);
  }

  /** It was never sent. */
  withdrawn(call: Call): void {
    this.#open.delete(call);
  }

  /** When all is over. */
  judge(): void {
    for (const call of [...this.#open]) this.returned(call, null, 0);
    for (const [path, operations] of this.#registers) {
      const { kind } = checkLinearizable(nodeRegister, operations);
      if (kind === 'unknown') this.counts.unjudged++;
      else if (kind === 'impossible') {
        this.violations.push(`the operations on ${path} are not linearizable`);
      }
    }
  }

  /** What was asked about these paths, or at all, in these milliseconds. */
  describe(matches: (entry: { path: string; atMs: number }) => boolean): readonly string[] {
    const open = [...this.#open].map((call): Entry => ({
      ...call,
      told: null,
      returnedAtMs: null,
    }));
    return [...this.#entries, ...open]
      .filter(({ task, atMs }) => matches({ path: task.path, atMs }))
      .sort((left, right) => left.calledAt - right.calledAt)
      .map(describeEntry);
  }

  #noteRegister(call: Call, task: RegisterTask, told: Told | null, returnedAt: number): void {
    if (task.input.kind === 'read') {
      if (told === null || !task.synced) return;
      if (told.epoch < call.knownEpoch) {
        // A leader that has been replaced and does not know it answers a sync by itself, here as in ZooKeeper.
        this.counts.deposedReads++;
        return;
      }
    }
    const operations = this.#registers.get(task.path) ?? [];
    this.#registers.set(task.path, operations);
    operations.push({
      input: task.input,
      output: told === null ? null : outputOf(task.input, told),
      calledAt: call.calledAt,
      returnedAt,
    });
  }

  #noteAcknowledged(atMs: number): void {
    this.counts.acknowledged++;
    this.#acknowledgedMs.push(atMs);
  }

  #noteEpoch({ epoch, epochAfter, lastZxid }: Told): void {
    const shown = Number(BigInt(`0x${lastZxid}`) >> EPOCH_SHIFT);
    this.#newestEpoch = Math.max(this.#newestEpoch, epoch, epochAfter, shown);
  }

  #checkSession(call: Call, told: Told, returnedAt: number): void {
    const { session, mzxid } = told;
    this.#checkForward(this.#shown, session, call, BigInt(`0x${told.lastZxid}`), returnedAt);
    if (mzxid === null) return;
    const node = `${session} ${call.task.path}`;
    this.#checkForward(this.#shownNodes, node, call, BigInt(`0x${mzxid}`), returnedAt);
  }

  /** Whatever was shown before this was asked must not be newer than what it shows. */
  #checkForward(
    shownBy: Map<string, Shown[]>,
    key: string,
    call: Call,
    zxid: bigint,
    returnedAt: number,
  ): void {
    const shown = shownBy.get(key) ?? [];
    shownBy.set(key, shown);
    const before = shown.findLast((one) => one.returnedAt < call.calledAt);
    if (before !== undefined && before.zxid > zxid) {
      this.violations.push(
        `session and node ${key} (${call.by}) went back from 0x${before.zxid.toString(16)} to 0x${zxid.toString(16)}`,
      );
    }
    const greatest = shown.at(-1);
    const most = greatest !== undefined && greatest.zxid > zxid ? greatest.zxid : zxid;
    shown.push({ returnedAt, zxid: most });
  }

  #noteSequence(call: Call, path: string, returnedAt: number): void {
    if (this.#names.has(path)) this.violations.push(`the sequential name ${path} was given twice`);
    this.#names.add(path);
    const number = Number(path.slice(-SEQUENCE_DIGITS));
    const before = this.#sequence.findLast((one) => one.returnedAt < call.calledAt);
    if (before !== undefined && before.number >= number) {
      this.violations.push(`${path} was given after number ${before.number}`);
    }
    const most = Math.max(number, this.#sequence.at(-1)?.number ?? 0);
    this.#sequence.push({ returnedAt, number: most });
  }

  #checkEphemeral(path: string, seen: string, session: string): void {
    if (this.#ephemerals.get(path) === session && seen === 'gone') {
      this.violations.push(`${path} is gone, but its session 0x${session} is not`);
    }
  }
}

type RegisterTask = Extract<Task, { kind: 'register' }>;

const SEQUENCE_DIGITS = 10;

const isRead = (task: Task): boolean =>
  task.kind === 'look' || (task.kind === 'register' && task.input.kind === 'read');

function outputOf(input: NodeInput, { outcome }: Told): NodeOperation['output'] {
  if (!outcome.ok) return outcome;
  const value = input.kind === 'delete' ? null : outcome.value;
  return { ok: true, version: outcome.version, value };
}

function describeEntry({ task, by, atMs, told, returnedAtMs }: Entry): string {
  const what =
    task.kind === 'register'
      ? `${task.synced ? 'synced ' : ''}${JSON.stringify(task.input)}`
      : task.kind;
  const answer =
    told === null || returnedAtMs === null
      ? 'nobody heard'
      : `${JSON.stringify(told.outcome)} at ${returnedAtMs.toFixed(0)} ms, zxid 0x${told.lastZxid}, node 0x${told.mzxid}, session 0x${told.session}, epoch ${told.epoch}`;
  return `${atMs.toFixed(0)} ms ${by}: ${what} ${task.path}: ${answer}`;
}
