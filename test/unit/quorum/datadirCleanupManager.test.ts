import { describe, expect, test } from 'vitest';
import { makePeerConfig } from '../../../src/config/makePeerConfig.ts';
import type { PeerConfig } from '../../../src/config/peerConfig.ts';
import { DatadirCleanupManager } from '../../../src/quorum/datadirCleanupManager.ts';
import { RoleScope } from '../../../src/quorum/roleScope.ts';
import { databaseOptionsOf } from '../../../src/quorum/serverOptionsOf.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import type { StorageError } from '../../../src/storage/storageError.ts';
import { ZKDatabase } from '../../../src/storage/zkDatabase.ts';
import { sid } from '../../../src/wire/ids.ts';
import { zxidOf } from './roleBench.ts';

const HOUR_MS = 3_600_000;
/** As long as the disk may take. */
const MOMENT_MS = 1_000;

/** A server with a database that a test fills with snapshots, and a cleaner that has been started. */
class CleanedServer {
  readonly #simulation = new Simulation(1);
  readonly #machine = this.#simulation.machine('server-1', sid(1));
  readonly #db: ZKDatabase;
  readonly #scope: RoleScope;
  readonly cleaner: DatadirCleanupManager;
  readonly purges: (readonly string[])[] = [];
  #zxid = 0;

  constructor(config: Partial<PeerConfig>) {
    const peerConfig = makePeerConfig({
      sid: sid(1),
      quorumVerifier: null,
      dataDir: '/data',
      ...config,
    });
    const world = this.#machine.boot();
    const failed = (error: StorageError): never => {
      throw new Error(error.message);
    };
    this.#scope = new RoleScope(world, failed);
    this.#db = new ZKDatabase(world, databaseOptionsOf(peerConfig), failed);
    this.#simulation.subscribe(['storage'], ({ event }) => {
      if (event.type === 'purged') this.purges.push(event.removed);
    });
    this.#db.load(() => undefined);
    this.wait(MOMENT_MS);
    this.cleaner = new DatadirCleanupManager(this.#scope, this.#db, peerConfig);
  }

  get snapshots(): readonly string[] {
    return this.#machine.disk.names().filter((name) => name.startsWith('snapshot.'));
  }

  /** `count` more snapshots, of as many different moments. */
  grow(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#zxid += 1;
      this.#db.tree.lastProcessedZxid = zxidOf(1, this.#zxid);
      this.#db.takeSnapshot(() => undefined);
      this.wait(MOMENT_MS);
    }
  }

  wait(durationMs: number): void {
    this.#simulation.time.runFor(durationMs);
  }

  end(): void {
    this.#scope.close(() => undefined);
  }
}

describe('the cleaner of the data directory', () => {
  test('purges at once, and then again every interval', () => {
    const server = new CleanedServer({ purgeIntervalHours: 2 });
    server.grow(4);
    server.cleaner.start();
    server.wait(MOMENT_MS);
    expect(server.purges).toEqual([['snapshot.0', 'snapshot.100000001']]);
    server.grow(1);
    server.wait(2 * HOUR_MS - 10 * MOMENT_MS);
    expect(server.purges).toHaveLength(1);
    server.wait(20 * MOMENT_MS);
    expect(server.purges.at(-1)).toEqual(['snapshot.100000002']);
    server.grow(2);
    server.wait(2 * HOUR_MS);
    expect(server.purges.at(-1)).toEqual(['snapshot.100000003', 'snapshot.100000004']);
  });

  test('keeps three snapshots where nothing else is said, else as many as that', () => {
    for (const [config, kept] of [
      [{}, 3],
      [{ snapRetainCount: 5 }, 5],
    ] as const) {
      const server = new CleanedServer({ purgeIntervalHours: 1, ...config });
      server.grow(7);
      server.cleaner.start();
      server.wait(MOMENT_MS);
      expect(server.snapshots).toHaveLength(kept);
      expect(server.snapshots).toContain('snapshot.100000007');
    }
  });

  test('with an interval of 0, which is the default, never removes anything', () => {
    const server = new CleanedServer({});
    server.grow(7);
    server.cleaner.start();
    server.wait(48 * HOUR_MS);
    expect(server.snapshots).toHaveLength(8);
    expect(server.purges).toEqual([]);
  });

  test('purges no more once its server has stopped', () => {
    const server = new CleanedServer({ purgeIntervalHours: 1 });
    server.cleaner.start();
    server.wait(MOMENT_MS);
    server.grow(7);
    server.end();
    server.wait(3 * HOUR_MS);
    expect(server.snapshots).toHaveLength(8);
  });
});
