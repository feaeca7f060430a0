import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { LOG_HEADER_BYTES, TxnLogParser } from '../../../src/storage/txnLogFormat.ts';
import { sessionId, zxid, type Zxid } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { decodeTxn, encodeTxn } from '../../../src/wire/txns.ts';
import { crashAtEveryEvent } from './crashes.ts';
import { createAt, createsAfter, StorageWorld, txnAt, z, zxidsIn } from './storageWorld.ts';

function loaded(...parameters: ConstructorParameters<typeof StorageWorld>): StorageWorld {
  const world = new StorageWorld(...parameters);
  world.load();
  return world;
}

const zxidsOf = (entries: readonly { readonly zxid: Zxid }[]): Zxid[] =>
  entries.map((entry) => entry.zxid);

function payloadsOf(bytes: Uint8Array | null): Uint8Array[] {
  const parser = new TxnLogParser();
  parser.push(bytes ?? new Uint8Array(0));
  parser.end();
  const payloads: Uint8Array[] = [];
  for (let item = parser.next(); item.kind === 'record'; item = parser.next()) {
    payloads.push(item.record.payload);
  }
  return payloads;
}

describe('an empty disk', () => {
  it('is a new server: it begins at 0 with snapshot.0, and starts from that again', () => {
    const world = new StorageWorld();
    expect(world.load()).toEqual({ zxid: 0n, snapshot: null, replayedCount: 0 });
    expect(world.disk.names()).toEqual(['snapshot.0']);
    world.crash();
    expect(world.load()).toMatchObject({ zxid: 0n, snapshot: 'snapshot.0' });
  });

  it('is not trusted where db.autocreate is off: it has no zxid, and writes nothing', () => {
    const world = new StorageWorld({ dbAutocreate: false });
    expect(world.load().zxid).toBe(-1n);
    expect(world.db.tree.lastProcessedZxid).toBe(-1n);
    expect(world.disk.names()).toEqual([]);
  });

  it('is trusted once when an administrator says so', () => {
    const world = new StorageWorld({ dbAutocreate: false });
    world.disk.put('initialize', new Uint8Array(0));
    expect(world.load().zxid).toBe(0n);
    expect(world.disk.names()).toEqual(['snapshot.0']);
  });
});

describe('the log', () => {
  it('holds the bytes it was given, in a file named after the first', () => {
    const world = loaded();
    const entries = createsAfter(z(1, 0), 5);
    world.write(...entries);
    expect(world.disk.names()).toEqual(['log.100000001', 'snapshot.0']);
    expect(payloadsOf(world.disk.durable('log.100000001'))).toEqual(entries.map((e) => e.bytes));
    expect(world.db.lastDurableZxid).toBe(z(1, 5));
  });

  it('goes on in a new file after a start and after a roll', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 2));
    world.db.rollLog();
    world.write(...createsAfter(z(1, 2), 2));
    const before = world.disk.durable('log.100000003')?.length;
    world.crash();
    world.load();
    world.write(...createsAfter(z(1, 4), 1));
    expect(world.disk.names()).toEqual([
      'log.100000001',
      'log.100000003',
      'log.100000005',
      'snapshot.0',
    ]);
    expect(world.disk.durable('log.100000003')?.length).toBe(before);
  });

  it('is durable as far as a flush has answered, and the last durable zxid says so', () => {
    const world = loaded();
    world.append(...createsAfter(z(1, 0), 3));
    expect(world.db.lastAppendedZxid).toBe(z(1, 3));
    expect(world.db.lastDurableZxid).toBe(0n);
    world.ok<void>((done) => world.db.flush(done));
    expect(world.db.lastDurableZxid).toBe(z(1, 3));
    const [flushed] = world.eventsOf('flushed');
    expect(flushed).toMatchObject({ zxid: z(1, 3), groupCount: 3 });
  });

  it('refuses a transaction that does not follow', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 2));
    for (const at of [z(1, 2), z(1, 4), z(2, 2), z(0, 9)]) {
      expect(world.db.isNext(at)).toBe(false);
      expect(() => world.append(createAt(at))).toThrow(/logged after/);
    }
  });

  it('that crashes at any moment keeps all it flushed and nothing out of order', () => {
    crashAtEveryEvent(
      (seed) => {
        const world = loaded({}, { unflushed: 'anyPrefix' }, seed);
        world.write(...createsAfter(z(1, 0), 2));
        return world;
      },
      (world, answered) => {
        world.append(...createsAfter(z(1, 2), 3));
        world.db.flush(() => {
          world.append(...createsAfter(z(1, 5), 2));
          world.db.rollLog();
          world.append(...createsAfter(z(1, 7), 3));
          world.db.flush(answered);
          world.append(...createsAfter(z(1, 10), 2));
        });
      },
      (world, wasAnswered) => {
        world.load();
        const found = zxidsIn(world.db);
        expect(found).toEqual(zxidsOf(createsAfter(z(1, 0), found.length)));
        expect(found.length).toBeGreaterThanOrEqual(wasAnswered ? 10 : 2);
        expect(world.db.lastDurableZxid).toBe(found.at(-1));
        world.write(...createsAfter(z(1, found.length), 2));
        world.crash();
        world.load();
        expect(zxidsIn(world.db)).toHaveLength(found.length + 2);
      },
    );
  });

  it('whose first record was torn leaves no file that the next one could run into', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 1));
    world.crash();
    const torn = world.disk.durable('log.100000001')?.slice(0, LOG_HEADER_BYTES + 20);
    world.disk.put('log.100000001', torn ?? new Uint8Array(0));
    expect(world.load().zxid).toBe(0n);
    expect(world.disk.names()).toEqual(['snapshot.0']);
    expect(world.eventsOf('tailCut')).toMatchObject([{ file: 'log.100000001', sizeBytes: 0 }]);
    world.write(...createsAfter(z(1, 0), 1));
    world.crash();
    expect(world.load().zxid).toBe(z(1, 1));
  });
});

