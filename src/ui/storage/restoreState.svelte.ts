/** One restore on its way: files are taken, checked, planned, and only then put in the place of those that are there. */

import { proxy } from 'comlink';
import type { NamedBytes } from '../../inspector/dataFiles.ts';
import type { RestorePlan } from '../../inspector/restorePlan.ts';
import type { DirectoryAdmin } from '../../room/admin.ts';
import type { LongWork } from '../tree/longWork.ts';
import { problemOf } from '../tree/problemText.ts';
import { WorkState } from '../tree/work.svelte.ts';
import { OwnWorker } from './ownWorker.ts';
import type { StorageWorker } from './storageWorker.ts';

export class RestoreState {
  /** Of several servers' directories one has to be chosen. */
  folders: readonly string[] = $state.raw([]);
  plan: RestorePlan | null = $state.raw(null);
  problem: string | null = $state(null);
  readonly work = new WorkState();
  readonly #makeWorker: () => Worker;
  #worker: OwnWorker<StorageWorker> | null = null;
  #replacing = false;

  constructor(makeWorker: () => Worker) {
    this.#makeWorker = makeWorker;
  }

  /** Lets go of everything. While files are being replaced it only asks for the undoing, whose answer is waited for. */
  close(): void {
    this.work.cancel();
    if (this.#replacing) return;
    this.#worker?.end();
    this.#worker = null;
    this.folders = [];
    this.plan = null;
    this.problem = null;
  }

  async take(read: () => Promise<readonly NamedBytes[]>, promised: string | null): Promise<void> {
    this.close();
    const worker = new OwnWorker<StorageWorker>(this.#makeWorker);
    this.#worker = worker;
    await this.#attempt(async () => {
      const folders = await this.work.run('Unpacking', null, async ({ signal, progress }) =>
        worker.answer(worker.remote.receive([...(await read())], proxy(progress)), signal),
      );
      if (folders.length > 1) this.folders = folders;
      else await this.#look(worker, 0, promised);
    });
  }

  async choose(index: number, promised: string | null): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    this.plan = null;
    await this.#attempt(() => this.#look(worker, index, promised));
  }

  /** Answers the files that were there before; null if it did not come to that. */
  async carryOut(
    directory: DirectoryAdmin,
    thenStart: boolean,
  ): Promise<readonly NamedBytes[] | null> {
    const worker = this.#worker;
    if (worker === null) return null;
    const replaced: (readonly NamedBytes[])[] = [];
    this.#replacing = true;
    await this.#attempt(() =>
      this.work.run('Replacing the files', null, (work) =>
        directory.whileStopped(async (owner) => {
          replaced.push(await replace(worker, directory, owner, work));
        }, thenStart),
      ),
    );
    this.#replacing = false;
    return replaced[0] ?? null;
  }

  async #look(
    worker: OwnWorker<StorageWorker>,
    index: number,
    promised: string | null,
  ): Promise<void> {
    this.plan = await this.work.run('Checking every file', null, ({ signal }) =>
      worker.answer(worker.remote.plan(index, promised), signal),
    );
  }

  async #attempt(task: () => Promise<void>): Promise<void> {
    this.problem = await problemOf(task);
  }
}

/** Cancelled by a word and not by ending the Worker, so that it is known what has become of the files. */
async function replace(
  worker: OwnWorker<StorageWorker>,
  { databaseName, diskId }: DirectoryAdmin,
  owner: string,
  { signal, progress }: LongWork,
): Promise<readonly NamedBytes[]> {
  signal.throwIfAborted();
  signal.addEventListener('abort', () => void worker.remote.cancel());
  return worker.answer(worker.remote.restore(databaseName, diskId, owner, proxy(progress)));
}
