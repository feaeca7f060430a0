/** Counts the leader's own ACK: behind its sync processor, so only for what is on its disk (`AckRequestProcessor`). */

import type { Request } from '../server/request.ts';
import type { RequestProcessor } from '../server/requestProcessor.ts';
import type { Leader } from './leader.ts';

export class AckRequestProcessor implements RequestProcessor {
  readonly #leader: Leader;

  constructor(leader: Leader) {
    this.#leader = leader;
  }

  processRequest(request: Request): void {
    this.#leader.processAck(this.#leader.sid, request.zxid);
  }

  shutdown(): void {
    // It holds nothing.
  }
}
