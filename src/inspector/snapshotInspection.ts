/** Reads one snapshot file whole: its tree and sessions, its seals, or the reason why no server would use it. Pure. */

import { Adler32 } from '../storage/adler32.ts';
import { isCompressed } from '../storage/dataDirectory.ts';
import { SnapshotBodyLoader } from '../storage/snapshotBodyLoader.ts';
import {
  checkSnapshotHeader,
  readSnapshotTail,
  SNAPSHOT_HEADER_BYTES,
} from '../storage/snapshotFormat.ts';
import type { DataTree } from '../tree/dataTree.ts';
import type { DigestMismatch, ZxidDigest } from '../tree/digestLog.ts';
import type { SessionId } from '../wire/ids.ts';
import { JuteError } from '../wire/jute.ts';
import type { LoadedFile } from './dataFiles.ts';

/** Damage is located to within so much. */
const STEP_BYTES = 64 * 1024;

export type SnapshotInspection =
  | {
      readonly kind: 'whole';
      readonly file: LoadedFile;
      readonly tree: DataTree;
      readonly sessions: ReadonlyMap<SessionId, number>;
      /** Null where the file has none, as before the first transaction. */
      readonly digest: ZxidDigest | null;
    }
  | {
      readonly kind: 'damaged';
      readonly file: LoadedFile;
      /** The damage lies at or after this byte, as far as can be told. */
      readonly offset: number;
      readonly reason: string;
    };

/** The tree is a new one at every call; `mismatched` hears of digests that do not fit it, now and as it is changed. */
export function inspectSnapshot(
  file: LoadedFile,
  mismatched: (mismatch: DigestMismatch) => void = () => undefined,
): SnapshotInspection {
  if (isCompressed(file)) {
    const reason = 'it is compressed in a way that cannot be read here; decompress it first';
    return { kind: 'damaged', file, offset: 0, reason };
  }
  let offset = 0;
  try {
    const sum = new Adler32();
    const body = new SnapshotBodyLoader({
      extendedTypesEnabled: true,
      digestMismatched: mismatched,
    });
    checkSnapshotHeader(file.bytes);
    offset = SNAPSHOT_HEADER_BYTES;
    while (!body.loaded) {
      const step = file.bytes.subarray(offset, offset + STEP_BYTES);
      if (step.length === 0) throw new JuteError('truncated', 'it ends within the tree');
      offset += body.push(step) ?? step.length;
    }
    sum.update(file.bytes, 0, offset);
    const digest = readSnapshotTail(file.bytes.subarray(offset), sum);
    const tree = body.tree();
    tree.lastProcessedZxid = file.zxid;
    if (digest !== null) tree.expectDigest(digest, file.zxid);
    const written = digest !== null && digest.zxid > 0n ? digest : null;
    return { kind: 'whole', file, tree, sessions: body.sessions, digest: written };
  } catch (error) {
    if (!(error instanceof JuteError)) throw error;
    return { kind: 'damaged', file, offset, reason: error.message };
  }
}