describe('a start', () => {
  it('looks through what a killed server had preallocated in few steps, to the last byte', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 3));
    const log = world.disk.durable('log.100000001') ?? new Uint8Array(0);
    const padded = new Uint8Array(16 * 1024 * 1024);
    padded.set(log);
    world.disk.put('log.100000001', padded);
    world.crash();
    const reads = vi.spyOn(world.disk, 'slice');
    expect(world.load().zxid).toBe(z(1, 3));
    const logReads = reads.mock.calls.filter(([name]) => name.startsWith('log.'));
    expect(logReads.length).toBeLessThan(10);

    padded[padded.length - 1] = 1;
    world.disk.put('log.100000001', padded);
    world.crash();
    expect(() => world.load()).toThrow(/is not zero/);
  });

  it('replays what the log holds beyond the newest snapshot', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 3));
    world.takeSnapshot();
    world.write(...createsAfter(z(1, 3), 2), createAt(z(2, 1)));
    const digest = world.db.tree.treeDigest();
    world.crash();
    const start = world.load();
    expect(start).toEqual({ zxid: z(2, 1), snapshot: 'snapshot.100000003', replayedCount: 3 });
    expect(world.db.tree.treeDigest()).toBe(digest);
    expect(zxidsOf(world.db.committedLog)).toEqual([z(1, 4), z(1, 5), z(2, 1)]);
    expect(world.db.minCommittedLog).toBe(z(1, 4));
    expect(world.db.maxCommittedLog).toBe(z(2, 1));
  });

  it('replays transactions that were logged and never committed, too', () => {
    const world = loaded();
    world.append(...createsAfter(z(1, 0), 3));
    world.ok<void>((done) => world.db.flush(done));
    expect(zxidsIn(world.db)).toEqual([]);
    world.crash();
    world.load();
    expect(zxidsIn(world.db)).toHaveLength(3);
  });

  it('knows the sessions, from the snapshot and from the log', () => {
    const world = loaded();
    const open = (at: Zxid, timeOut: number) => txnAt(at, { type: OpCode.createSession, timeOut });
    world.write(open(z(1, 1), 4_000));
    world.takeSnapshot();
    world.crash();
    world.load();
    expect([...world.db.sessionsWithTimeouts]).toEqual([[sessionId(7n), 4_000]]);
    world.write(txnAt(z(1, 2), { type: OpCode.closeSession, paths2Delete: [] }));
    expect(world.db.sessionsWithTimeouts.size).toBe(0);
    world.crash();
    world.load();
    expect(world.db.sessionsWithTimeouts.size).toBe(0);
  });

  it('refuses a gap and names the file and the byte', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 2));
    world.db.rollLog();
    world.write(...createsAfter(z(1, 2), 2));
    world.db.rollLog();
    world.write(...createsAfter(z(1, 4), 2));
    world.crash();
    world.disk.put('log.100000003', world.disk.durable('log.100000005') ?? new Uint8Array(0));
    const renamed = world.call((done: (r: unknown) => void) => world.db.load(done));
    expect(renamed).toMatchObject({ ok: false, error: { kind: 'corrupt', file: 'log.100000003' } });

    const missing = loaded();
    missing.write(...createsAfter(z(1, 0), 2));
    missing.crash();
    missing.disk.put('log.100000005', world.disk.durable('log.100000005') ?? new Uint8Array(0));
    const gap = missing.call((done: (r: unknown) => void) => missing.db.load(done));
    expect(gap).toMatchObject({ ok: false, error: { kind: 'incomplete', file: 'log.100000005' } });
    expect(JSON.stringify(gap)).toMatch(
      /0x100000005 at byte 16 of log\.100000005 cannot follow 0x100000002/,
    );
    expect(missing.failures).toHaveLength(1);
  });

  it('refuses a log with a damaged record in the middle', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 4));
    world.crash();
    world.disk.corrupt('log.100000001', LOG_HEADER_BYTES + 30);
    const result = world.call((done: (r: unknown) => void) => world.db.load(done));
    expect(result).toMatchObject({ ok: false, error: { kind: 'corrupt', file: 'log.100000001' } });
    expect(JSON.stringify(result)).toMatch(/log\.100000001 is damaged at byte 16/);
    expect(world.db.initialized).toBe(false);
  });

  it('takes the next older snapshot when the newest is damaged, anywhere', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 3));
    world.takeSnapshot();
    const digest = world.db.tree.treeDigest();
    world.crash();
    const sizeBytes = world.disk.durable('snapshot.100000003')?.length ?? 0;
    for (let offset = 0; offset < sizeBytes; offset += 3) {
      world.disk.corrupt('snapshot.100000003', offset);
      expect(world.load()).toMatchObject({ snapshot: 'snapshot.0', zxid: z(1, 3) });
      expect(world.db.tree.treeDigest()).toBe(digest);
      world.disk.corrupt('snapshot.100000003', offset);
    }
    expect(world.load()).toMatchObject({ snapshot: 'snapshot.100000003' });
    expect(world.eventsOf('snapshotRejected')).toHaveLength(Math.ceil(sizeBytes / 3));
  });

  it('takes the next older snapshot when the newest is cut short, anywhere', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 3));
    world.takeSnapshot();
    world.crash();
    const whole = world.disk.durable('snapshot.100000003')?.slice() ?? new Uint8Array(0);
    // A snapshot from before digests ends with its first seal.
    const oldEnd = whole.length - 33;
    for (let length = oldEnd % 5; length < whole.length; length += 5) {
      world.disk.put('snapshot.100000003', whole.slice(0, length));
      const snapshot = length === oldEnd ? 'snapshot.100000003' : 'snapshot.0';
      expect(world.load()).toMatchObject({ snapshot, zxid: z(1, 3) });
    }
  });

  it('refuses to fall back to a snapshot from which the log does not reach the damaged one', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 3));
    world.takeSnapshot();
    world.crash();
    world.disk.put('log.100000001', new Uint8Array(0));
    world.disk.corrupt('snapshot.100000003', 40);
    const result = world.call((done: (r: unknown) => void) => world.db.load(done));
    expect(result).toMatchObject({ ok: false, error: { kind: 'incomplete' } });
  });

  it('refuses logs without a snapshot unless told to trust them', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 3));
    world.crash();
    const log = world.disk.durable('log.100000001')?.slice() ?? new Uint8Array(0);
    const orphan = new StorageWorld();
    orphan.disk.put('log.100000001', log);
    const result = orphan.call((done: (r: unknown) => void) => orphan.db.load(done));
    expect(result).toMatchObject({ ok: false, error: { kind: 'incomplete' } });
    expect(JSON.stringify(result)).toMatch(/snapshot\.trust\.empty/);
    orphan.crash({ snapshotTrustEmpty: true });
    expect(orphan.load()).toEqual({ zxid: z(1, 3), snapshot: null, replayedCount: 3 });
  });

  it('refuses snapshots of which none can be read, and says that compressed ones cannot', () => {
    const world = new StorageWorld();
    world.disk.put('snapshot.100000003.gz', new Uint8Array(100));
    const result = world.call((done: (r: unknown) => void) => world.db.load(done));
    expect(result).toMatchObject({ ok: false, error: { kind: 'incomplete' } });
    expect(JSON.stringify(result)).toMatch(/snapshot\.100000003\.gz.*compressed/);
  });

  it('leaves every other event its turn while it replays', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 2_000));
    world.crash();
    let turns = 0;
    let isLoaded = false;
    world.db.load(() => {
      isLoaded = true;
    });
    while (!isLoaded && world.time.step()) turns++;
    expect(turns).toBeGreaterThan(2_000 / 128);
    expect(world.db.committedLog).toHaveLength(501);
  });
});

