/**
 * From disk to memory: the newest whole snapshot, and the log from there on (`FileTxnSnapLog.restore`). It refuses what is
 * damaged or has a hole rather than start with less than this server once promised to keep.
 */

import type { Clock } from '../ports/clock.ts';
import type { Disk } from '../ports/disk.ts';
import type { Probe } from '../ports/probe.ts';
import type { DataTreeOptions } from '../tree/treeContents.ts';
import { zxid as asZxid, counterOf, epochOf, zxidToString, type Zxid } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';
import { decodeTxn } from '../wire/txns.ts';
import { logsFrom, readDirectory, type DataDirectory, type DataFile } from './dataDirectory.ts';
import { applyTxn, databaseState, type DatabaseState } from './databaseState.ts';
import { inSequence } from './diskSteps.ts';
import { finishInstallation } from './snapshotInstallation.ts';
import { loadSnapshot, type LoadedSnapshot } from './snapshotReader.ts';
import {
  failure,
  type StorageDone,
  type StorageError,
  type StorageResult,
} from './storageError.ts';
import { describeRecord, type LogRecord } from './txnLogFormat.ts';
import { readTxnLogs, type LogScan, type TornLog } from './txnLogReader.ts';
import type { ZKDatabaseOptions } from './zkDatabaseOptions.ts';
import { follows } from './zxidOrder.ts';

/** More snapshots than this are not tried. */
const MAX_SNAPSHOTS_TRIED_COUNT = 100;
const NOTHING_LOGGED = asZxid(0n);
const NOT_TRUSTED = asZxid(-1n);

export interface LoaderContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly probe: Probe;
  readonly options: ZKDatabaseOptions;
  readonly treeOptions: DataTreeOptions;
}

/** A database from disk, with what a truncation needs to know of where it came from. */
export interface LoadedState extends DatabaseState {
  /** The last transaction loaded; -1 for an empty disk that is not trusted. */
  readonly zxid: Zxid;
  readonly snapshot: DataFile | null;
  readonly replayedCount: number;
  /** There is nothing on disk yet: a snapshot has to be written before any log. */
  readonly fresh: boolean;
  readonly directory: DataDirectory;
  /** Where the first transaction beyond the limit is logged; null if there is none. */
  readonly beyond: { readonly file: DataFile; readonly record: LogRecord } | null;
}

/** All there is on disk. Cuts torn tails off, durably, before it answers. */
export function loadDatabase(context: LoaderContext, done: StorageDone<LoadedState>): void {
  finishInstallation(context.disk, (finished) => {
    if (!finished.ok) return done(finished);
    new DatabaseLoading(context, null, done).begin();
  });
}

/** What there is up to and including `limit`. Changes nothing on disk. */
export function loadDatabaseUpTo(
  context: LoaderContext,
  limit: Zxid,
  done: StorageDone<LoadedState>,
): void {
  new DatabaseLoading(context, limit, done).begin();
}

class DatabaseLoading {
  readonly #context: LoaderContext;
  readonly #limit: Zxid | null;
  readonly #done: StorageDone<LoadedState>;
  readonly #rejected: StorageError[] = [];
  /** The newest snapshot that was there and could not be read. */
  #rejectedZxid: Zxid = NOT_TRUSTED;

  constructor(context: LoaderContext, limit: Zxid | null, done: StorageDone<LoadedState>) {
    this.#context = context;
    this.#limit = limit;
    this.#done = done;
  }

