/**
 * Makes a leader's snapshot this server's whole history. Logs and snapshots from before may hold transactions that never
 * were committed, some with a higher zxid than the snapshot's (the tail of a deposed leader), so none may be replayed on
 * it or handed on. And until the snapshot is safe none may go: this server has acknowledged what is in them.
 *
 * The order, each step durable before the next:
 * 1. `installingSnapshot` names the snapshot to come, with its size and seal. Crash: no such snapshot, so the note is
 *    void, and the old history stands.
 * 2. `snapshot.<zxid>`, all or nothing. This is the moment: from here on it is the history. Crash: the note fits the
 *    snapshot, so the next load goes on with step 3.
 * 3. All other snapshots and all logs are removed. Crash: as after 2.
 * 4. The note is removed.
 */

import type { Disk, Done } from '../ports/disk.ts';
import { zxid as asZxid, type Zxid } from '../wire/ids.ts';
import {
  INSTALLING_FILE,
  readDirectory,
  snapshotName,
  type DataDirectory,
} from './dataDirectory.ts';
import { inSequence } from './diskSteps.ts';
import { finalSeal, SEAL_BYTES } from './snapshotFormat.ts';
import { failure, type StorageDone, type StorageResult } from './storageError.ts';

/** The note is far shorter. */
const MAX_NOTE_BYTES = 128;

interface Note {
  readonly zxid: Zxid;
  readonly sizeBytes: number;
  /** The checksum in the snapshot's last seal. */
  readonly seal: number;
}

/** `chunks`: the whole snapshot file. Answers with the names of the files it superseded. */
export function installSnapshot(
  disk: Disk,
  zxid: Zxid,
  chunks: readonly Uint8Array[],
  done: StorageDone<readonly string[]>,
): void {
  const note = noteFor(zxid, chunks);
  inSequence(
    [
      (next) => disk.replace(INSTALLING_FILE, [asciiOf(noteText(note))], next),
      (next) => disk.replace(snapshotName(zxid), chunks, next),
    ],
    (result) => (result.ok ? supersede(disk, zxid, done) : done(result)),
  );
}

/** Brings an installation that a crash interrupted to its end. To be called before anything is loaded. */
export function finishInstallation(disk: Disk, done: StorageDone<void>): void {
  disk.list((listed) => {
    if (!listed.ok) return done(listed);
    const directory = readDirectory(listed.value);
    if (!directory.hasInstallingFile) return done({ ok: true, value: undefined });
    disk.read(INSTALLING_FILE, 0, MAX_NOTE_BYTES, (read) => {
      if (!read.ok) return done(read);
      const note = parseNote(read.value);
      if (note === null) {
        const message = `${INSTALLING_FILE} is damaged. Restore the data directory from a copy.`;
        return done(failure('corrupt', INSTALLING_FILE, message));
      }
      isInstalled(disk, directory, note, (installed) => {
        if (!installed.ok) return done(installed);
        if (!installed.value) return disk.remove(INSTALLING_FILE, done);
        supersede(disk, note.zxid, (result) =>
          done(result.ok ? { ok: true, value: undefined } : result),
        );
      });
    });
  });
}

/** Steps 3 and 4. */
function supersede(disk: Disk, zxid: Zxid, done: StorageDone<readonly string[]>): void {
  disk.list((listed) => {
    if (!listed.ok) return done(listed);
    const { logs, snapshots } = readDirectory(listed.value);
    const superseded = [...snapshots, ...logs]
      .map(({ name }) => name)
      .filter((name) => name !== snapshotName(zxid));
    const steps = [...superseded, INSTALLING_FILE].map(
      (name) => (next: Done<void>) => disk.remove(name, next),
    );
    inSequence(steps, (result) => done(result.ok ? { ok: true, value: superseded } : result));
  });
}

function isInstalled(
  disk: Disk,
  { snapshots }: DataDirectory,
  note: Note,
  done: (result: StorageResult<boolean>) => void,
): void {
  const file = snapshots.find(({ name }) => name === snapshotName(note.zxid));
  if (file === undefined || file.sizeBytes !== note.sizeBytes) {
    return done({ ok: true, value: false });
  }
  disk.read(file.name, file.sizeBytes - SEAL_BYTES, SEAL_BYTES, (read) =>
    done(read.ok ? { ok: true, value: finalSeal(read.value) === note.seal } : read),
  );
}

function noteFor(zxid: Zxid, chunks: readonly Uint8Array[]): Note {
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const seal = finalSeal(chunks.at(-1)?.subarray(-SEAL_BYTES) ?? new Uint8Array(0));
  if (seal === null) throw new RangeError('a snapshot file ends with a seal');
  return { zxid, sizeBytes, seal };
}

const noteText = ({ zxid, sizeBytes, seal }: Note): string =>
  `${zxid.toString(16)} ${sizeBytes} ${seal}\n`;

function parseNote(bytes: Uint8Array): Note | null {
  const match = /^([0-9a-f]{1,16}) (\d+) (\d+)\n$/.exec(String.fromCharCode(...bytes));
  const [, zxid, sizeBytes, seal] = match ?? [];
  if (zxid === undefined || sizeBytes === undefined || seal === undefined) return null;
  return {
    zxid: asZxid(BigInt(`0x${zxid}`)),
    sizeBytes: Number(sizeBytes),
    seal: Number(seal),
  };
}

function asciiOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
