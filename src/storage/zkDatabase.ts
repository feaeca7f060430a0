/**
 * A server's state and its history on disk (ZooKeeper's `ZKDatabase` with its `FileTxnSnapLog`): loads, logs, snapshots,
 * truncates and hands out history. When to do which is its callers' business.
 */

import { assert } from '../base/assert.ts';
import type { DiskError, DiskResult, Done } from '../ports/disk.ts';
import type { World } from '../ports/world.ts';
import type { DataTree } from '../tree/dataTree.ts';
import type { ProcessTxnResult } from '../tree/treeTransactions.ts';
import { zxid as asZxid, zxidToString, type SessionId, type Zxid } from '../wire/ids.ts';
import type { Txn, TxnDigest, TxnHeader } from '../wire/txns.ts';
import type { CommittedProposal } from './committedLog.ts';
import { INITIALIZE_FILE } from './dataDirectory.ts';
import { loadDatabase, type LoadedState, type LoaderContext } from './databaseLoader.ts';
import { applyTxn, databaseState, type DatabaseState } from './databaseState.ts';
import { ExclusiveTasks } from './exclusiveTasks.ts';
import { FrozenDatabase } from './frozenDatabase.ts';
import { purgeTxnLog } from './purgeTxnLog.ts';
import { installSnapshot } from './snapshotInstallation.ts';
import { SnapshotStreamLoader } from './snapshotStreamLoader.ts';
import { SnapshotWriting, type WrittenSnapshot } from './snapshotWriter.ts';
import type { StorageDone, StorageError, StorageResult } from './storageError.ts';
import { truncateDatabase } from './truncation.ts';
import { readProposals } from './txnLogProposals.ts';
import { TxnLogWriter } from './txnLogWriter.ts';
import type { ZKDatabaseOptions } from './zkDatabaseOptions.ts';
import { follows } from './zxidOrder.ts';

export type { CommittedProposal } from './committedLog.ts';
export { SnapshotStreamLoader } from './snapshotStreamLoader.ts';
export type { ZKDatabaseOptions } from './zkDatabaseOptions.ts';

export interface LoadedDatabase {
  /** The last transaction loaded, which is what the server may vote with; -1 for an empty disk that is not trusted. */
  readonly zxid: Zxid;
  /** The snapshot file it began with; null if there was none. */
  readonly snapshot: string | null;
  readonly replayedCount: number;
}

/** The leader's side of SNAP: sessions and tree of one instant, without file header and seal. */
export interface SnapshotStream {
  /** What goes into the SNAP packet. */
  readonly zxid: Zxid;
  /** The next slice, at most a few milliseconds of work; null when all is written (then it is ended). */
  next(): Uint8Array | null;
  /** Gives the frozen view up early. Harmless when it has ended. */
  end(): void;
}

const NOTHING = asZxid(0n);
const SUCCESS: DiskResult<void> = { ok: true, value: undefined };

export class ZKDatabase {
  readonly #context: LoaderContext;
  readonly #failed: (error: StorageError) => void;
  readonly #writer: TxnLogWriter;
  readonly #exclusive = new ExclusiveTasks();
  #state: DatabaseState;
  #initialized = false;
  /** The disk failed: nothing is written any more until everything is read again. */
  #failure: DiskError | null = null;
  #lastAppendedZxid: Zxid = NOTHING;
  #lastDurableZxid: Zxid = NOTHING;
  #unflushedCount = 0;
  /** Of the newest snapshot; 0 if there is none. */
  #snapshotSizeBytes = 0;
  #writing: SnapshotWriting | null = null;

  /** `failed` is told once when a write to the disk failed: the server has to stop. */
  constructor(
    world: Pick<World, 'clock' | 'disk' | 'probe'>,
    options: ZKDatabaseOptions,
    failed: (error: StorageError) => void,
  ) {
    const { clock, disk, probe } = world;
    const treeOptions = {
      digestEnabled: options.digestEnabled,
      extendedTypesEnabled: options.extendedTypesEnabled,
      digestMismatched: (mismatch: { zxid: Zxid; expected: bigint; actual: bigint }): void => {
        if (probe.watches('storage')) {
          probe.emit({ topic: 'storage', type: 'digestMismatch', ...mismatch });
        }
      },
    };
    this.#context = { clock, disk, probe, options, treeOptions };
    this.#failed = failed;
    this.#writer = new TxnLogWriter(disk, (error) => this.#fail(error));
    this.#state = databaseState(options, treeOptions);
  }

  /** A new object after every {@link clear}, load, truncation and installed snapshot. */
  get tree(): DataTree {
    return this.#state.tree;
  }

  /** Timeouts in milliseconds, kept up by {@link processTxn}. */
  get sessionsWithTimeouts(): Map<SessionId, number> {
    return this.#state.sessions;
  }

