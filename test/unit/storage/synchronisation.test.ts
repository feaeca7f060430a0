import { describe, expect, it } from 'vitest';
import type { SnapshotStreamLoader } from '../../../src/storage/zkDatabase.ts';
import { JuteError, JuteWriter } from '../../../src/wire/jute.ts';
import { zxid, type Zxid } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { crashAtEveryEvent } from './crashes.ts';
import {
  createAt,
  createsAfter,
  StorageWorld,
  txnAt,
  z,
  zxidsIn,
  type TxnBytes,
} from './storageWorld.ts';

function loaded(seed = 1): StorageWorld {
  const world = new StorageWorld({}, {}, seed);
  world.load();
  return world;
}

const zxidsOf = (entries: readonly TxnBytes[]): Zxid[] => entries.map((entry) => entry.zxid);
const firstOf = (count: number): Zxid[] => zxidsOf(createsAfter(z(1, 0), count));

/** Three log files, 1-4, 5-8, 9-12, and snapshots at 4 and 8. */
function withHistory(seed = 1): StorageWorld {
  const world = loaded(seed);
  for (const from of [0, 4, 8]) {
    world.write(...createsAfter(z(1, from), 4));
    world.db.rollLog();
    if (from < 8) world.takeSnapshot();
  }
  return world;
}

/** The same, of which only some files are left. */
function withOnly(seed: number, kept: readonly string[]): StorageWorld {
  const all = withHistory().disk.durableFiles();
  const world = new StorageWorld({}, {}, seed);
  for (const name of kept) world.disk.put(name, all.get(name) ?? new Uint8Array(0));
  world.load();
  return world;
}

const truncate = (world: StorageWorld, to: Zxid) =>
  world.call<{ ok: boolean; error?: { kind: string; message: string } }>((done) =>
    world.db.truncateLog(to, done),
  );

describe('TRUNC', () => {
  it.each([12, 11, 8, 7, 5, 4, 3, 1])('to transaction %i leaves exactly that history', (last) => {
    const world = withHistory();
    expect(truncate(world, z(1, last))).toMatchObject({ ok: true });
    expect(zxidsIn(world.db)).toEqual(firstOf(last));
    expect(world.db.tree.lastProcessedZxid).toBe(z(1, last));
    expect(world.db.lastDurableZxid).toBe(z(1, last));
    const digest = world.db.tree.treeDigest();
    world.crash();
    expect(world.load().zxid).toBe(z(1, last));
    expect(world.db.tree.treeDigest()).toBe(digest);
    world.write(createAt(z(1, last + 1), 'another'), createAt(z(2, 1)));
    world.crash();
    expect(world.load().zxid).toBe(z(2, 1));
  });

  it('to the very beginning leaves an empty tree', () => {
    const world = withHistory();
    expect(truncate(world, zxid(0n))).toMatchObject({ ok: true });
    expect(world.disk.names()).toEqual(['snapshot.0']);
    expect(zxidsIn(world.db)).toEqual([]);
  });

  it('discards snapshots that are newer than its target', () => {
    const world = withHistory();
    truncate(world, z(1, 6));
    expect(world.disk.names()).toEqual([
      'log.100000001',
      'log.100000005',
      'snapshot.0',
      'snapshot.100000004',
    ]);
  });

  it('discards a snapshot of the tail that is still being taken', () => {
    const world = withHistory();
    let isAnswered = false;
    world.db.takeSnapshot(() => {
      isAnswered = true;
    });
    truncate(world, z(1, 6));
    world.time.runFor(1_000);
    expect(isAnswered).toBe(true);
    expect(world.db.snapshotInProgress).toBe(false);
    expect(world.disk.names()).not.toContain('snapshot.10000000c');
    world.crash();
    expect(world.load().zxid).toBe(z(1, 6));
  });

  it('cuts what was logged and not flushed yet, too', () => {
    const world = withHistory();
    world.append(...createsAfter(z(1, 12), 3));
    truncate(world, z(1, 12));
    world.crash();
    expect(world.load().zxid).toBe(z(1, 12));
  });

  it('to (e,0) leaves what the leader of e began with', () => {
    const world = withHistory();
    world.write(createAt(z(2, 1)), createAt(z(2, 2)));
    expect(truncate(world, z(2, 0))).toMatchObject({ ok: true });
    expect(zxidsIn(world.db)).toEqual(firstOf(12));
    expect(world.db.tree.lastProcessedZxid).toBe(z(2, 0));
    expect(world.db.lastDurableZxid).toBe(z(1, 12));
    world.write(createAt(z(2, 1), 'again'));
  });

  it.each([
    ['a transaction it never had', z(1, 13)],
    ['an epoch it never saw', z(2, 0)],
    ['a transaction of an epoch it never saw', z(0, 5)],
  ])('to %s changes nothing and says so', (_, target) => {
    const world = withHistory();
    const before = world.disk.names();
    expect(truncate(world, target)).toMatchObject({ ok: false, error: { kind: 'cannotTruncate' } });
    expect(world.disk.names()).toEqual(before);
    expect(zxidsIn(world.db)).toEqual(firstOf(12));
    expect(world.failures).toEqual([]);
    world.write(...createsAfter(z(1, 12), 1));
  });

  it('below the oldest snapshot changes nothing and says so', () => {
    const world = loaded();
    install(world, source(8), z(1, 8));
    world.write(...createsAfter(z(1, 8), 2));
    expect(truncate(world, z(1, 6))).toMatchObject({
      ok: false,
      error: { kind: 'cannotTruncate' },
    });
    world.crash();
    expect(world.load().zxid).toBe(z(1, 10));
  });

  const logs = ['log.100000001', 'log.100000005', 'log.100000009'];
  it.each<[string, (seed: number) => StorageWorld, number]>([
    ['with snapshots between', withHistory, 12],
    ['without', (seed) => withOnly(seed, ['snapshot.0', ...logs]), 12],
    [
      'with a hole that a snapshot covers, as ZooKeeper leaves it after a SNAP',
      (seed) =>
        withOnly(seed, ['snapshot.0', 'log.100000001', 'snapshot.100000008', 'log.100000009']),
      12,
    ],
  ])(
    'that crashes at any moment leaves part of the old history, at least its target (%s)',
    (_, build, last) => {
      const ends = new Set<bigint>();
      crashAtEveryEvent(
        build,
        (world, answered) => world.db.truncateLog(z(1, 3), answered),
        (world, wasAnswered) => {
          const { zxid: end } = world.load();
          expect(zxidsIn(world.db)).toEqual(firstOf(Number(end & 0xffn)));
          expect(end).toBeGreaterThanOrEqual(z(1, 3));
          expect(end).toBeLessThanOrEqual(z(1, last));
          if (wasAnswered) expect(end).toBe(z(1, 3));
          ends.add(end);
          expect(truncate(world, z(1, 3))).toMatchObject({ ok: true });
          expect(zxidsIn(world.db)).toEqual(firstOf(3));
        },
      );
      expect(ends.size).toBeGreaterThan(2);
    },
  );
});

