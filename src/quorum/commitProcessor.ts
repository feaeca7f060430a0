/**
 * Puts what clients asked here and what the ensemble committed into one order: a session's requests wait behind its own
 * write until that is committed, other sessions go on, and commits are passed on as they come (`CommitProcessor`).
 */

import { Queue } from '../base/queue.ts';
import { isQuorumType, type Request } from '../server/request.ts';
import type { RequestProcessor } from '../server/requestProcessor.ts';
import type { SessionId } from '../wire/ids.ts';
import { OpCode } from '../wire/opCodes.ts';

export class CommitProcessor implements RequestProcessor {
  readonly #next: RequestProcessor;
  readonly #matchSyncs: boolean;
  /** The sessions that wait, each with its requests from the first uncommitted write on. */
  readonly #pending = new Map<SessionId, Queue<Request>>();
  #stopped = false;

  /** With `matchSyncs` a `sync` waits like a write (on learners: until the leader's SYNC has come back). */
  constructor(next: RequestProcessor, matchSyncs: boolean) {
    this.#next = next;
    this.#matchSyncs = matchSyncs;
  }

  /** How many requests wait, all sessions together. */
  get pendingCount(): number {
    let count = 0;
    for (const queue of this.#pending.values()) count += queue.length;
    return count;
  }

  /** A request of a client of this server. */
  processRequest(request: Request): void {
    if (this.#stopped) return;
    const waiting = this.#pending.get(request.sessionId);
    if (waiting !== undefined) waiting.push(request);
    else if (this.#needsCommit(request)) this.#startWaiting(request);
    else this.#next.processRequest(request);
  }

  /**
   * The ensemble has committed `request`. If it is the write a session of this server waits for (same session, same
   * cxid), the waiting request gets the transaction and is passed on, and the reads behind it.
   */
  commit(request: Request): void {
    if (this.#stopped) return;
    const queue = this.#pending.get(request.sessionId);
    const waiting = queue?.peek();
    if (queue === undefined || waiting === undefined || !answers(request, waiting)) {
      // A session that somebody else has ended has nobody left to answer.
      if (request.header?.type === OpCode.closeSession) this.#pending.delete(request.sessionId);
      this.#next.processRequest(request);
      return;
    }
    queue.shift();
    if (waiting !== request && request.header !== null && request.txnBytes !== null) {
      waiting.setTxn(request.header, request.txn, request.digest, request.txnBytes);
    }
    this.#next.processRequest(waiting);
    this.#drain(request.sessionId, queue);
  }

  shutdown(): void {
    this.#stopped = true;
    this.#pending.clear();
    this.#next.shutdown();
  }

  #startWaiting(request: Request): void {
    const queue = new Queue<Request>();
    queue.push(request);
    this.#pending.set(request.sessionId, queue);
  }

  #drain(sessionId: SessionId, queue: Queue<Request>): void {
    for (;;) {
      const head = queue.peek();
      if (head === undefined) {
        this.#pending.delete(sessionId);
        return;
      }
      if (this.#stopped || this.#needsCommit(head)) return;
      queue.shift();
      this.#next.processRequest(head);
    }
  }

  #needsCommit(request: Request): boolean {
    return request.type === OpCode.sync ? this.#matchSyncs : isQuorumType(request.type);
  }
}

/**
 * A failed write comes back with the type of an error, so the type says nothing; a `sync` is answered by the very
 * request that waits, as SYNC packets name nothing.
 */
function answers(committed: Request, waiting: Request): boolean {
  if (committed.header === null) return committed === waiting;
  // A leader has made the transaction of what waits there: a session that it lets expire before another server has opened
  // it waits with the cxid of its own beginning.
  if (waiting.header !== null) return committed.header.zxid === waiting.header.zxid;
  return committed.cxid === waiting.cxid && waiting.type !== OpCode.sync;
}
