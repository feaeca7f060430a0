/**
 * What the request pipelines of followers and observers share: writes and SYNCs go to the leader and come back as
 * commits, sessions are asked about there, reads are answered here (`LearnerZooKeeperServer`).
 */

import { Queue } from '../base/queue.ts';
import { FinalRequestProcessor } from '../server/finalRequestProcessor.ts';
import type { Request } from '../server/request.ts';
import type { ServerCnxn } from '../server/serverCnxn.ts';
import type { SessionTracker } from '../server/sessionTracker.ts';
import { ZooKeeperServer, type MonitorValue } from '../server/zooKeeperServer.ts';
import type { SessionId } from '../wire/ids.ts';
import type { SessionTouch } from '../wire/learnerPayloads.ts';
import { CommitProcessor } from './commitProcessor.ts';
import type { Learner } from './learner.ts';
import { LearnerRequestProcessor } from './learnerRequestProcessor.ts';
import { LearnerSessionTracker } from './learnerSessionTracker.ts';
import { quorumConfLines, quorumMonitorValues } from './quorumFacts.ts';
import type { RolePeer } from './role.ts';
import type { RoleScope } from './roleScope.ts';

export abstract class LearnerZooKeeperServer extends ZooKeeperServer {
  protected readonly peer: RolePeer;
  protected readonly learner: Learner;
  /** What is done when the leader has answered, by the order of the questions. */
  readonly #pendingSyncs = new Queue<() => void>();
  #commitProcessor: CommitProcessor | null = null;
  #learnerSessions: LearnerSessionTracker | null = null;

  constructor(peer: RolePeer, learner: Learner, scope: RoleScope) {
    super(scope.world, peer.db, peer.serverOptions, peer, peer.cnxnFactory);
    this.peer = peer;
    this.learner = learner;
  }

  /** A write of a client of this server: what it becomes is committed by the leader. */
  forward(request: Request): void {
    this.learner.request(request);
  }

  /** A `sync`; the leader answers them in order and names none. By default it is one of a client of this server. */
  forwardSync(
    request: Request,
    answered: () => void = () => this.#commitProcessor?.commit(request),
  ): void {
    this.#pendingSyncs.push(answered);
    this.learner.request(request);
  }

  /** The leader's SYNC: everything committed before the oldest `sync` has been seen here. False: nobody asked. */
  syncAnswered(): boolean {
    const answered = this.#pendingSyncs.shift();
    if (answered === undefined) return false;
    answered();
    return true;
  }

  takeTouches(): readonly SessionTouch[] {
    return this.#learnerSessions?.takeTouches() ?? [];
  }

  override coalesceReplies(task: () => void): void {
    super.coalesceReplies(() => {
      this.learner.batch.run(task);
    });
  }

  override monitorValues(): readonly MonitorValue[] {
    return quorumMonitorValues(this.peer, this.mode === 'observer' ? 'observing' : 'following');
  }

  override confLines(): readonly string[] {
    return quorumConfLines(this.peer);
  }

  protected override setupRequestProcessors(): void {
    this.#commitProcessor = new CommitProcessor(new FinalRequestProcessor(this), true);
    this.firstProcessor = new LearnerRequestProcessor(this, this.#commitProcessor);
  }

  protected override createSessionTracker(): SessionTracker {
    this.#learnerSessions = new LearnerSessionTracker(
      this.world,
      this.db.sessionsWithTimeouts,
      this.options.serverId,
    );
    return this.#learnerSessions;
  }

  protected override revalidateSession(
    cnxn: ServerCnxn,
    sessionId: SessionId,
    timeoutMs: number,
  ): void {
    this.learner.validateSession(sessionId, timeoutMs, (valid) => {
      this.finishSessionInit(cnxn, valid);
    });
  }

  protected passCommitted(request: Request): void {
    this.#commitProcessor?.commit(request);
  }
}
