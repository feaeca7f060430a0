/** A log that ends too early: both kinds open it, find the same tree in it, and go on from there for one another. */

import { cpSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withClient } from './frame/client.ts';
import { mixedEnsemble } from './frame/ensemble.ts';
import { until } from './frame/patience.ts';
import type { Kind, ServerProcess } from './frame/serverProcess.ts';
import { expectTree, treeOf } from './frame/tree.ts';

const OTHER: Readonly<Record<Kind, Kind>> = { apache: 'tabkeeper', tabkeeper: 'apache' };
const FILE_HEADER_BYTES = 16;
/** Checksum (8) and length (4) before a record, one byte after it. */
const RECORD_HEADER_BYTES = 12;
const RECORD_END_BYTES = 1;
const NODE_COUNT = 40;
const LAST_KEPT = 30;

/** Where the log is cut, given where each record ends: all but so many records are kept, and this of the next. */
const CUTS: Readonly<Record<string, (ends: readonly number[]) => number>> = {
  'between two records': (ends) => endOf(ends, LAST_KEPT),
  'in the length of a record': (ends) => endOf(ends, LAST_KEPT) + 10,
  'one byte before the end of a record': (ends) => endOf(ends, LAST_KEPT + 1) - 1,
  'after its header': () => FILE_HEADER_BYTES,
};

const endOf = (ends: readonly number[], index: number): number => ends[index] ?? 0;

for (const writer of ['apache', 'tabkeeper'] as const) {
  for (const [where, cutAt] of Object.entries(CUTS)) {
    test(`a log of ${writer} that was cut ${where} opens in both kinds, and goes on in either`, async () => {
      const ensemble = await mixedEnsemble({ 1: writer });
      const server = ensemble.server(1);
      await standsAlone(server);
      await write(server, 'before');
      await server.kill();
      const log = newestLog(server);
      truncateSync(log, cutAt(recordEnds(readFileSync(log))));

      // The writer's own kind says what is in it, and leaves the other the same files.
      const files = join(server.dataDir, 'version-2');
      const kept = join(server.seat.folder, 'kept');
      cpSync(files, kept, { recursive: true });
      server.start(writer);
      await standsAlone(server);
      const found = await treeOf(server);
      await server.kill();
      rmSync(files, { recursive: true });
      cpSync(kept, files, { recursive: true });

      server.start(OTHER[writer]);
      await standsAlone(server);
      await expectTree(server, found);
      expect(found.has('/before/39')).toBe(false);

      await write(server, 'after');
      const more = await treeOf(server);
      expect(more.has('/after/39')).toBe(true);
      await server.kill();
      server.start(writer);
      await standsAlone(server);
      await expectTree(server, more);
    });
  }
}

const standsAlone = (server: ServerProcess): Promise<true> =>
  until('it serves alone', async () => {
    if (!server.running) throw new Error(`server ${server.sid} has ended`);
    return (await server.mode()) === 'standalone';
  });

/** One after another, so that each is a record of its own in this order. */
async function write(server: ServerProcess, name: string): Promise<void> {
  await withClient([server.clientAddress], async (client) => {
    await client.create(`/${name}`);
    for (let i = 0; i < NODE_COUNT; i++) await client.create(`/${name}/${i}`, 'x'.repeat(50));
  });
}

function newestLog(server: ServerProcess): string {
  const folder = join(server.dataDir, 'version-2');
  const zxidOf = (name: string): bigint => BigInt(`0x${name.slice('log.'.length)}`);
  const [newest] = readdirSync(folder)
    .filter((name) => name.startsWith('log.'))
    .sort((a, b) => (zxidOf(a) > zxidOf(b) ? -1 : 1));
  if (newest === undefined) throw new Error(`there is no log in ${folder}`);
  return join(folder, newest);
}

function recordEnds(bytes: Buffer): number[] {
  const ends: number[] = [];
  let at = FILE_HEADER_BYTES;
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    const length = bytes.readInt32BE(at + 8);
    if (length <= 0) break;
    at += RECORD_HEADER_BYTES + length + RECORD_END_BYTES;
    ends.push(at);
  }
  return ends;
}
