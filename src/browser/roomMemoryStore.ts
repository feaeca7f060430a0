/** What this browser knows of its rooms, in IndexedDB, shared by all its tabs. */

import { promisifyRequest, type UseStore } from 'idb-keyval';
import type { Binding, HeldDisk, RoomRecord } from '../room/bindings.ts';
import { emptyRoomRecord } from '../room/bindings.ts';
import type { RoomMemory } from '../room/memory.ts';
import { strictStore } from './diskRecords.ts';

const DATABASE_NAME = 'tabkeeper';

export class StoredRoomMemory implements RoomMemory {
  readonly #store: UseStore;
  readonly #room: string;
  readonly #servers: number;
  readonly #keyMark: string;
  #record: RoomRecord;
  #knowsAnotherKey = false;

  private constructor(store: UseStore, room: string, servers: number, keyMark: string) {
    this.#store = store;
    this.#room = room;
    this.#servers = servers;
    this.#keyMark = keyMark;
    this.#record = emptyRoomRecord(servers);
  }

  /** `keyMark` tells the room's key from others and does not give it away. */
  static async open(room: string, servers: number, keyMark: string): Promise<StoredRoomMemory> {
    const memory = new StoredRoomMemory(strictStore(DATABASE_NAME), room, servers, keyMark);
    await memory.update((record) => record);
    return memory;
  }

  get record(): RoomRecord {
    return this.#record;
  }

  /** The room was joined with another key before: its servers' disks are not this link's. */
  get knowsAnotherKey(): boolean {
    return this.#knowsAnotherKey;
  }

  async update(change: (record: RoomRecord) => RoomRecord): Promise<RoomRecord> {
    let after = this.#record;
    await this.#store('readwrite', (records) => {
      const reading = records.get(this.#room);
      reading.onsuccess = () => {
        const before = readRecord(reading.result) ?? emptyRoomRecord(this.#servers);
        after = change(before);
        this.#knowsAnotherKey = (readKeyMark(reading.result) ?? this.#keyMark) !== this.#keyMark;
        if (after !== before) records.put({ ...after, keyMark: this.#keyMark }, this.#room);
      };
      return promisifyRequest(records.transaction);
    });
    this.#record = after;
    return after;
  }
}

function readRecord(value: unknown): RoomRecord | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!('servers' in value) || typeof value.servers !== 'number') return null;
  if (!('bindings' in value) || !('held' in value)) return null;
  return {
    servers: value.servers,
    bindings: readEntries(value.bindings, readBinding),
    held: readEntries(value.held, readHeld),
  };
}

function readKeyMark(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  return 'keyMark' in value && typeof value.keyMark === 'string' ? value.keyMark : null;
}

function readEntries<T>(value: unknown, read: (entry: object) => T | null): Record<number, T> {
  const entries: Record<number, T> = {};
  if (typeof value !== 'object' || value === null) return entries;
  for (const [sid, entry] of Object.entries(value)) {
    const found = typeof entry === 'object' && entry !== null ? read(entry) : null;
    if (found !== null) entries[Number(sid)] = found;
  }
  return entries;
}

function readBinding(value: object): Binding | null {
  if (!('diskId' in value) || typeof value.diskId !== 'string') return null;
  if (!('generation' in value) || typeof value.generation !== 'number') return null;
  return { diskId: value.diskId, generation: value.generation };
}

function readHeld(value: object): HeldDisk | null {
  if (!('diskId' in value) || typeof value.diskId !== 'string') return null;
  if (!('accepted' in value) || typeof value.accepted !== 'boolean') return null;
  return { diskId: value.diskId, accepted: value.accepted };
}
