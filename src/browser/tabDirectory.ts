/** The part of the `Admin` port about a tab's data directory. It stops and starts the server; its files are others'. */

import type { DirectoryAdmin, SnapshotAnswer } from '../room/admin.ts';

/** The server, as far as its directory needs it. */
export interface DirectoryServer {
  readonly running: boolean;
  /** A new name under which the files may come to be owned, and still be this server's. */
  newOwner(): string;
  start(): void;
  stop(): void;
  takeSnapshot(): void;
  cancelSnapshot(): void;
}

export class TabDirectory implements DirectoryAdmin {
  readonly databaseName: string;
  readonly diskId: string;
  readonly #server: DirectoryServer;
  /** Who waits for the snapshot that is being written. */
  #snapshotWaiters: ((answer: SnapshotAnswer) => void)[] = [];
  #stopWaiters: (() => void)[] = [];
  #held = false;

  constructor(databaseName: string, diskId: string, server: DirectoryServer) {
    this.databaseName = databaseName;
    this.diskId = diskId;
    this.#server = server;
  }

  /** Somebody works on the files: the server must not run. */
  get held(): boolean {
    return this.#held;
  }

  takeSnapshot(): Promise<SnapshotAnswer> {
    return new Promise((resolve) => {
      this.#snapshotWaiters.push(resolve);
      if (this.#snapshotWaiters.length === 1) this.#server.takeSnapshot();
    });
  }

  cancelSnapshot(): void {
    this.#server.cancelSnapshot();
  }

  start(): void {
    this.#server.start();
  }

  async whileStopped(work: (owner: string) => Promise<void>, thenStart: boolean): Promise<void> {
    if (this.#held) throw new Error('Somebody works on this server’s files already.');
    this.#held = true;
    let startAgain = true;
    try {
      await this.#stopped();
      await work(this.#server.newOwner());
      startAgain = thenStart;
    } finally {
      this.#held = false;
      if (startAgain) this.#server.start();
    }
  }

  snapshotAnswered(answer: SnapshotAnswer): void {
    for (const waiter of this.#snapshotWaiters.splice(0)) waiter(answer);
  }

  serverStopped(): void {
    for (const waiter of this.#stopWaiters.splice(0)) waiter();
  }

  #stopped(): Promise<void> {
    if (!this.#server.running) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stopWaiters.push(resolve);
      this.#server.stop();
    });
  }
}
