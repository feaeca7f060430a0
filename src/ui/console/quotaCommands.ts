/**
 * The console's commands about quotas, which are nodes below `/zookeeper/quota` that the client writes by itself: the
 * limits of a subtree in one, and beside it what the servers count of it.
 */

import type { ZooKeeper } from '../../client/zooKeeper.ts';
import { QUOTA_ZOOKEEPER } from '../../tree/paths.ts';
import { quotaLimitPath, quotaStatPath } from '../../tree/quotas.ts';
import {
  formatStatsTrack,
  parseStatsTrack,
  type StatsTrack,
  statValue,
} from '../../tree/statsTrack.ts';
import { ErrorCode, KeeperError } from '../../wire/errorCodes.ts';
import { decodeUtf8 } from '../../wire/utf8.ts';
import { checked, type CommandContext, command } from './command.ts';
import { type Arguments, CommandError } from './commandLine.ts';

/** Each letter's place in a quota's text. */
const FIELDS = new Map([
  ['n', 'count'],
  ['b', 'bytes'],
  ['N', 'countHardLimit'],
  ['B', 'byteHardLimit'],
]);
const LETTERS = new Map([
  ['n', 'num soft quota'],
  ['b', 'bytes soft quota'],
  ['N', 'num hard quota'],
  ['B', 'bytes hard quota'],
]);
const NO_LIMITS: StatsTrack = new Map([...FIELDS.values()].map((field) => [field, -1n]));
const NOTHING_USED: StatsTrack = new Map([
  ['count', 0n],
  ['bytes', 0n],
]);
const INT_MAX = 2n ** 31n - 1n;
const LONG_MAX = 2n ** 63n - 1n;
const LIMIT_NODE = /\/zookeeper_limits$/;

export const setQuotaCommand = command(
  '-n|-b|-N|-B val path',
  { valued: 'nbNB', choice: { letters: LETTERS, required: true }, wordCount: 1 },
  setQuota,
);

export const listQuotaCommand = command('path', { wordCount: 1 }, listQuota);

export const delQuotaCommand = command(
  '[-n|-b|-N|-B] path',
  { flags: 'nbNB', choice: { letters: LETTERS, required: false }, wordCount: 1 },
  delQuota,
);

async function setQuota(context: CommandContext, args: Arguments): Promise<void> {
  const { client } = context;
  const [path = ''] = args.rest;
  if (path.startsWith(QUOTA_ZOOKEEPER)) {
    throw new CommandError(`cannot set a quota under the path: ${QUOTA_ZOOKEEPER}`);
  }
  const wanted = limitsOf(args);
  if ((await client.exists(checked(path))) === null) {
    throw new CommandError(`${path} does not exist.`);
  }
  checked(`${QUOTA_ZOOKEEPER}${path}`);
  await checkNoneBelow(client, path);
  await checkNoneAbove(client, path);
  await createParents(client, path);
  const limits = await storedTrack(client, quotaLimitPath(path));
  if (limits !== null) {
    const changed = new Map([...limits, ...wanted]);
    warn(context, changed, await storedTrack(client, quotaStatPath(path)));
    await client.setData(quotaLimitPath(path), formatStatsTrack(changed));
    return;
  }
  const first = new Map([...NO_LIMITS, ...wanted]);
  await client.create(quotaLimitPath(path), formatStatsTrack(first));
  await client.create(quotaStatPath(path), formatStatsTrack(NOTHING_USED));
  warn(context, first, await storedTrack(client, quotaStatPath(path)));
}

/** The limit that was asked for. */
function limitsOf({ options }: Arguments): StatsTrack {
  const limits = new Map<string, bigint>();
  for (const [letter, field] of FIELDS) {
    const text = options.get(letter);
    if (text !== undefined) limits.set(field, limitOf(letter.toLowerCase() === 'n', text));
  }
  return limits;
}

function limitOf(isCount: boolean, text: string): bigint {
  const value = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace('+', '')) : null;
  const greatest = isCount ? INT_MAX : LONG_MAX;
  if (value === null || value > greatest || value < -greatest - 1n) {
    throw new CommandError('NumberFormatException happens when parsing the option value');
  }
  if (isCount && value <= 0n) throw new CommandError('the num quota must be greater than zero');
  if (value < 0n) {
    throw new CommandError('the bytes quota must be greater than or equal to zero');
  }
  return value;
}

