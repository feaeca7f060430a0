import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newClient, withClient } from './frame/client.ts';
import { type MixedEnsemble, mixedEnsemble } from './frame/ensemble.ts';
import { furnish } from './frame/furnish.ts';
import { expectAllWell } from './frame/lookBack.ts';
import { until } from './frame/patience.ts';
import type { Kind, ServerProcess } from './frame/serverProcess.ts';

/** More than the 500 that a server keeps in memory. */
const BEYOND_MEMORY_COUNT = 700;
const FEW_COUNT = 40;
const DATA = 'd'.repeat(500);
const OTHER: Readonly<Record<Kind, Kind>> = { apache: 'tabkeeper', tabkeeper: 'apache' };
const KINDS: readonly Kind[] = ['apache', 'tabkeeper'];
/** Short logs: only the oldest may be as large as it likes when they are weighed against a snapshot. */
const SHORT_LOGS = 'snapCount=200';
const COMMON = ['extendedTypesEnabled=true'];

/** A leader of one kind with the highest number, a follower of the other, and one more for the quorum. */
async function pair(leader: Kind, ...config: readonly string[]): Promise<MixedEnsemble> {
  const kinds = { 1: OTHER[leader], 2: leader, 3: leader };
  const ensemble = await mixedEnsemble(kinds, {
    startOrder: [3, 2, 1],
    config: [...COMMON, ...config],
  });
  const leading = await ensemble.waitForServing();
  expect(leading.sid).toBe(3);
  return ensemble;
}

async function write(ensemble: MixedEnsemble, sid: number, name: string, count: number) {
  await withClient(ensemble.addresses(sid), async (client) => {
    await client.create(`/${name}`);
    await Promise.all(
      Array.from({ length: count }, (_, i) => client.create(`/${name}/${i}`, DATA)),
    );
  });
}

/** How the follower was synchronised at its last start, by its own word. */
function lastSync(follower: ServerProcess, since: number): string | undefined {
  const log = follower.log().slice(since);
  const said =
    follower.kind === 'apache'
      ? [...log.matchAll(/Getting a (diff|snapshot)|(Truncating) log to get in sync/g)]
      : [...log.matchAll(/Receives (DIFF|TRUNC|SNAP)/g)];
  const word = said
    .at(-1)
    ?.slice(1)
    .find((group) => group !== undefined);
  return { diff: 'DIFF', snapshot: 'SNAP', Truncating: 'TRUNC' }[word ?? ''] ?? word;
}

/** Starts the server again and tells how it was brought up to date. */
async function comeBack(ensemble: MixedEnsemble, sid: number): Promise<string | undefined> {
  const server = ensemble.server(sid);
  const since = server.log().length;
  server.start();
  await ensemble.waitForServing();
  return lastSync(server, since);
}

