/**
 * The tree as the flat list of rows that is drawn and walked by keyboard. A row is made when somebody looks at it, so that
 * a node with hundreds of thousands of children costs no more than one with ten. Pure.
 */

export interface TreeRow {
  readonly path: string;
  readonly name: string;
  /** 1 for the root. */
  readonly level: number;
  readonly expanded: boolean;
  /** Null while its children have not been read. */
  readonly childCount: number | null;
  readonly positionInSet: number;
  readonly setSize: number;
}

/** What a transaction did to a node. */
export type RowMark = 'added' | 'changed' | 'removed' | 'renewed';

/** A tree that can be walked: the live one of a room, or one of the past. */
export interface ShownTree {
  readonly rows: TreeRows;
  readonly selectedPath: string;
  /** Paths to mark: they have just changed. */
  readonly changed: ReadonlySet<string>;
  /** What is to be said beside a node; a tree of now says nothing. */
  markOf?(path: string): RowMark | null;
  select(path: string): Promise<void>;
  toggle(path: string): Promise<void>;
}

export const childPath = (parent: string, name: string): string =>
  parent === '/' ? `/${name}` : `${parent}/${name}`;

export const parentPath = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

export const nameOf = (path: string): string =>
  path === '/' ? '/' : path.slice(path.lastIndexOf('/') + 1);

/** Where `name` stands in sorted `names`, or would stand. */
function placeOf(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? '') < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A node whose children are shown. */
interface OpenNode {
  readonly path: string;
  readonly level: number;
  readonly names: readonly string[];
  /** Those of its children that are open too, in order. */
  readonly open: readonly { readonly at: number; readonly node: OpenNode }[];
  /** Rows below it. */
  readonly rowCount: number;
}

/** Every row that is visible when the paths in `expanded` are open and their children are those in `children`, sorted. */
export class TreeRows {
  readonly #children: ReadonlyMap<string, readonly string[]>;
  readonly #root: OpenNode | null;

  constructor(children: ReadonlyMap<string, readonly string[]>, expanded: ReadonlySet<string>) {
    this.#children = children;
    const openChildren = new Map<string, string[]>();
    for (const path of expanded) {
      if (path === '/') continue;
      const siblings = openChildren.get(parentPath(path));
      if (siblings === undefined) openChildren.set(parentPath(path), [path]);
      else siblings.push(path);
    }
    this.#root = expanded.has('/') ? openNode('/', 1, children, openChildren) : null;
  }

  get length(): number {
    return 1 + (this.#root?.rowCount ?? 0);
  }

  /** Null beyond the ends. */
  at(index: number): TreeRow | null {
    if (index < 0 || index >= this.length) return null;
    if (index === 0 || this.#root === null) {
      return this.#row('/', 1, this.#root !== null, 1, 1);
    }
    return this.#below(this.#root, index - 1);
  }

  slice(from: number, to: number): readonly TreeRow[] {
    const rows: TreeRow[] = [];
    for (let index = Math.max(0, from); index < Math.min(to, this.length); index++) {
      const row = this.at(index);
      if (row !== null) rows.push(row);
    }
    return rows;
  }

  /** -1 for a path that is not visible. */
  indexOf(path: string): number {
    if (path === '/') return 0;
    let node = this.#root;
    let index = 1;
    const parts = path.slice(1).split('/');
    for (const [depth, name] of parts.entries()) {
      if (node === null) return -1;
      const at = placeOf(node.names, name);
      if (node.names[at] !== name) return -1;
      const before = node.open.filter((child) => child.at < at);
      index += at + before.reduce((sum, child) => sum + child.node.rowCount, 0);
      if (depth === parts.length - 1) return index;
      node = node.open.find((child) => child.at === at)?.node ?? null;
      index += 1;
    }
    return -1;
  }

  /** The row number `offset` below an open node. */
  #below(node: OpenNode, offset: number): TreeRow | null {
    let rest = offset;
    for (const child of node.open) {
      if (rest < child.at) break;
      if (rest === child.at) return this.#childRow(node, child.at, true);
      if (rest <= child.at + child.node.rowCount) {
        return this.#below(child.node, rest - child.at - 1);
      }
      rest -= child.node.rowCount;
    }
    return this.#childRow(node, rest, false);
  }

  #childRow(parent: OpenNode, at: number, expanded: boolean): TreeRow | null {
    const name = parent.names[at];
    if (name === undefined) return null;
    const path = childPath(parent.path, name);
    return this.#row(path, parent.level + 1, expanded, at + 1, parent.names.length);
  }

  #row(
    path: string,
    level: number,
    expanded: boolean,
    positionInSet: number,
    setSize: number,
  ): TreeRow {
    const childCount = this.#children.get(path)?.length ?? null;
    return { path, name: nameOf(path), level, expanded, childCount, positionInSet, setSize };
  }
}

function openNode(
  path: string,
  level: number,
  children: ReadonlyMap<string, readonly string[]>,
  openChildren: ReadonlyMap<string, readonly string[]>,
): OpenNode | null {
  const names = children.get(path);
  if (names === undefined) return null;
  const open = (openChildren.get(path) ?? [])
    .flatMap((child) => {
      const at = placeOf(names, nameOf(child));
      if (names[at] !== nameOf(child)) return [];
      const node = openNode(child, level + 1, children, openChildren);
      return node === null ? [] : [{ at, node }];
    })
    .sort((left, right) => left.at - right.at);
  const rowCount = open.reduce((sum, child) => sum + child.node.rowCount, names.length);
  return { path, level, names, open, rowCount };
}
