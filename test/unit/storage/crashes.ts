/** Kills a server between any two events of an operation, over and over, and looks at what it wakes up with. */

import type { StorageWorld } from './storageWorld.ts';

const SEEDS_COUNT = 4;
const MAX_EVENTS_COUNT = 10_000;

/**
 * For several seeds (with the first of which nothing survives but what is durable, so that no such state is missed) and
 * every number of events: a fresh world, the operation begun, so many events, a crash. `check` sees the world afterwards, not loaded yet, and whether the operation had been answered.
 */
export function crashAtEveryEvent(
  build: (seed: number) => StorageWorld,
  operate: (world: StorageWorld, answered: () => void) => void,
  check: (world: StorageWorld, wasAnswered: boolean) => void,
): void {
  for (let seed = 1; seed <= SEEDS_COUNT; seed++) {
    for (let eventCount = 0; eventCount < MAX_EVENTS_COUNT; eventCount++) {
      const world = build(seed);
      world.disk.configure({ unflushed: seed === 1 ? 'lost' : 'anyPrefix' });
      let wasAnswered = false;
      operate(world, () => {
        wasAnswered = true;
      });
      let ranOut = false;
      for (let event = 0; event < eventCount && !ranOut; event++) ranOut = !world.time.step();
      const before = wasAnswered;
      world.crash();
      check(world, before);
      if (ranOut) break;
    }
  }
}
