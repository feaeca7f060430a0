/** Which nodes belong to which session, and which are containers or have a time to live. An index, kept by the tree. */

import { type SessionId, sessionId } from '../wire/ids.ts';
import { ephemeralTypeOf } from './ephemeralType.ts';

const NO_PATHS: ReadonlySet<string> = new Set();

export class OwnedNodes {
  readonly #extendedTypesEnabled: boolean;
  /** A session stays here, perhaps without paths, until it is closed: `dump` lists sessions that way. */
  readonly #ephemerals = new Map<SessionId, Set<string>>();
  readonly #containers = new Set<string>();
  readonly #ttls = new Set<string>();

  constructor(extendedTypesEnabled: boolean) {
    this.#extendedTypesEnabled = extendedTypesEnabled;
  }

  get containers(): ReadonlySet<string> {
    return this.#containers;
  }

  get ttls(): ReadonlySet<string> {
    return this.#ttls;
  }

  get ephemerals(): ReadonlyMap<SessionId, ReadonlySet<string>> {
    return this.#ephemerals;
  }

  ephemeralsOf(session: SessionId): ReadonlySet<string> {
    return this.#ephemerals.get(session) ?? NO_PATHS;
  }

  add(path: string, owner: bigint): void {
    if (owner === 0n) return;
    const special = this.#specialSet(owner);
    if (special !== null) {
      special.add(path);
      return;
    }
    const session = sessionId(owner);
    const paths = this.#ephemerals.get(session);
    if (paths === undefined) this.#ephemerals.set(session, new Set([path]));
    else paths.add(path);
  }

  remove(path: string, owner: bigint): void {
    if (owner === 0n) return;
    const paths = this.#specialSet(owner) ?? this.#ephemerals.get(sessionId(owner));
    paths?.delete(path);
  }

  /** Forgets the session and returns what it still had. */
  takeSession(session: SessionId): ReadonlySet<string> {
    const paths = this.ephemeralsOf(session);
    this.#ephemerals.delete(session);
    return paths;
  }

  #specialSet(owner: bigint): Set<string> | null {
    const type = ephemeralTypeOf(owner, this.#extendedTypesEnabled);
    if (type === 'CONTAINER') return this.#containers;
    return type === 'TTL' ? this.#ttls : null;
  }
}
