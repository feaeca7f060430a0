import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CreateMode, ErrorCode, KeeperError, type ZooKeeper } from '../../../src/node/client.ts';
import { Ensemble, type EnsembleOptions } from '../../../src/testing/ensemble.ts';

/** Real sockets and elections on a busy machine. */
const LIMIT_MS = 60_000;

let open: Ensemble[] = [];
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tabkeeper-ensemble-'));
});
afterEach(async () => {
  await Promise.all(open.map((ensemble) => ensemble.close()));
  open = [];
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: EnsembleOptions): Promise<Ensemble> {
  const ensemble = await Ensemble.start({ timeoutMs: LIMIT_MS, ...options });
  open.push(ensemble);
  return ensemble;
}

const text = async (client: ZooKeeper, path: string): Promise<string> => {
  await client.sync(path);
  const { data } = await client.getData(path);
  return new TextDecoder().decode(data ?? new Uint8Array());
};

/** A write that is surely done: one whose connection is lost on the way is in doubt, and is looked for. */
async function createSurely(client: ZooKeeper, path: string, data: string): Promise<void> {
  try {
    await client.create(path, data);
  } catch (error) {
    if (!(error instanceof KeeperError) || error.code !== ErrorCode.ConnectionLoss) throw error;
    await client.connected();
    if ((await client.exists(path)) === null) await createSurely(client, path, data);
  }
}

describe('an ensemble for tests', { timeout: LIMIT_MS }, () => {
  it('of one server serves alone', async () => {
    const ensemble = await start({});
    expect(ensemble.servers).toEqual([1]);
    expect(await ensemble.leader()).toBe(1);
    const client = await ensemble.connect();
    await client.create('/a', 'eins');
    expect(await text(client, '/a')).toBe('eins');
  });

  it('of three has one leader, and what one server acknowledges the others know', async () => {
    const ensemble = await start({ servers: 3, observers: 1 });
    const statuses = ensemble.servers.map((server) => ensemble.status(server));
    const states = statuses.map(({ state }) => state).sort();
    expect(states).toEqual(['FOLLOWING', 'FOLLOWING', 'LEADING', 'OBSERVING']);
    expect(ensemble.connectString.split(',')).toEqual(
      ensemble.servers.map((server) => ensemble.clientAddress(server)),
    );
    const client = await ensemble.connect();
    await client.create('/a', 'eins');
    const leader = await ensemble.leader();
    for (const server of ensemble.servers) await ensemble.waitForServing(server);
    expect(ensemble.status(leader)).toMatchObject({ running: true, leader, serving: true });
  });

  for (const where of ['memory', 'a directory']) {
    it(`elects another leader when one is killed, and takes it back on its data in ${where}`, async () => {
      const ensemble = await start({
        servers: 3,
        ...(where === 'memory' ? {} : { dataDir: folder }),
      });
      const client = await ensemble.connect();
      await client.create('/before', '1');
      const killed = await ensemble.leader();
      await ensemble.kill(killed);
      expect(ensemble.status(killed)).toMatchObject({ running: false, endedBecause: null });
      expect(await ensemble.leader()).not.toBe(killed);
      await createSurely(client, '/while', '2');
      await ensemble.restart(killed);
      await ensemble.waitForServing(killed);
      for (const server of ensemble.servers) await ensemble.stop(server);
      await Promise.all(ensemble.servers.map((server) => ensemble.restart(server)));
      await ensemble.waitForServing();
      const after = await ensemble.connect();
      expect(await text(after, '/before')).toBe('1');
      expect(await text(after, '/while')).toBe('2');
    });
  }

  it('leaves its data in the directory for the next ensemble', async () => {
    const first = await start({ dataDir: folder });
    await (await first.connect()).create('/kept', 'yes');
    await first.close();
    const second = await start({ dataDir: folder });
    expect(await text(await second.connect(), '/kept')).toBe('yes');
  });

  it('does not serve in the smaller part of a partition, and heals', async () => {
    const ensemble = await start({ servers: 3 });
    const former = await ensemble.leader();
    const others = ensemble.servers.filter((server) => server !== former);
    ensemble.partition([former]);
    await ensemble.waitForServing(...others);
    expect(await ensemble.leader()).not.toBe(former);
    const client = await ensemble.connect();
    await createSurely(client, '/while', 'cut off');
    // The others may be quicker than the tick at which it counts who is still in sync.
    await expect.poll(() => ensemble.status(former).serving).toBe(false);
    ensemble.heal();
    await ensemble.waitForServing(...ensemble.servers);
    expect(new Set(ensemble.servers.map((server) => ensemble.status(server).zxid)).size).toBe(1);
  });

  it('ends sessions whose client is gone, and their ephemeral nodes', async () => {
    const ensemble = await start({ servers: 1 });
    const [watcher, other] = [
      await ensemble.connect(),
      await ensemble.connect({ sessionTimeoutMs: 1_000 }),
    ];
    await other.create('/mine', 'x', { mode: CreateMode.EPHEMERAL });
    const gone = new Promise<string>((resolve) => {
      void watcher.exists('/mine', ({ name }) => resolve(name));
    });
    await other.close();
    expect(await gone).toBe('NodeDeleted');
  });

  it('tells what its servers do', async () => {
    const seen = new Set<string>();
    const ensemble = await start({
      servers: 3,
      topics: ['election'],
      onEvent: ({ sid, event }) => seen.add(`${sid} ${event.topic}`),
    });
    for (const server of ensemble.servers) {
      expect(seen).toContain(`${server} peer`);
      expect(seen).toContain(`${server} election`);
    }
  });

  it('refuses what cannot be, and says what would do', async () => {
    await expect(Ensemble.start({ servers: 0 })).rejects.toThrow('a whole number from 1 to 99');
    await expect(Ensemble.start({ observers: 1 })).rejects.toThrow('servers: 2 or more');
    const ensemble = await start({});
    await expect(ensemble.kill(4)).rejects.toThrow('there is no server 4; there are 1');
    expect(() => ensemble.partition([1], [9])).toThrow('there is no server 9');
  });

  it('says how its servers stand when what a test waits for does not come', async () => {
    const ensemble = await start({ servers: 3, timeoutMs: 5_000 });
    await ensemble.kill(await ensemble.leader());
    const [alone] = ensemble.servers.filter((server) => ensemble.status(server).running);
    for (const server of ensemble.servers) if (server !== alone) await ensemble.kill(server);
    await expect(ensemble.leader()).rejects.toThrow(`${alone}: LOOKING`);
  });

  it('gives a session up in time when nobody answers', async () => {
    const ensemble = await start({});
    await ensemble.kill(1);
    const trying = ensemble.connect({ connectTimeoutMs: 200 });
    await expect(trying).rejects.toMatchObject({ code: ErrorCode.ConnectionLoss });
    await expect(trying).rejects.toThrow('within 200 ms');
  });
});
