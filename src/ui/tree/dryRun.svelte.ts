/**
 * What a dialog asks for and what would come of it: first a look, and then just what the look has told. Whatever is asked
 * for differently makes the look worth nothing, so that nobody agrees to something else than what is done.
 */

import type { LongWork } from './longWork.ts';
import { problemOf } from './problemText.ts';
import { WorkState } from './work.svelte.ts';

export class DryRun<Plan> {
  readonly work = new WorkState();
  /** Null until a look has told what would be done. */
  plan: Plan | null = $state.raw(null);
  /** What kept the last step from being done, in words. */
  problem: string | null = $state(null);
  /** Counts what was asked for. */
  #askedCount = 0;

  /** Something else is asked for from now on. */
  asksAnew(): void {
    this.#askedCount += 1;
    this.plan = null;
  }

  /** Does what a look or a step needs before it; what goes wrong is told. */
  async prepare(task: () => Promise<void>): Promise<void> {
    this.asksAnew();
    this.problem = await problemOf(task);
  }

  /** Finds out what would be done. What was asked for is `ask`, as it stands now. */
  async look(says: string, ask: (work: LongWork) => Promise<Plan>): Promise<void> {
    this.asksAnew();
    const asked = this.#askedCount;
    let found: Plan | null = null;
    const problem = await problemOf(async () => {
      found = await this.work.run(says, null, ask);
    });
    if (asked !== this.#askedCount) return;
    this.plan = found;
    this.problem = problem;
  }

  /** Does what the look has told; answers whether all of it was done. */
  async carryOut(
    says: string,
    countOf: (plan: Plan) => number,
    task: (plan: Plan, work: LongWork) => Promise<void>,
  ): Promise<boolean> {
    const { plan } = this;
    if (plan === null) return false;
    this.problem = await problemOf(() =>
      this.work.run(says, countOf(plan), (work) => task(plan, work)),
    );
    return this.problem === null;
  }
}
