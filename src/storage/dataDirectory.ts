/** What lies in a data directory and what its names say: logs, snapshots and the few other files. Pure. */

import { assert } from '../base/assert.ts';
import type { FileEntry } from '../ports/disk.ts';
import { zxid, type Zxid } from '../wire/ids.ts';

const LOG_PREFIX = 'log';
const SNAPSHOT_PREFIX = 'snapshot';
/** Made by an administrator beside an empty database: this server is new, and its emptiness may vote. */
export const INITIALIZE_FILE = 'initialize';
/** Ours: a snapshot from the leader is about to supersede all history here. See `snapshotInstallation.ts`. */
export const INSTALLING_FILE = 'installingSnapshot';

const COMPRESSED = '(?:\\.(?:gz|snappy))?';

/** A log or snapshot; `zxid` is what its name says: the first one in a log, the last one in a snapshot. */
export interface DataFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly zxid: Zxid;
}

export interface DataDirectory {
  /** Ascending. */
  readonly logs: readonly DataFile[];
  /** Newest first; compressed ones too, which are known by their names' ends. */
  readonly snapshots: readonly DataFile[];
  readonly hasInitializeFile: boolean;
  readonly hasInstallingFile: boolean;
}

export function readDirectory(entries: readonly FileEntry[]): DataDirectory {
  return {
    logs: dataFiles(entries, LOG_PREFIX, '').sort(byZxid),
    snapshots: dataFiles(entries, SNAPSHOT_PREFIX, COMPRESSED).sort(byZxid).reverse(),
    hasInitializeFile: entries.some(({ name }) => name === INITIALIZE_FILE),
    hasInstallingFile: entries.some(({ name }) => name === INSTALLING_FILE),
  };
}

export const logName = (first: Zxid): string => `${LOG_PREFIX}.${hexOf(first)}`;
export const snapshotName = (last: Zxid): string => `${SNAPSHOT_PREFIX}.${hexOf(last)}`;

export const isCompressed = (file: DataFile): boolean => /\.(?:gz|snappy)$/.test(file.name);

/** The logs that may hold transactions after `after`: the last one that begins at or before it, and all later ones. */
export function logsFrom(logs: readonly DataFile[], after: Zxid): readonly DataFile[] {
  const next = logs.findIndex((log) => log.zxid > after);
  if (next < 0) return logs.slice(-1);
  return logs.slice(Math.max(0, next - 1));
}

function hexOf(value: Zxid): string {
  assert(value >= 0n, `no file is named after the zxid ${value}`);
  return value.toString(16);
}

function dataFiles(entries: readonly FileEntry[], prefix: string, suffix: string): DataFile[] {
  const pattern = new RegExp(`^${prefix}\\.([0-9a-fA-F]{1,16})${suffix}$`);
  return entries.flatMap(({ name, sizeBytes }) => {
    const hex = pattern.exec(name)?.[1];
    if (hex === undefined) return [];
    const value = BigInt(`0x${hex}`);
    return BigInt.asIntN(64, value) < 0n ? [] : [{ name, sizeBytes, zxid: zxid(value) }];
  });
}

const byZxid = (left: DataFile, right: DataFile): number =>
  left.zxid < right.zxid ? -1 : left.zxid > right.zxid ? 1 : 0;
