import { describe, expect, it } from 'vitest';
import { Adler32 } from '../../../src/storage/adler32.ts';
import { SEAL_BYTES } from '../../../src/storage/snapshotFormat.ts';
import { logHeader, TxnLogParser, type LogRecord } from '../../../src/storage/txnLogFormat.ts';
import { zxid } from '../../../src/wire/ids.ts';
import { JuteReader, toBytes } from '../../../src/wire/jute.ts';
import { decodeTxn, encodeTxn } from '../../../src/wire/txns.ts';
import { fromHex, goldenFiles, toHex } from '../wire/goldenFiles.ts';
import {
  decodedOf,
  filesOf,
  goldenDirectories,
  selected,
  type GoldenDirectory,
} from './goldenDisk.ts';
import { logRecord, StorageWorld, z } from './storageWorld.ts';

const NONE = new Uint8Array(0);

interface DecodedSnapshot {
  readonly sessions: readonly { readonly sessionId: string; readonly timeout: number }[];
  readonly aclCache: readonly { readonly index: string; readonly acl: unknown }[];
  readonly nodes: readonly {
    readonly path: string;
    readonly data: string | null;
    readonly acl: string;
    readonly stat: Record<string, string | number>;
  }[];
}

interface DecodedLog {
  readonly txns: readonly { readonly offset: number; readonly length: number }[];
  readonly end: { readonly offset: number };
}

function worldOn(
  directory: GoldenDirectory,
  keep: (name: string) => boolean = () => true,
): StorageWorld {
  const world = new StorageWorld();
  for (const [name, bytes] of filesOf(directory)) if (keep(name)) world.disk.put(name, bytes);
  return world;
}

/** Zxid, version and tree digest, and the seal behind them. */
const DIGEST_AND_SEAL_BYTES = 20 + SEAL_BYTES;

function hasDigestOfItsZxid(name: string, file: Uint8Array): boolean {
  const digest = new JuteReader(file, file.length - DIGEST_AND_SEAL_BYTES);
  return digest.long() === BigInt(`0x${name.slice(name.indexOf('.') + 1)}`);
}

function recordsOf(bytes: Uint8Array): { records: LogRecord[]; sizeBytes: number } {
  const parser = new TxnLogParser();
  parser.push(bytes);
  parser.end();
  const records: LogRecord[] = [];
  for (;;) {
    const item = parser.next();
    if (item.kind === 'record') records.push(item.record);
    else if (item.kind === 'end') return { records, sizeBytes: item.sizeBytes };
    else throw new Error(JSON.stringify(item));
  }
}

const namesOf = (directory: GoldenDirectory, prefix: string): string[] =>
  [...filesOf(directory).keys()].filter((name) => name.startsWith(`${prefix}.`));

for (const directory of goldenDirectories()) {
  describe(directory.name, () => {
    it('loads without a digest that differs, up to the last logged transaction', () => {
      const world = worldOn(directory);
      const loaded = world.load();
      expect(world.eventsOf('digestMismatch')).toEqual([]);
      expect(world.eventsOf('snapshotRejected')).toEqual([]);
      const logged = namesOf(directory, 'log').flatMap(
        (name) => recordsOf(filesOf(directory).get(name) ?? new Uint8Array(0)).records,
      );
      const last = logged.reduce((max, { zxid }) => (zxid > max ? zxid : max), 0n);
      const snapshots = namesOf(directory, 'snapshot').map((name) => BigInt(`0x${name.slice(9)}`));
      expect(loaded.zxid).toBe([last, ...snapshots].reduce((a, b) => (a > b ? a : b)));
      expect(world.db.tree.lastProcessedZxid).toBe(loaded.zxid);
      world.ok<void>((done) => world.epochs.load(loaded.zxid, done));
      expect(world.epochs.acceptedEpoch).toBeGreaterThanOrEqual(world.epochs.currentEpoch);
    });

    for (const name of namesOf(directory, 'snapshot')) {
      it(`${name} holds what ZooKeeper wrote into it`, () => {
        const decoded = decodedOf(directory, name) as DecodedSnapshot | null;
        if (decoded === null) return;
        const { db } = (() => {
          const world = worldOn(directory, (file) => file === name);
          world.load();
          return world;
        })();
        const sessions = decoded.sessions.map((s) => [BigInt(s.sessionId), s.timeout]);
        expect(new Map(db.sessionsWithTimeouts)).toEqual(new Map(sessions as [bigint, number][]));
        const lists = new Map(decoded.aclCache.map(({ index, acl }) => [index, acl]));
        for (const expected of decoded.nodes) {
          const node = db.tree.getNode(expected.path);
          if (node === null) throw new Error(`no node ${expected.path}`);
          expect(node.data === null ? null : toHex(node.data)).toBe(expected.data);
          const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
          expect(db.tree.aclOf(node)).toEqual(lists.get(expected.acl) ?? open);
          for (const [field, value] of Object.entries(expected.stat)) {
            expect(`${field} ${String(node[field as keyof typeof node])}`).toBe(
              `${field} ${value}`,
            );
          }
        }
        // The root has two names.
        expect(db.tree.nodeCount).toBe(decoded.nodes.length + 1);
      });

      it(`${name} is loaded and written again in the same bytes`, () => {
        const world = worldOn(directory, (file) => file === name);
        world.load();
        world.takeSnapshot();
        const theirs = filesOf(directory).get(name) ?? NONE;
        const ours = world.disk.durable(name) ?? NONE;
        // ZooKeeper writes another's digest if transactions go on meanwhile, and none into what came as a SNAP.
        const end = hasDigestOfItsZxid(name, theirs) ? theirs.length : -DIGEST_AND_SEAL_BYTES;
        expect(toHex(ours.subarray(0, end))).toBe(toHex(theirs.subarray(0, end)));
      });
    }

    for (const name of namesOf(directory, 'log')) {
      it(`${name} is decoded and encoded again to the same bytes`, () => {
        const bytes = filesOf(directory).get(name) ?? new Uint8Array(0);
        const { records, sizeBytes } = recordsOf(bytes);
        const decoded = decodedOf(directory, name) as DecodedLog | null;
        if (decoded !== null) {
          expect(
            records.map(({ offset, payload }) => ({ offset, length: payload.length })),
          ).toEqual(decoded.txns.map(({ offset, length }) => ({ offset, length })));
          expect(sizeBytes).toBe(decoded.end.offset);
        }
        const again = [
          logHeader(),
          ...records.map(({ payload }) => logRecord(encodeTxn(decodeTxn(payload)))),
        ];
        expect(toHex(Buffer.concat(again))).toBe(toHex(bytes.subarray(0, sizeBytes)));
      });
    }
  });
}

