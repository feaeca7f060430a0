/**
 * A member of an ensemble through its life: loads what its disk holds, looks for a leader, plays the role that the
 * election gives it, and looks again when that ends (`QuorumPeer`). A role starts only when nothing of the one before is
 * left and memory is what the disk says; a failed disk ends it all.
 */

import { assert } from '../base/assert.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import type { LearnerType } from '../config/quorumServer.ts';
import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import { createElectionAlgorithm } from '../election/createElectionAlgorithm.ts';
import type { ElectionOutcome, ElectionPeer, LeaderElection } from '../election/electionPeer.ts';
import { voteView, type Vote } from '../election/vote.ts';
import type { ServerState, StateCause, StopCause, ZabState } from '../ports/probe.ts';
import type { World } from '../ports/world.ts';
import type { Request } from '../server/request.ts';
import type { ServerCnxnFactory } from '../server/serverCnxnFactory.ts';
import type { ServerOptions } from '../server/serverOptions.ts';
import type { ZooKeeperServer } from '../server/zooKeeperServer.ts';
import { EpochFiles } from '../storage/epochFiles.ts';
import type { StorageError } from '../storage/storageError.ts';
import { ZKDatabase } from '../storage/zkDatabase.ts';
import {
  counterOf,
  epoch as asEpoch,
  zxid as asZxid,
  type Epoch,
  type Sid,
  type Zxid,
} from '../wire/ids.ts';
import { initConfigInZKDatabase } from './configNode.ts';
import { DatadirCleanupManager } from './datadirCleanupManager.ts';
import { Follower } from './follower.ts';
import { Leader } from './leader.ts';
import { Observer } from './observer.ts';
import { ObserverMasters } from './observerMasters.ts';
import type { Role, RolePeer } from './role.ts';
import { RoleScope } from './roleScope.ts';
import type { CancelSnapshot, PeerStatus, RunningPeer, SnapshotAnswer } from './runningPeer.ts';
import { databaseOptionsOf, serverOptionsOf } from './serverOptionsOf.ts';
import { takeSnapshotNow } from './snapshotNow.ts';

type Life =
  /** Snapshot, log and epoch files are being read. */
  | { readonly kind: 'loading' }
  | { readonly kind: 'looking' }
  | {
      readonly kind: 'playing';
      readonly role: Role;
      readonly state: Exclude<ServerState, 'LOOKING'>;
    }
  /** The last role clears up. */
  | { readonly kind: 'clearing'; then: () => void }
  /** Memory is brought in line with the disk. */
  | { readonly kind: 'settling' }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped' };

export class QuorumPeer implements RolePeer, ElectionPeer, RunningPeer {
  readonly sid: Sid;
  readonly config: PeerConfig;
  readonly world: World;
  readonly db: ZKDatabase;
  readonly epochs: EpochFiles;
  readonly serverOptions: ServerOptions;
  readonly cnxnFactory: ServerCnxnFactory | null;
  readonly observerMasters: ObserverMasters | null;
  needsSnapshot = false;
  readonly #verifier: QuorumVerifier;
  readonly #election: LeaderElection;
  readonly #cleanup: DatadirCleanupManager;
  /** For what the peer itself waits for: loading between the roles. */
  readonly #scope: RoleScope;
  #life: Life = { kind: 'loading' };
  #zabState: ZabState = 'ELECTION';
  #vote: Vote | null = null;
  #serving = false;
  #memoryIsStale = false;
  #epochsAreLoaded = false;
  readonly #stoppedCallbacks: (() => void)[] = [];

