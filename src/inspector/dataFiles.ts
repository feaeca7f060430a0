/**
 * What somebody dropped on the inspector: files by name, from one folder or several. It decides which of them are one
 * server's data directory and knows nothing of how they came here. Pure.
 */

import { readDirectory, type DataFile } from '../storage/dataDirectory.ts';
import { decodeUtf8 } from '../wire/utf8.ts';

export interface NamedBytes {
  /** With the folders before it, as a zip or a dropped folder has them: `server.1/version-2/log.100000001`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A data file and all of its bytes. */
export interface LoadedFile extends DataFile {
  readonly bytes: Uint8Array;
}

/** One server's files. */
export interface FileSet {
  /** The folder they lie in; empty where no folder is known. */
  readonly folder: string;
  /** Ascending. */
  readonly logs: readonly LoadedFile[];
  /** Newest first. */
  readonly snapshots: readonly LoadedFile[];
  readonly epochs: readonly { readonly name: string; readonly text: string }[];
  /** Names of what no ZooKeeper wrote. */
  readonly unknown: readonly string[];
}

const EPOCH_FILES: ReadonlySet<string> = new Set([
  'acceptedEpoch',
  'currentEpoch',
  'currentEpoch.tmp',
  'acceptedEpoch.tmp',
  'myid',
]);
/** A decimal number; what is longer is none. */
const EPOCH_SHOWN_BYTES = 64;
/** What ZooKeeper names its folder of a format version. */
const VERSION_FOLDER = /(?:^|\/)version-\d+$/;

/**
 * The servers whose files these are, in the order of their folders. Logs and snapshots may lie apart (`dataLogDir`), so
 * folders are told apart only where the same name comes twice.
 */
export function fileSetsOf(files: readonly NamedBytes[]): readonly FileSet[] {
  const names = files.map(({ path }) => nameOf(path));
  const together = new Set(names).size === names.length;
  if (together) return [fileSet(commonFolder(files.map(({ path }) => folderOf(path))), files)];
  const byFolder = new Map<string, NamedBytes[]>();
  for (const file of files) {
    const folder = serverFolder(file.path);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), file]);
  }
  return [...byFolder]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([folder, own]) => fileSet(folder, own));
}

function fileSet(folder: string, files: readonly NamedBytes[]): FileSet {
  const byName = new Map(files.map(({ path, bytes }) => [nameOf(path), bytes]));
  const { logs, snapshots } = readDirectory(
    [...byName].map(([name, bytes]) => ({ name, sizeBytes: bytes.length })),
  );
  const withBytes = (found: readonly DataFile[]): LoadedFile[] =>
    found.map((file) => ({ ...file, bytes: byName.get(file.name) ?? new Uint8Array() }));
  const data = new Set([...logs, ...snapshots].map(({ name }) => name));
  const rest = [...byName].filter(([name]) => !data.has(name));
  return {
    folder,
    logs: withBytes(logs),
    snapshots: withBytes(snapshots),
    epochs: rest
      .filter(([name]) => EPOCH_FILES.has(name))
      .map(([name, bytes]) => ({ name, text: decodeUtf8(bytes.subarray(0, EPOCH_SHOWN_BYTES)) })),
    unknown: rest.filter(([name]) => !EPOCH_FILES.has(name)).map(([name]) => name),
  };
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
/** `myid` lies beside the folder that has the rest. */
const serverFolder = (path: string): string => folderOf(path).replace(VERSION_FOLDER, '');

function commonFolder(folders: readonly string[]): string {
  const [first = '', ...others] = folders;
  const parts = first.split('/');
  while (
    parts.length > 0 &&
    !others.every((other) => `${other}/`.startsWith(`${parts.join('/')}/`))
  )
    parts.pop();
  return parts.join('/');
}
