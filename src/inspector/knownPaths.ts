/** Paths by small numbers, each with its parent and its children among them. It knows nothing of nodes. Pure. */

import { childName, parentPath, ROOT } from '../tree/paths.ts';
import { NumberColumn } from './columns.ts';

/** From 1; 0 is no path. */
export type PathId = number;

export class KnownPaths {
  readonly #ids = new Map<string, PathId>();
  readonly #paths: string[] = [''];
  readonly #parents = new NumberColumn();
  /** A path's children are a chain: the newest one, and each one's next older. */
  readonly #newestChild = new NumberColumn();
  readonly #olderSibling = new NumberColumn();

  constructor() {
    for (const column of [this.#parents, this.#newestChild, this.#olderSibling]) column.push(0);
  }

  /** 0: it is none of them. */
  find(path: string): PathId {
    return this.#ids.get(path) ?? 0;
  }

  /** Its number, from now on if it had none, and so have all above it. */
  idOf(path: string): PathId {
    return this.find(path) || this.#add(path);
  }

  path(id: PathId): string {
    return this.#paths[id] ?? '';
  }

  /** Without the path before it. */
  name(id: PathId): string {
    return childName(this.path(id));
  }

  /** 0 for the root. */
  parent(id: PathId): PathId {
    return this.#parents.at(id);
  }

  *children(id: PathId): Generator<PathId> {
    for (let child = this.#newestChild.at(id); child !== 0; child = this.#olderSibling.at(child)) {
      yield child;
    }
  }

  #add(path: string): PathId {
    const parent = path === ROOT ? 0 : this.idOf(parentPath(path));
    const id = this.#paths.length;
    this.#ids.set(path, id);
    this.#paths.push(path);
    this.#parents.push(parent);
    this.#newestChild.push(0);
    this.#olderSibling.push(this.#newestChild.at(parent));
    if (parent !== 0) this.#newestChild.set(parent, id);
    return id;
  }
}
