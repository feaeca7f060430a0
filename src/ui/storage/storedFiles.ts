/** What lies in a data directory, as lines for people. Pure. */

import type { StoredListing } from '../../browser/storedDirectory.ts';

export interface StoredRow {
  readonly name: string;
  readonly kind: 'log' | 'snapshot' | 'epoch' | 'other';
  readonly sizeBytes: number;
  readonly recordCount: number;
  /** What the name and the number in it say. */
  readonly holds: string;
  /** Of the whole directory, 0 to 1. */
  readonly share: number;
}

const HEX_DIGITS = 16;
const DATA_NAME = /^(log|snapshot)\.([0-9a-f]{1,16})$/i;

/** Newest first: snapshots, then logs, then the rest. */
export function storedRows({
  files,
  acceptedEpoch,
  currentEpoch,
}: StoredListing): readonly StoredRow[] {
  const totalBytes = Math.max(1, totalBytesOf(files));
  return files
    .map((file) => ({
      ...file,
      kind: kindOf(file.name),
      holds: holdsOf(file.name, { acceptedEpoch, currentEpoch }),
      share: file.sizeBytes / totalBytes,
    }))
    .sort((left, right) => (sortKey(left.name) < sortKey(right.name) ? 1 : -1));
}

export const totalBytesOf = (files: readonly { readonly sizeBytes: number }[]): number =>
  files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

function kindOf(name: string): StoredRow['kind'] {
  if (name.startsWith('acceptedEpoch') || name.startsWith('currentEpoch')) return 'epoch';
  const kind = DATA_NAME.exec(name)?.[1]?.toLowerCase();
  return kind === 'log' || kind === 'snapshot' ? kind : 'other';
}

function holdsOf(
  name: string,
  epochs: Readonly<Record<'acceptedEpoch' | 'currentEpoch', string | null>>,
): string {
  const zxid = DATA_NAME.exec(name)?.[2];
  switch (kindOf(name)) {
    case 'log':
      return `transactions from 0x${zxid} on`;
    case 'snapshot':
      return zxid === '0' ? 'the tree before the first transaction' : `the tree at 0x${zxid}`;
    case 'epoch':
      if (name === 'acceptedEpoch')
        return `${epochs.acceptedEpoch ?? '?'}: the newest epoch it has agreed to`;
      if (name === 'currentEpoch')
        return `${epochs.currentEpoch ?? '?'}: the newest epoch it has in full`;
      return 'half of a change that was never finished';
    case 'other':
      return 'no file of ZooKeeper’s';
  }
}

const RANK = { snapshot: 3, log: 2, epoch: 1, other: 0 } as const;

function sortKey(name: string): string {
  const zxid = DATA_NAME.exec(name)?.[2] ?? '';
  return `${RANK[kindOf(name)]} ${zxid.padStart(HEX_DIGITS, '0')} ${name}`;
}
