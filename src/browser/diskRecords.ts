/** How a data directory lies in IndexedDB: which records there are, under which keys. It holds nothing open. */

import { promisifyRequest, type UseStore } from 'idb-keyval';
import type { Segment } from './diskFile.ts';

const STORE = 'records';
export const META_KEY = 'meta';
export const OWNER_KEY = 'owner';
/** What the directory says of itself, from its first day on. */
export interface DiskMeta {
  readonly diskId: string;
  /** Without files it is a new server's, not one that has lost its data. */
  readonly trustEmpty: boolean;
}

export const diskDatabaseName = (room: string, sid: number): string => `tabkeeper/${room}/${sid}`;

/** A store for idb-keyval whose write transactions have reached the disk when they complete. */
export function strictStore(databaseName: string): UseStore {
  let database: Promise<IDBDatabase> | null = null;
  const open = (): Promise<IDBDatabase> => {
    const request = indexedDB.open(databaseName);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return promisifyRequest(request).then((opened) => {
      // Somebody deletes the database: let it go, the next use finds it empty.
      opened.onversionchange = () => {
        opened.close();
        database = null;
      };
      opened.onclose = () => (database = null);
      return opened;
    });
  };
  return async (mode, callback) => {
    database ??= open();
    const opened = await database;
    const transaction = opened.transaction(STORE, mode, { durability: 'strict' });
    return callback(transaction.objectStore(STORE));
  };
}

/** What stands in the database, or null if no server ever wrote there. Makes an empty database if there was none. */
export async function readDiskMeta(databaseName: string): Promise<DiskMeta | null> {
  return readMeta(await readKey(databaseName, META_KEY));
}

/** Who may write there now: the `owner` of whoever opened it last. */
export function readDiskOwner(databaseName: string): Promise<unknown> {
  return readKey(databaseName, OWNER_KEY);
}

function readKey(databaseName: string, key: string): Promise<unknown> {
  const store = strictStore(databaseName);
  return store('readonly', (records) => promisifyRequest<unknown>(records.get(key)));
}

export function readMeta(value: unknown): DiskMeta | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!('diskId' in value) || typeof value.diskId !== 'string') return null;
  if (!('trustEmpty' in value) || typeof value.trustEmpty !== 'boolean') return null;
  return { diskId: value.diskId, trustEmpty: value.trustEmpty };
}

export function keyOf(name: string, segment: Segment): IDBValidKey {
  return [name, segment.offset, segment.length];
}

/** Numbers sort before arrays, so this takes every record of the file. */
export function wholeFile(name: string): IDBKeyRange {
  return IDBKeyRange.bound([name], [name, []]);
}

export function asBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}
