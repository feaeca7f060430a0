/**
 * Clients that write without pause and remember what they were told. Each node has one writer and one request at a
 * time, so what may stand there in the end is known even where an answer got lost.
 */

import { onTestFinished } from 'vitest';
import type { ZooKeeper } from '../../../src/client/zooKeeper.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';
import { newClient } from './client.ts';
import { until } from './patience.ts';
import type { TreeImage } from './tree.ts';

/** Null: the node is not there. */
type Content = string | null;

const WRITERS_PER_CLIENT = 8;
let loadCount = 0;

export class RecordedLoad {
  readonly #root: string;
  readonly #clients: readonly ZooKeeper[];
  readonly #writers: readonly Promise<void>[];
  /** What each node may hold: one content where the last answer came, several where it did not. */
  readonly #possible = new Map<string, readonly Content[]>();
  #stopping = false;
  #acknowledgedCount = 0;

  /** One client for each list of addresses. */
  constructor(clients: readonly (readonly string[])[]) {
    loadCount += 1;
    this.#root = `/load${loadCount}`;
    this.#clients = clients.map((addresses) => newClient(addresses));
    this.#writers = this.#clients.flatMap((client, i) =>
      Array.from({ length: WRITERS_PER_CLIENT }, (_, k) => this.#write(client, `c${i}w${k}`)),
    );
    // Whoever waits for the load hears of a failure then.
    for (const writer of this.#writers) writer.catch(() => {});
    onTestFinished(() => {
      this.#stopping = true;
    });
  }

  get acknowledgedCount(): number {
    return this.#acknowledgedCount;
  }

  /** Resolves when so many more writes have been acknowledged. */
  async acknowledge(count: number): Promise<void> {
    const goal = this.#acknowledgedCount + count;
    await until(`${count} more acknowledged writes`, () => this.#acknowledgedCount >= goal);
  }

  /** Resolves when the last answer is in and all sessions have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#writers);
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  /** In words, what of the acknowledged writes is not in the tree; empty if all is there. */
  missingFrom(tree: TreeImage): readonly string[] {
    return [...this.#possible].flatMap(([path, contents]) => {
      const text = tree.get(path);
      const fits = contents.some((content) =>
        content === null ? text === undefined : text?.startsWith(`"${content}" `),
      );
      return fits ? [] : [`${path}: ${text ?? 'missing'}, not one of ${contents.join(', ')}`];
    });
  }

  async #write(client: ZooKeeper, name: string): Promise<void> {
    await ignoring(ErrorCode.NodeExists, () => client.create(this.#root));
    for (let n = 0; !this.#stopping; n++) {
      const path = `${this.#root}/${name}-${n}`;
      const alive =
        (await this.#attempt(path, null, 'a', () => client.create(path, 'a'))) &&
        (await this.#attempt(path, 'a', 'b', () => client.setData(path, 'b')));
      if (alive && n % 4 === 0) await this.#attempt(path, 'b', null, () => client.delete(path));
    }
  }

  /** False: the answer got lost, and so nobody touches the node any more. */
  async #attempt(
    path: string,
    before: Content,
    after: Content,
    run: () => Promise<unknown>,
  ): Promise<boolean> {
    try {
      await run();
      this.#possible.set(path, [after]);
      this.#acknowledgedCount += 1;
      return true;
    } catch (error) {
      if (!isLoss(error)) throw error;
      this.#possible.set(path, [before, after]);
      return false;
    }
  }
}

const isLoss = (error: unknown): boolean =>
  error instanceof KeeperError && error.code === ErrorCode.ConnectionLoss;

/** Tries until the answer comes; `expected` counts as success. */
async function ignoring(expected: number, run: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await run();
      return;
    } catch (error) {
      if (error instanceof KeeperError && error.code === expected) return;
      if (!isLoss(error)) throw error;
    }
  }
}
