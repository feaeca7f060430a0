/**
 * A subtree as a JSON file, and what bringing one back would do: which nodes would be made, changed and deleted. It decides
 * and does nothing. Pure.
 */

import { aclText } from '../../inspector/aclText.ts';
import type { ACL } from '../../wire/dataRecords.ts';
import { parseAcl } from '../acl.ts';
import { textOf } from './contentViews.ts';
import { childPath, parentPath } from './treeRows.ts';

export interface SubtreeNode {
  /** Below the subtree's root; `/` is the root itself. */
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly ACL[];
  /** It belongs to a session and is not brought back. */
  readonly ephemeral: boolean;
}

export interface Subtree {
  /** Where it was. */
  readonly root: string;
  /** Parents before their children. */
  readonly nodes: readonly SubtreeNode[];
}

/** `merge` leaves alone what the file does not name; `replace` deletes it. */
export type ImportMode = 'merge' | 'replace';

export type ImportStep =
  | { readonly kind: 'create' | 'change'; readonly path: string; readonly node: SubtreeNode }
  | { readonly kind: 'access'; readonly path: string; readonly node: SubtreeNode }
  | { readonly kind: 'delete'; readonly path: string };

export interface ImportPlan {
  /** In the order they are to be done: deletions from the leaves up, creations from the root down. */
  readonly steps: readonly ImportStep[];
  readonly unchangedCount: number;
  /** Ephemeral nodes of the file, which are left out. */
  readonly ephemeralCount: number;
}

const FORMAT = 'tabkeeper-subtree-1';

export function formatSubtree({ root, nodes }: Subtree): string {
  const written = nodes.map(({ path, data, acl, ephemeral }) => ({
    path,
    ...contentOf(data),
    acl: acl.map(aclText),
    ...(ephemeral ? { ephemeral } : {}),
  }));
  return `${JSON.stringify({ format: FORMAT, root, nodes: written }, null, 2)}\n`;
}

/** Throws an error in words for what is no such file. */
export function parseSubtree(text: string): Subtree {
  const file = objectOf(parseJson(text), 'The file');
  if (file['format'] !== FORMAT) {
    throw new Error(`This is no exported subtree: its "format" is not "${FORMAT}".`);
  }
  if (!Array.isArray(file['nodes'])) throw new Error('The file has no list of nodes.');
  const nodes = file['nodes'].map(parseNode).sort((left, right) => byPath(left.path, right.path));
  const seen = new Set<string>();
  for (const { path } of nodes) {
    if (seen.has(path)) throw new Error(`The file names ${path} twice.`);
    if (path !== '/' && !seen.has(parentPath(path))) {
      throw new Error(`The file has ${path} but not the node above it.`);
    }
    seen.add(path);
  }
  if (!seen.has('/')) throw new Error('The file lacks the root of its subtree.');
  return { root: stringOf(file['root'], 'root'), nodes };
}

/** What it takes to bring `wanted` to `target`, where `existing` is now; null: there is nothing. */
export function planImport(
  wanted: Subtree,
  target: string,
  existing: Subtree | null,
  mode: ImportMode,
): ImportPlan {
  const here = new Map(existing?.nodes.map((node) => [node.path, node]) ?? []);
  const lasting = wanted.nodes.filter(({ ephemeral }) => !ephemeral);
  const named = new Set(wanted.nodes.map(({ path }) => path));
  const deletions =
    mode === 'replace'
      ? [...here.keys()].filter((path) => !named.has(path) && !isServersOwn(absolute(target, path)))
      : [];
  const changes = lasting.flatMap((node): ImportStep[] => {
    const path = absolute(target, node.path);
    if (isServersOwn(path)) return [];
    const found = here.get(node.path);
    if (found === undefined) return [{ kind: 'create', path, node }];
    const steps: ImportStep[] = [];
    if (!sameBytes(found.data, node.data)) steps.push({ kind: 'change', path, node });
    if (!sameAcl(found.acl, node.acl)) steps.push({ kind: 'access', path, node });
    return steps;
  });
  const touched = new Set(changes.map(({ path }) => path));
  return {
    steps: [
      ...deletions
        .sort((left, right) => byPath(right, left))
        .map((path): ImportStep => ({ kind: 'delete', path: absolute(target, path) })),
      ...changes,
    ],
    unchangedCount: lasting.filter(({ path }) => !touched.has(absolute(target, path))).length,
    ephemeralCount: wanted.nodes.length - lasting.length,
  };
}

/** The path in the tree of a path in a subtree. */
export const absolute = (root: string, path: string): string =>
  path === '/' ? root : childPath(root, path.slice(1));

/** ZooKeeper keeps its own affairs there. */
export const isServersOwn = (path: string): boolean =>
  path === '/zookeeper' || path.startsWith('/zookeeper/');

/** So that a parent comes before its children whatever characters names have. */
function byPath(left: string, right: string): number {
  const depth = (path: string): number => (path === '/' ? 0 : path.split('/').length);
  if (depth(left) !== depth(right)) return depth(left) - depth(right);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function contentOf(data: Uint8Array | null): Record<string, string | null> {
  if (data === null) return { text: null };
  const text = textOf(data);
  if (text !== null) return { text };
  return { base64: btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join('')) };
}

function parseNode(value: unknown): SubtreeNode {
  const node = objectOf(value, 'A node');
  const path = stringOf(node['path'], 'path');
  if (!/^\/(?!.*\/\/)(?:.*[^/])?$/s.test(path)) throw new Error(`${path} is no path of a node.`);
  if (!Array.isArray(node['acl'])) throw new Error(`${path} has no access list.`);
  const acl = node['acl'].map((entry) => {
    const line = stringOf(entry, `access list of ${path}`);
    const parsed = parseAcl(line, (letter) => {
      throw new Error(`${path}: "${letter}" in ${line} is no permission.`);
    });
    if (parsed === null) throw new Error(`${path}: ${line} is not scheme:id:permissions.`);
    return parsed;
  });
  return { path, data: parseData(node, path), acl, ephemeral: node['ephemeral'] === true };
}

function parseData(node: Readonly<Record<string, unknown>>, path: string): Uint8Array | null {
  if (node['text'] === null) return null;
  if (typeof node['text'] === 'string') return new TextEncoder().encode(node['text']);
  try {
    const bytes = atob(stringOf(node['base64'], `data of ${path}`));
    return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
  } catch (error) {
    throw new Error(`${path} has neither text nor base64 for its data.`, { cause: error });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`The file is no JSON: ${why}`, { cause: error });
  }
}

function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${what} is not what an exported subtree holds.`);
  }
  return Object.fromEntries(Object.entries(value));
}

function stringOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`The ${what} in the file is no text.`);
  return value;
}

function sameBytes(left: Uint8Array | null, right: Uint8Array | null): boolean {
  if (left === null || right === null) return left === right;
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

const sameAcl = (left: readonly ACL[], right: readonly ACL[]): boolean => {
  const sorted = (acl: readonly ACL[]): string => acl.map(aclText).sort().join(' ');
  return sorted(left) === sorted(right);
};
