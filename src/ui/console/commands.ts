/** zkCli's commands, with its syntax and its words, over the client. They know nothing of how a console looks. */

import { assert } from '../../base/assert.ts';
import type { Watch, ZooKeeper } from '../../client/zooKeeper.ts';
import { childPath } from '../../tree/paths.ts';
import { CreateMode } from '../../wire/createModes.ts';
import { type ACL, OPEN_ACL_UNSAFE } from '../../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../../wire/errorCodes.ts';
import { decodeUtf8 } from '../../wire/utf8.ts';
import { AddWatchMode, WatcherType } from '../../wire/watchTypes.ts';
import { parseAcl } from '../acl.ts';
import {
  checked,
  type Command,
  type CommandContext,
  command,
  pathOf,
  versionOf,
} from './command.ts';
import { type Arguments, CommandError, parseArguments } from './commandLine.ts';
import { configCommand, reconfigCommand } from './configCommands.ts';
import { aclLines, codeText, listText, statLines } from './printing.ts';
import { delQuotaCommand, listQuotaCommand, setQuotaCommand } from './quotaCommands.ts';

/** zkCli's own bound (`EphemeralType.TTL.maxValue`). */
const MAX_TTL_MS = 0xff_ffff_ffff;

export const COMMANDS: ReadonlyMap<string, Command> = new Map([
  [
    'addWatch',
    command(
      '[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE',
      { valued: 'm', wordCount: 1 },
      addWatch,
    ),
  ],
  [
    'addauth',
    command(
      'scheme auth',
      { wordCount: 1 },
      async ({ client }, { rest: [scheme = '', auth = ''] }) => client.addAuth(scheme, auth),
    ),
  ],
  ['config', configCommand],
  [
    'create',
    command(
      '[-s] [-e] [-c] [-t ttl] path [data] [acl]',
      { flags: 'sec', valued: 't', wordCount: 1 },
      create,
    ),
  ],
  [
    'delete',
    command(
      '[-v version] path',
      {
        valued: 'v',
        wordCount: 1,
        former: { form: 'delete path [version]', now: 'delete [-v version] path' },
      },
      async ({ client }, args) => client.delete(pathOf(args), versionOf(args)),
    ),
  ],
  ['deleteall', command('path [-b batch size]', { valued: 'b', wordCount: 1 }, deleteAll)],
  ['delquota', delQuotaCommand],
  [
    'get',
    command(
      '[-s] [-w] path',
      {
        flags: 'sw',
        wordCount: 1,
        former: { form: 'get path [watch]', now: 'get [-s] [-w] path' },
      },
      get,
    ),
  ],
  ['getAcl', command('[-s] path', { flags: 's', wordCount: 1 }, getAcl)],
  [
    'getAllChildrenNumber',
    command('path', { wordCount: 1 }, async ({ client, print }, args) =>
      print(String(await client.getAllChildrenNumber(pathOf(args)))),
    ),
  ],
  [
    'getEphemerals',
    command('path', { wordCount: 0 }, async ({ client, print }, { rest: [path = '/'] }) =>
      print(listText([...(await client.getEphemerals(checked(path)))].sort())),
    ),
  ],
  ['listquota', listQuotaCommand],
  [
    'ls',
    command(
      '[-s] [-w] [-R] path',
      { flags: 'swR', wordCount: 1, former: { form: 'ls path [watch]', now: 'ls [-w] path' } },
      ls,
    ),
  ],
  ['reconfig', reconfigCommand],
  [
    'removewatches',
    command('path [-c|-d|-a] [-l]', { flags: 'cdal', wordCount: 1 }, removeWatches),
  ],
  ['set', command('[-s] [-v version] path data', { flags: 's', valued: 'v', wordCount: 2 }, set)],
  [
    'setAcl',
    command('[-s] [-v version] [-R] path acl', { flags: 'sR', valued: 'v', wordCount: 2 }, setAcl),
  ],
  ['setquota', setQuotaCommand],
  [
    'stat',
    command(
      '[-w] path',
      { flags: 'w', wordCount: 1, former: { form: 'stat path [watch]', now: 'stat [-w] path' } },
      stat,
    ),
  ],
  [
    'sync',
    command('path', { wordCount: 1 }, async ({ client, print }, args) => {
      await client.sync(pathOf(args));
      print('Sync is OK');
    }),
  ],
  ['whoami', command('', { wordCount: 0 }, whoAmI)],
]);

