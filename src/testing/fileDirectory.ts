/** A server's data directory in files, as ZooKeeper has it. */

import { FileDisk, type FileDiskOptions } from '../node/fileDisk.ts';
import type { Disk } from '../ports/disk.ts';
import type { DataDirectory } from './dataDirectory.ts';

export class FileDirectory implements DataDirectory {
  readonly #options: FileDiskOptions;
  #disk: FileDisk | null = null;

  constructor(options: FileDiskOptions) {
    this.#options = options;
  }

  open(): Disk {
    this.#disk = new FileDisk(this.#options);
    return this.#disk;
  }

  async crash(): Promise<void> {
    await this.#disk?.close();
    this.#disk = null;
  }
}
