/** Acknowledges to the leader what is on this follower's disk (`SendAckRequestProcessor`). */

import type { Request } from '../server/request.ts';
import type { RequestProcessor } from '../server/requestProcessor.ts';
import type { Learner } from './learner.ts';

export class SendAckRequestProcessor implements RequestProcessor {
  readonly #learner: Learner;

  constructor(learner: Learner) {
    this.#learner = learner;
  }

  processRequest(request: Request): void {
    this.#learner.sendAck(request.zxid);
  }

  shutdown(): void {
    // It holds nothing.
  }
}
