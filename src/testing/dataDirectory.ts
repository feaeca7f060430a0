/** Where a server of a test keeps its data, over all of its lives. Interface only. */

import type { Disk } from '../ports/disk.ts';

export interface DataDirectory {
  /** For a new life. */
  open(): Disk;
  /** The life that has it open is over, and with it whatever it had not flushed. Resolves when it may be opened anew. */
  crash(): Promise<void>;
}
