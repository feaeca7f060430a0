/** The storage view's Worker: reads, checks, packs and replaces a data directory, so that page and server stay quick. */

import { expose } from 'comlink';
import { StoredDirectory, type StoredListing } from '../../browser/storedDirectory.ts';
import { WorkerClock } from '../../browser/workerWorld.ts';
import { type FileSet, fileSetsOf, type NamedBytes } from '../../inspector/dataFiles.ts';
import { apacheLayout, withoutPadding } from '../../inspector/directoryFiles.ts';
import {
  filesToWrite,
  type PreparedRestore,
  prepareRestore,
  type RestorePlan,
} from '../../inspector/restorePlan.ts';
import { unzip, zip } from '../../inspector/zipArchive.ts';
import { type Epoch, epoch } from '../../wire/ids.ts';

/** More than this a tab can hardly hold twice. */
const MAX_DIRECTORY_BYTES = 512 * 1024 * 1024;
const ZIP = /\.zip$/i;
const LOG = /(?:^|\/)log\.[0-9a-f]+$/i;

export type CountProgress = (doneCount: number, totalCount: number) => void;

export class StorageWorker {
  #sets: readonly FileSet[] = [];
  #prepared: PreparedRestore | null = null;
  #abort = new AbortController();

  list(databaseName: string): Promise<StoredListing> {
    return new StoredDirectory(databaseName).list();
  }

  /** The directory as a zip that Apache ZooKeeper opens. */
  async pack(databaseName: string, sid: number, progress: CountProgress): Promise<Blob> {
    const read = await new StoredDirectory(databaseName).read((done, total) =>
      progress(done, 2 * total),
    );
    const files = apacheLayout(read, sid);
    const totalBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const pieces = zip(files, (done) => progress(totalBytes + done, 2 * totalBytes));
    return new Blob([...pieces], { type: 'application/zip' });
  }

  /** Answers the folders of the servers found. Throws an error for people where a file cannot be unpacked. */
  receive(files: readonly NamedBytes[], progress: CountProgress): readonly string[] {
    this.#prepared = null;
    this.#sets = fileSetsOf(unpackAll(files, progress));
    return this.#sets.map(({ folder }) => folder);
  }

  /** What would come of taking these files. `promised`: the server's `acceptedEpoch`, null if it has none. */
  async plan(index: number, promised: string | null): Promise<RestorePlan> {
    const set = this.#sets[index];
    if (set === undefined || (set.logs.length === 0 && set.snapshots.length === 0)) {
      throw new Error(
        'There is no log.* and no snapshot.* file in it. Take the zip of a data directory, or the files of its version-2 folder.',
      );
    }
    const prepared = await prepareRestore(set, epochOrNull(promised), new WorkerClock());
    this.#prepared = prepared.plan.refusal === null ? prepared : null;
    return prepared.plan;
  }

  /** Puts the files that were planned in the place of all that are there, which it answers. */
  async restore(
    databaseName: string,
    diskId: string,
    owner: string,
    progress: CountProgress,
  ): Promise<readonly NamedBytes[]> {
    const prepared = this.#prepared;
    if (prepared === null) throw new Error('There is nothing to restore.');
    this.#abort = new AbortController();
    const directory = new StoredDirectory(databaseName);
    const before = await directory.read();
    const { acceptedEpoch } = await directory.list();
    const files = filesToWrite(prepared, epochOrNull(acceptedEpoch));
    await directory.replace(files, diskId, owner, this.#abort.signal, progress);
    return before;
  }

  /** Undoes a restore that is not done yet. */
  cancel(): void {
    this.#abort.abort();
  }
}

const epochOrNull = (text: string | null): Epoch | null =>
  text === null ? null : epoch(BigInt(text));

function unpackAll(files: readonly NamedBytes[], progress: CountProgress): NamedBytes[] {
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const found: NamedBytes[] = [];
  let doneBytes = 0;
  let keptBytes = 0;
  const keep = ({ path, bytes }: NamedBytes): void => {
    const kept = LOG.test(path) ? withoutPadding(bytes) : bytes;
    keptBytes += kept.length;
    if (keptBytes > MAX_DIRECTORY_BYTES) {
      throw new Error(`There is more in it than a tab can hold (${MAX_DIRECTORY_BYTES} bytes).`);
    }
    found.push({ path, bytes: kept });
  };
  for (const file of files) {
    if (ZIP.test(file.path)) for (const entry of unzip(file.bytes)) keep(entry);
    else keep(file);
    doneBytes += file.bytes.length;
    progress(doneBytes, totalBytes);
  }
  return found;
}

expose(new StorageWorker());
