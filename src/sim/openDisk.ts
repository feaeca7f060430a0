/**
 * A simulated disk as one life of a server has it: operations wait in a queue and are answered in order, after the time
 * they take. What they do to the bytes, and what goes wrong, is the medium's to say.
 */

import { assert } from '../base/assert.ts';
import type { Disk, DiskError, DiskResult, Done, FileEntry } from '../ports/disk.ts';
import type { SimClock } from './simClock.ts';
import type { Operation, SimDisk } from './simDisk.ts';

/** Operations that may wait at the disk at one time; a server that queues more has forgotten its own bounds. */
const MAX_QUEUED_OPERATIONS_COUNT = 1_000_000;

/** One life's `Disk`: a queue whose head is at work. */
export class OpenDisk implements Disk {
  readonly #medium: SimDisk;
  readonly #clock: SimClock;
  #queue: Operation[] = [];
  #working = false;
  #error: DiskError | null = null;
  #fenced = false;

  constructor(medium: SimDisk, clock: SimClock) {
    this.#medium = medium;
    this.#clock = clock;
  }

  list(done: Done<readonly FileEntry[]>): void {
    this.#enqueue({ kind: 'list', done });
  }

  read(name: string, offset: number, length: number, done: Done<Uint8Array>): void {
    this.#enqueue({ kind: 'read', name, offset, length, done });
  }

  append(name: string, bytes: Uint8Array): void {
    this.#enqueue({ kind: 'append', name, bytes });
  }

  flush(done: Done<void>): void {
    this.#enqueue({ kind: 'flush', done });
  }

  truncate(name: string, sizeBytes: number, done: Done<void>): void {
    this.#enqueue({ kind: 'truncate', name, sizeBytes, done });
  }

  replace(name: string, chunks: readonly Uint8Array[], done: Done<void>): void {
    this.#enqueue({ kind: 'replace', name, bytes: joined(chunks), done });
  }

  remove(name: string, done: Done<void>): void {
    this.#enqueue({ kind: 'remove', name, done });
  }

  /** An operation failed, and so will all to come; an append that failed is told of with the next flush only. */
  get failed(): boolean {
    return this.#error !== null;
  }

  fence(): void {
    this.#fenced = true;
  }

  /** The life is over; gives what was still waiting for its turn. After an error nothing gets one any more. */
  abandon(): Operation[] {
    const queued = this.#error === null ? this.#queue : [];
    this.#queue = [];
    this.#fenced = true;
    return queued;
  }

  proceed(): void {
    if (this.#working || this.#medium.stalled) return;
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (head.kind !== 'append') {
        this.#working = true;
        this.#medium.time.schedule(this.#medium.latencyMs(head), () => this.#finishHead());
        return;
      }
      if (!this.#take(head)) return;
      this.#error = this.#errorOf(head);
    }
  }

  /** Takes the head off the queue; false if power was lost at that moment, when it was still to be done. */
  #take(head: Operation): boolean {
    this.#medium.step('before', head);
    if (this.#queue[0] !== head) return false;
    this.#queue.shift();
    return true;
  }

  #enqueue(operation: Operation): void {
    if (!this.#clock.alive) return;
    assert(this.#queue.length < MAX_QUEUED_OPERATIONS_COUNT, 'too many operations wait at a disk');
    this.#queue.push(operation);
    this.proceed();
  }

  #finishHead(): void {
    this.#working = false;
    if (this.#medium.stalled) return;
    const operation = this.#queue[0];
    if (operation === undefined || !this.#take(operation)) return;
    this.#error = this.#errorOf(operation);
    this.#answer(operation, this.#error);
    // An error about a name is an answer; any other ends the use of this disk.
    if (this.#error?.kind === 'missing') this.#error = null;
    this.proceed();
  }

  #errorOf(operation: Operation): DiskError | null {
    if (this.#fenced) {
      const file = 'name' in operation ? operation.name : '';
      return {
        kind: 'fenced',
        file,
        message: `${operation.kind} ${file}: another owner took over`,
      };
    }
    return this.#error ?? this.#medium.carryOut(operation);
  }

  #answer(operation: Operation, error: DiskError | null): void {
    const failure: DiskResult<never> | null = error === null ? null : { ok: false, error };
    switch (operation.kind) {
      case 'append':
        return;
      case 'list': {
        const result = failure ?? { ok: true as const, value: this.#medium.entries() };
        return this.#clock.run(() => operation.done(result));
      }
      case 'read': {
        const { name, offset, length } = operation;
        const result = failure ?? {
          ok: true as const,
          value: this.#medium.slice(name, offset, length),
        };
        return this.#clock.run(() => operation.done(result));
      }
      case 'flush':
      case 'truncate':
      case 'replace':
      case 'remove':
        return this.#clock.run(() => operation.done(failure ?? { ok: true, value: undefined }));
    }
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