export async function runCommand(
  name: string,
  words: readonly string[],
  context: CommandContext,
): Promise<void> {
  const found = COMMANDS.get(name);
  assert(found !== undefined, `${name} is a command`);
  const args = parseArguments(words, found.options);
  if (args.rest.length < found.wordCount) throw new CommandError(`${name} ${found.usage}`);
  await found.run(context, asToday(found, args, context));
}

/** Scripts still use the old forms, and zkCli still takes them. */
function asToday(
  { former, wordCount, options }: Command,
  args: Arguments,
  context: CommandContext,
): Arguments {
  if (former === null || args.rest.length <= wordCount) return args;
  const { form, now } = former;
  context.complain(`'${form}' has been deprecated. Please use '${now}' instead.`);
  if (options.flags?.includes('w') !== true) return args;
  return { options: new Map([...args.options, ['w', '']]), rest: args.rest.slice(0, wordCount) };
}

async function ls({ client, print, watcher }: CommandContext, args: Arguments): Promise<void> {
  const path = pathOf(args);
  const watch = args.options.has('w') ? watcher : false;
  if (args.options.has('R')) {
    await client.getData(path, watch);
    print(path);
    return listBelow(client, print, path, watch);
  }
  const { children, stat: found } = await client.getChildren(path, watch);
  print(listText([...children].sort()));
  if (args.options.has('s')) print(...statLines(found));
}

/** In zkCli's order: all children of a node, and then what is below each. */
async function listBelow(
  client: ZooKeeper,
  print: CommandContext['print'],
  path: string,
  watch: Watch,
): Promise<void> {
  const paths = await childPaths(client, path, watch);
  print(...paths);
  for (const each of paths) await listBelow(client, print, each, watch);
}

/** None of a node that is gone meanwhile. */
async function childPaths(
  client: ZooKeeper,
  path: string,
  watch: Watch,
): Promise<readonly string[]> {
  try {
    const { children } = await client.getChildren(path, watch);
    return [...children].sort().map((name) => childPath(path, name));
  } catch (error) {
    if (error instanceof KeeperError && error.code === ErrorCode.NoNode) return [];
    throw error;
  }
}

async function get({ client, print, watcher }: CommandContext, args: Arguments): Promise<void> {
  const watch = args.options.has('w') ? watcher : false;
  const { data, stat: found } = await client.getData(pathOf(args), watch);
  print(data === null ? 'null' : decodeUtf8(data));
  if (args.options.has('s')) print(...statLines(found));
}

async function set({ client, print }: CommandContext, args: Arguments): Promise<void> {
  const changed = await client.setData(pathOf(args), args.rest[1] ?? null, versionOf(args));
  if (args.options.has('s')) print(...statLines(changed));
}

async function stat({ client, print, watcher }: CommandContext, args: Arguments): Promise<void> {
  const path = pathOf(args);
  const found = await client.exists(path, args.options.has('w') ? watcher : false);
  if (found === null) throw new KeeperError(ErrorCode.NoNode, path);
  print(...statLines(found));
}

async function create({ client, complain }: CommandContext, args: Arguments): Promise<void> {
  const { options } = args;
  const [ephemeral, sequential, container] = ['e', 's', 'c'].map((flag) => options.has(flag));
  if (container && (ephemeral || sequential)) {
    throw new CommandError(
      '-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.',
    );
  }
  const ttlText = options.get('t');
  const ttlMs = ttlText === undefined ? null : Number(ttlText);
  if (ttlMs !== null && !Number.isSafeInteger(ttlMs)) {
    throw new CommandError('-t argument must be a long value');
  }
  if (ttlMs !== null && ephemeral)
    throw new CommandError('TTLs cannot be used with Ephemeral znodes');
  if (ttlMs !== null && (ttlMs <= 0 || ttlMs > MAX_TTL_MS)) {
    throw new CommandError(`ttl must be positive and cannot be larger than: ${MAX_TTL_MS}`);
  }
  const path = args.rest[0] ?? '';
  checked(sequential ? `${path}1` : path);
  const [, data = null, list] = args.rest;
  const acl = list === undefined ? OPEN_ACL_UNSAFE : aclOf(list, complain);
  if (acl.length === 0) complain('KeeperErrorCode = InvalidACL');
  if (acl.length === 0) throw new KeeperError(ErrorCode.InvalidACL);
  const mode = modeOf({ ephemeral, sequential, container, lives: ttlMs !== null });
  const created = await client.create(
    path,
    data,
    ttlMs === null ? { mode, acl } : { mode, acl, ttlMs },
  );
  complain(`Created ${created}`);
}

