/** A server's storage without the server: one simulated disk, and life after life of a database on it. */

import type { ProbeEvent } from '../../../src/ports/probe.ts';
import { SimClock, SimTime } from '../../../src/sim/simClock.ts';
import { DEFAULT_DISK, SimDisk, type SimDiskOptions } from '../../../src/sim/simDisk.ts';
import { SimRandom } from '../../../src/sim/simRandom.ts';
import { EpochFiles } from '../../../src/storage/epochFiles.ts';
import type { StorageError, StorageResult } from '../../../src/storage/storageError.ts';
import { writeLogRecord } from '../../../src/storage/txnLogFormat.ts';
import { ZKDatabase, type LoadedDatabase } from '../../../src/storage/zkDatabase.ts';
import {
  DEFAULT_DATABASE_OPTIONS,
  type ZKDatabaseOptions,
} from '../../../src/storage/zkDatabaseOptions.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { epoch, makeZxid, sessionId, zxid, type Zxid } from '../../../src/wire/ids.ts';
import { toBytes } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { decodeTxn, encodeTxn, type Txn } from '../../../src/wire/txns.ts';

const ANSWER_LIMIT_MS = 60_000;

/** The payload as it stands in a log. */
export const logRecord = (payload: Uint8Array): Uint8Array =>
  toBytes((writer) => writeLogRecord(writer, payload));

export type EventType = ProbeEvent['type'];

export class StorageWorld {
  readonly time = new SimTime();
  readonly disk: SimDisk;
  readonly events: ProbeEvent[] = [];
  readonly failures: StorageError[] = [];
  #clock: SimClock;
  #life: { db: ZKDatabase; epochs: EpochFiles };

  constructor(
    options: Partial<ZKDatabaseOptions> = {},
    disk: Partial<SimDiskOptions> = {},
    seed = 1,
  ) {
    this.disk = new SimDisk(this.time, new SimRandom(seed), { ...DEFAULT_DISK, ...disk });
    this.#clock = new SimClock(this.time);
    this.#life = this.#begin(options);
  }

  get db(): ZKDatabase {
    return this.#life.db;
  }

  get epochs(): EpochFiles {
    return this.#life.epochs;
  }

  get clock(): SimClock {
    return this.#clock;
  }

  /** The server dies as it stands, and comes back with nothing in memory. */
  crash(options: Partial<ZKDatabaseOptions> = {}): void {
    this.#clock.end();
    this.disk.crash();
    this.#clock = new SimClock(this.time);
    this.#life = this.#begin(options);
  }

  /** Runs until the operation is answered. */
  call<T>(begin: (done: (result: T) => void) => void): T {
    const answers: T[] = [];
    begin((result) => answers.push(result));
    if (answers.length > 0) throw new Error('answered inside the call');
    if (!this.time.runUntil(() => answers.length > 0, ANSWER_LIMIT_MS)) {
      throw new Error('never answered');
    }
    const [answer] = answers;
    if (answer === undefined || answers.length !== 1) throw new Error('answered more than once');
    return answer;
  }

  /** As {@link call}, for what has to succeed. */
  ok<T>(begin: (done: (result: StorageResult<T>) => void) => void): T {
    const result = this.call(begin);
    if (!result.ok) throw new Error(`${result.error.kind}: ${result.error.message}`);
    return result.value;
  }

  load(): LoadedDatabase {
    return this.ok((done) => this.db.load(done));
  }

  /** Logs, flushes and applies, as a server does with what is committed. */
  write(...entries: readonly TxnBytes[]): void {
    this.append(...entries);
    this.ok<void>((done) => this.db.flush(done));
    for (const entry of entries) this.apply(entry);
  }

  append(...entries: readonly TxnBytes[]): void {
    for (const entry of entries) this.db.append(entry.bytes, entry.zxid);
  }

  apply({ bytes }: TxnBytes): void {
    const { header, txn, digest } = decodeTxn(bytes);
    this.db.processTxn(header, txn, digest);
    this.db.addCommittedProposal(header.zxid, bytes);
  }

  takeSnapshot(): void {
    this.ok((done) => this.db.takeSnapshot(done));
  }

  eventsOf(type: EventType): readonly ProbeEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  #begin(options: Partial<ZKDatabaseOptions>): { db: ZKDatabase; epochs: EpochFiles } {
    const world = {
      clock: this.#clock,
      disk: this.disk.open(this.#clock),
      probe: { watches: () => true, emit: (event: ProbeEvent) => void this.events.push(event) },
    };
    const allOptions = { ...DEFAULT_DATABASE_OPTIONS, ...options };
    return {
      db: new ZKDatabase(world, allOptions, (error) => void this.failures.push(error)),
      epochs: new EpochFiles(world),
    };
  }
}

export interface TxnBytes {
  readonly zxid: Zxid;
  readonly bytes: Uint8Array;
}

export const z = (inEpoch: number, counter: number): Zxid =>
  makeZxid(epoch(inEpoch), BigInt(counter));

/** A transaction of session 7. */
export function txnAt(at: Zxid, txn: Txn): TxnBytes {
  const header = { clientId: sessionId(7n), cxid: 0, zxid: at, time: 1_000, type: txn.type };
  return { zxid: at, bytes: encodeTxn({ header, txn, digest: null }) };
}

/** Creates `/n<zxid>`, so that a tree shows which transactions it holds. */
export function createAt(at: Zxid, data = 'data'): TxnBytes {
  return txnAt(at, {
    type: OpCode.create,
    path: pathOf(at),
    data: new TextEncoder().encode(data),
    acl: OPEN_ACL_UNSAFE,
    ephemeral: false,
    parentCVersion: -1,
  });
}

const pathOf = (at: Zxid): string => `/n${at.toString(16)}`;

/** `count` creates after `previous`, in its epoch. */
export function createsAfter(previous: Zxid, count: number, data?: string): TxnBytes[] {
  return Array.from({ length: count }, (_, index) =>
    createAt(zxid(previous + 1n + BigInt(index)), data),
  );
}

/** The zxids whose `createAt` the tree holds. */
export function zxidsIn(db: ZKDatabase): Zxid[] {
  return db.tree
    .getChildren('/', null)
    .children.flatMap((name) =>
      /^n[0-9a-f]+$/.test(name) ? [zxid(BigInt(`0x${name.slice(1)}`))] : [],
    )
    .sort((left, right) => Number(left - right));
}
