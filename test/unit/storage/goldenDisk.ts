/** Data directories of Apache ZooKeeper 3.8.0: a few in test/golden/disk, all captured ones in ../shared/golden/disk. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('../../../', import.meta.url).pathname;
const selection = join(root, 'test/golden/disk');
const everything = join(root, '../shared/golden/disk');

export interface GoldenDirectory {
  readonly name: string;
  readonly path: string;
}

/** Every `version-2` folder at hand, with its path below the captures. */
export function goldenDirectories(): readonly GoldenDirectory[] {
  if (!existsSync(everything)) {
    console.log(`${everything} is not here, so only the selection in test/golden/disk is tested`);
  }
  const base = existsSync(everything) ? everything : selection;
  return readdirSync(base, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('version-2'))
    .sort()
    .map((name) => ({ name, path: join(base, name) }));
}

/** A directory of the selection, which every clone has. */
export const selected = (name: string): GoldenDirectory => ({ name, path: join(selection, name) });

/** The data files by name, without the decoded forms beside them. */
export function filesOf({ path }: GoldenDirectory): ReadonlyMap<string, Uint8Array> {
  const names = readdirSync(path).filter((name) => !name.endsWith('.json'));
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(path, name)))]));
}

/** The decoded form beside a file; null where none was made. Its shape is for the test to state. */
export function decodedOf({ path }: GoldenDirectory, name: string): unknown {
  const file = join(path, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as unknown) : null;
}