describe('a transaction with a digest', () => {
  it('that the tree does not have is told, in a replay as in a live tree', () => {
    const world = loaded();
    const { zxid: at, bytes } = createAt(z(1, 1));
    const { header, txn } = decodeTxn(bytes);
    const wrong = { header, txn, digest: { version: 2, treeDigest: 12n } };
    world.write({ zxid: at, bytes: encodeTxn(wrong) });
    const actual = world.db.tree.treeDigest();
    const mismatch = { zxid: at, expected: 12n, actual };
    expect(world.eventsOf('digestMismatch')).toMatchObject([mismatch]);
    world.crash();
    world.load();
    expect(world.eventsOf('digestMismatch')).toMatchObject([mismatch, mismatch]);
  });
});

describe('a snapshot', () => {
  it('of a server that keeps no digest has none, and says nothing against the tree of one that does', () => {
    const world = new StorageWorld({ digestEnabled: false });
    world.load();
    world.write(...createsAfter(z(1, 0), 5));
    world.takeSnapshot();
    world.crash({ digestEnabled: true });
    expect(world.load()).toMatchObject({ snapshot: 'snapshot.100000005', zxid: z(1, 5) });
    expect(world.eventsOf('digestMismatch')).toEqual([]);
  });

  it('holds the instant it was asked for, sessions and tree, while writes go on', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 3_000, 'x'.repeat(100)));
    const frozen = world.db.tree.treeDigest();
    let taken = false;
    world.db.takeSnapshot((result) => {
      taken = result.ok;
    });
    expect(world.db.snapshotInProgress).toBe(true);
    let next = 3_000;
    while (!taken) {
      const session = txnAt(z(1, ++next), { type: OpCode.createSession, timeOut: 9_000 });
      for (const entry of [session, createAt(z(1, ++next))]) {
        world.append(entry);
        world.apply(entry);
      }
      world.time.step();
    }
    world.ok<void>((done) => world.db.flush(done));
    expect(world.db.snapshotInProgress).toBe(false);
    expect(next).toBeGreaterThan(3_005);
    const snapshot = world.disk.durable('snapshot.100000bb8')?.slice() ?? new Uint8Array(0);
    const reader = new StorageWorld();
    reader.disk.put('snapshot.100000bb8', snapshot);
    expect(reader.load().zxid).toBe(z(1, 3_000));
    expect(reader.db.tree.treeDigest()).toBe(frozen);
    expect(reader.db.sessionsWithTimeouts.size).toBe(0);
    expect(reader.eventsOf('digestMismatch')).toEqual([]);
    world.crash();
    expect(world.load()).toMatchObject({ snapshot: 'snapshot.100000bb8', zxid: z(1, next) });
  });

  it('is there wholly or not at all when the server crashes', () => {
    crashAtEveryEvent(
      (seed) => {
        const world = loaded({}, {}, seed);
        world.write(...createsAfter(z(1, 0), 20));
        return world;
      },
      (world, answered) => {
        world.db.rollLog();
        world.db.takeSnapshot(answered);
        world.append(...createsAfter(z(1, 20), 3));
      },
      (world, wasAnswered) => {
        const start = world.load();
        expect(start.zxid).toBeGreaterThanOrEqual(z(1, 20));
        expect(zxidsIn(world.db).length).toBe(Number(start.zxid & 0xffffn));
        if (wasAnswered) expect(start.snapshot).toBe('snapshot.100000014');
        expect(world.eventsOf('snapshotRejected')).toEqual([]);
      },
    );
  });
});

