/** Operations that are done together or not at all: how they are made, collected, and what becomes of them. */

import { CreateMode, isContainer, isTTL } from '../wire/createModes.ts';
import { type ACL, OPEN_ACL_UNSAFE } from '../wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import type { MultiOp, MultiResult } from '../wire/multiRecords.ts';
import { OpCode } from '../wire/opCodes.ts';

/** A node's data as it may be given; text becomes UTF-8. */
export type NodeContent = Uint8Array | string | null;

export interface CreateOptions {
  /** A persistent node if not given. */
  readonly mode?: CreateMode;
  /** Everybody may do everything if not given. */
  readonly acl?: readonly ACL[];
  /** Milliseconds, for the modes with a TTL only. */
  readonly ttlMs?: number;
}

const encoder = new TextEncoder();
export const contentBytes = (content: NodeContent): Uint8Array | null =>
  typeof content === 'string' ? encoder.encode(content) : content;

export type CreateOp = Extract<MultiOp, { readonly flags: number }>;

/** Makes the operations of a `multi`. */
export const Op = {
  create(path: string, data: NodeContent = null, options: CreateOptions = {}): CreateOp {
    const mode = options.mode ?? CreateMode.PERSISTENT;
    const node = { path, data: contentBytes(data), acl: options.acl ?? OPEN_ACL_UNSAFE };
    if (isContainer(mode)) return { type: OpCode.createContainer, ...node, flags: mode };
    if (!isTTL(mode)) return { type: OpCode.create, ...node, flags: mode };
    return { type: OpCode.createTTL, ...node, flags: mode, ttl: BigInt(options.ttlMs ?? 0) };
  },

  delete(path: string, version = -1): MultiOp {
    return { type: OpCode.delete, path, version };
  },

  setData(path: string, data: NodeContent, version = -1): MultiOp {
    return { type: OpCode.setData, path, data: contentBytes(data), version };
  },

  /** The node must be there and have this version. */
  check(path: string, version = -1): MultiOp {
    return { type: OpCode.check, path, version };
  },
} as const;

/** Nothing of the multi was done. Code and path are those of the operation that failed. */
export class MultiError extends KeeperError {
  /** One per operation: `err` 0 before the one that failed, its code, `RuntimeInconsistency` after it. */
  readonly results: readonly MultiResult[];

  constructor(code: number, path: string | null, results: readonly MultiResult[]) {
    super(code, path);
    this.results = results;
  }
}

/** Throws {@link MultiError} if one of the results is an error. */
export function checkResults(ops: readonly MultiOp[], results: readonly MultiResult[]): void {
  results.forEach((result, index) => {
    if (result.type !== OpCode.error || result.err === ErrorCode.Ok) return;
    throw new MultiError(result.err, ops[index]?.path ?? null, results);
  });
}

/** Collects operations and sends them as one. */
export class Transaction {
  readonly #ops: MultiOp[] = [];
  readonly #multi: (ops: readonly MultiOp[]) => Promise<readonly MultiResult[]>;

  constructor(multi: (ops: readonly MultiOp[]) => Promise<readonly MultiResult[]>) {
    this.#multi = multi;
  }

  create(...args: Parameters<typeof Op.create>): this {
    return this.#add(Op.create(...args));
  }

  delete(...args: Parameters<typeof Op.delete>): this {
    return this.#add(Op.delete(...args));
  }

  setData(...args: Parameters<typeof Op.setData>): this {
    return this.#add(Op.setData(...args));
  }

  check(...args: Parameters<typeof Op.check>): this {
    return this.#add(Op.check(...args));
  }

  /** All or nothing; rejects with {@link MultiError} for nothing. */
  commit(): Promise<readonly MultiResult[]> {
    return this.#multi(this.#ops);
  }

  #add(op: MultiOp): this {
    this.#ops.push(op);
    return this;
  }
}
