/**
 * Where a prepared transaction becomes a proposal: to the followers and to the leader's own log at once, while the
 * client's request waits to be committed (`ProposalRequestProcessor`).
 */

import type { Request } from '../server/request.ts';
import type { RequestProcessor } from '../server/requestProcessor.ts';
import { OpCode } from '../wire/opCodes.ts';
import type { CommitProcessor } from './commitProcessor.ts';
import type { Leader } from './leader.ts';
import { LearnerHandler } from './learnerHandler.ts';

export class ProposalRequestProcessor implements RequestProcessor {
  readonly #leader: Leader;
  readonly #sync: RequestProcessor;
  readonly #commit: CommitProcessor;

  constructor(leader: Leader, sync: RequestProcessor, commit: CommitProcessor) {
    this.#leader = leader;
    this.#sync = sync;
    this.#commit = commit;
  }

  processRequest(request: Request): void {
    if (request.owner instanceof LearnerHandler) {
      if (request.type === OpCode.sync) {
        this.#leader.processSync(request.owner);
        return;
      }
    } else {
      this.#commit.processRequest(request);
    }
    if (request.header !== null && this.#leader.propose(request)) {
      this.#sync.processRequest(request);
    }
  }

  shutdown(): void {
    this.#commit.shutdown();
    this.#sync.shutdown();
  }
}
