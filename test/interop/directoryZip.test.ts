/**
 * The zip of a tab's data directory is a `dataDir` for Apache ZooKeeper, and the zip of Apache ZooKeeper's is restored into
 * a tab's: through the very code that a tab uses, over an IndexedDB in memory.
 */

import 'fake-indexeddb/auto';
import { unzipSync, zipSync } from 'fflate';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { IndexedDbDisk } from '../../src/browser/indexedDbDisk.ts';
import { StoredDirectory } from '../../src/browser/storedDirectory.ts';
import { fileSetsOf, type NamedBytes } from '../../src/inspector/dataFiles.ts';
import { apacheLayout } from '../../src/inspector/directoryFiles.ts';
import { filesToWrite, prepareRestore } from '../../src/inspector/restorePlan.ts';
import { unzip, zip } from '../../src/inspector/zipArchive.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { expectNoComplaints } from './frame/apacheLog.ts';
import { newClient, withClient } from './frame/client.ts';
import { mixedEnsemble } from './frame/ensemble.ts';
import { furnish } from './frame/furnish.ts';
import { until } from './frame/patience.ts';
import type { Kind, ServerProcess } from './frame/serverProcess.ts';
import { expectTree, treeOf } from './frame/tree.ts';

const OTHER: Readonly<Record<Kind, Kind>> = { apache: 'tabkeeper', tabkeeper: 'apache' };
const CONFIG = ['extendedTypesEnabled=true', 'snapCount=50', 'preAllocSize=1024'];
const WRITES_COUNT = 200;
const META = { diskId: 'd'.repeat(32), trustEmpty: true };
/** So many flushes a file: records and transactions do not end together. Logs are mostly preallocated space. */
const FLUSHES_COUNT = 37;

const clock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after: (delayMs, task) => {
    const handle = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  soon: (task) => {
    const handle = setImmediate(task);
    return { cancel: () => clearImmediate(handle) };
  },
};

/** What each kind's directory goes through on its way to the other. */
const WAYS = {
  tabkeeper: async (files: readonly NamedBytes[], sid: number) => {
    const stored = await asStored('tab', files);
    const archive = Buffer.concat([...zip(apacheLayout(await stored.read(), sid))]);
    return Object.entries(unzipSync(new Uint8Array(archive))).map(([path, bytes]) => ({
      path,
      bytes,
    }));
  },
  apache: async (files: readonly NamedBytes[], sid: number) => {
    const archive = zipSync(
      Object.fromEntries(files.map(({ path, bytes }) => [`data/version-2/${path}`, bytes])),
      { level: 1 },
    );
    const [set] = fileSetsOf([...unzip(archive)]);
    if (set === undefined) throw new Error('the zip is empty');
    const prepared = await prepareRestore(set, null, clock);
    expect(prepared.plan.refusal).toBeNull();
    const stored = await asStored('restored', [{ path: 'log.1', bytes: new Uint8Array(10) }]);
    await stored.replace(
      filesToWrite(prepared, null),
      META.diskId,
      'restore',
      new AbortController().signal,
    );
    return apacheLayout(await stored.read(), sid);
  },
} as const;

for (const writer of ['tabkeeper', 'apache'] as const) {
  test(`a zip of ${writer}'s directory opens in ${OTHER[writer]}, and the trees are equal`, async () => {
    const ensemble = await mixedEnsemble({ 1: writer }, { config: CONFIG });
    const server = ensemble.server(1);
    await standsAlone(server);
    const owner = newClient(Array.from({ length: 4 }, () => server.clientAddress));
    await furnish(owner, '/first');
    await withClient([server.clientAddress], async (client) => {
      await client.create('/many');
      for (let i = 0; i < WRITES_COUNT; i++) await client.create(`/many/${i}`, `${i}`);
    });
    await until('there are snapshots', () => filesOf(server).filter(isSnapshot).length > 1);
    const tree = await treeOf(server);
    await server.stop();

    const files = await WAYS[writer](filesOf(server), server.sid);
    expect(files.filter(isSnapshot).length).toBeGreaterThan(1);
    rmSync(server.dataDir, { recursive: true });
    for (const { path, bytes } of files) {
      const file = join(server.dataDir, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    server.start(OTHER[writer]);
    await standsAlone(server);
    await expectTree(server, tree);
    await owner.connected();
    await owner.create('/still-the-same-session');
    expectNoComplaints(ensemble.servers);
  });
}

const isSnapshot = ({ path }: NamedBytes): boolean => /(?:^|\/)snapshot\./.test(path);

const standsAlone = (server: ServerProcess): Promise<true> =>
  until('it serves alone', async () => {
    if (!server.running) throw new Error(`server ${server.sid} has ended`);
    return (await server.mode()) === 'standalone';
  });

function filesOf(server: ServerProcess): readonly NamedBytes[] {
  const folder = join(server.dataDir, 'version-2');
  return readdirSync(folder).map((path) => ({
    path,
    bytes: new Uint8Array(readFileSync(join(folder, path))),
  }));
}

/** The files as a tab's server would have written them: flush by flush. */
async function asStored(name: string, files: readonly NamedBytes[]): Promise<StoredDirectory> {
  const disk = await IndexedDbDisk.open(name, META, 'owner');
  for (const { path, bytes } of files) {
    const flushBytes = Math.ceil(bytes.length / FLUSHES_COUNT);
    for (let at = 0; at < bytes.length; at += flushBytes) {
      disk.append(path, bytes.slice(at, at + flushBytes));
      disk.flush(() => {});
    }
  }
  await new Promise((resolve) => disk.flush(resolve));
  return new StoredDirectory(name);
}
