/** What the inspector says of data directories: Apache ZooKeeper's own, and damaged ones. */

import { describe, expect, test } from 'vitest';
import { fileSetsOf, type NamedBytes } from '../../../src/inspector/dataFiles.ts';
import { Inspection } from '../../../src/inspector/inspection.ts';
import { logHeader } from '../../../src/storage/txnLogFormat.ts';
import { decodeTxn } from '../../../src/wire/txns.ts';
import {
  decodedOf,
  filesOf,
  type GoldenDirectory,
  goldenDirectories,
  selected,
} from '../storage/goldenDisk.ts';
import { logRecord } from '../storage/storageWorld.ts';

const namedFiles = (directory: GoldenDirectory): NamedBytes[] =>
  [...filesOf(directory)].map(([path, bytes]) => ({ path, bytes }));

function inspect(files: readonly NamedBytes[]): Inspection {
  const [set] = fileSetsOf(files);
  if (set === undefined) throw new Error('no files');
  return new Inspection(set);
}

const learner = selected('learner-after-snap/server.2/version-2');
const cut = selected('trunc-only/before/version-2');

describe('a directory that Apache ZooKeeper wrote', () => {
  test.each(goldenDirectories())('$name is whole, and its digests fit', (directory) => {
    const { report } = inspect(namedFiles(directory));
    const isDiverged = directory.name.startsWith('diverged-snap/after');
    const damage = report.findings.filter(({ weight }) => weight === 'damage');
    // A deposed leader keeps the transactions it lost under its new snapshot, and logs go on from there.
    if (!isDiverged) expect(damage).toEqual([]);
    expect(report.digests.wrong).toBe(0);
    expect(report.files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['acceptedEpoch', 'currentEpoch']),
    );
  });

  test('the table has every transaction, as the log holds it', () => {
    const inspection = inspect(namedFiles(cut));
    const { txnCount, lastZxid } = inspection.report;
    expect(txnCount).toBeGreaterThan(0);
    const rows = inspection.rows(0, txnCount);
    expect(rows).toHaveLength(txnCount);
    expect(rows.at(-1)?.zxid).toBe(lastZxid);
    for (const row of rows) {
      const detail = inspection.detail(row.index);
      const { header } = decodeTxn(detail?.payload ?? new Uint8Array());
      expect(`0x${header.zxid.toString(16)}`).toBe(row.zxid);
    }
  });

  test('the tree at the last zxid is the one its snapshot holds', () => {
    const inspection = inspect(namedFiles(learner));
    const snapshots = [...filesOf(learner).keys()].filter((name) => name.startsWith('snapshot.'));
    const newest = snapshots
      .sort((left, right) => left.length - right.length || (left < right ? -1 : 1))
      .at(-1);
    const decoded = decodedOf(learner, newest ?? '') as { nodes: { path: string }[] };
    const zxid = `0x${newest?.split('.')[1] ?? ''}`;
    for (const { path } of decoded.nodes.filter(({ path: at }) => at !== '')) {
      expect(inspection.nodeAt(zxid, path)?.path).toBe(path);
    }
  });
});

describe('fields and bytes', () => {
  test('every byte of every transaction belongs to one field', () => {
    for (const directory of goldenDirectories()) {
      const inspection = inspect(namedFiles(directory));
      for (let index = 0; index < inspection.report.txnCount; index++) {
        const detail = inspection.detail(index);
        const ends = detail?.fields.map(({ end }) => end) ?? [];
        const starts = detail?.fields.map(({ start }) => start) ?? [];
        expect(starts).toEqual([0, ...ends.slice(0, -1)]);
        expect(ends.at(-1)).toBe(detail?.payload.length);
        expect(detail?.fields.some(({ name }) => name === 'unreadable')).toBe(false);
      }
    }
  });
});

describe('time travel', () => {
  test('going back shows what going forward showed', () => {
    const inspection = inspect(namedFiles(cut));
    const zxids = inspection.rows(0, inspection.report.txnCount).map(({ zxid }) => zxid);
    const forward = zxids.map((zxid) => inspection.treeAt(zxid));
    const backward = [...zxids].reverse().map((zxid) => inspection.treeAt(zxid));
    expect(backward.reverse()).toEqual(forward);
    expect(new Set(forward.map(({ digest }) => digest)).size).toBeGreaterThan(1);
  });

  test('a node is not there before it was made', () => {
    const inspection = inspect(namedFiles(cut));
    const created = inspection
      .rows(0, inspection.report.txnCount)
      .find(({ type }) => type.startsWith('create') && type !== 'createSession');
    const path = created?.paths[0] ?? '';
    const before = inspection.zxidAt((created?.index ?? 0) - 1);
    expect(inspection.nodeAt(created?.zxid ?? '', path)?.path).toBe(path);
    expect(inspection.nodeAt(before, path)).toBeNull();
  });

  test('logs without what came before them say that the tree lacks its beginning', () => {
    const whole = inspect(namedFiles(cut));
    const later = Array.from({ length: whole.report.txnCount - 2 }, (_, index) =>
      whole.detail(index + 2),
    );
    const records = later.map((detail) => logRecord(detail?.payload ?? new Uint8Array()));
    const path = `log.${later[0]?.row.zxid.slice(2) ?? ''}`;
    const bytes = new Uint8Array(Buffer.concat([logHeader(), ...records]));
    const inspection = inspect([{ path, bytes }]);
    expect(inspection.report.txnCount).toBe(later.length);
    expect(inspection.treeAt(inspection.report.lastZxid).lacksBeginning).toBe(true);
    expect(inspection.report.digests.checked).toBe(false);
    expect(whole.treeAt(whole.report.lastZxid).lacksBeginning).toBe(false);
  });
});

