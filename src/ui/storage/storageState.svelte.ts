/** What the storage view shows of this tab's data directory, kept current, and what it lets somebody do with it. */

import { proxy } from 'comlink';
import type { StoredListing } from '../../browser/storedDirectory.ts';
import type { NamedBytes } from '../../inspector/dataFiles.ts';
import type { Admin, SnapshotAnswer } from '../../room/admin.ts';
import { zxidToString } from '../../wire/ids.ts';
import { sizeText } from '../inspect/sizeText.ts';
import { isCancelled, WorkState } from '../tree/work.svelte.ts';
import { OwnWorker } from './ownWorker.ts';
import { pacedLooks } from './pacedLooks.ts';
import type { StorageWorker } from './storageWorker.ts';

/** The browser may fetch the zip some time after it was given its address. */
const ADDRESS_KEPT_MS = 60_000;

export interface Space {
  readonly usedBytes: number;
  readonly quotaBytes: number;
}

export class StorageState {
  listing: StoredListing | null = $state.raw(null);
  /** What all of this site uses and may use; null where the browser does not say. */
  space: Space | null = $state.raw(null);
  /** What the last action came to. */
  outcome: string | null = $state(null);
  problem: string | null = $state(null);
  /** The files that the last restore has replaced. */
  replaced: readonly NamedBytes[] | null = $state.raw(null);
  readonly work = new WorkState();
  readonly server: Admin;
  readonly makeWorker: () => Worker;
  readonly #lister: OwnWorker<StorageWorker>;

  constructor(server: Admin, makeWorker: () => Worker) {
    this.server = server;
    this.makeWorker = makeWorker;
    this.#lister = new OwnWorker(makeWorker);
  }

  /** Looks again and again; returns how to stop it. */
  watch(): () => void {
    const stopLooking = pacedLooks(() => this.refresh());
    return () => {
      stopLooking();
      this.work.cancel();
      this.#lister.end();
    };
  }

  async refresh(): Promise<void> {
    const { databaseName } = this.server.directory;
    try {
      this.listing = await this.#lister.answer(this.#lister.remote.list(databaseName));
      this.space = await spaceOfSite();
    } catch (error) {
      this.problem = textOf(error);
    }
  }

  async takeSnapshot(): Promise<void> {
    const { directory } = this.server;
    await this.#act('Writing a snapshot', async (signal) => {
      signal.addEventListener('abort', () => directory.cancelSnapshot());
      const answer = await directory.takeSnapshot();
      if (answer.kind === 'refused') throw new Error(answer.reason);
      return snapshotText(answer);
    });
  }

  async download(): Promise<void> {
    const { directory } = this.server;
    const { sid, zxid } = this.server.status();
    await this.#act('Packing the directory', async (signal, progress) => {
      const packer = new OwnWorker<StorageWorker>(this.makeWorker);
      try {
        const asked = packer.remote.pack(directory.databaseName, Number(sid), proxy(progress));
        const blob = await packer.answer(asked, signal);
        const name = `server-${sid}-${zxidToString(zxid)}.zip`;
        save(blob, name);
        return `${name} holds myid and version-2, ${sizeText(blob.size)}: unpack it, and it is a dataDir of Apache ZooKeeper.`;
      } finally {
        packer.end();
      }
    });
  }

  /** For the dialog that did it: `before` are the files that are not there any more. */
  restored(before: readonly NamedBytes[], startsAgain: boolean): void {
    this.replaced = before;
    this.problem = null;
    this.outcome = startsAgain
      ? 'The directory is restored, and the server starts on it.'
      : 'The directory is restored. The server is left stopped until you start it.';
    void this.refresh();
  }

  async #act(
    says: string,
    task: (
      signal: AbortSignal,
      progress: (doneCount: number, totalCount: number) => void,
    ) => Promise<string>,
  ): Promise<void> {
    this.outcome = null;
    this.problem = null;
    try {
      this.outcome = await this.work.run(says, null, ({ signal, progress }) =>
        task(signal, progress),
      );
    } catch (error) {
      if (isCancelled(error)) this.outcome = 'Cancelled. Nothing was changed.';
      else this.problem = textOf(error);
    }
    await this.refresh();
  }
}

function snapshotText(answer: Exclude<SnapshotAnswer, { kind: 'refused' }>): string {
  return answer.kind === 'taken'
    ? `${answer.file} is written: ${sizeText(answer.sizeBytes)}.`
    : 'The snapshot was given up. Nothing was written.';
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), ADDRESS_KEPT_MS);
}

/** Null outside of a secure context, whatever the types say. */
async function spaceOfSite(): Promise<Space | null> {
  const { storage } = navigator as { storage?: StorageManager };
  if (storage === undefined || !('estimate' in storage)) return null;
  const { usage, quota } = await storage.estimate();
  return usage === undefined || quota === undefined
    ? null
    : { usedBytes: usage, quotaBytes: quota };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
