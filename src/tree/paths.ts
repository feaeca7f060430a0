/** What a path may be, and the paths ZooKeeper keeps for itself. Strings in, strings out; it knows no tree. */

import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';

export const ROOT = '/';
/** The node under which ZooKeeper keeps its own (`Quotas.procZookeeper`). */
export const PROC_ZOOKEEPER = '/zookeeper';
/** Everything below this is left out of the tree's digest (`ZooDefs.ZOOKEEPER_NODE_SUBTREE`). */
export const ZOOKEEPER_NODE_SUBTREE = '/zookeeper/';
export const QUOTA_ZOOKEEPER = '/zookeeper/quota';
export const CONFIG_NODE = '/zookeeper/config';

/** `%010d` of a sequence number: ten digits, more for one that is negative. */
const SEQUENCE_DIGITS = 10;

const specialPaths: ReadonlySet<string> = new Set([
  ROOT,
  PROC_ZOOKEEPER,
  QUOTA_ZOOKEEPER,
  CONFIG_NODE,
]);

/** Nobody may delete these (`DataTree.isSpecialPath`). */
export const isSpecialPath = (path: string): boolean => specialPaths.has(path);

/** `/a` of `/a/b`, `/` of `/a` and of `/`. `path` is valid. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? ROOT : path.slice(0, slash);
}

/** `b` of `/a/b`. `path` is valid. */
export const childName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** `/a/b` of `/a` and `b`, `/b` of `/` and `b`. */
export const childPath = (parent: string, child: string): string =>
  parent === ROOT ? `/${child}` : `${parent}/${child}`;

/** The path that a sequential create gets: `prefix` and the parent's stored cversion as ten digits (`%010d`). */
export function sequentialPath(prefix: string, parentCVersion: number): string {
  const digits = Math.abs(parentCVersion).toString();
  if (parentCVersion < 0) return `${prefix}-${digits.padStart(SEQUENCE_DIGITS - 1, '0')}`;
  return prefix + digits.padStart(SEQUENCE_DIGITS, '0');
}

/**
 * Throws `KeeperError` BadArguments unless `path` may name a node (`PathUtils.validatePath`). A sequential path may end
 * in a slash, since a number follows.
 */
export function validatePath(path: string, sequential = false): void {
  if (pathProblem(sequential ? `${path}1` : path) !== null)
    throw new KeeperError(ErrorCode.BadArguments, path);
}

/** What is wrong with `path`, in words for a person; null if nothing is. */
export function pathProblem(path: string): string | null {
  if (path === '') return 'a path cannot be empty';
  if (!path.startsWith('/')) return 'a path must start with /';
  if (path === ROOT) return null;
  if (path.endsWith('/')) return 'a path must not end with /';
  return characterProblem(path) ?? nameProblem(path);
}

function characterProblem(path: string): string | null {
  for (let i = 1; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    if (isForbidden(unit))
      return `character U+${unit.toString(16).padStart(4, '0')} at ${i} is not allowed`;
  }
  return null;
}

/** Control characters, surrogates with the private use area, and the specials: what does not travel well. */
const isForbidden = (unit: number): boolean =>
  unit <= 0x1f ||
  (unit >= 0x7f && unit <= 0x9f) ||
  (unit >= 0xd800 && unit <= 0xf8ff) ||
  unit >= 0xfff0;

function nameProblem(path: string): string | null {
  for (const name of path.slice(1).split('/')) {
    if (name === '') return 'a path must not contain an empty name (//)';
    if (name === '.' || name === '..') return `a path must not contain the name ${name}`;
  }
  return null;
}
