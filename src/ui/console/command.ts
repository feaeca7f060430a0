/** What a command of the console is, and the paths and versions that most of them take. */

import type { WatchedEvent, ZooKeeper } from '../../client/zooKeeper.ts';
import { pathProblem } from '../../tree/paths.ts';
import { type Arguments, CommandError, type OptionSpec } from './commandLine.ts';

/** Where a command runs and what it may say. */
export interface CommandContext {
  readonly client: ZooKeeper;
  print(...lines: readonly string[]): void;
  /** What zkCli prints on its error stream. */
  complain(line: string): void;
  readonly watcher: (event: WatchedEvent) => void;
}

export interface Command {
  /** What follows the name, as zkCli's help has it. */
  readonly usage: string;
  readonly options: OptionSpec;
  /** Fewer words than these are answered with the usage. */
  readonly wordCount: number;
  /** How it was once asked for with a word more, which stands for `-w` where there is one, and how it is now. */
  readonly former: FormerUsage | null;
  run(context: CommandContext, args: Arguments): Promise<void>;
}

interface FormerUsage {
  readonly form: string;
  readonly now: string;
}

interface CommandSpec extends OptionSpec {
  readonly wordCount: number;
  readonly former?: FormerUsage;
}

export function command(
  usage: string,
  { wordCount, former, ...options }: CommandSpec,
  run: Command['run'],
): Command {
  return { usage, options, wordCount, former: former ?? null, run };
}

/** The first word. @throws CommandError if it is no path */
export const pathOf = ({ rest: [path = ''] }: Arguments): string => checked(path);

/** @throws CommandError in zkCli's words */
export function checked(path: string): string {
  if (!path.startsWith('/')) throw new CommandError('Path must start with / character');
  if (path !== '/' && path.endsWith('/')) {
    throw new CommandError('Path must not end with / character');
  }
  const empty = path.indexOf('//');
  if (empty >= 0) {
    throw new CommandError(
      `Invalid path string "${path}" caused by empty node name specified @${empty + 1}`,
    );
  }
  const problem = pathProblem(path);
  if (problem !== null)
    throw new CommandError(`Invalid path string "${path}" caused by ${problem}`);
  return path;
}

/** What `-v` says; -1 without it. */
export function versionOf({ options }: Arguments): number {
  const text = options.get('v');
  if (text === undefined) return -1;
  const version = Number(text);
  if (!Number.isInteger(version)) throw new CommandError(`For input string: "${text}"`);
  return version;
}