for (const leader of KINDS) {
  const follower = OTHER[leader];
  test(`a ${follower} follower that was down catches up with a ${leader} leader by DIFF from memory, then by SNAP`, async () => {
    const ensemble = await pair(leader, SHORT_LOGS);
    await withClient(ensemble.addresses(1), (client) => furnish(client, '/all'));
    await ensemble.server(1).kill();
    await write(ensemble, 3, 'few', FEW_COUNT);
    expect(await comeBack(ensemble, 1)).toBe('DIFF');
    await expectAllWell(ensemble);

    await ensemble.server(1).kill();
    await write(ensemble, 3, 'many', BEYOND_MEMORY_COUNT);
    const owner = newClient(ensemble.addresses(2));
    await furnish(owner, '/more');
    expect(await comeBack(ensemble, 1)).toBe('SNAP');
    await expectAllWell(ensemble);

    await ensemble.server(1).kill();
    rmSync(join(ensemble.server(1).dataDir, 'version-2'), { recursive: true });
    expect(await comeBack(ensemble, 1)).toBe('SNAP');
    await owner.close();
    await expectAllWell(ensemble);
  });

  test(`a ${follower} follower that was down catches up with a ${leader} leader by DIFF from its transaction log`, async () => {
    const ensemble = await pair(leader);
    await write(ensemble, 1, 'first', FEW_COUNT);
    await ensemble.server(1).kill();
    await withClient(ensemble.addresses(2), (client) => furnish(client, '/all'));
    await write(ensemble, 3, 'many', BEYOND_MEMORY_COUNT);
    expect(await comeBack(ensemble, 1)).toBe('DIFF');
    await expectAllWell(ensemble);
  });

  test(`a ${follower} leader with transactions of its own is cut back by a ${leader} leader (TRUNC), and its folder serves the other kind`, async () => {
    const kinds = { 1: leader, 2: leader, 3: follower };
    const ensemble = await mixedEnsemble(kinds, { startOrder: [3, 1, 2], config: COMMON });
    const deposed = await ensemble.waitForServing();
    expect(deposed.sid).toBe(3);
    const client = newClient(ensemble.addresses(3), { sessionTimeoutMs: 120_000 });
    await client.connected();
    await client.create('/seen-by-all', 's');

    // The others neither read what comes now nor see the leader go.
    ensemble.server(1).signal('SIGSTOP');
    ensemble.server(2).signal('SIGSTOP');
    const lost = client.create('/seen-by-one', 'x').then(
      () => 'acknowledged',
      () => 'lost',
    );
    await until('the leader logs what nobody else has', () => logHolds(deposed, '/seen-by-one'));
    await deposed.kill();
    await ensemble.server(1).kill();
    await ensemble.server(2).kill();
    expect(await lost).toBe('lost');

    await ensemble.startInOrder([2, 1]);
    expect((await ensemble.waitForServing()).kind).toBe(leader);
    expect(await comeBack(ensemble, 3)).toBe('TRUNC');
    const tree = await expectAllWell(ensemble);
    expect(tree.has('/seen-by-all')).toBe(true);
    expect(tree.has('/seen-by-one')).toBe(false);

    await deposed.stop();
    deposed.start(leader);
    await ensemble.waitForServing();
    await write(ensemble, 3, 'after', FEW_COUNT);
    await expectAllWell(ensemble);
  });
}

test('a tabkeeper follower whose only snapshot is newer than all that an apache leader has takes a snapshot of the leader', async () => {
  const ensemble = await pair('apache');
  await withClient(ensemble.addresses(1), (client) => furnish(client, '/all'));
  const follower = ensemble.server(1);
  await follower.kill();
  await write(ensemble, 3, 'few', FEW_COUNT);
  keepOneSnapshot(follower, 0x1000n);
  const since = follower.log().length;
  expect(await comeBack(ensemble, 1)).toBe('SNAP');
  const said = follower.log().slice(since);
  expect(said).toMatch(/Receives TRUNC/);
  expect(said).toMatch(/cannot be cut .* comes back for a snapshot/);
  const tree = await expectAllWell(ensemble);
  expect(tree.has('/few/0')).toBe(true);
});

/** As if a leader that is lost had sent its whole history, with so many transactions that nobody else ever had. */
function keepOneSnapshot({ dataDir }: ServerProcess, aheadCount: bigint): void {
  const folder = join(dataDir, 'version-2');
  const newestFirst = readdirSync(folder)
    .map((name) => ({ name, kind: name.split('.')[0], zxid: zxidIn(name) }))
    .filter(({ kind }) => kind === 'log' || kind === 'snapshot')
    .sort((a, b) => Number(b.zxid - a.zxid));
  const newest = newestFirst.find(({ kind }) => kind === 'snapshot');
  if (newest === undefined) throw new Error(`no snapshot in ${folder}`);
  const ahead = newestFirst.reduce((max, { zxid }) => (zxid > max ? zxid : max), 0n) + aheadCount;
  for (const file of newestFirst) if (file !== newest) rmSync(join(folder, file.name));
  renameSync(join(folder, newest.name), join(folder, `snapshot.${ahead.toString(16)}`));
}

const zxidIn = (name: string): bigint => BigInt(`0x${/\.([0-9a-f]+)$/.exec(name)?.[1] ?? '0'}`);

function logHolds(server: ServerProcess, text: string): boolean {
  const folder = join(server.dataDir, 'version-2');
  return readdirSync(folder)
    .filter((name) => name.startsWith('log.'))
    .some((name) => readFileSync(join(folder, name)).includes(text));
}