  /** Memory holds what the disk holds, and what was applied since. */
  get initialized(): boolean {
    return this.#initialized;
  }

  /**
   * Newest whole snapshot plus the log: memory afterwards is what the disk holds, whatever it was before. A server whose
   * disk is empty and trusted begins with `snapshot.0`.
   */
  load(done: StorageDone<LoadedDatabase>): void {
    this.#exclusively(done, (finish) => {
      this.clear();
      this.#failure = null;
      const startMs = this.#context.clock.now();
      loadDatabase(this.#context, (loaded) => {
        if (!loaded.ok) return finish(this.#failing(loaded));
        this.#adopt(loaded.value);
        this.#tellLoaded(loaded.value, startMs);
        const answer: StorageResult<LoadedDatabase> = { ok: true, value: summaryOf(loaded.value) };
        if (!loaded.value.fresh) return finish(answer);
        this.#writeFirstSnapshot((written) => finish(written.ok ? answer : written));
      });
    });
  }

  /** Memory forgets everything; the disk is not touched. */
  clear(): void {
    this.abandonSnapshot();
    this.#initialized = false;
    this.#state = databaseState(this.#context.options, this.#context.treeOptions);
    this.#writer.roll();
  }

  #adopt(loaded: LoadedState): void {
    this.#snapshotSizeBytes = loaded.snapshot?.sizeBytes ?? 0;
    this.#become(loaded, loaded.zxid);
  }

  #become(state: DatabaseState, zxid: Zxid): void {
    this.#state = state;
    this.#initialized = true;
    this.#writer.roll();
    this.#unflushedCount = 0;
    this.#lastAppendedZxid = zxid;
    this.#lastDurableZxid = zxid;
  }

  #tellLoaded(loaded: LoadedState, startMs: number): void {
    const { clock, probe } = this.#context;
    if (!probe.watches('storage')) return;
    const nodeCount = this.tree.nodeCount;
    const tookMs = clock.now() - startMs;
    probe.emit({ topic: 'storage', type: 'loaded', ...summaryOf(loaded), nodeCount, tookMs });
  }

  /** Logs without a snapshot are refused, so there is a snapshot before the first log. */
  #writeFirstSnapshot(done: StorageDone<void>): void {
    this.takeSnapshot((taken) => {
      if (!taken.ok) return done(taken);
      this.#context.disk.remove(INITIALIZE_FILE, (removed) => done(this.#failing(removed)));
    });
  }

  /**
   * The last zxid that survives a crash here, by a flushed log record or a snapshot: all a server may vote or sync with.
   */
  get lastDurableZxid(): Zxid {
    return this.#lastDurableZxid;
  }

  /** The last zxid appended, flushed or not, or what was loaded. The next one appended has to follow it. */
  get lastAppendedZxid(): Zxid {
    return this.#lastAppendedZxid;
  }

  /** Whether this transaction is the next one to be logged here. */
  isNext(zxid: Zxid): boolean {
    return follows(this.#lastAppendedZxid, zxid, this.#context.options.initialZxidCounter);
  }

  /**
   * Adds the transaction's bytes to the log as they are; durable after the next {@link flush}. It has to be the next one
   * ({@link isNext}). After a failure nothing is written, as the flush will say.
   */
  append(entryBytes: Uint8Array, zxid: Zxid): void {
    if (this.#failure !== null) return;
    if (!this.isNext(zxid)) {
      assert(false, `${zxidToString(zxid)} logged after ${zxidToString(this.#lastAppendedZxid)}`);
    }
    const sizeBytes = this.#writer.append(entryBytes, zxid);
    this.#lastAppendedZxid = zxid;
    this.#unflushedCount++;
    const { probe } = this.#context;
    if (probe.watches('txn')) {
      probe.emit({ topic: 'txn', type: 'appended', zxid, sizeBytes });
    }
  }

  /** Answered when everything appended before survives a crash. */
  flush(done: Done<void>): void {
    const { clock, disk } = this.#context;
    const failed = this.#failure;
    if (failed !== null) {
      clock.soon(() => done({ ok: false, error: failed }));
      return;
    }
    const zxid = this.#lastAppendedZxid;
    const groupCount = this.#unflushedCount;
    const startMs = clock.now();
    this.#unflushedCount = 0;
    this.#writer.flushing();
    disk.flush((result) => {
      if (result.ok) this.#flushed(zxid, groupCount, startMs);
      else this.#fail(result.error);
      done(result);
    });
  }

  #flushed(zxid: Zxid, groupCount: number, startMs: number): void {
    if (zxid > this.#lastDurableZxid) this.#lastDurableZxid = zxid;
    const { clock, probe } = this.#context;
    if (groupCount > 0 && probe.watches('txn')) {
      const tookMs = clock.now() - startMs;
      probe.emit({ topic: 'txn', type: 'flushed', zxid, groupCount, tookMs });
    }
  }

  /** The next append begins a new file. */
  rollLog(): void {
    this.#writer.roll();
  }

  /** Bytes of the log file now written to. */
  get logSizeBytes(): number {
    return this.#writer.sizeBytes;
  }

  /** Applies a committed transaction to tree and sessions. Throws `JuteError` for a multi whose parts cannot be read. */
  processTxn(header: TxnHeader, txn: Txn | null, digest: TxnDigest | null): ProcessTxnResult {
    assert(txn !== null, 'a transaction has a body');
    const result = applyTxn(this.#state, header, txn, digest);
    const { probe } = this.#context;
    if (probe.watches('txn')) {
      const { zxid, clientId: sessionId } = header;
      const { path } = result;
      probe.emit({ topic: 'txn', type: 'applied', zxid, sessionId, txnType: txn.type, path });
    }
    return result;
  }

  /** The last transactions applied, oldest first, without gaps; as they are now. */
  get committedLog(): readonly CommittedProposal[] {
    return this.#state.committedLog.entries();
  }

  /** 0 when there are none. */
  get minCommittedLog(): Zxid {
    return this.#state.committedLog.min;
  }

  get maxCommittedLog(): Zxid {
    return this.#state.committedLog.max;
  }

  /** A transaction that was just applied. It has to follow the last one. */
  addCommittedProposal(zxid: Zxid, bytes: Uint8Array): void {
    this.#state.committedLog.add(zxid, bytes);
  }

  /** `snapshotSizeFactor` of the newest snapshot's size; 0: no limit; negative: no DIFF from the log on disk. */
  get txnLogSizeLimitBytes(): number {
    const { snapshotSizeFactor } = this.#context.options;
    return snapshotSizeFactor < 0 ? -1 : Math.floor(this.#snapshotSizeBytes * snapshotSizeFactor);
  }

  /**
   * Applied transactions from the log files, oldest first, the first of them at or before `startZxid`. Null when the log
   * does not reach back so far or its files are larger than the limit (0: none; negative: always null).
   */
  proposalsFromTxnLog(
    startZxid: Zxid,
    sizeLimitBytes: number,
    done: StorageDone<readonly CommittedProposal[] | null>,
  ): void {
    this.#exclusively(done, (finish) => {
      const lastApplied = this.tree.lastProcessedZxid;
      this.flush((flushed) => {
        if (!flushed.ok) return finish(flushed);
        readProposals(this.#context, startZxid, lastApplied, sizeLimitBytes, (result) => {
          if (result.ok || isDiskErrorKind(result.error.kind)) return finish(this.#failing(result));
          // Damage found in old logs does not stop a server that needs them only to spare a learner a snapshot.
          this.#tellFailed(result.error);
          finish({ ok: true, value: null });
        });
      });
    });
  }

  /** The database of this instant, for a SNAP. */
  beginSnapshotStream(): SnapshotStream {
    return new FrozenDatabase(this.tree, this.sessionsWithTimeouts);
  }

  /**
   * TRUNC: cuts log and snapshots back to `zxid`, and memory becomes what is left. `cannotTruncate`, and nothing is
   * changed, when no snapshot and log here add up to exactly that zxid.
   */
  truncateLog(zxid: Zxid, done: StorageDone<LoadedDatabase>): void {
    this.#exclusively(done, (finish) => {
      this.abandonSnapshot();
      this.flush((flushed) => {
        if (!flushed.ok) return finish(flushed);
        truncateDatabase(this.#context, zxid, (truncated) => {
          if (!truncated.ok) return finish(this.#failing(truncated));
          this.#adopt(truncated.value);
          this.tree.lastProcessedZxid = zxid;
          finish({ ok: true, value: summaryOf(truncated.value) });
        });
      });
    });
  }

  /** SNAP: what reads the stream that follows the packet. Nothing here changes before {@link installSnapshot}. */
  beginSnapshotLoad(): SnapshotStreamLoader {
    return new SnapshotStreamLoader(this.#context.treeOptions);
  }

  /**
   * What `loader` has read becomes memory's state at `zxid`, and durably the whole history on disk: every older log and
   * snapshot is superseded. A crash at any step leaves all of the old history or all of the new.
   */
  installSnapshot(loader: SnapshotStreamLoader, zxid: Zxid, done: StorageDone<void>): void {
    this.#exclusively(done, (finish) => {
      this.abandonSnapshot();
      // What was appended and never flushed goes with the history it belongs to, not behind it.
      this.#writer.roll();
      const received = loader.finish(zxid);
      installSnapshot(this.#context.disk, zxid, received.chunks, (installed) => {
        if (!installed.ok) return finish(this.#failing(installed));
        const { options, treeOptions } = this.#context;
        this.#snapshotSizeBytes = received.sizeBytes;
        this.#become(databaseState(options, treeOptions, received), zxid);
        this.#tellInstalled(received, zxid, installed.value);
        finish(SUCCESS);
      });
    });
  }

  #tellInstalled(received: WrittenSnapshot, zxid: Zxid, superseded: readonly string[]): void {
    const { probe } = this.#context;
    if (!probe.watches('storage')) return;
    const { file, sizeBytes } = received;
    probe.emit({ topic: 'storage', type: 'snapshotInstalled', file, zxid, sizeBytes, superseded });
  }

  get snapshotInProgress(): boolean {
    return this.#writing !== null;
  }

  /**
   * Writes the state of this instant to `snapshot.<last zxid>` while work goes on. One at a time
   * ({@link snapshotInProgress}). Answers null when it was given up: told to ({@link abandonSnapshot}), or because a
   * truncation, a SNAP or a load made it void.
   */
  takeSnapshot(done: StorageDone<WrittenSnapshot | null>): void {
    assert(this.#writing === null, 'one snapshot at a time');
    const { clock, disk, probe } = this.#context;
    const failed = this.#failure;
    if (failed !== null) {
      clock.soon(() => done({ ok: false, error: failed }));
      return;
    }
    const frozen = new FrozenDatabase(this.tree, this.sessionsWithTimeouts);
    const startMs = clock.now();
    const writing = new SnapshotWriting(disk, clock, frozen, (written) => {
      if (this.#writing === writing) this.#writing = null;
      if (written.ok && written.value !== null) {
        this.#snapshotTaken(written.value, frozen.zxid, startMs);
      }
      done(this.#failing(written));
    });
    this.#writing = writing;
    if (probe.watches('storage')) {
      const { file } = writing;
      probe.emit({ topic: 'storage', type: 'snapshotStarted', file, zxid: frozen.zxid });
    }
  }

  /** A snapshot whose file is being written already is not stopped: what comes next finds it there. */
  abandonSnapshot(): void {
    if (this.#writing?.abandon() === true) this.#writing = null;
  }

  #snapshotTaken(written: WrittenSnapshot, zxid: Zxid, startMs: number): void {
    this.#snapshotSizeBytes = written.sizeBytes;
    if (zxid > this.#lastDurableZxid) this.#lastDurableZxid = zxid;
    const { clock, probe } = this.#context;
    if (!probe.watches('storage')) return;
    const tookMs = clock.now() - startMs;
    probe.emit({ topic: 'storage', type: 'snapshotTaken', ...written, zxid, tookMs });
  }

  /** Removes all but the newest `retainCount` (at least 3) snapshots and the logs they need; answers with the names. */
  purge(retainCount: number, done: StorageDone<readonly string[]>): void {
    this.#exclusively(done, (finish) => {
      purgeTxnLog(this.#context.disk, retainCount, (purged) => {
        const { probe } = this.#context;
        if (purged.ok && purged.value.length > 0 && probe.watches('storage')) {
          probe.emit({ topic: 'storage', type: 'purged', removed: purged.value });
        }
        finish(this.#failing(purged));
      });
    });
  }

  /** One at a time, in order of the calls: what lists, reads and removes files. */
  #exclusively<T>(done: StorageDone<T>, task: (finish: StorageDone<T>) => void): void {
    this.#exclusive.run((release) =>
      task((result) => {
        done(result);
        release();
      }),
    );
  }

  #failing<T>(result: StorageResult<T>): StorageResult<T> {
    if (!result.ok && result.error.kind !== 'cannotTruncate') this.#fail(result.error);
    return result;
  }

  #fail(error: StorageError): void {
    if (this.#failure !== null) return;
    this.#tellFailed(error);
    this.#failure = { ...error, kind: isDiskErrorKind(error.kind) ? error.kind : 'failed' };
    this.#failed(error);
  }

  #tellFailed({ kind, file, message }: StorageError): void {
    const { probe } = this.#context;
    if (kind === 'cannotTruncate' || !probe.watches('storage')) return;
    probe.emit({ topic: 'storage', type: 'failed', kind, file, message });
  }
}

const isDiskErrorKind = (kind: StorageError['kind']): kind is DiskError['kind'] =>
  kind !== 'corrupt' && kind !== 'incomplete' && kind !== 'cannotTruncate';

function summaryOf(loaded: LoadedState): LoadedDatabase {
  const { zxid, snapshot, replayedCount } = loaded;
  return { zxid, snapshot: snapshot?.name ?? null, replayedCount };
}
