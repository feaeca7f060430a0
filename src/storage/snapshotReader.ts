/** Loads one snapshot file, in slices, and believes it only when every seal fits. It changes nothing on disk. */

import type { Disk } from '../ports/disk.ts';
import type { DataTree } from '../tree/dataTree.ts';
import type { DataTreeOptions } from '../tree/treeContents.ts';
import type { SessionId } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';
import { Adler32 } from './adler32.ts';
import { isCompressed, type DataFile } from './dataDirectory.ts';
import { SnapshotBodyLoader } from './snapshotBodyLoader.ts';
import {
  checkSnapshotHeader,
  readSnapshotTail,
  SEAL_BYTES,
  SNAPSHOT_HEADER_BYTES,
} from './snapshotFormat.ts';
import { failure, type StorageDone } from './storageError.ts';

/** What is read and loaded before other events get their turn: well under 5 ms. */
const READ_BYTES = 128 * 1024;
/** Three seals, a digest of any version and a zxid are shorter. */
const MAX_TAIL_BYTES = 3 * SEAL_BYTES + 256;

export interface LoadedSnapshot {
  readonly tree: DataTree;
  readonly sessions: Map<SessionId, number>;
}

/** Answers `corrupt` with the reason for a file that is no whole snapshot. */
export function loadSnapshot(
  disk: Disk,
  file: DataFile,
  options: DataTreeOptions,
  done: StorageDone<LoadedSnapshot>,
): void {
  new SnapshotReading(disk, file, options, done).begin();
}

class SnapshotReading {
  readonly #disk: Disk;
  readonly #file: DataFile;
  readonly #done: StorageDone<LoadedSnapshot>;
  readonly #body: SnapshotBodyLoader;
  readonly #sum = new Adler32();
  readonly #tail = new Uint8Array(MAX_TAIL_BYTES);
  #tailBytes = 0;

  constructor(
    disk: Disk,
    file: DataFile,
    options: DataTreeOptions,
    done: StorageDone<LoadedSnapshot>,
  ) {
    this.#disk = disk;
    this.#file = file;
    this.#done = done;
    this.#body = new SnapshotBodyLoader(options);
  }

  begin(): void {
    this.#disk.read(this.#file.name, 0, SNAPSHOT_HEADER_BYTES, (result) => {
      if (!result.ok) return this.#done(result);
      this.#guarded(0, () => {
        if (isCompressed(this.#file)) {
          throw new JuteError('malformed', 'it is compressed; decompress it to use it');
        }
        checkSnapshotHeader(result.value);
        this.#sum.update(result.value);
        this.#readFrom(SNAPSHOT_HEADER_BYTES);
      });
    });
  }

  #readFrom(offset: number): void {
    this.#disk.read(this.#file.name, offset, READ_BYTES, (result) => {
      if (!result.ok) return this.#done(result);
      const bytes = result.value;
      this.#guarded(offset, () => {
        this.#take(bytes);
        if (bytes.length === READ_BYTES) this.#readFrom(offset + bytes.length);
        else this.#finish();
      });
    });
  }

  #take(bytes: Uint8Array): void {
    const bodyBytes = this.#body.loaded ? 0 : (this.#body.push(bytes) ?? bytes.length);
    this.#sum.update(bytes, 0, bodyBytes);
    const rest = bytes.subarray(bodyBytes);
    if (this.#tailBytes + rest.length > MAX_TAIL_BYTES) {
      throw new JuteError('malformed', 'more follows the tree than seals and a digest');
    }
    this.#tail.set(rest, this.#tailBytes);
    this.#tailBytes += rest.length;
  }

  #finish(): void {
    if (!this.#body.loaded) throw new JuteError('truncated', 'it ends within the tree');
    const digest = readSnapshotTail(this.#tail.subarray(0, this.#tailBytes), this.#sum);
    const tree = this.#body.tree();
    tree.lastProcessedZxid = this.#file.zxid;
    if (digest !== null) tree.expectDigest(digest, this.#file.zxid);
    this.#done({ ok: true, value: { tree, sessions: this.#body.sessions } });
  }

  /** `offset`: where the bytes at hand begin in the file. */
  #guarded(offset: number, step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      const { name } = this.#file;
      const where = offset === 0 ? '' : ` (read from byte ${offset})`;
      this.#done(
        failure('corrupt', name, `${name} is no whole snapshot: ${error.message}${where}`),
      );
    }
  }
}
