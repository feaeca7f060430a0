/** A client may live below a node, which it then takes for the root: its paths and the servers' translated. */

import { pathProblem } from '../tree/paths.ts';
import { createModeFromFlags, isSequential } from '../wire/createModes.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import type { MultiOp, MultiResult } from '../wire/multiRecords.ts';

export class Chroot {
  /** Empty for a client that sees the whole tree. */
  readonly #prefix: string;

  /** Throws `KeeperError` BadArguments for what is no path. */
  constructor(root: string) {
    checkPath(root);
    this.#prefix = root === '/' ? '' : root;
  }

  /** The servers' path for one of ours, which is checked first: `KeeperError` BadArguments says what is wrong. */
  toServer(path: string, sequential = false): string {
    checkPath(path, sequential);
    return this.#prefix !== '' && path === '/' ? this.#prefix : this.#prefix + path;
  }

  /** Our path for one of the servers'. */
  toClient(path: string): string {
    if (this.#prefix === '' || !path.startsWith(this.#prefix)) return path;
    return path.slice(this.#prefix.length) || '/';
  }

  /** As {@link toServer}; the path of a sequential create may end in a slash, since a number follows. */
  opToServer<T extends MultiOp>(op: T): T {
    return { ...op, path: this.toServer(op.path, 'flags' in op && isSequentialFlags(op.flags)) };
  }

  resultToClient(result: MultiResult): MultiResult {
    return 'path' in result ? { ...result, path: this.toClient(result.path) } : result;
  }
}

function isSequentialFlags(flags: number): boolean {
  const mode = createModeFromFlags(flags);
  return mode !== null && isSequential(mode);
}

function checkPath(path: string, sequential = false): void {
  const problem = pathProblem(sequential ? `${path}1` : path);
  if (problem !== null) throw new KeeperError(ErrorCode.BadArguments, path, problem);
}