/** A leader with `count` creates and a session. */
function source(count: number, inEpoch = 1): StorageWorld {
  const world = loaded();
  world.write(txnAt(z(inEpoch, 1), { type: OpCode.createSession, timeOut: 6_000 }));
  world.write(...createsAfter(z(inEpoch, 1), count - 1, `of epoch ${inEpoch}`));
  return world;
}

function streamOf(leader: StorageWorld): Uint8Array {
  const stream = leader.db.beginSnapshotStream();
  const slices: Uint8Array[] = [];
  for (let slice = stream.next(); slice !== null; slice = stream.next()) slices.push(slice);
  return new Uint8Array(Buffer.concat(slices));
}

function received(world: StorageWorld, leader: StorageWorld): SnapshotStreamLoader {
  const loader = world.db.beginSnapshotLoad();
  const bytes = streamOf(leader);
  expect(loader.push(bytes)).toBe(bytes.length);
  return loader;
}

function install(world: StorageWorld, leader: StorageWorld, at: Zxid): void {
  const loader = received(world, leader);
  world.ok<void>((done) => world.db.installSnapshot(loader, at, done));
}

describe('SNAP', () => {
  it('gives the learner the leader’s tree and sessions, durably', () => {
    const leader = source(10);
    const world = loaded();
    install(world, leader, z(1, 10));
    expect(world.db.tree.treeDigest()).toBe(leader.db.tree.treeDigest());
    expect(world.db.lastDurableZxid).toBe(z(1, 10));
    expect(world.disk.names()).toEqual(['snapshot.10000000a']);
    world.crash();
    expect(world.load()).toEqual({
      zxid: z(1, 10),
      snapshot: 'snapshot.10000000a',
      replayedCount: 0,
    });
    expect(world.db.tree.treeDigest()).toBe(leader.db.tree.treeDigest());
    expect([...world.db.sessionsWithTimeouts.values()]).toEqual([6_000]);
    world.write(...createsAfter(z(1, 10), 1));
    world.crash();
    expect(world.load().zxid).toBe(z(1, 11));
  });

  it('is read from pieces cut anywhere, up to where the next packet begins', () => {
    const leader = source(10);
    const bytes = streamOf(leader);
    const rest = new JuteWriter();
    rest.string('BenWasHere');
    const all = new Uint8Array([...bytes, ...rest.toBytes()]);
    for (const chunkBytes of [1, 2, 7, 64, all.length]) {
      const world = loaded();
      const loader = world.db.beginSnapshotLoad();
      let consumed: number | null = null;
      let offset = 0;
      while (consumed === null) {
        const chunk = all.slice(offset, offset + chunkBytes);
        consumed = loader.push(chunk);
        offset += consumed ?? chunk.length;
      }
      expect(offset).toBe(bytes.length);
      world.ok<void>((done) => world.db.installSnapshot(loader, z(1, 10), done));
      expect(world.db.tree.treeDigest()).toBe(leader.db.tree.treeDigest());
    }
  });

  it('leaves the learner’s memory alone until it is installed', () => {
    const world = withHistory();
    received(world, source(20, 2));
    expect(zxidsIn(world.db)).toEqual(firstOf(12));
    world.crash();
    expect(world.load().zxid).toBe(z(1, 12));
  });

  it('that is no snapshot is told by an error', () => {
    const loader = loaded().db.beginSnapshotLoad();
    expect(() => loader.push(new Uint8Array(100).fill(0xff))).toThrow(JuteError);
  });

  it('supersedes a log with a higher zxid: what a deposed leader logged never comes back', () => {
    const world = withHistory();
    install(world, source(6), z(1, 6));
    expect(world.disk.names()).toEqual(['snapshot.100000006']);
    world.crash();
    expect(world.load().zxid).toBe(z(1, 6));
    expect(zxidsIn(world.db)).not.toContain(z(1, 7));
    world.write(createAt(z(1, 7), 'agreed'));
  });

  it('supersedes the log for other learners, too', () => {
    const world = withHistory();
    install(world, source(20, 2), z(2, 20));
    world.write(...createsAfter(z(2, 20), 2));
    const proposals = world.ok<readonly TxnBytes[] | null>((done) =>
      world.db.proposalsFromTxnLog(z(1, 9), 0, done),
    );
    expect(proposals).toBeNull();
    expect(zxidsOf(world.db.committedLog as readonly TxnBytes[])).toEqual([z(2, 21), z(2, 22)]);
  });

  it.each([
    ['above', 20, z(2, 20), 2],
    ['below', 6, z(1, 6), 1],
  ])(
    'that crashes at any moment leaves all of the old history or all of the new (zxid %s the log’s)',
    (_, count, at, inEpoch) => {
      const leader = source(count, inEpoch);
      const newDigest = leader.db.tree.treeDigest();
      const oldDigest = withHistory().db.tree.treeDigest();
      const seen = { old: 0, new: 0 };
      crashAtEveryEvent(
        withHistory,
        (world, answered) => world.db.installSnapshot(received(world, leader), at, answered),
        (world, wasAnswered) => {
          const start = world.load();
          const isNew = start.zxid === at;
          seen[isNew ? 'new' : 'old']++;
          if (wasAnswered) expect(isNew).toBe(true);
          expect(start.zxid).toBe(isNew ? at : z(1, 12));
          expect(world.db.tree.treeDigest()).toBe(isNew ? newDigest : oldDigest);
          expect(world.disk.names()).not.toContain('installingSnapshot');
          if (isNew) expect(world.disk.names()).toHaveLength(1);
          world.crash();
          expect(world.load().zxid).toBe(start.zxid);
        },
      );
      expect(seen.old).toBeGreaterThan(0);
      expect(seen.new).toBeGreaterThan(0);
    },
  );

  it('with the zxid of a snapshot that is there already is told from it', () => {
    const leader = source(8);
    crashAtEveryEvent(
      withHistory,
      (world, answered) => world.db.installSnapshot(received(world, leader), z(1, 8), answered),
      (world) => {
        const { zxid: end } = world.load();
        const expected = end === z(1, 8) ? leader : withHistory();
        expect(world.db.tree.treeDigest()).toBe(expected.db.tree.treeDigest());
      },
    );
  });

  it('can be streamed to several learners while the leader writes on', () => {
    const leader = source(2_000);
    const digest = leader.db.tree.treeDigest();
    const streams = [leader.db.beginSnapshotStream(), leader.db.beginSnapshotStream()];
    const worlds = streams.map(() => loaded());
    const loaders = worlds.map((world) => world.db.beginSnapshotLoad());
    let at = 2_000;
    for (let open = streams.length; open > 0;) {
      open = 0;
      streams.forEach((stream, index) => {
        const slice = stream.next();
        if (slice === null) return;
        open++;
        loaders[index]?.push(slice);
        leader.apply(createAt(z(1, ++at)));
      });
    }
    worlds.forEach((world, index) => {
      const loader = loaders[index];
      if (loader === undefined) throw new Error('a loader for each');
      expect(streams[index]?.zxid).toBe(z(1, 2_000));
      world.ok<void>((done) => world.db.installSnapshot(loader, z(1, 2_000), done));
      expect(world.db.tree.treeDigest()).toBe(digest);
    });
    expect(at).toBeGreaterThan(2_003);
  });
});