describe('a failing disk', () => {
  it('is told of once, and nothing is written afterwards', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 1));
    world.disk.failNext('full', (operation) => operation === 'append');
    world.append(...createsAfter(z(1, 1), 1));
    expect(world.call((done: (r: unknown) => void) => world.db.flush(done))).toMatchObject({
      ok: false,
      error: { kind: 'full' },
    });
    expect(world.failures).toMatchObject([{ kind: 'full' }]);
    expect(world.db.lastDurableZxid).toBe(z(1, 1));
    world.append(...createsAfter(z(1, 1), 1));
    const again = world.call((done: (r: unknown) => void) => world.db.flush(done));
    expect(again).toMatchObject({ ok: false, error: { kind: 'full' } });
    expect(world.failures).toHaveLength(1);
    expect(world.eventsOf('failed')).toHaveLength(1);
  });

  it('that fails under a snapshot stops the server, too', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 1));
    world.disk.failNext('failed', (operation) => operation === 'replace');
    const result = world.call((done: (r: unknown) => void) => world.db.takeSnapshot(done));
    expect(result).toMatchObject({ ok: false });
    expect(world.failures).toHaveLength(1);
  });
});

describe('the committed log', () => {
  it('keeps the newest, one more than its limit, and refuses a hole', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 700));
    expect(world.db.committedLog).toHaveLength(501);
    expect(world.db.minCommittedLog).toBe(z(1, 200));
    expect(world.db.maxCommittedLog).toBe(z(1, 700));
    expect(() => world.db.addCommittedProposal(z(1, 702), new Uint8Array(0))).toThrow(
      /cannot follow/,
    );
  });
});

