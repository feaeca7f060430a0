/** Which files make up a data directory that a server may be started on, and how Apache ZooKeeper has them lie. Pure. */

import { readDirectory } from '../storage/dataDirectory.ts';
import { LOG_HEADER_BYTES } from '../storage/txnLogFormat.ts';
import { encodeUtf8 } from '../wire/utf8.ts';
import type { FileSet, NamedBytes } from './dataFiles.ts';

const EPOCH_NAMES: readonly string[] = ['acceptedEpoch', 'currentEpoch', 'currentEpoch.tmp'];

/**
 * As Apache ZooKeeper's `dataDir` has them: `myid`, and the rest in `version-2`. What is no file of ZooKeeper's is left
 * out.
 */
export function apacheLayout(files: readonly NamedBytes[], sid: number): readonly NamedBytes[] {
  const { logs, snapshots } = readDirectory(
    files.map(({ path: name, bytes }) => ({ name, sizeBytes: bytes.length })),
  );
  const names = [...EPOCH_NAMES, ...snapshots.map(nameOf), ...logs.map(nameOf)];
  return [
    { path: 'myid', bytes: encodeUtf8(`${sid}\n`) },
    ...names.flatMap((name) =>
      files
        .filter(({ path }) => path === name)
        .map(({ bytes }) => ({ path: `version-2/${name}`, bytes })),
    ),
  ];
}

/** The files of one server's set that a server reads, without the space that Apache ZooKeeper preallocates in logs. */
export function serverFiles(set: FileSet): readonly NamedBytes[] {
  return [
    ...set.epochs
      .filter(({ name }) => EPOCH_NAMES.includes(name))
      .map(({ name, text }) => ({ path: name, bytes: encodeUtf8(text) })),
    ...set.snapshots.map(({ name, bytes }) => ({ path: name, bytes })),
    ...set.logs.map(({ name, bytes }) => ({ path: name, bytes: withoutPadding(bytes) })),
  ];
}

/** A whole record ends with a letter, so zeros at the end are none of its bytes. */
export function withoutPadding(log: Uint8Array): Uint8Array {
  let end = log.length;
  while (end > LOG_HEADER_BYTES && log[end - 1] === 0) end--;
  return end === log.length ? log : log.slice(0, end);
}

const nameOf = ({ name }: { readonly name: string }): string => name;
