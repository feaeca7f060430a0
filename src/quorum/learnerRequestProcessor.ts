/**
 * The first processor of a learner: every request goes down this server's own chain, where writes wait for their commit,
 * and writes and SYNCs go to the leader as well (`FollowerRequestProcessor`, `ObserverRequestProcessor`).
 */

import type { Request } from '../server/request.ts';
import type { RequestProcessor } from '../server/requestProcessor.ts';
import { OpCode } from '../wire/opCodes.ts';
import type { LearnerZooKeeperServer } from './learnerZooKeeperServer.ts';

export class LearnerRequestProcessor implements RequestProcessor {
  readonly #server: LearnerZooKeeperServer;
  readonly #next: RequestProcessor;
  #stopped = false;

  constructor(server: LearnerZooKeeperServer, next: RequestProcessor) {
    this.#server = server;
    this.#next = next;
  }

  /** Down the chain first, so that it waits there by the time the answer comes. */
  processRequest(request: Request): void {
    if (this.#stopped) return;
    this.#next.processRequest(request);
    if (request.type === OpCode.sync) this.#server.forwardSync(request);
    else if (request.isQuorum()) this.#server.forward(request);
  }

  shutdown(): void {
    this.#stopped = true;
    this.#next.shutdown();
  }
}
