/** How V8 collects a server's garbage. For a process that is the server's own: another program's heap is its own business. */

import { setFlagsFromString } from 'node:v8';

/**
 * Short pauses of one thread in place of shorter ones of several: where servers share a machine, V8's helper threads run
 * instead of the other servers, and to wake them for the many small buffers of a server costs more than they spare.
 * Unlike most of V8's flags, these two are looked at anew in every collection.
 */
const FLAGS = ['--no-concurrent-array-buffer-sweeping', '--no-parallel-scavenge'];

/** To be called before there is much to collect. */
export function collectOnOneThread(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
