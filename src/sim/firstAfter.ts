/** Looks things up in lists that are in order of zxid. */

import type { Zxid } from '../wire/ids.ts';

/** Where in a list that ascends the first one later than `zxid` stands; its length if there is none. */
export function firstAfter<T>(items: readonly T[], zxid: Zxid, zxidOf: (item: T) => Zxid): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && zxidOf(item) <= zxid) low = middle + 1;
    else high = middle;
  }
  return low;
}
