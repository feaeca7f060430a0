/**
 * One-line mistakes in the protocol, each of which the simulator has to find: a mutant that survives is a hole in its
 * checks. Most are mistakes that ZooKeeper itself has made, and bear the numbers of its issues.
 */

/** One line of the source and what is put in its place. */
export interface Edit {
  /** Below `src/`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
}

export interface Mutant extends Edit {
  readonly name: string;
  /** Further lines, where the first alone is caught by a second guard. */
  readonly also?: readonly Edit[];
  /** Issues of Apache ZooKeeper about just this. */
  readonly issues?: readonly string[];
}

/** `QuorumMaj` leaves observers out once more. */
const EVERYBODY_COUNTS: Edit = {
  file: 'config/quorumMaj.ts',
  from: 'if (this.votingMembers.has(sid)) count++;',
  to: 'if (this.allMembers.has(sid)) count++;',
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'half of the voters are a quorum',
    file: 'config/quorumMaj.ts',
    from: 'return count * 2 > this.votingMembers.size;',
    to: 'return count * 2 >= this.votingMembers.size;',
  },
  {
    name: 'observers count in the quorum that reports its epochs',
    file: 'quorum/leader.ts',
    from: 'if (this.#isVoter(sid)) phase.connecting.add(sid);',
    to: 'phase.connecting.add(sid);',
    also: [EVERYBODY_COUNTS],
    issues: ['ZOOKEEPER-2959'],
  },
  {
    name: 'observers count in the quorum that accepts the epoch',
    file: 'quorum/leader.ts',
    from: 'if (counts && this.#isVoter(sid)) phase.electing.add(sid);',
    to: 'if (counts) phase.electing.add(sid);',
    also: [EVERYBODY_COUNTS],
    issues: ['ZOOKEEPER-2959'],
  },
  {
    name: 'observers count in the quorum that has the history',
    file: 'election/syncedLearnerTracker.ts',
    from: 'if (counts) this.#acks.add(sid);\n    return counts;',
    to: 'this.#acks.add(sid);\n    return true;',
    also: [EVERYBODY_COUNTS],
    issues: ['ZOOKEEPER-2959'],
  },
  {
    name: 'a transaction is acknowledged before it is flushed',
    file: 'server/syncRequestProcessor.ts',
    from: '    this.#append(request, request.header.zxid);\n',
    to: '    this.#append(request, request.header.zxid);\n    this.#next?.processRequest(request);\n',
  },
  {
    name: 'NEWLEADER is acknowledged before its history is flushed',
    file: 'quorum/learner.ts',
    from: 'db.flush(writeEpoch);',
    to: 'writeEpoch({ ok: true, value: undefined });',
    issues: ['ZOOKEEPER-4646', 'ZOOKEEPER-3911'],
  },
  {
    name: 'currentEpoch is written before the history it vouches for',
    file: 'quorum/learner.ts',
    from: 'db.flush(writeEpoch);',
    to: 'epochs.setCurrentEpoch(newEpoch, this.scope.answer(() => db.flush(this.scope.answer(acknowledge))));',
    issues: ['ZOOKEEPER-4643'],
  },
  {
    name: 'a follower does not write currentEpoch',
    file: 'quorum/learner.ts',
    from: 'epochs.setCurrentEpoch(newEpoch, this.scope.answer(acknowledge));',
    to: 'acknowledge();',
  },
  {
    name: 'acceptedEpoch is not written',
    file: 'storage/epochFiles.ts',
    from: 'this.#write(ACCEPTED_EPOCH_FILE, value, (result) => {',
    to: '((_file, _value, next) => next({ ok: true }))(ACCEPTED_EPOCH_FILE, value, (result) => {',
  },
  {
    name: 'a new epoch is one that was accepted before',
    file: 'quorum/leader.ts',
    from: 'phase.epoch = asEpoch(acceptedEpoch + 1n);',
    to: 'phase.epoch = asEpoch(acceptedEpoch === 0n ? 1n : acceptedEpoch);',
  },
  {
    name: 'a DIFF leaves out its first transaction',
    file: 'quorum/syncPlanner.ts',
    from: 'if (proposals.length === 0 && zxid <= peerLastZxid) {',
    to: 'if (proposals.length === 0 && zxid <= peerLastZxid + 1n) {',
  },
  {
    name: 'a learner that is ahead is sent a DIFF and not a TRUNC',
    file: 'quorum/syncPlanner.ts',
    from: "      sync: 'TRUNC',\n",
    to: "      sync: 'DIFF',\n",
    issues: ['ZOOKEEPER-1154'],
  },
  {
    name: 'a follower passes TRUNC over',
    file: 'quorum/learner.ts',
    from: 'this.#truncate(packet.zxid, newEpoch);',
    to: 'this.#receiveHistory(newEpoch);',
  },
  {
    name: 'TRUNC leaves newer snapshots where they are',
    file: 'storage/truncation.ts',
    from: '.filter((file) => file.zxid > zxid)',
    to: '.filter((file) => file.zxid > zxid && file.zxid < 0n)',
    issues: ['ZOOKEEPER-1549', 'ZOOKEEPER-4837'],
  },
  {
    name: 'SNAP leaves the logs it replaces',
    file: 'storage/snapshotInstallation.ts',
    from: 'const superseded = [...snapshots, ...logs]',
    to: 'const superseded = [...snapshots]',
  },
  {
    name: 'SNAP is installed in memory only',
    file: 'storage/snapshotInstallation.ts',
    from: '(next) => disk.replace(snapshotName(zxid), chunks, next),',
    to: '(next) => disk.remove(snapshotName(zxid), next),',
    issues: ['ZOOKEEPER-2872'],
  },
  {
    name: 'SNAP is installed in memory only, and memory is kept',
    file: 'storage/snapshotInstallation.ts',
    from: '(next) => disk.replace(snapshotName(zxid), chunks, next),',
    to: '(next) => disk.remove(snapshotName(zxid), next),',
    also: [
      {
        file: 'quorum/quorumPeer.ts',
        from: 'if (!this.#memoryIsStale && this.#memoryIsDurable()) {',
        to: 'if (this.db.initialized) {',
      },
    ],
    issues: ['ZOOKEEPER-3642'],
  },
  {
    name: 'transactions of a DIFF are applied and not logged',
    file: 'quorum/learnerSync.ts',
    from: 'if (logs) db.append(txnBytes, zxid);',
    to: 'if (logs && txnBytes.length === 0) db.append(txnBytes, zxid);',
    issues: ['ZOOKEEPER-3911'],
  },
  {
    name: 'transactions of a DIFF are left out of the committed log',
    file: 'quorum/learnerSync.ts',
    from: 'db.addCommittedProposal(zxid, txnBytes);',
    to: 'db.addCommittedProposal(zxid, txnBytes.subarray(0, 0));',
    issues: ['ZOOKEEPER-4925'],
  },
  {
    name: 'a commit between NEWLEADER and UPTODATE is lost',
    file: 'quorum/follower.ts',
    from: 'for (const request of sync.committed) this.#commit(request.zxid);',
    to: 'for (const request of []) this.#commit(request);',
    issues: ['ZOOKEEPER-3023', 'ZOOKEEPER-4394'],
  },
  {
    name: 'a proposal is acknowledged before NEWLEADER is',
    file: 'quorum/learner.ts',
    from: '    else sync.packet(packet);\n  }\n\n  /**\n   * History first',
    to: '    else {\n      sync.packet(packet);\n      if (packet.type === PacketType.PROPOSAL) this.sendAck(packet.zxid);\n    }\n  }\n\n  /**\n   * History first',
    issues: ['ZOOKEEPER-4685'],
  },
  {
    name: 'what is proposed between NEWLEADER and UPTODATE is never logged',
    file: 'quorum/follower.ts',
    from: 'for (const request of sync.proposed) this.zk.logRequest(request);',
    to: 'for (const request of []) this.zk.logRequest(request);',
    issues: ['ZOOKEEPER-4785'],
  },
  {
    name: 'what is queued behind a flush is logged later, also when its role has ended',
    file: 'server/syncRequestProcessor.ts',
    from: '    this.#append(request, request.header.zxid);\n',
    to: '    if (this.#flushing === null) this.#append(request, request.header.zxid);\n    else (this.late ??= []).push(request);\n',
    also: [
      {
        file: 'server/syncRequestProcessor.ts',
        from: '      this.#flushing = null;\n',
        to: `      this.#flushing = null;
      const late = this.late ?? [];
      this.late = [];
      // A thread of its own is as far behind as it likes.
      const lag = (left) => {
        if (left > 0) db.flush(() => lag(left - 1));
        else for (const request of late) this.#append(request, request.header.zxid);
      };
      if (late.length > 0) lag(this.#running ? 0 : 2_000);
`,
      },
    ],
    issues: ['ZOOKEEPER-4712'],
  },
  {
    name: 'a new follower is not sent what is in flight',
    file: 'quorum/leader.ts',
    from: 'for (const { zxid, txnBytes } of broadcast.outstanding) {',
    to: 'for (const { zxid, txnBytes } of []) {',
  },
  {
    name: 'an acknowledgement from before a resynchronisation still counts',
    file: 'quorum/leader.ts',
    from: 'broadcast.forgetAcks(handler.sid, lastQueuedZxid);',
    to: '',
  },
  {
    name: 'commits overtake one another',
    file: 'quorum/broadcast.ts',
    from: '      this.#commit(next);\n',
    to: '      this.#commit(this.#outstanding.at(1) ?? next);\n',
  },
  {
    name: 'a write is committed without a quorum',
    file: 'quorum/broadcast.ts',
    from: 'next?.acks.hasAllQuorums() === true;) {',
    to: 'next !== undefined;) {',
  },
  {
    name: 'observers are told nothing of a commit',
    file: 'quorum/broadcast.ts',
    from: 'if (this.#audience.hasObservers()) {',
    to: 'if (this.#audience.hasObservers() && zxid % 5n > 0n) {',
  },
  {
    name: 'a leader goes on when its counter is used up',
    file: 'quorum/leader.ts',
    from: 'if (counterOf(request.zxid) === LAST_COUNTER) {',
    to: 'if (counterOf(request.zxid) < 0n) {',
    issues: ['ZOOKEEPER-1277'],
  },
  {
    name: 'a leader at its end still answers SYNC',
    file: 'quorum/leader.ts',
    from: "  processSync(handler: LearnerHandler): void {\n    if (this.#phase.kind !== 'broadcast') return;\n",
    to: '  processSync(handler: LearnerHandler): void {\n',
  },
  {
    name: 'a leader without a quorum goes on',
    file: 'quorum/leader.ts',
    from: 'if (tracker.hasAllQuorums() || this.#oracleLetsGoOn()) return true;',
    to: 'if (synced.length > 0) return true;',
  },
  {
    name: 'votes pass the epoch over',
    file: 'election/vote.ts',
    from: '  if (candidate.peerEpoch !== current.peerEpoch) {',
    to: '  if (candidate.peerEpoch !== candidate.peerEpoch) {',
    issues: ['ZOOKEEPER-335'],
  },
  {
    name: 'the shorter history wins the election',
    file: 'election/vote.ts',
    from: "return candidate.zxid > current.zxid ? 'zxid' : null;",
    to: "return candidate.zxid < current.zxid ? 'zxid' : null;",
  },
  {
    name: 'a server votes with what is only in its memory',
    file: 'quorum/quorumPeer.ts',
    from: 'return this.db.lastDurableZxid;',
    to: 'return this.db.lastDurableZxid < 0n ? this.db.lastDurableZxid : ((this.db.lastDurableZxid + 1n) as Zxid);',
    issues: ['ZOOKEEPER-3642'],
  },
  {
    name: 'an empty disk that has lost its data votes',
    file: 'storage/databaseLoader.ts',
    from: 'const trusted = options.dbAutocreate || directory.hasInitializeFile;',
    to: 'const trusted = true;',
  },
  {
    name: 'a torn record is not cut off',
    file: 'storage/databaseLoader.ts',
    from: 'this.#cutTails(scan.torn, () =>',
    to: 'this.#cutTails([], () =>',
  },
  {
    name: 'a new log file does not wait for the old one',
    file: 'storage/txnLogWriter.ts',
    from: 'if (this.#unflushed) {',
    to: 'if (this.#unflushed && zxid < 0n) {',
  },
  {
    name: 'memory is kept after a synchronisation that failed',
    file: 'quorum/quorumPeer.ts',
    from: 'if (!this.#memoryIsStale && this.#memoryIsDurable()) {',
    to: 'if (this.db.initialized) {',
  },
  {
    name: 'what is only logged is left out of the memory that a reign begins with',
    file: 'quorum/quorumPeer.ts',
    from: 'if (zxid > this.db.lastAppendedZxid || this.#memoryIsStale) return;',
    to: 'if (zxid >= 0n) return;',
    also: [
      {
        file: 'quorum/quorumPeer.ts',
        from: 'if (!this.#memoryIsStale && this.#memoryIsDurable()) {',
        to: 'if (this.db.initialized) {',
      },
    ],
    issues: ['ZOOKEEPER-2845'],
  },
  {
    name: 'memory is ahead of the disk after a TRUNC',
    file: 'storage/truncation.ts',
    from: '    inSequence(steps, (result) => {',
    to: '    inSequence(steps.slice(0, 0), (result) => {',
    issues: ['ZOOKEEPER-5094'],
  },
  {
    name: 'a server whose disk fails goes on',
    file: 'quorum/quorumPeer.ts',
    from: "    this.#halt('disk', error.message);",
    to: '    void error;',
    issues: ['ZOOKEEPER-4882'],
  },
  {
    name: 'a write is answered before it is committed',
    file: 'quorum/commitProcessor.ts',
    from: 'return request.type === OpCode.sync ? this.#matchSyncs : isQuorumType(request.type);',
    to: 'return request.type === OpCode.sync && this.#matchSyncs;',
  },
  {
    name: 'a read overtakes the write before it',
    file: 'quorum/commitProcessor.ts',
    from: 'if (waiting !== undefined) waiting.push(request);',
    to: 'if (waiting !== undefined && isQuorumType(request.type)) waiting.push(request);',
  },
  {
    name: 'a watch event comes after the reply',
    file: 'server/serverCnxn.ts',
    from: '  process(event: WatchedEvent): void {\n',
    to: '  process(event: WatchedEvent): void {\n    if (!this.late) { this.late = true; this.#factory.world.clock.soon(() => { this.process(event); this.late = false; }); return; }\n',
  },
  {
    name: 'a client that comes back misses what has changed',
    file: 'tree/treeWatches.ts',
    from: 'else if (node.mzxid > watches.relativeZxid) tell(EventType.NodeDataChanged, path);',
    to: '',
  },
  {
    name: 'a server takes a client that has seen more than it has',
    file: 'server/zooKeeperServer.ts',
    from: 'if (request.lastZxidSeen > this.lastProcessedZxid) {',
    to: 'if (request.lastZxidSeen < 0n) {',
  },
  {
    name: 'the version that a write asks for is passed over',
    file: 'server/txnPreparation.ts',
    from: 'if (expected !== -1 && expected !== current)',
    to: 'if (expected < -1)',
  },
  {
    name: 'sequence names count children',
    file: 'server/txnPreparation.ts',
    from: 'sequentialPath(body.path, parent.stat.cversion)',
    to: 'sequentialPath(body.path, parent.childCount)',
  },
  {
    name: 'a session that ends leaves the ephemerals it made last',
    file: 'server/txnPreparation.ts',
    from: 'else if (change.stat.ephemeralOwner === request.sessionId) paths.add(change.path);',
    to: '',
  },
  {
    name: 'a session that is being closed goes on writing',
    file: 'server/sessionTrackerImpl.ts',
    from: 'if (session.closing) throw new KeeperError(ErrorCode.SessionExpired);',
    to: '',
  },
  {
    name: 'a multi that fails leaves what its first part was to do',
    file: 'server/prepRequestProcessor.ts',
    from: '        request.error = error;\n        this.#server.outstandingChanges.rollback(stamp.zxid);\n',
    to: '        request.error = error;\n',
  },
];
