/** The nodes that all clients of a run write to, in generations: their histories stay short enough to be checked. */

import type { SimRandom } from '../simRandom.ts';

/** After so many operations on a node clients go on with a fresh one. */
const OPERATIONS_PER_NODE_COUNT = 40;

export class SharedNodes {
  readonly #counts: number[];

  constructor(count: number) {
    this.#counts = new Array<number>(count).fill(0);
  }

  pick(random: SimRandom): string {
    const index = random.integer(0, this.#counts.length - 1);
    const used = this.#counts[index] ?? 0;
    this.#counts[index] = used + 1;
    return `/r${index}-${Math.floor(used / OPERATIONS_PER_NODE_COUNT)}`;
  }
}
