/** The `Clock` and `Random` ports of a Node process. */

import { randomFillSync } from 'node:crypto';
import type { Clock, Timer } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';

export const nodeClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  after(delayMs: number, task: () => void): Timer {
    const timer = setTimeout(task, Math.ceil(delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
  soon(task: () => void): Timer {
    const immediate = setImmediate(task);
    return { cancel: () => clearImmediate(immediate) };
  },
};

export const nodeRandom: Random = {
  uint32: () => randomFillSync(new Uint32Array(1))[0] ?? 0,
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};
