/** What is said of a restore before anything is replaced. */

import { describe, expect, test } from 'vitest';
import { fileSetsOf, type NamedBytes } from '../../../src/inspector/dataFiles.ts';
import {
  apacheLayout,
  serverFiles,
  withoutPadding,
} from '../../../src/inspector/directoryFiles.ts';
import {
  filesToWrite,
  type PreparedRestore,
  prepareRestore,
} from '../../../src/inspector/restorePlan.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { type Epoch, epoch, zxidToString } from '../../../src/wire/ids.ts';
import {
  filesOf,
  type GoldenDirectory,
  goldenDirectories,
  selected,
} from '../storage/goldenDisk.ts';

const clock: Clock = {
  now: () => 0,
  wallTime: () => 0,
  after: () => ({ cancel: () => {} }),
  soon: (task) => {
    const handle = setImmediate(task);
    return { cancel: () => clearImmediate(handle) };
  },
};

const cut = selected('trunc-only/before/version-2');
const namedFiles = (directory: GoldenDirectory): NamedBytes[] =>
  [...filesOf(directory)].map(([path, bytes]) => ({ path, bytes }));

function prepare(
  files: readonly NamedBytes[],
  promised: Epoch | null = null,
): Promise<PreparedRestore> {
  const [set] = fileSetsOf(files);
  if (set === undefined) throw new Error('no files');
  return prepareRestore(set, promised, clock);
}

const changed = (name: RegExp, change: (bytes: Uint8Array) => Uint8Array): NamedBytes[] =>
  namedFiles(cut).map((file) =>
    name.test(file.path) ? { ...file, bytes: change(file.bytes.slice()) } : file,
  );

const acceptedEpochIn = (files: readonly NamedBytes[]): string[] =>
  files
    .filter(({ path }) => path === 'acceptedEpoch')
    .map(({ bytes }) => new TextDecoder().decode(bytes));

describe('a directory that Apache ZooKeeper wrote', () => {
  test.each(goldenDirectories())(
    '$name: a server starts where its history ends',
    async (directory) => {
      if (directory.name.startsWith('diverged-snap/after')) return;
      const { plan } = await prepare(namedFiles(directory));
      expect(plan.refusal).toBeNull();
      expect(plan.started).not.toBeNull();
      expect(zxidToString(plan.started?.zxid ?? (0n as never))).toBe(plan.report.lastZxid);
      expect(plan.started?.acceptedEpoch).toBeGreaterThanOrEqual(plan.started?.currentEpoch ?? 0n);
    },
  );

  test('is laid out again as it lay, with the number of whoever has it', async () => {
    const { files } = await prepare(namedFiles(cut));
    const layout = apacheLayout([...files, { path: 'holiday.jpg', bytes: new Uint8Array(3) }], 7);
    expect(new TextDecoder().decode(layout[0]?.bytes)).toBe('7\n');
    expect(layout.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['myid', 'version-2/acceptedEpoch', 'version-2/currentEpoch']),
    );
    expect(layout.map(({ path }) => path)).not.toContain('version-2/holiday.jpg');
  });
});

describe('a promise that this server gave', () => {
  test('is kept over a restore of files from before it', async () => {
    const prepared = await prepare(namedFiles(cut), epoch(77));
    expect(prepared.plan.keepsPromise).toBe(true);
    expect(prepared.plan.started?.acceptedEpoch).toBe(77n);
    expect(acceptedEpochIn(filesToWrite(prepared, epoch(77)))).toEqual(['77']);
  });

  test('is kept if it was given after the plan was made', async () => {
    const prepared = await prepare(namedFiles(cut), epoch(77));
    expect(acceptedEpochIn(filesToWrite(prepared, epoch(78)))).toEqual(['78']);
  });

  test('gives way to a newer one in the files', async () => {
    const prepared = await prepare(namedFiles(cut), epoch(0));
    const { keepsPromise, started } = prepared.plan;
    expect(keepsPromise).toBe(false);
    expect(started?.acceptedEpoch).toBeGreaterThan(0n);
    expect(acceptedEpochIn(filesToWrite(prepared, epoch(0)))).toEqual([
      String(started?.acceptedEpoch),
    ]);
  });
});

describe('files that cannot be restored', () => {
  test('are refused with the file and the byte where a checksum does not fit', async () => {
    const { plan } = await prepare(
      changed(/^log\./, (bytes) => {
        bytes[60] = (bytes[60] ?? 0) ^ 1;
        return bytes;
      }),
    );
    expect(plan.started).toBeNull();
    expect(plan.refusal).toContain('damaged files');
    const [finding] = plan.report.findings;
    expect(finding?.file).toMatch(/^log\./);
    expect(finding?.text).toMatch(/Damaged at byte \d+: .*checksum/);
  });

  test('are refused as a server would refuse them: logs without a snapshot', async () => {
    const { plan } = await prepare(namedFiles(cut).filter(({ path }) => !/^snapshot/.test(path)));
    expect(plan.started).toBeNull();
    expect(plan.refusal).toContain('A server does not start on these files');
  });

  test('are refused as a server would refuse them: epochs that contradict each other', async () => {
    const { plan } = await prepare(
      changed(/^currentEpoch$/, () => new TextEncoder().encode('9000')),
    );
    expect(plan.refusal).toContain('accepted epoch');
  });
});

test('a torn last record is no reason to refuse: a server cuts it when it starts', async () => {
  const { plan } = await prepare(
    changed(/^log\./, (bytes) => withoutPadding(bytes).subarray(0, -5)),
  );
  expect(plan.refusal).toBeNull();
});

test('space that Apache ZooKeeper preallocated is left behind, and no transaction with it', async () => {
  const files = namedFiles(cut);
  const padded = files.map((file) =>
    file.path.startsWith('log.')
      ? {
          ...file,
          bytes: Uint8Array.from([...withoutPadding(file.bytes), ...new Uint8Array(5_000)]),
        }
      : file,
  );
  const [set] = fileSetsOf(padded);
  if (set === undefined) throw new Error('no files');
  const logs = serverFiles(set).filter(({ path }) => path.startsWith('log.'));
  for (const { path, bytes } of logs) {
    const original = files.find((file) => file.path === path)?.bytes ?? new Uint8Array();
    expect(Buffer.compare(bytes, withoutPadding(original))).toBe(0);
  }
  const { plan } = await prepare(padded);
  const { plan: whole } = await prepare(files);
  expect(plan.started).toEqual(whole.started);
});
