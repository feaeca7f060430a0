/** What a server holds in memory of its database, and the one way a transaction gets into it: live, replayed or synced. */

import { DataTree } from '../tree/dataTree.ts';
import type { DataTreeOptions } from '../tree/treeContents.ts';
import type { ProcessTxnResult } from '../tree/treeTransactions.ts';
import type { SessionId } from '../wire/ids.ts';
import { OpCode } from '../wire/opCodes.ts';
import type { Txn, TxnDigest, TxnHeader } from '../wire/txns.ts';
import { CommittedLog } from './committedLog.ts';
import type { ZKDatabaseOptions } from './zkDatabaseOptions.ts';

export interface DatabaseState {
  readonly tree: DataTree;
  readonly sessions: Map<SessionId, number>;
  readonly committedLog: CommittedLog;
}

/** From what a snapshot held; without it, the database of a new ensemble. */
export function databaseState(
  options: ZKDatabaseOptions,
  treeOptions: DataTreeOptions,
  contents: Pick<DatabaseState, 'tree' | 'sessions'> = {
    tree: new DataTree(treeOptions),
    sessions: new Map(),
  },
): DatabaseState {
  const committedLog = new CommittedLog(options.commitLogCount, options.initialZxidCounter);
  return { tree: contents.tree, sessions: contents.sessions, committedLog };
}

/** Throws `JuteError`, before anything is changed, for a multi whose parts are no transactions. */
export function applyTxn(
  state: DatabaseState,
  header: TxnHeader,
  txn: Txn,
  digest: TxnDigest | null,
): ProcessTxnResult {
  const result = state.tree.processTxn(header, txn, digest);
  if (txn.type === OpCode.createSession) state.sessions.set(header.clientId, txn.timeOut);
  else if (txn.type === OpCode.closeSession) state.sessions.delete(header.clientId);
  return result;
}