describe('damage', () => {
  const changed = (files: NamedBytes[], name: RegExp, change: (bytes: Uint8Array) => Uint8Array) =>
    files.map((file) =>
      name.test(file.path) ? { ...file, bytes: change(file.bytes.slice()) } : file,
    );

  test('a flipped bit in a log is located at its record', () => {
    const whole = inspect(namedFiles(cut));
    const third = whole.rows(2, 1)[0];
    const at = (third?.offset ?? 0) + 20;
    const files = changed(namedFiles(cut), /^log\./, (bytes) => {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    });
    const { report } = inspect(files);
    const damage = report.findings.find(
      ({ file, weight }) => file === third?.file && weight === 'damage',
    );
    expect(damage?.offset).toBe(third?.offset);
    expect(damage?.text).toContain('checksum');
    expect(report.files.find(({ name }) => name === third?.file)?.verdict).toBe('damaged');
  });

  test('a torn last record is a note, not damage', () => {
    const whole = inspect(namedFiles(cut));
    const last = whole.rows(whole.report.txnCount - 1, 1)[0];
    const end = (last?.offset ?? 0) + (last?.sizeBytes ?? 0) / 2;
    const files = changed(namedFiles(cut), /^log\./, (bytes) => bytes.subarray(0, end));
    const { report } = inspect(files);
    expect(report.findings.filter(({ weight }) => weight === 'damage')).toEqual([]);
    expect(report.findings.map(({ text }) => text).join()).toContain('never finished');
    expect(report.txnCount).toBe(whole.report.txnCount - 1);
  });

  test('a snapshot whose seal does not fit is refused by name, and the rest is still read', () => {
    const files = changed(namedFiles(learner), /^snapshot\.10/, (bytes) => {
      bytes[60] = (bytes[60] ?? 0) ^ 0xff;
      return bytes;
    });
    const { report } = inspect(files);
    const damaged = report.files.filter(({ verdict }) => verdict === 'damaged');
    expect(damaged.map(({ kind }) => kind)).toContain('snapshot');
  });

  test('any bytes at all are answered with findings, never with a failure', () => {
    for (let seed = 1; seed < 200; seed++) {
      const noise = new Uint8Array(seed * 7).map((_, index) => (index * seed * 31 + seed) & 0xff);
      const header = (seed % 2 === 0 ? 'ZKLG' : 'ZKSN')
        .split('')
        .map((letter) => letter.charCodeAt(0));
      noise.set([...header, 0, 0, 0, 2].slice(0, noise.length));
      const files = [
        { path: 'log.1', bytes: noise },
        { path: 'snapshot.1', bytes: noise },
      ];
      const { report } = inspect(files);
      expect(report.findings.length).toBeGreaterThan(0);
    }
  });
});

describe('the filter', () => {
  test('keeps what names a path, a session or a zxid', () => {
    const inspection = inspect(namedFiles(cut));
    const all = inspection.report.txnCount;
    const some = inspection.rows(0, all).find(({ paths }) => paths.length > 0);
    const path = some?.paths[0] ?? '';
    const kept = inspection.filter({ text: path, types: null });
    expect(kept).toBeGreaterThan(0);
    expect(inspection.rows(0, kept).every((row) => row.paths.some((at) => at.includes(path)))).toBe(
      true,
    );
    expect(inspection.filter({ text: '', types: [some?.type ?? ''] })).toBeLessThanOrEqual(all);
    expect(inspection.filter({ text: '', types: null })).toBe(all);
  });
});

describe('several servers', () => {
  test('the same names in different folders are different servers', () => {
    const bytes = new Uint8Array();
    const sets = fileSetsOf([
      { path: 'a/server.1/version-2/log.100000001', bytes },
      { path: 'a/server.2/version-2/log.100000001', bytes },
      { path: 'a/server.2/myid', bytes },
    ]);
    expect(sets.map(({ folder }) => folder)).toEqual(['a/server.1', 'a/server.2']);
  });

  test('logs and snapshots that lie apart are one server', () => {
    const bytes = new Uint8Array();
    const sets = fileSetsOf([
      { path: 'a/data/version-2/snapshot.0', bytes },
      { path: 'a/logs/version-2/log.100000001', bytes },
    ]);
    expect(sets).toHaveLength(1);
    expect(sets[0]?.folder).toBe('a');
  });
});
