/**
 * What would come of a restore: every file checked, and a server started on them in memory, so that it is the server
 * itself that says whether it can live with them. Nothing is written anywhere.
 */

import type { Clock } from '../ports/clock.ts';
import { EpochFiles } from '../storage/epochFiles.ts';
import type { StorageResult } from '../storage/storageError.ts';
import { type LoadedDatabase, ZKDatabase } from '../storage/zkDatabase.ts';
import { DEFAULT_DATABASE_OPTIONS } from '../storage/zkDatabaseOptions.ts';
import { type Epoch, type Zxid } from '../wire/ids.ts';
import { encodeUtf8 } from '../wire/utf8.ts';
import type { FileSet, NamedBytes } from './dataFiles.ts';
import { serverFiles } from './directoryFiles.ts';
import { Inspection, type InspectionReport } from './inspection.ts';
import { MemoryDirectory } from './memoryDirectory.ts';

/** A server's state after a start on the files. */
export interface StartedState {
  /** The last transaction. */
  readonly zxid: Zxid;
  readonly nodeCount: number;
  readonly sessionCount: number;
  readonly currentEpoch: Epoch;
  readonly acceptedEpoch: Epoch;
}

export interface RestorePlan {
  readonly report: InspectionReport;
  /** Whose directory it is, as its `myid` says. */
  readonly myid: string | null;
  /** Of the files that would be written. */
  readonly fileCount: number;
  readonly sizeBytes: number;
  /** Null: nothing may be restored, see `refusal`. */
  readonly started: StartedState | null;
  /** Why nothing is restored from these files, for a person. */
  readonly refusal: string | null;
  /** The server has promised a newer epoch than the files know, and keeps to it. */
  readonly keepsPromise: boolean;
}

export interface PreparedRestore {
  readonly plan: RestorePlan;
  /** As they were found: what is written of them says {@link filesToWrite}. */
  readonly files: readonly NamedBytes[];
}

/** `promised`: the `acceptedEpoch` of the server that takes the files; null if it has none. */
export async function prepareRestore(
  set: FileSet,
  promised: Epoch | null,
  clock: Clock,
): Promise<PreparedRestore> {
  const { report } = new Inspection(set);
  const files = serverFiles(set);
  const damage = report.findings.filter(({ weight }) => weight === 'damage');
  const begun = damage.length > 0 ? null : await startOn(files, clock);
  const started = begun?.ok === true ? begun.value : null;
  const keepsPromise = started !== null && promised !== null && promised > started.acceptedEpoch;
  const plan = {
    report,
    myid: set.epochs.find(({ name }) => name === 'myid')?.text.trim() ?? null,
    fileCount: files.length,
    sizeBytes: files.reduce((sum, { bytes }) => sum + bytes.length, 0),
    started: keepsPromise ? { ...started, acceptedEpoch: promised } : started,
    refusal: refusalOf(damage.length, begun),
    keepsPromise,
  };
  return { plan, files };
}

/** `promised`: what the server has agreed to by now, which may be more than when the plan was made. */
export function filesToWrite(
  { plan, files }: PreparedRestore,
  promised: Epoch | null,
): readonly NamedBytes[] {
  const accepted = plan.started?.acceptedEpoch ?? null;
  const newest =
    promised !== null && (accepted === null || promised > accepted) ? promised : accepted;
  return newest === null ? files : withAcceptedEpoch(files, newest);
}

function refusalOf(damageCount: number, begun: StorageResult<StartedState> | null): string | null {
  if (damageCount > 0) {
    return (
      `Nothing is restored from damaged files (${damageCount} ${damageCount === 1 ? 'place' : 'places'}, below). ` +
      'Take another copy; where only an old snapshot is damaged, leave that file out.'
    );
  }
  if (begun?.ok === false) return `A server does not start on these files: ${begun.error.message}`;
  return null;
}

/** An accepted epoch is a promise to a leader: a server that forgot it could follow two of them. */
function withAcceptedEpoch(files: readonly NamedBytes[], accepted: Epoch): readonly NamedBytes[] {
  const others = files.filter(({ path }) => path !== 'acceptedEpoch');
  const bytes = encodeUtf8(accepted.toString());
  return [...others, { path: 'acceptedEpoch', bytes }];
}

/** Loads the files as a server does when it starts. */
function startOn(files: readonly NamedBytes[], clock: Clock): Promise<StorageResult<StartedState>> {
  const probe = { watches: () => false, emit: () => {} };
  const world = { clock, disk: new MemoryDirectory(files, clock), probe };
  const database = new ZKDatabase(world, DEFAULT_DATABASE_OPTIONS, () => {});
  const epochs = new EpochFiles(world);
  return new Promise((resolve) => {
    database.load((loaded) => {
      if (!loaded.ok) return resolve(loaded);
      epochs.load(loaded.value.zxid, (settled) =>
        resolve(
          settled.ok ? { ok: true, value: stateOf(loaded.value, database, epochs) } : settled,
        ),
      );
    });
  });
}

function stateOf(
  { zxid }: LoadedDatabase,
  { tree, sessionsWithTimeouts }: ZKDatabase,
  { currentEpoch, acceptedEpoch }: EpochFiles,
): StartedState {
  return {
    zxid,
    // The root has two names.
    nodeCount: tree.nodeCount - 1,
    sessionCount: sessionsWithTimeouts.size,
    currentEpoch,
    acceptedEpoch,
  };
}
