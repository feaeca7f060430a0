/**
 * A data directory in memory that forgets like a real one: what was not flushed is lost at a crash, wholly, in part, or
 * torn in the middle of a record. It outlives the server; each life opens it anew and thereby takes it from the last one.
 */

import { assert } from '../base/assert.ts';
import type { Disk, DiskError, Done, FileEntry } from '../ports/disk.ts';
import { OpenDisk } from './openDisk.ts';
import type { SimClock, SimTime } from './simClock.ts';
import { SimFile } from './simFile.ts';
import type { SimRandom } from './simRandom.ts';

export interface SimDiskOptions {
  /** How long a flush takes, uniform over [low, high] ms; also any other durable change. */
  readonly flushMs: readonly [number, number];
  /** How long a read or a listing takes. */
  readonly readMs: readonly [number, number];
  /** No byte more than this over all files; what exceeds it fails as `full`. */
  readonly capacityBytes: number;
  /** What a crash leaves of bytes that were appended and not flushed. */
  readonly unflushed: 'lost' | 'anyPrefix';
}

export const DEFAULT_DISK: SimDiskOptions = {
  flushMs: [0.2, 0.6],
  readMs: [0.02, 0.1],
  capacityBytes: Infinity,
  unflushed: 'anyPrefix',
};

/** What is asked of a disk. */
export type Operation =
  | { readonly kind: 'append'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'flush'; readonly done: Done<void> }
  | { readonly kind: 'list'; readonly done: Done<readonly FileEntry[]> }
  | {
      readonly kind: 'read';
      readonly name: string;
      readonly offset: number;
      readonly length: number;
      readonly done: Done<Uint8Array>;
    }
  | {
      readonly kind: 'truncate';
      readonly name: string;
      readonly sizeBytes: number;
      readonly done: Done<void>;
    }
  | {
      readonly kind: 'replace';
      readonly name: string;
      readonly bytes: Uint8Array;
      readonly done: Done<void>;
    }
  | { readonly kind: 'remove'; readonly name: string; readonly done: Done<void> };

export type DiskOperationKind = Operation['kind'];

/** What made the durable bytes others than they were. */
export type DurableChange =
  | { readonly kind: 'crashed' | 'wiped' }
  /** What had been appended to these files. */
  | { readonly kind: 'flushed'; readonly names: readonly string[] }
  /** This file was cut, replaced or removed. */
  | { readonly kind: 'file'; readonly name: string };

/** A moment right before or right after the disk does something: where a crash hurts. */
export interface DiskStep {
  readonly when: 'before' | 'after';
  readonly operation: DiskOperationKind;
  readonly name: string;
}

/** An error to come: the `afterCount`-th matching operation from now fails, and every later one of that life. */
interface Fault {
  readonly kind: 'full' | 'failed';
  readonly matches: (operation: DiskOperationKind, name: string) => boolean;
  afterCount: number;
}

/** The medium. `open` gives a server's life its `Disk`. */
export class SimDisk {
  readonly #time: SimTime;
  readonly #random: SimRandom;
  readonly #files = new Map<string, SimFile>();
  /** Files that were appended to since the last flush. */
  readonly #unflushed = new Set<string>();
  /** Those that the flush at work has made durable. */
  #flushed: readonly string[] = [];
  #options: SimDiskOptions;
  #owner: OpenDisk | null = null;
  #faults: Fault[] = [];
  #stalled = false;
  #changed: ((change: DurableChange) => void) | null = null;
  /** Called at each {@link DiskStep}; may crash the machine. */
  stepping: ((step: DiskStep) => void) | null = null;

  constructor(time: SimTime, random: SimRandom, options: SimDiskOptions = DEFAULT_DISK) {
    this.#time = time;
    this.#random = random;
    this.#options = options;
  }

  /** The directory for a new life of its server. A life that still holds it finds itself fenced. */
  open(clock: SimClock): Disk {
    this.#owner?.fence();
    const owner = new OpenDisk(this, clock);
    this.#owner = owner;
    return owner;
  }

