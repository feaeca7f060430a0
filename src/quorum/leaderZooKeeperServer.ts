/** A leader's request pipeline: prepare, propose, log, commit, apply (`LeaderZooKeeperServer`). */

import { ContainerManager } from '../server/containerManager.ts';
import { FinalRequestProcessor } from '../server/finalRequestProcessor.ts';
import { PrepRequestProcessor } from '../server/prepRequestProcessor.ts';
import { LOCAL_OWNER, type Request } from '../server/request.ts';
import type { ServerCnxn } from '../server/serverCnxn.ts';
import type { SessionTracker } from '../server/sessionTracker.ts';
import { SyncRequestProcessor } from '../server/syncRequestProcessor.ts';
import { ZooKeeperServer, type MonitorValue } from '../server/zooKeeperServer.ts';
import { ErrorCode } from '../wire/errorCodes.ts';
import type { SessionId } from '../wire/ids.ts';
import { OpCode } from '../wire/opCodes.ts';
import { encodeTxn, type Txn, type TxnHeader } from '../wire/txns.ts';
import { AckRequestProcessor } from './ackRequestProcessor.ts';
import { CommitProcessor } from './commitProcessor.ts';
import { quorumConfLines, quorumMonitorValues } from './quorumFacts.ts';
import type { Leader } from './leader.ts';
import { LeaderSessionTracker } from './leaderSessionTracker.ts';
import { ProposalRequestProcessor } from './proposalRequestProcessor.ts';
import type { RolePeer } from './role.ts';
import type { RoleScope } from './roleScope.ts';
import { ToBeAppliedRequestProcessor } from './toBeAppliedRequestProcessor.ts';

export class LeaderZooKeeperServer extends ZooKeeperServer {
  readonly mode = 'leader';
  readonly #peer: RolePeer;
  readonly #leader: Leader;
  #commitProcessor: CommitProcessor | null = null;
  #proposalProcessor: ProposalRequestProcessor | null = null;
  #prepProcessor: PrepRequestProcessor | null = null;
  #containerManager: ContainerManager | null = null;

  constructor(peer: RolePeer, leader: Leader, scope: RoleScope) {
    super(scope.world, peer.db, peer.serverOptions, peer, peer.cnxnFactory);
    this.#peer = peer;
    this.#leader = leader;
  }

  override startup(): void {
    super.startup();
    this.#containerManager?.start();
  }

  override shutdown(stopped: () => void): void {
    this.#containerManager?.stop();
    super.shutdown(stopped);
  }

  /** A request that a learner has checked and sent on. */
  submitLearnerRequest(request: Request): void {
    if (!this.isRunning()) return;
    if (request.type === OpCode.check) this.#refuseCheck(request);
    else this.#prepProcessor?.processRequest(request);
  }

  /**
   * A lone `check` as a transaction is what ZooKeeper 3.8.0's own followers cannot read; but the follower that sent it
   * waits for something to be committed, so it gets an error.
   */
  #refuseCheck(request: Request): void {
    const header: TxnHeader = {
      clientId: request.sessionId,
      cxid: request.cxid,
      zxid: this.nextZxid(),
      time: this.world.clock.wallTime(),
      type: OpCode.error,
    };
    const txn: Txn = { type: OpCode.error, err: ErrorCode.Unimplemented };
    request.setTxn(header, txn, null, encodeTxn({ header, txn, digest: null }));
    this.#proposalProcessor?.processRequest(request);
  }

  commit(request: Request): void {
    this.#commitProcessor?.commit(request);
  }

  override coalesceReplies(task: () => void): void {
    super.coalesceReplies(() => {
      this.#leader.batch.run(task);
    });
  }

  override monitorValues(): readonly MonitorValue[] {
    return [...quorumMonitorValues(this.#peer, 'leading'), ...this.#leader.monitorValues()];
  }

  override confLines(): readonly string[] {
    return quorumConfLines(this.#peer);
  }

  override proposalSizes(): {
    readonly last: number;
    readonly min: number;
    readonly max: number;
  } | null {
    return this.#leader.proposalSizes;
  }

  protected override setupRequestProcessors(): void {
    const final = new FinalRequestProcessor(this);
    const toBeApplied = new ToBeAppliedRequestProcessor(final, this.#leader);
    this.#commitProcessor = new CommitProcessor(toBeApplied, false);
    this.syncProcessor = new SyncRequestProcessor(this, new AckRequestProcessor(this.#leader));
    this.#proposalProcessor = new ProposalRequestProcessor(
      this.#leader,
      this.syncProcessor,
      this.#commitProcessor,
    );
    this.#prepProcessor = new PrepRequestProcessor(this, this.#proposalProcessor);
    this.firstProcessor = this.#prepProcessor;
    this.#containerManager = new ContainerManager(this, this.#prepProcessor);
  }

  protected override createSessionTracker(): SessionTracker {
    return new LeaderSessionTracker(
      this.world,
      this,
      this.db.sessionsWithTimeouts,
      this.options.tickTimeMs,
      this.options.serverId,
    );
  }

  protected override revalidateSession(
    cnxn: ServerCnxn,
    sessionId: SessionId,
    timeoutMs: number,
  ): void {
    const valid = this.sessionTracker.touchSession(sessionId, timeoutMs);
    if (valid) this.setOwner(sessionId, LOCAL_OWNER);
    this.finishSessionInit(cnxn, valid);
  }
}