describe('history read back from the log', () => {
  function withLog(): StorageWorld {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 10));
    world.db.rollLog();
    world.write(...createsAfter(z(1, 10), 10));
    world.db.rollLog();
    world.write(...createsAfter(z(1, 20), 10));
    return world;
  }

  const read = (world: StorageWorld, start: Zxid, limitBytes = 0) =>
    world.ok<readonly { zxid: Zxid; bytes: Uint8Array }[] | null>((done) =>
      world.db.proposalsFromTxnLog(start, limitBytes, done),
    );

  it('begins with the file that holds the transaction asked for', () => {
    const world = withLog();
    const proposals = read(world, z(1, 15)) ?? [];
    expect(zxidsOf(proposals)).toEqual(zxidsOf(createsAfter(z(1, 10), 20)));
    expect(proposals.map(({ bytes }) => bytes)).toEqual(
      createsAfter(z(1, 10), 20).map(({ bytes }) => bytes),
    );
  });

  it('is refused where it does not reach back, and where it is larger than the limit', () => {
    const world = withLog();
    expect(read(world, zxid(0n))).toBeNull();
    expect(read(world, z(1, 15), 100)).toBeNull();
    expect(read(world, z(1, 15), -1)).toBeNull();
    expect(read(world, z(1, 1))).toHaveLength(30);
  });

  it('is weighed against the limit without the file it begins with, as by ZooKeeper', () => {
    const world = withLog();
    expect(read(world, z(1, 25), 1)).toHaveLength(10);
    expect(read(world, z(1, 15), 1)).toBeNull();
  });

  it('ends with what has been applied: proposals that may yet be discarded are not handed on', () => {
    const world = withLog();
    world.append(...createsAfter(z(1, 30), 5));
    expect(zxidsOf(read(world, z(1, 25)) ?? []).at(-1)).toBe(z(1, 30));
  });

  it('that is damaged is told of and spared, and the server goes on', () => {
    const world = withLog();
    world.disk.corrupt('log.100000001', LOG_HEADER_BYTES + 40);
    expect(read(world, z(1, 5))).toBeNull();
    expect(world.eventsOf('failed')).toMatchObject([{ kind: 'corrupt', file: 'log.100000001' }]);
    expect(world.failures).toEqual([]);
    world.write(...createsAfter(z(1, 30), 1));
  });

  it('knows how large it may be', () => {
    const world = withLog();
    const snapshotBytes = world.disk.durable('snapshot.0')?.length ?? 0;
    expect(world.db.txnLogSizeLimitBytes).toBe(Math.floor(snapshotBytes * 0.33));
    expect(loaded({ snapshotSizeFactor: -1 }).db.txnLogSizeLimitBytes).toBe(-1);
  });
});