  constructor(
    config: PeerConfig,
    sid: Sid,
    verifier: QuorumVerifier,
    world: World,
    cnxnFactory: ServerCnxnFactory | null,
  ) {
    this.sid = sid;
    this.config = config;
    this.world = world;
    this.cnxnFactory = cnxnFactory;
    this.#verifier = verifier;
    this.serverOptions = shareOfMember(serverOptionsOf(config, sid), verifier);
    this.#scope = new RoleScope(world, (error) => {
      this.diskFailed(error);
    });
    this.db = new ZKDatabase(world, databaseOptionsOf(config), (error) => {
      this.diskFailed(error);
    });
    this.epochs = new EpochFiles(world);
    this.observerMasters = ObserverMasters.of(config, verifier, world.random);
    this.#election = createElectionAlgorithm(world, config, this);
    this.#cleanup = new DatadirCleanupManager(this.#scope, this.db, config);
  }

  start(): void {
    if (!this.#verifier.allMembers.has(this.sid)) {
      this.#halt('configuration', `server ${this.sid} is no member of its own configuration`);
      return;
    }
    this.db.load(
      this.#scope.answer((loaded) => {
        this.#loadEpochs(loaded.zxid);
      }),
    );
  }

  #loadEpochs(zxid: Zxid): void {
    this.epochs.load(
      zxid,
      this.#scope.answer(() => {
        if (this.#life.kind === 'loading') this.#loaded();
      }),
    );
  }

  #loaded(): void {
    this.#epochsAreLoaded = true;
    initConfigInZKDatabase(this.db, this.#verifier);
    this.cnxnFactory?.start((reason) => {
      this.#halt('clientPort', `clients cannot connect: ${reason}`);
    });
    this.#election.start();
    this.#cleanup.start();
    this.#look({ kind: 'started' });
  }

  #look(cause: StateCause): void {
    if (this.#ending) return;
    this.#life = { kind: 'looking' };
    this.#tellState(cause);
    this.setZabState('ELECTION');
    this.#election.lookForLeader((outcome) => {
      if (this.#life.kind === 'looking') this.#play(outcome);
    });
  }

  #play(outcome: ElectionOutcome): void {
    const { vote, state, kind, supporters } = outcome;
    this.#vote = vote;
    const role = this.#newRole(outcome);
    this.#life = { kind: 'playing', role, state };
    this.#tellState({ kind, vote: voteView(vote), supporters });
    role.start();
  }

  #newRole(outcome: ElectionOutcome): Role {
    const ended = (cause: StateCause): void => {
      if (this.#life.kind === 'playing' && this.#life.role === role) this.#endRole(role, cause);
    };
    const role = this.#makeRole(outcome, ended);
    return role;
  }

  #makeRole(outcome: ElectionOutcome, ended: (cause: StateCause) => void): Role {
    switch (outcome.state) {
      case 'LEADING':
        return new Leader(this, outcome, ended);
      case 'FOLLOWING':
        return new Follower(this, outcome.vote, ended);
      case 'OBSERVING':
        return new Observer(this, outcome.vote, ended);
    }
  }

  /** Whoever asks hears from now on that this server looks; it does so once all is cleared up. */
  #endRole(role: Role, cause: StateCause): void {
    const reason = reasonOf(cause);
    const clearing: Life = { kind: 'clearing', then: () => this.#settle(cause) };
    this.#life = clearing;
    this.#stopServing(reason);
    role.stop(reason, () => {
      clearing.then();
    });
  }

  #settle(cause: StateCause): void {
    this.#life = { kind: 'settling' };
    this.#settleMemory(() => {
      if (this.#life.kind === 'settling') this.#look(cause);
    });
  }

  /**
   * Before a server votes, its memory has to be its durable history, no more and no less: what it votes with is what it
   * leads with.
   */
  #settleMemory(settled: () => void): void {
    this.db.flush(
      this.#scope.answer(() => {
        this.#forgetEmptyReign();
        if (!this.#memoryIsStale && this.#memoryIsDurable()) {
          settled();
          return;
        }
        this.db.load(
          this.#scope.answer(() => {
            this.#memoryIsStale = false;
            initConfigInZKDatabase(this.db, this.#verifier);
            settled();
          }),
        );
      }),
    );
  }

  #memoryIsDurable(): boolean {
    const durable = this.db.lastDurableZxid;
    return durable === NOTHING_TRUSTED || durable === this.db.tree.lastProcessedZxid;
  }

  /** A leader's zxid becomes (epoch, 0) when its reign begins; if nothing was written in it, nothing happened. */
  #forgetEmptyReign(): void {
    const { tree, lastDurableZxid } = this.db;
    if (counterOf(tree.lastProcessedZxid) !== 0n || lastDurableZxid === NOTHING_TRUSTED) return;
    if (tree.lastProcessedZxid > lastDurableZxid && this.#wasLastApplied(lastDurableZxid)) {
      tree.lastProcessedZxid = lastDurableZxid;
    }
  }

  #wasLastApplied(zxid: Zxid): boolean {
    const { committedLog } = this.db;
    const last = committedLog[committedLog.length - 1];
    return last === undefined || last.zxid === zxid;
  }

  takeSnapshot(answer: (answer: SnapshotAnswer) => void): CancelSnapshot {
    return takeSnapshotNow(this.db, this.#serving, this.world.clock, answer);
  }

  stop(stopped: () => void): void {
    if (this.#life.kind === 'stopped') {
      stopped();
      return;
    }
    this.#stoppedCallbacks.push(stopped);
    this.#halt('told', 'it was told to stop');
  }

  diskFailed(error: StorageError): void {
    this.#halt('disk', error.message);
  }

  electionPortFailed(reason: string): void {
    this.#halt('electionPort', `the election port cannot be used: ${reason}`);
  }

  /** The election first: nobody is told any more that this server leads while its learners are sent away. */
  #halt(cause: StopCause, reason: string): void {
    if (this.#ending) return;
    const life = this.#life;
    this.#life = { kind: 'stopping' };
    this.#election.shutdown();
    this.#stopServing(reason);
    this.cnxnFactory?.shutdown();
    const finish = (): void => {
      this.#scope.close(() => {
        this.#life = { kind: 'stopped' };
        if (this.world.probe.watches('peer')) {
          this.world.probe.emit({ topic: 'peer', type: 'stopped', cause, reason });
        }
        for (const stopped of this.#stoppedCallbacks.splice(0)) stopped();
      });
    };
    if (life.kind === 'playing') life.role.stop(reason, finish);
    else if (life.kind === 'clearing') life.then = finish;
    else finish();
  }

  get #ending(): boolean {
    return this.#life.kind === 'stopping' || this.#life.kind === 'stopped';
  }

  lastLoggedZxid(): Zxid {
    return this.db.lastDurableZxid;
  }

  quorumVerifier(): QuorumVerifier {
    return this.#verifier;
  }

  lastSeenQuorumVerifier(): QuorumVerifier | null {
    return null;
  }

  zabState(): ZabState {
    return this.#zabState;
  }

  setZabState(state: ZabState): void {
    if (this.#zabState === state) return;
    this.#zabState = state;
    const { probe } = this.world;
    if (probe.watches('peer')) probe.emit({ topic: 'peer', type: 'zabState', state });
  }

  updateElectionVote(epoch: Epoch): void {
    if (this.#vote !== null) this.#vote = { ...this.#vote, peerEpoch: epoch };
  }

  serve(server: ZooKeeperServer): void {
    this.cnxnFactory?.setServer(server);
    this.#serving = true;
    const { probe } = this.world;
    if (!probe.watches('peer')) return;
    const reason = `it is in sync as ${server.mode}`;
    probe.emit({ topic: 'peer', type: 'serving', serving: true, reason });
  }

  #stopServing(reason: string): void {
    this.cnxnFactory?.setServer(null);
    if (!this.#serving) return;
    this.#serving = false;
    const { probe } = this.world;
    if (probe.watches('peer')) {
      probe.emit({ topic: 'peer', type: 'serving', serving: false, reason });
    }
  }

  fastForward(logged: Iterable<Request>): void {
    for (const { header, txn, digest, txnBytes, zxid } of logged) {
      if (zxid > this.db.lastAppendedZxid || this.#memoryIsStale) return;
      assert(header !== null && txnBytes !== null, 'only transactions are logged');
      this.db.processTxn(header, txn, digest);
      this.db.addCommittedProposal(zxid, txnBytes);
    }
  }

  rebuildMemory(): void {
    this.#memoryIsStale = true;
  }

  learnerType(): LearnerType {
    return this.#verifier.votingMembers.has(this.sid) ? 'participant' : 'observer';
  }

  serverState(): ServerState {
    return this.#life.kind === 'playing' ? this.#life.state : 'LOOKING';
  }

  currentEpoch(): Epoch {
    return this.epochs.currentEpoch;
  }

  currentVote(): Vote | null {
    return this.#vote;
  }

  /** Configurations change by reconfiguration only, and that is off. */
  configReceived(): boolean {
    return false;
  }

  lookingPeer(sid: Sid, vote: Vote): void {
    if (this.#life.kind !== 'playing') return;
    const { role } = this.#life;
    if (role instanceof Leader) role.reportLookingSid(sid, vote);
  }

  status(): PeerStatus {
    return {
      sid: this.sid,
      state: this.serverState(),
      leader: this.#knownLeader(),
      epoch: this.#epochsAreLoaded ? this.epochs.currentEpoch : asEpoch(0),
      zxid: this.db.initialized ? this.db.tree.lastProcessedZxid : asZxid(0n),
      serving: this.#serving,
      servers: [...this.#verifier.allMembers.values()],
    };
  }

  /** An observer behind a follower learns of new reigns, but not whose they are. */
  #knownLeader(): Sid | null {
    if (this.#life.kind !== 'playing' || this.#vote === null) return null;
    const maybeOutdated = this.#life.state === 'OBSERVING' && this.observerMasters !== null;
    if (maybeOutdated && this.#vote.peerEpoch !== this.epochs.currentEpoch) return null;
    return this.#vote.id;
  }

  #tellState(cause: StateCause): void {
    const { probe } = this.world;
    if (probe.watches('peer')) {
      probe.emit({ topic: 'peer', type: 'state', state: this.serverState(), cause });
    }
  }
}

/** All members together have the outstanding requests of one server (`getGlobalOutstandingLimit`). */
function shareOfMember(options: ServerOptions, verifier: QuorumVerifier): ServerOptions {
  const voterCount = verifier.votingMembers.size;
  const divisor = voterCount > 2 ? voterCount - 1 : 1;
  const globalOutstandingLimit = Math.floor(options.globalOutstandingLimit / divisor);
  return { ...options, globalOutstandingLimit };
}

/** The durable zxid of an empty disk that may have lost its data. */
const NOTHING_TRUSTED = asZxid(-1n);

function reasonOf(cause: StateCause): string {
  switch (cause.kind) {
    case 'leaderLost':
    case 'steppedDown':
    case 'epochNotAgreed':
      return cause.reason;
    case 'counterExhausted':
      return 'the zxid counter of this epoch is used up, so a new epoch has to begin';
    case 'reconfigured':
      return 'the configuration has changed';
    case 'started':
    case 'elected':
    case 'joined':
      return cause.kind;
  }
}
