/**
 * The tree of an opened directory at any of its transactions: out of the history where that reaches, so that no step costs
 * a replay; else, before its floor or behind a gap, built anew from the snapshot before. Pure.
 *
 * A moment counts all transactions of the directory, not only those of the history.
 */

import type { Inspection } from './inspection.ts';
import type { MomentPage, MomentWish, TreeHistory } from './treeHistory.ts';

export interface InspectedPage extends MomentPage {
  /** What the tree was built on; null: the empty tree an ensemble begins with. */
  readonly base: string | null;
  /** What was before the first log is not here, so the tree lacks it. */
  readonly lacksBeginning: boolean;
}

export class InspectedTree {
  readonly #inspection: Inspection;
  readonly #history: TreeHistory;
  readonly #floor: Pick<InspectedPage, 'base' | 'lacksBeginning'>;
  /** The history's moments are so much less. */
  readonly #shift: number;
  readonly #last: number;

  constructor(inspection: Inspection, history: TreeHistory) {
    this.#inspection = inspection;
    this.#history = history;
    const { floor, olderCount, txnCount } = history.report();
    this.#shift = olderCount;
    this.#last = olderCount + txnCount;
    const base = floor.kind === 'snapshot' ? floor.file : null;
    this.#floor = { base, lacksBeginning: floor.kind === 'lost' };
  }

  page(wish: MomentWish): InspectedPage {
    return this.#isTold(wish.moment) ? this.#told(wish) : this.#replayed(wish);
  }

  #isTold(moment: number): boolean {
    return moment >= this.#shift && moment <= this.#last;
  }

  #told({ moment, since, known, unknown, selected }: MomentWish): InspectedPage {
    const goesOn = this.#isTold(since);
    const page = this.#history.page({
      moment: moment - this.#shift,
      since: goesOn ? since - this.#shift : 0,
      known: goesOn ? known : [],
      unknown: goesOn ? unknown : [...known, ...unknown],
      selected,
    });
    return { ...page, moment, ...this.#floor };
  }

  #replayed({ moment, known, unknown, selected }: MomentWish): InspectedPage {
    const wanted = this.#inspection.zxidAt(moment - 1);
    const { zxid, base, lacksBeginning, nodeCount } = this.#inspection.treeAt(wanted);
    return {
      moment,
      zxid,
      base,
      lacksBeginning,
      nodeCount,
      tale: null,
      around: [],
      marks: [],
      markCount: 0,
      children: [...known, ...unknown].map((path) => {
        const names = this.#inspection.childrenAt(wanted, path);
        return [path, names === null ? null : { kind: 'all', names }];
      }),
      node: this.#inspection.nodeAt(wanted, selected),
      nodeIsGone: false,
    };
  }
}
