/** Where the bytes captured from Apache ZooKeeper are: a selection in test/golden, everything in ../shared/golden. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

type Family = 'client' | 'quorum' | 'election' | 'disk';

export interface GoldenFile {
  readonly name: string;
  // The captures are JSON whose shape each test states for itself.
  readonly content: unknown;
}

const root = new URL('../../../', import.meta.url).pathname;
const everything = join(root, '../shared/golden');

/** The selection, and all captured files of that family where they are at hand. */
export function goldenFiles(family: Family): GoldenFile[] {
  const selection = join(root, 'test/golden', `${family}.json`);
  const files = existsSync(selection) ? [selection] : [];
  const all = join(everything, family);
  if (existsSync(all)) files.push(...jsonFiles(all));
  else console.log(`${family}: ${all} is not here, so only the selection in test/golden is tested`);
  return files.map((file) => ({
    name: file.replace(/^.*\/golden\//, ''),
    content: JSON.parse(readFileSync(file, 'utf8')) as unknown,
  }));
}

function jsonFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name));
}

export const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Values as the captures' JSON has them, with every number as a string: longs and ints need no telling apart. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, plain(field)]),
  );
}
