/** What is said of a history as a whole, for people. Pure. */

import { counted } from '../../inspector/counted.ts';
import type { HistoryReport } from '../../inspector/treeHistory.ts';

/** What it begins with, and what lies before and is not kept. */
export function floorText({ floor, firstZxid, olderCount }: HistoryReport): string {
  const said = [beginText(floor, firstZxid)];
  if (olderCount > 0) {
    said.push(
      `${counted(olderCount, 'older transaction')} still in the logs cannot be shown: nothing shows what tree they began with.`,
    );
  }
  return said.join(' ');
}

function beginText(floor: HistoryReport['floor'], firstZxid: string | null): string {
  switch (floor.kind) {
    case 'beginning':
      return 'It goes back to the very first transaction of the ensemble.';
    case 'snapshot':
      return `It begins with ${floor.file}: the tree after ${floor.zxid}, all at once. The transactions before are not kept here: their logs were purged, or the leader sent this server the whole tree (SNAP).`;
    case 'lost':
      return `No snapshot holds what was before ${firstZxid ?? 'its logs'}, so every tree here lacks it.`;
  }
}

/** The last transaction that every tree of it has. */
export const floorZxid = ({ floor }: HistoryReport): string =>
  floor.kind === 'snapshot' ? floor.zxid : '0x0';

/** What is known of the newest transactions' fate; null where there is nothing to say. */
export function commitText(
  txnCount: number,
  committed: number | null,
  lastZxid: string | null,
): string | null {
  if (txnCount === 0 || lastZxid === null) return null;
  if (committed === null) {
    return 'This server follows no leader now, so nobody can tell whether the newest transactions are committed: what a majority never had may yet be cut off.';
  }
  const open = txnCount - committed;
  if (open <= 0) return `Everything up to ${lastZxid} is committed.`;
  return `The last ${counted(open, 'transaction')} in the log ${open === 1 ? 'is' : 'are'} proposed, but not committed yet as far as this server knows.`;
}

/** `0x100000003`, from that, `100000003` or `0X1_0000_0003`; null for what is no zxid. */
export function readZxid(text: string): string | null {
  const digits = /^\s*(?:0x)?([0-9a-f_]{1,20})\s*$/i.exec(text)?.[1]?.replace(/_/g, '');
  if (digits === undefined || digits === '' || digits.length > 16) return null;
  return `0x${BigInt(`0x${digits}`).toString(16)}`;
}