describe('servers of one ensemble', () => {
  const ensembles = goldenDirectories().filter(({ name }) => name.startsWith('client-blocks'));
  it.skipIf(ensembles.length === 0)('load the same tree from their different files', () => {
    const digests = ensembles.map((directory) => {
      const world = worldOn(directory);
      world.load();
      return world.db.tree.treeDigest();
    });
    expect(digests).toHaveLength(3);
    expect(new Set(digests).size).toBe(1);
  });
});

describe('a deposed leader told to truncate', () => {
  it('is left with the bytes that ZooKeeper leaves', () => {
    const world = worldOn(selected('trunc-only/before/version-2'));
    expect(world.load().zxid).toBe(z(1, 6));
    world.ok((done) => world.db.truncateLog(z(1, 4), done));
    expect(world.db.tree.lastProcessedZxid).toBe(z(1, 4));
    const after = filesOf(selected('trunc-only/after/version-2')).get('log.100000001');
    expect(toHex(world.disk.durable('log.100000001') ?? NONE)).toBe(toHex(after ?? NONE));
    const cleanStart = worldOn(selected('trunc-only/after/version-2'));
    cleanStart.load();
    expect(world.db.tree.treeDigest()).toBe(cleanStart.db.tree.treeDigest());
  });
});

interface CapturedPackets {
  readonly packets?: readonly CapturedPacket[];
  readonly connections?: readonly { readonly packets: readonly CapturedPacket[] }[];
}
interface CapturedPacket {
  readonly zxid: string;
  readonly snapshot?: { readonly streamHex: string };
}

const SIGNATURE = toBytes((writer) => writer.string('BenWasHere'));

describe('snapshots that ZooKeeper sent as SNAP', () => {
  for (const { name, content } of goldenFiles('quorum')) {
    const { packets = [], connections = [] } = content as CapturedPackets;
    const sent = [...packets, ...connections.flatMap((one) => one.packets)].flatMap(
      ({ zxid: at, snapshot }) => (snapshot === undefined ? [] : [{ at, ...snapshot }]),
    );
    if (sent.length === 0) continue;
    it(`${name}: are loaded and sent on in the same bytes`, () => {
      for (const { at, streamHex } of sent) {
        const world = new StorageWorld();
        world.load();
        const loader = world.db.beginSnapshotLoad();
        const stream = fromHex(streamHex);
        expect(loader.push(stream)).toBe(stream.length - SIGNATURE.length);
        world.ok<void>((done) => world.db.installSnapshot(loader, zxid(BigInt(at)), done));
        const frozen = world.db.beginSnapshotStream();
        const again: Uint8Array[] = [];
        for (let bytes = frozen.next(); bytes !== null; bytes = frozen.next()) again.push(bytes);
        expect(toHex(Buffer.concat([...again, SIGNATURE]))).toBe(streamHex);
      }
    });
  }
});

describe('a snapshot that ZooKeeper wrote', () => {
  it('is installed as a SNAP and loads again as the same tree', () => {
    const directory = selected('learner-after-snap/server.2/version-2');
    const bytes = filesOf(directory).get('snapshot.10000000d') ?? new Uint8Array(0);
    const original = worldOn(directory);
    original.load();
    const world = new StorageWorld();
    world.load();
    const loader = world.db.beginSnapshotLoad();
    const consumed = loader.push(bytes.subarray(16));
    world.ok<void>((done) => world.db.installSnapshot(loader, zxid(0x10000000dn), done));
    const body = bytes.subarray(16, 16 + (consumed ?? 0));
    const written = world.disk.durable('snapshot.10000000d') ?? new Uint8Array(0);
    expect(toHex(written.subarray(16, 16 + body.length))).toBe(toHex(body));
    const sum = new Adler32();
    sum.update(written, 0, written.length - 13);
    expect(new DataView(written.slice(-13).buffer).getBigUint64(0)).toBe(BigInt(sum.value));
    world.crash();
    world.load();
    expect(world.db.tree.treeDigest()).toBe(original.db.tree.treeDigest());
    expect(world.eventsOf('digestMismatch')).toEqual([]);
  });
});
