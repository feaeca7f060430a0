/**
 * Access control lists by number, so that a million nodes with the same list share it (`ReferenceCountedACLCache`). The
 * numbers are each server's own and stand in its snapshots.
 */

import { type ACL, OPEN_ACL_UNSAFE } from '../wire/dataRecords.ts';

/** The number of the open list, which is never stored. Only nodes of the server itself have it. */
export const OPEN_UNSAFE_ACL_ID = -1;

/**
 * The number of a list that is not known. A fuzzy snapshot of ZooKeeper's may name a list that was made after its lists
 * were written; the replay tells which. Its own number is not kept, since another list may come to have it.
 */
export const UNRESOLVED_ACL_ID = -2;

/** What an unknown list allows, and whom. */
const NOBODY: readonly ACL[] = [{ perms: 0, id: { scheme: 'world', id: 'anyone' } }];

interface CachedACL {
  readonly acls: readonly ACL[];
  readonly key: string;
  usageCount: number;
}

export class ReferenceCountedACLCache {
  readonly #byId = new Map<number, CachedACL>();
  readonly #ids = new Map<string, number>();
  #lastId = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** The number of this list, one usage more. A null list is the open one. */
  convertAcls(acls: readonly ACL[] | null): number {
    if (acls === null) return OPEN_UNSAFE_ACL_ID;
    const key = keyOf(acls);
    const id = this.#ids.get(key) ?? this.#insert(this.#lastId + 1, acls, key);
    return this.useLoaded(id);
  }

  /** One usage more of a list by the number it has in a snapshot; returns the number it has here. */
  useLoaded(id: number): number {
    if (id === OPEN_UNSAFE_ACL_ID) return id;
    const cached = this.#byId.get(id);
    if (cached === undefined) return UNRESOLVED_ACL_ID;
    cached.usageCount++;
    return id;
  }

  /** The list with this number. */
  convertLong(id: number): readonly ACL[] {
    if (id === OPEN_UNSAFE_ACL_ID) return OPEN_ACL_UNSAFE;
    return this.#byId.get(id)?.acls ?? NOBODY;
  }

  removeUsage(id: number): void {
    const cached = this.#byId.get(id);
    if (cached === undefined) return;
    cached.usageCount--;
    if (cached.usageCount <= 0) this.#forget(id, cached);
  }

  /** A list read from a snapshot, not used yet. */
  load(id: number, acls: readonly ACL[]): void {
    this.#insert(id, acls, keyOf(acls));
  }

  /** Forgets the lists that no node uses. */
  purgeUnused(): void {
    for (const [id, cached] of [...this.#byId])
      if (cached.usageCount <= 0) this.#forget(id, cached);
  }

  /** All lists with their numbers, as a snapshot writes them. The lists never change; the array is the caller's. */
  entries(): readonly (readonly [number, readonly ACL[]])[] {
    return Array.from(this.#byId, ([id, cached]) => [id, cached.acls] as const);
  }

  #insert(id: number, acls: readonly ACL[], key: string): number {
    this.#byId.set(id, { acls, key, usageCount: 0 });
    this.#ids.set(key, id);
    if (id > this.#lastId) this.#lastId = id;
    return id;
  }

  #forget(id: number, cached: CachedACL): void {
    this.#byId.delete(id);
    // Two numbers can hold the same list in a snapshot; the key belongs to the later one.
    if (this.#ids.get(cached.key) === id) this.#ids.delete(cached.key);
  }
}

/** Equal for equal lists only: every string is preceded by its length. */
function keyOf(acls: readonly ACL[]): string {
  let key = '';
  for (const { perms, id } of acls)
    key += `${perms}:${id.scheme.length}:${id.scheme}${id.id.length}:${id.id}`;
  return key;
}