  begin(): void {
    this.#context.disk.list((listed) => {
      if (!listed.ok) return this.#done(listed);
      const directory = readDirectory(listed.value);
      const candidates = directory.snapshots.filter(({ zxid }) => this.#isWithinLimit(zxid));
      this.#trySnapshot(directory, candidates.slice(0, MAX_SNAPSHOTS_TRIED_COUNT));
    });
  }

  #isWithinLimit(zxid: Zxid): boolean {
    return this.#limit === null || zxid <= this.#limit;
  }

  #trySnapshot(directory: DataDirectory, candidates: readonly DataFile[]): void {
    const { disk, treeOptions } = this.#context;
    const [file, ...older] = candidates;
    if (file === undefined) return this.#withoutSnapshot(directory);
    loadSnapshot(disk, file, treeOptions, (loaded) => {
      if (loaded.ok) return this.#replay(directory, file, loaded.value);
      if (loaded.error.kind !== 'corrupt') return this.#done(loaded);
      this.#reject(file, loaded.error);
      this.#trySnapshot(directory, older);
    });
  }

  #reject(file: DataFile, error: StorageError): void {
    const { probe } = this.#context;
    this.#rejected.push(error);
    if (file.zxid > this.#rejectedZxid) this.#rejectedZxid = file.zxid;
    if (probe.watches('storage')) {
      const { message } = error;
      probe.emit({ topic: 'storage', type: 'snapshotRejected', file: file.name, reason: message });
    }
  }

  #withoutSnapshot(directory: DataDirectory): void {
    const { options } = this.#context;
    const fresh = directory.logs.length === 0;
    if (this.#rejected.length > 0) {
      const reasons = this.#rejected.map(({ message }) => message).join('; ');
      return this.#refuse(
        `no snapshot here can be read: ${reasons}. Restore one from a copy, or put a new server in the place of this one.`,
      );
    }
    if (!fresh && !options.snapshotTrustEmpty) {
      return this.#refuse(
        `there are logs (${directory.logs[0]?.name} and on) but no snapshot, so what came before them is lost. ` +
          'Restore a snapshot from a copy; only when upgrading from ZooKeeper 3.4, set snapshot.trust.empty=true.',
      );
    }
    if (!fresh) return this.#replay(directory, null, null);
    const state = databaseState(options, this.#context.treeOptions);
    const trusted = options.dbAutocreate || directory.hasInitializeFile;
    const zxid = trusted ? NOTHING_LOGGED : NOT_TRUSTED;
    state.tree.lastProcessedZxid = zxid;
    const found = { zxid, snapshot: null, replayedCount: 0, directory, beyond: null };
    this.#done({ ok: true, value: { ...state, ...found, fresh: trusted } });
  }

  #replay(
    directory: DataDirectory,
    snapshot: DataFile | null,
    loaded: LoadedSnapshot | null,
  ): void {
    const { disk, clock, options, treeOptions } = this.#context;
    const state = databaseState(options, treeOptions, loaded ?? undefined);
    const replay = new Replay(state, options, snapshot?.zxid ?? NOTHING_LOGGED, this.#limit);
    const files = logsFrom(directory.logs, snapshot?.zxid ?? NOTHING_LOGGED);
    readTxnLogs(
      disk,
      clock,
      files,
      (record, file) => replay.visit(record, file),
      (scan) => {
        if (!scan.ok) return this.#done(scan);
        const { lastZxid: zxid, replayedCount, beyond } = replay;
        const found = { zxid, snapshot, replayedCount, directory, beyond, fresh: false };
        this.#check({ ...state, ...found }, scan.value);
      },
    );
  }

  #check(state: LoadedState, scan: LogScan): void {
    if (state.zxid < this.#rejectedZxid) {
      const reasons = this.#rejected.map(({ message }) => message).join('; ');
      return this.#refuse(
        `the history ends at ${zxidToString(state.zxid)}, but there was a snapshot up to ` +
          `${zxidToString(this.#rejectedZxid)}: ${reasons}. Restore it from a copy, or put a new server in the place of this one.`,
      );
    }
    if (this.#limit !== null) return this.#done({ ok: true, value: state });
    this.#cutTails(scan.torn, () => this.#done({ ok: true, value: state }));
  }

  #cutTails(torn: readonly TornLog[], next: () => void): void {
    const { disk, probe } = this.#context;
    const steps = torn.map(({ file, keptBytes }) => cutLog(disk, file, keptBytes));
    inSequence(steps, (result) => {
      if (!result.ok) return this.#done(result);
      if (probe.watches('storage')) {
        for (const { file, keptBytes, reason } of torn) {
          const cut = { file: file.name, sizeBytes: keptBytes, reason };
          probe.emit({ topic: 'storage', type: 'tailCut', ...cut });
        }
      }
      next();
    });
  }

  #refuse(message: string): void {
    this.#done(failure(this.#limit === null ? 'incomplete' : 'cannotTruncate', '', message));
  }
}

/** Cuts the log file, or removes it when nothing is to be kept: its name may be needed again. */
export const cutLog =
  (disk: Disk, file: DataFile, keptBytes: number) =>
  (done: Parameters<Disk['remove']>[1]): void =>
    keptBytes === 0 ? disk.remove(file.name, done) : disk.truncate(file.name, keptBytes, done);

/** Applies what the log holds beyond a snapshot, each transaction right after the one before it. */
class Replay {
  readonly #state: DatabaseState;
  readonly #options: ZKDatabaseOptions;
  readonly #base: Zxid;
  readonly #limit: Zxid | null;
  lastZxid: Zxid;
  replayedCount = 0;
  beyond: LoadedState['beyond'] = null;

  constructor(state: DatabaseState, options: ZKDatabaseOptions, base: Zxid, limit: Zxid | null) {
    this.#state = state;
    this.#options = options;
    this.#base = base;
    this.#limit = limit;
    this.lastZxid = base;
  }

  visit(record: LogRecord, file: DataFile): StorageResult<'continue' | 'stop'> {
    if (record.zxid <= this.#base) return { ok: true, value: 'continue' };
    if (this.#limit !== null && record.zxid > this.#limit) {
      this.beyond = { file, record };
      return { ok: true, value: 'stop' };
    }
    const isNext =
      follows(this.lastZxid, record.zxid, this.#options.initialZxidCounter) ||
      // Trusted to be complete although no snapshot says where it begins.
      (this.#options.snapshotTrustEmpty && this.lastZxid === NOTHING_LOGGED);
    if (!isNext) return this.#gap(record, file);
    return this.#apply(record, file);
  }

  #gap(record: LogRecord, file: DataFile): StorageResult<never> {
    return failure(
      'incomplete',
      file.name,
      `${describeRecord(file.name, record)} cannot follow ${zxidToString(this.lastZxid)}: ` +
        'what came between them is missing. Restore the missing log from a copy, or put a new server in the place of this one.',
    );
  }

  #apply(record: LogRecord, file: DataFile): StorageResult<'continue'> {
    // A copy of its own: the tree and the committed log may keep it for long, and not the block it was read in.
    const bytes = record.payload.slice();
    try {
      const { header, txn, digest } = decodeTxn(bytes);
      applyTxn(this.#state, header, txn, digest);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      const message = `${describeRecord(file.name, record)} is no transaction: ${error.message}.`;
      return failure('corrupt', file.name, message);
    }
    this.#state.committedLog.add(record.zxid, bytes);
    this.lastZxid = record.zxid;
    this.replayedCount++;
    return { ok: true, value: 'continue' };
  }
}

/**
 * Whether a database that was loaded up to `limit` is what the ensemble has at exactly that zxid. (e,0) stands for the
 * history that the leader of e began with: it is all before (e,1).
 */
export function endsAt(state: LoadedState, limit: Zxid): boolean {
  if (state.zxid === limit) return true;
  const next = state.beyond?.record.zxid;
  return counterOf(limit) === 0n && next !== undefined && epochOf(next) === epochOf(limit);
}