describe('the purge', () => {
  it('keeps the snapshots asked for and all logs they need', () => {
    const world = loaded();
    for (let round = 0; round < 6; round++) {
      world.write(...createsAfter(z(1, round * 10), 5));
      world.takeSnapshot();
      world.db.rollLog();
      world.write(...createsAfter(z(1, round * 10 + 5), 5));
    }
    world.disk.put('snapshot.10000003a', new Uint8Array(10));
    const removed = world.ok<readonly string[]>((done) => world.db.purge(3, done));
    expect(removed).toEqual([
      'snapshot.0',
      'snapshot.100000005',
      'snapshot.10000000f',
      'snapshot.100000019',
      'log.100000001',
      'log.100000006',
      'log.100000010',
    ]);
    world.crash();
    world.disk.corrupt('snapshot.100000037', 20);
    world.disk.corrupt('snapshot.10000002d', 20);
    expect(world.load()).toMatchObject({ snapshot: 'snapshot.100000023', zxid: z(1, 60) });
    expect(zxidsIn(world.db)).toHaveLength(60);
  });

  it('removes nothing when there are not more snapshots than that', () => {
    const world = loaded();
    world.write(...createsAfter(z(1, 0), 5));
    world.takeSnapshot();
    expect(world.ok<readonly string[]>((done) => world.db.purge(3, done))).toEqual([]);
    expect(() => world.db.purge(2, () => {})).toThrow(/too few/);
  });
});

describe('any mixture of writes, rolls, snapshots and crashes', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('appendOnly' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('roll' as const) }),
    fc.record({ kind: fc.constant('snapshot' as const), wait: fc.boolean() }),
    fc.record({ kind: fc.constant('purge' as const) }),
    fc.record({ kind: fc.constant('crash' as const), after: fc.integer({ min: 0, max: 6 }) }),
  );

  it('never loses what was flushed, never reorders, always starts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(step, { maxLength: 25 }),
        (seed, steps) => {
          const world = loaded({}, {}, seed);
          let flushed = 0;
          let appended = 0;
          for (const action of steps) {
            switch (action.kind) {
              case 'write': {
                const entries = createsAfter(z(1, appended), action.count);
                world.append(...entries);
                world.ok<void>((done) => world.db.flush(done));
                appended += action.count;
                flushed = appended;
                for (const entry of createsAfter(
                  world.db.tree.lastProcessedZxid || z(1, 0),
                  appended - Number(world.db.tree.lastProcessedZxid & 0xffffn),
                )) {
                  world.apply(entry);
                }
                break;
              }
              case 'appendOnly':
                world.append(...createsAfter(z(1, appended), action.count));
                world.db.flush(() => {});
                appended += action.count;
                break;
              case 'roll':
                world.db.rollLog();
                break;
              case 'snapshot':
                if (world.db.snapshotInProgress) break;
                if (action.wait) world.takeSnapshot();
                else world.db.takeSnapshot(() => {});
                break;
              case 'purge':
                world.db.purge(3, () => {});
                break;
              case 'crash': {
                for (let event = 0; event < action.after; event++) world.time.step();
                world.crash();
                world.load();
                const found = zxidsIn(world.db);
                expect(found).toEqual(zxidsOf(createsAfter(z(1, 0), found.length)));
                expect(found.length).toBeGreaterThanOrEqual(flushed);
                flushed = found.length;
                appended = found.length;
              }
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