  /** The owner's life ends here: what it had not flushed is lost as {@link SimDiskOptions.unflushed} says. */
  crash(): void {
    const owner = this.#owner;
    this.#owner = null;
    this.#faults = [];
    this.#stalled = false;
    if (owner !== null) {
      const queued = owner.abandon();
      const reached =
        this.#options.unflushed === 'lost' ? 0 : this.#random.integer(0, queued.length);
      for (const operation of queued.slice(0, reached)) this.#change(operation);
    }
    for (const [name, file] of this.#files) {
      const kept = this.#keptBytes(file);
      if (kept === 0 && file.durableBytes === 0 && !file.durablyNamed) this.#files.delete(name);
      else file.cutTo(kept);
    }
    this.#unflushed.clear();
    this.#flushed = [];
    this.#changed?.({ kind: 'crashed' });
  }

  /** Calls `changed` whenever what would survive a crash has become another. Only one may watch. */
  watch(changed: (change: DurableChange) => void): void {
    assert(this.#changed === null, 'a disk has one watcher');
    this.#changed = changed;
  }

  configure(options: Partial<SimDiskOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  /** From now on operations wait (and pile up) until `release`. */
  stall(): void {
    this.#stalled = true;
  }

  release(): void {
    this.#stalled = false;
    this.#owner?.proceed();
  }

  /**
   * The first matching operation (after `afterCount` others) fails, and so does everything after it in this life. An
   * append has no answer of its own: its failure comes with the next flush.
   */
  failNext(
    kind: 'full' | 'failed',
    matches: (operation: DiskOperationKind, name: string) => boolean = () => true,
    afterCount = 0,
  ): void {
    this.#faults.push({ kind, matches, afterCount });
  }

  /** Nothing more goes wrong: ends a stall and forgets errors to come. Errors that came stay. */
  mend(): void {
    this.#faults = [];
    this.release();
  }

  /** The life that holds it can write no more, whether or not it knows. */
  get failed(): boolean {
    return this.#owner?.failed === true;
  }

  /** Everything is gone, as when a browser evicts a site's data. Only while no life holds it. */
  wipe(): void {
    assert(this.#owner === null, 'wipe a disk only while its server is down');
    this.#files.clear();
    this.#changed?.({ kind: 'wiped' });
  }

  /** Flips the bits of `mask` in one durable byte. */
  corrupt(name: string, offset: number, mask = 0xff): void {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`no file ${name} to corrupt`);
    file.flip(offset, mask);
  }

  /** Puts a durable file there, as a person copying a data directory would. */
  put(name: string, bytes: Uint8Array): void {
    this.#files.set(name, SimFile.durable(bytes));
  }

  names(): readonly string[] {
    return [...this.#files.keys()].sort();
  }

  /** The bytes of a file that would survive a crash at this instant; null if the file would not. Not to be changed. */
  durable(name: string): Uint8Array | null {
    const file = this.#files.get(name);
    return file === undefined || (!file.durablyNamed && file.durableBytes === 0)
      ? null
      : file.view(file.durableBytes);
  }

  /** All that would survive, copied: two runs of one seed give equal ones. */
  durableFiles(): ReadonlyMap<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    for (const name of this.names()) {
      const bytes = this.durable(name);
      if (bytes !== null) files.set(name, bytes.slice());
    }
    return files;
  }

  /** @internal How long the operation takes. */
  latencyMs(operation: Operation): number {
    const [low, high] =
      operation.kind === 'read' || operation.kind === 'list'
        ? this.#options.readMs
        : this.#options.flushMs;
    return this.#random.between(low, high);
  }

  /** @internal */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** @internal */
  get time(): SimTime {
    return this.#time;
  }

  /** @internal Carries the operation out; null or the error it ends in. */
  carryOut(operation: Operation): DiskError | null {
    const error = this.#attempt(operation);
    this.#tellChange(operation);
    this.step('after', operation);
    return error;
  }

  /** @internal */
  step(when: DiskStep['when'], operation: Operation): void {
    const name = 'name' in operation ? operation.name : '';
    this.stepping?.({ when, operation: operation.kind, name });
  }

  #tellChange(operation: Operation): void {
    switch (operation.kind) {
      case 'flush':
        this.#changed?.({ kind: 'flushed', names: this.#flushed });
        this.#flushed = [];
        break;
      case 'truncate':
      case 'replace':
      case 'remove':
        this.#changed?.({ kind: 'file', name: operation.name });
        break;
      case 'append':
      case 'list':
      case 'read':
        break;
    }
  }

  #attempt(operation: Operation): DiskError | null {
    const name = 'name' in operation ? operation.name : '';
    const fault = this.#dueFault(operation.kind, name);
    if (fault !== null) {
      if (this.#random.chance(0.5)) this.#change(operation);
      return {
        kind: fault.kind,
        file: name,
        message: `${operation.kind} ${name}: injected error (${fault.kind})`,
      };
    }
    const neededBytes = this.#usedBytes() + this.#growthOf(operation);
    if (this.#growthOf(operation) > 0 && neededBytes > this.#options.capacityBytes) {
      return {
        kind: 'full',
        file: name,
        message: `${operation.kind} ${name}: ${neededBytes} bytes do not fit into ${this.#options.capacityBytes}`,
      };
    }
    if (operation.kind === 'truncate' || operation.kind === 'read') {
      if (!this.#files.has(name)) {
        return { kind: 'missing', file: name, message: `${operation.kind} ${name}: no such file` };
      }
    }
    this.#change(operation);
    return null;
  }

  /** @internal */
  entries(): readonly FileEntry[] {
    return this.names().map((name) => ({ name, sizeBytes: this.#file(name).sizeBytes }));
  }

  /** @internal */
  slice(name: string, offset: number, length: number): Uint8Array {
    const file = this.#file(name);
    return file.view(file.sizeBytes).slice(offset, offset + length);
  }

  /** All and nothing are as likely as something between, where a record may be torn. */
  #keptBytes(file: SimFile): number {
    if (this.#options.unflushed === 'lost' || this.#random.chance(1 / 3)) return file.durableBytes;
    if (this.#random.chance(1 / 2)) return file.sizeBytes;
    return this.#random.integer(file.durableBytes, file.sizeBytes);
  }

  #file(name: string): SimFile {
    const file = this.#files.get(name);
    assert(file !== undefined, `file ${name} was there a moment ago`);
    return file;
  }

  #change(operation: Operation): void {
    switch (operation.kind) {
      case 'append': {
        const file = this.#files.get(operation.name) ?? new SimFile();
        this.#files.set(operation.name, file);
        this.#unflushed.add(operation.name);
        file.append(operation.bytes);
        return;
      }
      case 'flush':
        this.#flushed = [...this.#unflushed].sort();
        this.#unflushed.clear();
        for (const name of this.#flushed) this.#files.get(name)?.makeDurable();
        return;
      case 'truncate': {
        const file = this.#files.get(operation.name);
        if (file === undefined) return;
        file.cutTo(Math.min(operation.sizeBytes, file.sizeBytes));
        file.makeDurable();
        return;
      }
      case 'replace':
        this.#files.set(operation.name, SimFile.durable(operation.bytes));
        return;
      case 'remove':
        this.#files.delete(operation.name);
        return;
      case 'list':
      case 'read':
        return;
    }
  }

  #dueFault(operation: DiskOperationKind, name: string): Fault | null {
    for (const fault of this.#faults) {
      if (!fault.matches(operation, name)) continue;
      if (fault.afterCount-- > 0) continue;
      this.#faults = this.#faults.filter((other) => other !== fault);
      return fault;
    }
    return null;
  }

  #usedBytes(): number {
    if (this.#options.capacityBytes === Infinity) return 0;
    let sum = 0;
    for (const file of this.#files.values()) sum += file.sizeBytes;
    return sum;
  }

  #growthOf(operation: Operation): number {
    if (operation.kind === 'append') return operation.bytes.length;
    return operation.kind === 'replace' ? operation.bytes.length : 0;
  }
}
