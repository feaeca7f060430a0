import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DataTree } from '../../../src/tree/dataTree.ts';
import type { DigestMismatch } from '../../../src/tree/digestLog.ts';
import { TreeLoader } from '../../../src/tree/treeLoader.ts';
import type { TxnLogEntry } from '../../../src/wire/txns.ts';
import { toHex } from '../wire/goldenFiles.ts';
import { readLogFile, readSnapshotFile, snapshotBody, visible } from './treeFixture.ts';

const inRepository = fileURLToPath(new URL('../../golden/tree/', import.meta.url));
const shared = fileURLToPath(new URL('../../../../shared/golden/disk/', import.meta.url));
const sharedDirectories = [
  'client-blocks/server.1/version-2/',
  'client-blocks/server.3/version-2/',
  'client-blocks/server.4/version-2/',
  'diverged-snap/after/version-2/',
  'trunc-only/before/version-2/',
  'trunc-only/after/version-2/',
  'learner-after-snap/server.2/version-2/',
].map((name) => shared + name);

const directories = [inRepository, ...sharedDirectories.filter(existsSync)];
if (directories.length === 1)
  console.log(`no golden directories at ${shared}: only our copy is used`);

const zxidOf = (file: string): bigint => BigInt(`0x${file.slice(file.lastIndexOf('.') + 1)}`);
const filesOf = (directory: string, kind: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith(`${kind}.`) && !name.endsWith('.json'))
    .sort((a, b) => (zxidOf(a) < zxidOf(b) ? -1 : 1))
    .map((name) => directory + name);

/** The captures were made with TTL nodes allowed. */
const options = { extendedTypesEnabled: true };

function replay(tree: DataTree, entries: readonly TxnLogEntry[]): void {
  for (const { header, txn, digest } of entries)
    if (header.zxid > tree.lastProcessedZxid) tree.processTxn(header, txn, digest);
}

describe.each(directories)('a data directory of Apache ZooKeeper: %s', (directory) => {
  const logs = filesOf(directory, 'log').flatMap(readLogFile);

  it('replayed from nothing has the digest that each transaction carries', () => {
    const mismatches: DigestMismatch[] = [];
    const first = filesOf(directory, 'snapshot')[0];
    if (first === undefined) throw new Error(`no snapshot in ${directory}`);
    const { tree } = readSnapshotFile(first, {
      ...options,
      digestMismatched: (mismatch) => mismatches.push(mismatch),
    });
    replay(tree, logs);
    expect(mismatches).toEqual([]);
    expect(logs.length === 0 || logs.some((entry) => entry.digest !== null)).toBe(true);
  });

  it.each(filesOf(directory, 'snapshot'))('loaded from %s and replayed ends the same', (file) => {
    const mismatches: DigestMismatch[] = [];
    const { tree, digest } = readSnapshotFile(file, {
      ...options,
      digestMismatched: (mismatch) => mismatches.push(mismatch),
    });
    tree.expectDigest(digest, tree.lastProcessedZxid);
    replay(
      tree,
      logs.filter((entry) => entry.header.zxid > zxidOf(file)),
    );
    expect(mismatches).toEqual([]);
    const last = logs.findLast((entry) => entry.digest !== null);
    if (last !== undefined && last.header.zxid >= zxidOf(file) && !directory.includes('diverged'))
      expect(tree.treeDigest()).toBe(last.digest?.treeDigest);
  });

  it.each(filesOf(directory, 'snapshot'))('%s is written again in the same bytes', (file) => {
    const { tree, body } = readSnapshotFile(file, options);
    const written = snapshotBody(tree);
    expect(toHex(written)).toBe(toHex(body));
    const loader = new TreeLoader(options);
    expect(loader.load(written)).toBe(written.length);
    expect(visible(loader.tree())).toEqual(visible(tree));
    expect(loader.tree().treeDigest()).toBe(tree.treeDigest());
  });
});
