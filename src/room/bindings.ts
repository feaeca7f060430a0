/**
 * What a browser durably knows of a room: which disk each sid belongs to, and which of those disks are its own. This is
 * what keeps a server's name with its data: a stranger with an empty disk is not let in under it. Pure values.
 */

import type { DiskId } from './messages.ts';

export interface Binding {
  readonly diskId: DiskId;
  /** 1 for the first disk of a sid; one more each time a person gave the sid to another disk (`&sid=`). */
  readonly generation: number;
}

export interface HeldDisk {
  readonly diskId: DiskId;
  /** Another tab has taken it for this server: since then the sid and the disk belong together. */
  readonly accepted: boolean;
}

export interface RoomRecord {
  readonly servers: number;
  readonly bindings: Readonly<Record<number, Binding>>;
  readonly held: Readonly<Record<number, HeldDisk>>;
}

export const emptyRoomRecord = (servers: number): RoomRecord => ({
  servers,
  bindings: {},
  held: {},
});

/** `known`: it is the disk we know, or the first; `newer`: the sid was given to it on purpose; `other`: refuse it. */
export type Acquaintance = 'known' | 'first' | 'newer' | 'other';

export function acquaintance(record: RoomRecord, sid: number, disk: Binding): Acquaintance {
  const bound = record.bindings[sid];
  if (bound === undefined) return 'first';
  if (bound.diskId === disk.diskId) return 'known';
  return disk.generation > bound.generation ? 'newer' : 'other';
}

export function bind(record: RoomRecord, sid: number, binding: Binding): RoomRecord {
  return { ...record, bindings: { ...record.bindings, [sid]: binding } };
}

export function hold(record: RoomRecord, sid: number, held: HeldDisk): RoomRecord {
  return { ...record, held: { ...record.held, [sid]: held } };
}

/** The disk is gone from this browser (storage cleared or evicted). */
export function letGo(record: RoomRecord, sid: number): RoomRecord {
  const held = { ...record.held };
  delete held[sid];
  return { ...record, held };
}
