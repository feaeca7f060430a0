/** Two moments held beside each other: what differs between them, and one difference looked at. */

import type { Remote } from 'comlink';
import type { ChangeKind } from '../../inspector/nodeChange.ts';
import type { ChangeRow, Difference, TreeHistory } from '../../inspector/treeHistory.ts';

const ROWS_AT_A_TIME = 100;

/** What was compared, in the order of time. */
export interface Compared {
  readonly from: number;
  readonly to: number;
  readonly fromZxid: string;
  readonly toZxid: string;
  readonly counts: readonly { readonly kind: ChangeKind; readonly count: number }[];
  readonly rowCount: number;
}

export class Comparison {
  result: Compared | null = $state.raw(null);
  rows: readonly ChangeRow[] = $state.raw([]);
  chosen: Difference | null = $state.raw(null);
  /** The wish that counts; what is answered to an older one is of no interest. */
  #wish = 0;

  /** Zxids as `0x...`, in any order; `text` is part of a path. */
  async compare(
    history: Remote<TreeHistory>,
    one: string,
    other: string,
    text: string,
  ): Promise<void> {
    const wish = ++this.#wish;
    const moments = await Promise.all([history.momentOf(one), history.momentOf(other)]);
    const from = Math.min(...moments);
    const to = Math.max(...moments);
    const counts = await history.compare(from, to, text);
    const rows = await history.compared(0, ROWS_AT_A_TIME);
    const [fromZxid, toZxid] = await Promise.all([history.zxidAt(from), history.zxidAt(to)]);
    if (wish !== this.#wish) return;
    const rowCount = counts.reduce((sum, { count }) => sum + count, 0);
    this.result = { from, to, fromZxid, toZxid, counts, rowCount };
    this.rows = rows;
    this.chosen = null;
  }

  async more(history: Remote<TreeHistory>): Promise<void> {
    const wish = this.#wish;
    const next = await history.compared(this.rows.length, ROWS_AT_A_TIME);
    if (wish === this.#wish) this.rows = [...this.rows, ...next];
  }

  async choose(history: Remote<TreeHistory>, path: string): Promise<void> {
    const { result } = this;
    if (result === null) return;
    const wish = this.#wish;
    const difference = await history.difference(result.from, result.to, path);
    if (wish === this.#wish) this.chosen = difference;
  }
}