function modeOf(kind: {
  readonly ephemeral: boolean | undefined;
  readonly sequential: boolean | undefined;
  readonly container: boolean | undefined;
  readonly lives: boolean;
}): CreateMode {
  if (kind.container) return CreateMode.CONTAINER;
  if (kind.lives) {
    return kind.sequential
      ? CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL
      : CreateMode.PERSISTENT_WITH_TTL;
  }
  if (kind.ephemeral)
    return kind.sequential ? CreateMode.EPHEMERAL_SEQUENTIAL : CreateMode.EPHEMERAL;
  return kind.sequential ? CreateMode.PERSISTENT_SEQUENTIAL : CreateMode.PERSISTENT;
}

async function deleteAll({ client }: CommandContext, args: Arguments): Promise<void> {
  const root = pathOf(args);
  if (root === '/' || root === '/zookeeper') {
    throw new CommandError(
      `${root} holds what the servers need and stays; delete its children one by one.`,
    );
  }
  await deleteBelow(client, root);
}

async function deleteBelow(client: ZooKeeper, path: string): Promise<void> {
  const { children } = await client.getChildren(path);
  for (const name of children) await deleteBelow(client, `${path}/${name}`);
  await client.delete(path);
}

async function getAcl({ client, print }: CommandContext, args: Arguments): Promise<void> {
  const { acl, stat: found } = await client.getACL(pathOf(args));
  print(...aclLines(acl ?? []));
  if (args.options.has('s')) print(...statLines(found));
}

async function setAcl({ client, print, complain }: CommandContext, args: Arguments): Promise<void> {
  const path = pathOf(args);
  const acl = aclOf(args.rest[1] ?? '', complain);
  if (acl.length === 0) throw new KeeperError(ErrorCode.InvalidACL);
  const recursive = args.options.has('R');
  const all = recursive ? await pathsOf(client, path) : [path];
  for (const each of all) {
    const changed = await client
      .setACL(each, acl, versionOf(args))
      .catch((error: unknown) => failedWithin(recursive, error, print));
    if (changed === null) return;
    if (args.options.has('s')) print(...statLines(changed));
  }
}

/** Where it works through a subtree, zkCli tells an error as an answer, in other words. */
function failedWithin(recursive: boolean, error: unknown, print: CommandContext['print']): null {
  if (!recursive || !(error instanceof KeeperError)) throw error;
  print(codeText(error));
  return null;
}

async function pathsOf(client: ZooKeeper, path: string): Promise<readonly string[]> {
  const paths = [path];
  await client.getData(path);
  await listBelow(client, (...lines) => void paths.push(...lines), path, false);
  return paths;
}

function aclOf(list: string, complain: (line: string) => void): readonly ACL[] {
  return list.split(',').flatMap((text) => {
    const entry = parseAcl(text.trim(), (letter) => complain(`Unknown perm type: ${letter}`));
    if (entry === null) complain(`${text} does not have the form scheme:id:perm`);
    return entry === null ? [] : [entry];
  });
}

async function addWatch({ client, watcher }: CommandContext, args: Arguments): Promise<void> {
  const mode = args.options.get('m') ?? 'PERSISTENT_RECURSIVE';
  if (mode !== 'PERSISTENT' && mode !== 'PERSISTENT_RECURSIVE') {
    throw new CommandError(`addWatch ${COMMANDS.get('addWatch')?.usage ?? ''}`);
  }
  await client.addWatch(pathOf(args), AddWatchMode[mode], watcher);
}

async function removeWatches({ client }: CommandContext, args: Arguments): Promise<void> {
  const { options } = args;
  const type = options.has('c')
    ? WatcherType.Children
    : options.has('d')
      ? WatcherType.Data
      : WatcherType.Any;
  await client.removeWatches(pathOf(args), type);
}

async function whoAmI({ client, print }: CommandContext): Promise<void> {
  print(
    'Auth scheme: User',
    ...(await client.whoAmI()).map(({ authScheme, user }) => `${authScheme}: ${user}`),
  );
}
