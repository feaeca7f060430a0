/** The five ports together: all that a server knows of the world it runs in. Interfaces only. */

import type { Clock } from './clock.ts';
import type { Disk } from './disk.ts';
import type { Network } from './network.ts';
import type { Probe } from './probe.ts';
import type { Random } from './random.ts';

export interface World {
  readonly clock: Clock;
  readonly network: Network;
  readonly disk: Disk;
  readonly random: Random;
  readonly probe: Probe;
}
