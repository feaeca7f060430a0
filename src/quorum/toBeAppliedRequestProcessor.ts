/**
 * Keeps the leader's list of what is committed and not yet applied: a learner that registers in between is told of it
 * (`Leader.ToBeAppliedRequestProcessor`). The next processor has to apply within the call.
 */

import type { Request } from '../server/request.ts';
import type { RequestProcessor } from '../server/requestProcessor.ts';
import type { Leader } from './leader.ts';

export class ToBeAppliedRequestProcessor implements RequestProcessor {
  readonly #next: RequestProcessor;
  readonly #leader: Leader;

  constructor(next: RequestProcessor, leader: Leader) {
    this.#next = next;
    this.#leader = leader;
  }

  processRequest(request: Request): void {
    this.#next.processRequest(request);
    if (request.header !== null) this.#leader.applied(request.zxid);
  }

  shutdown(): void {
    this.#next.shutdown();
  }
}
