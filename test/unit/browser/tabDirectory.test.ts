/** What a tab does with its data directory while somebody works on the files. */

import { describe, expect, test } from 'vitest';
import { type DirectoryServer, TabDirectory } from '../../../src/browser/tabDirectory.ts';

class FakeServer implements DirectoryServer {
  running = true;
  readonly owners: string[] = [];
  readonly told: string[] = [];
  stopped = (): void => undefined;

  newOwner(): string {
    this.owners.push(`owner ${this.owners.length + 1}`);
    return this.owners.at(-1) ?? '';
  }

  start(): void {
    this.told.push('start');
    this.running = true;
  }

  stop(): void {
    this.told.push('stop');
    this.running = false;
    this.stopped();
  }

  takeSnapshot(): void {
    this.told.push('takeSnapshot');
  }

  cancelSnapshot(): void {
    this.told.push('cancelSnapshot');
  }
}

function directoryOf(server: FakeServer): TabDirectory {
  const directory = new TabDirectory('a database', 'a disk', server);
  server.stopped = () => directory.serverStopped();
  return directory;
}

describe('work on the files of a server', () => {
  test('is done while it is stopped, under an owner that it knows as itself', async () => {
    const server = new FakeServer();
    let owner = '';
    await directoryOf(server).whileStopped((given) => {
      owner = given;
      expect(server.running).toBe(false);
      return Promise.resolve();
    }, false);
    expect(server.told).toEqual(['stop']);
    expect(server.owners).toEqual([owner]);
  });

  test('that fails leaves no server stopped', async () => {
    const server = new FakeServer();
    const failing = directoryOf(server).whileStopped(
      () => Promise.reject(new Error('no room')),
      false,
    );
    await expect(failing).rejects.toThrow('no room');
    expect(server.told).toEqual(['stop', 'start']);
  });

  test('is one at a time', async () => {
    const directory = directoryOf(new FakeServer());
    await directory.whileStopped(async () => {
      await expect(directory.whileStopped(() => Promise.resolve(), true)).rejects.toThrow(
        'works on this server’s files already',
      );
    }, true);
  });
});