/** A subtree with a quota holds no other that has one. */
async function checkNoneBelow(client: ZooKeeper, path: string): Promise<void> {
  const own = quotaLimitPath(path);
  for (const found of await pathsBelow(client, `${QUOTA_ZOOKEEPER}${path}`)) {
    if (found === own || !LIMIT_NODE.test(found)) continue;
    const child = found.slice(QUOTA_ZOOKEEPER.length).replace(LIMIT_NODE, '');
    throw new CommandError(`${path} has a child ${child} which has a quota`);
  }
}

async function checkNoneAbove(client: ZooKeeper, path: string): Promise<void> {
  for (const parent of ancestorsOf(path)) {
    if ((await client.exists(quotaLimitPath(parent))) !== null) {
      throw new CommandError(`${path} has a parent ${parent} which has a quota`);
    }
  }
}

/** What leads to the quota's two nodes. */
async function createParents(client: ZooKeeper, path: string): Promise<void> {
  for (const parent of [...ancestorsOf(path), path]) {
    await unless(ErrorCode.NodeExists, client.create(`${QUOTA_ZOOKEEPER}${parent}`));
  }
}

function warn({ print }: CommandContext, limits: StatsTrack, used: StatsTrack | null): void {
  const below = (field: string, value: bigint): boolean => {
    const limit = statValue(limits, field);
    return limit > -1n && limit < value;
  };
  const count = statValue(used ?? NOTHING_USED, 'count');
  if (below('count', count) || below('countHardLimit', count)) {
    print(`[Warning]: the count quota you create is less than the existing count:${count}`);
  }
  const bytes = statValue(used ?? NOTHING_USED, 'bytes');
  if (below('bytes', bytes) || below('byteHardLimit', bytes)) {
    print(`[Warning]: the bytes quota you create is less than the existing bytes:${bytes}`);
  }
}

async function listQuota(
  { client, print, complain }: CommandContext,
  { rest: [path = ''] }: Arguments,
): Promise<void> {
  complain(`absolute path is ${quotaLimitPath(path)}`);
  const limits = await storedTrack(client, checked(quotaLimitPath(path)));
  const used = limits === null ? null : await storedTrack(client, quotaStatPath(path));
  if (limits !== null) print(`Output quota for ${path} ${textOf(limits)}`);
  if (used === null) throw new CommandError(`quota for ${path} does not exist.`);
  print(`Output stat for ${path} ${textOf(used)}`);
}

async function delQuota(
  { client, print }: CommandContext,
  { options, rest: [path = ''] }: Arguments,
): Promise<void> {
  const limits = await storedTrack(client, checked(quotaLimitPath(path)));
  if (limits === null) {
    print(`Quota does not exist for ${path}`);
    return;
  }
  const fields = [...FIELDS].filter(([letter]) => options.has(letter)).map(([, field]) => field);
  if (fields.length === 0) return removeQuota(client, path);
  const changed = new Map([...limits, ...fields.map((field) => [field, -1n] as const)]);
  await client.setData(quotaLimitPath(path), formatStatsTrack(changed));
}

/** The quota's nodes, and whatever led to nothing else. */
async function removeQuota(client: ZooKeeper, path: string): Promise<void> {
  const { children } = await client.getChildren(`${QUOTA_ZOOKEEPER}${path}`);
  for (const child of children) await client.delete(`${QUOTA_ZOOKEEPER}${path}/${child}`);
  for (const each of [path, ...ancestorsOf(path).reverse()]) {
    const { stat } = await client.getChildren(`${QUOTA_ZOOKEEPER}${each}`);
    if (stat.numChildren > 0) return;
    await client.delete(`${QUOTA_ZOOKEEPER}${each}`);
  }
}

/** Null where there is no such node. */
async function storedTrack(client: ZooKeeper, path: string): Promise<StatsTrack | null> {
  const found = await unless(ErrorCode.NoNode, client.getData(path));
  return found === null ? null : parseStatsTrack(found.data);
}

async function pathsBelow(client: ZooKeeper, path: string): Promise<readonly string[]> {
  const found = await unless(ErrorCode.NoNode, client.getChildren(path));
  const paths: string[] = [];
  for (const name of found?.children ?? []) {
    paths.push(`${path}/${name}`, ...(await pathsBelow(client, `${path}/${name}`)));
  }
  return paths;
}

/** Null instead of this one error. */
async function unless<T>(code: number, answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KeeperError && error.code === code) return null;
    throw error;
  }
}

/** `/a`, `/a/b` of `/a/b/c`. */
function ancestorsOf(path: string): string[] {
  const names = path.split('/').slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

const textOf = (track: StatsTrack): string => decodeUtf8(formatStatsTrack(track));
