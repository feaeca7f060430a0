/** What zkCli prints of stats, access lists and errors. Pure. */

import type { ACL, Stat } from '../../wire/dataRecords.ts';
import type { KeeperError } from '../../wire/errorCodes.ts';
import { ErrorCode } from '../../wire/errorCodes.ts';
import { type Zxid, zxid, zxidToString } from '../../wire/ids.ts';
import { PERMISSIONS } from '../acl.ts';

const hex = (value: Zxid | bigint): string => zxidToString(zxid(value));

const parts = new Intl.DateTimeFormat('en-US', {
  weekday: 'short',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
  year: 'numeric',
});

/** `Thu Nov 26 11:25:23 UTC 2026` */
function dateText(timeMs: number): string {
  const found = new Map(parts.formatToParts(timeMs).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => found.get(type) ?? '';
  const time = `${part('hour')}:${part('minute')}:${part('second')}`;
  return `${part('weekday')} ${part('month')} ${part('day')} ${time} ${part('timeZoneName')} ${part('year')}`;
}

export const statLines = (stat: Stat): readonly string[] => [
  `cZxid = ${hex(stat.czxid)}`,
  `ctime = ${dateText(stat.ctime)}`,
  `mZxid = ${hex(stat.mzxid)}`,
  `mtime = ${dateText(stat.mtime)}`,
  `pZxid = ${hex(stat.pzxid)}`,
  `cversion = ${stat.cversion}`,
  `dataVersion = ${stat.version}`,
  `aclVersion = ${stat.aversion}`,
  `ephemeralOwner = ${hex(stat.ephemeralOwner)}`,
  `dataLength = ${stat.dataLength}`,
  `numChildren = ${stat.numChildren}`,
];

export const aclLines = (acl: readonly ACL[]): readonly string[] =>
  acl.flatMap(({ id, perms }) => {
    const letters = PERMISSIONS.filter(({ bit }) => (perms & bit) !== 0).map(
      ({ letter }) => letter,
    );
    return [`'${id.scheme},'${id.id}`, `: ${letters.join('')}`];
  });

export const listText = (names: readonly string[]): string => `[${names.join(', ')}]`;

/** Those that zkCli has words of its own for. */
const WORDS = new Map<number, string>([
  [ErrorCode.NodeExists, 'Node already exists: '],
  [ErrorCode.NoChildrenForEphemerals, 'Ephemerals cannot have children: '],
  [ErrorCode.NoNode, 'Node does not exist: '],
  [ErrorCode.NotEmpty, 'Node not empty: '],
  [ErrorCode.BadVersion, 'version No is not valid : '],
  [ErrorCode.InvalidACL, 'Acl is not valid : '],
  [ErrorCode.NoAuth, 'Insufficient permission : '],
  [ErrorCode.BadArguments, 'Arguments are not valid : '],
]);

/** The others, by ZooKeeper's names. */
const NAMES = new Map<number, string>([
  [ErrorCode.NoAuth, 'NoAuth'],
  [ErrorCode.NoNode, 'NoNode'],
  [ErrorCode.BadVersion, 'BadVersion'],
  [ErrorCode.InvalidACL, 'InvalidACL'],
  [ErrorCode.Unimplemented, 'Unimplemented'],
  [ErrorCode.ConnectionLoss, 'ConnectionLoss'],
  [ErrorCode.SessionExpired, 'Session expired'],
  [ErrorCode.NoWatcher, 'No such watcher'],
  [ErrorCode.ReconfigDisabled, 'Reconfig is disabled'],
  [ErrorCode.QuotaExceeded, 'Quota has exceeded'],
]);

export function errorText(error: KeeperError): string {
  const words = WORDS.get(error.code);
  return words === undefined ? codeText(error) : `${words}${error.path ?? 'null'}`;
}

/** `KeeperErrorCode = NoAuth for /a` */
export function codeText(error: KeeperError): string {
  const name = NAMES.get(error.code);
  if (name === undefined) return error.message;
  return `KeeperErrorCode = ${name}${error.path === null ? '' : ` for ${error.path}`}`;
}
