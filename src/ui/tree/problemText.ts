/** What kept something from happening, in words for a person. */

import { ErrorCode, KeeperError } from '../../wire/errorCodes.ts';
import { nameOf } from './treeRows.ts';
import { isCancelled } from './work.svelte.ts';

/** Null when the task did what it is for, else what kept it from that, in words. */
export async function problemOf(task: () => Promise<void>): Promise<string | null> {
  try {
    await task();
    return null;
  } catch (error) {
    return explain(error);
  }
}

export const isNoNode = (error: unknown): boolean =>
  error instanceof KeeperError && error.code === ErrorCode.NoNode;

function explain(error: unknown): string {
  if (isCancelled(error)) return 'Cancelled. What was done until then stays done.';
  if (!(error instanceof KeeperError))
    return error instanceof Error ? error.message : String(error);
  const name = error.path === null ? 'it' : nameOf(error.path);
  switch (error.code) {
    case ErrorCode.ConnectionLoss:
      return 'The server stopped answering: without a quorum reads and writes are refused. Nobody can say whether the last write happened.';
    case ErrorCode.SessionExpired:
      return 'The session has expired and its ephemeral nodes are gone. This page has opened a new one.';
    case ErrorCode.BadVersion:
      return `Somebody changed ${name} in the meantime. Look at the new value, then save again.`;
    case ErrorCode.NodeExists:
      return `There is already a node called ${name}.`;
    case ErrorCode.NotEmpty:
      return `${name} has children: delete them first.`;
    case ErrorCode.NoChildrenForEphemerals:
      return 'An ephemeral node cannot have children.';
    case ErrorCode.Unimplemented:
      return 'The servers of this room do not do this. For nodes with a time to live ZooKeeper asks for extendedTypesEnabled=true, which is off unless somebody turns it on, because older servers cannot read such data.';
    case ErrorCode.NoAuth:
      return `The access list of ${name} does not let this tab do that.`;
    case ErrorCode.InvalidACL:
      return 'No server takes this access list: it is empty, or its scheme or id is unknown.';
    default:
      return error.message;
  }
}
