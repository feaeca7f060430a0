/** What `tabkeeper/client` has besides a way to connect, which depends on where it runs. */

export type { ClientState, Session } from './clientCnxn.ts';
export { type CreateOptions, MultiError, type NodeContent, Op, type Transaction } from './multi.ts';
export type { WatchedEvent, Watcher } from './watchRegistry.ts';
export type { Watch, ZooKeeperEvents } from './zooKeeper.ts';
export type {
  Create2Response,
  GetACLResponse,
  GetChildren2Response,
  GetDataResponse,
} from '../wire/clientResponses.ts';
export { CreateMode } from '../wire/createModes.ts';
export {
  type ACL,
  type ClientInfo,
  CREATOR_ALL_ACL,
  type Id,
  OPEN_ACL_UNSAFE,
  Perms,
  READ_ACL_UNSAFE,
  type Stat,
} from '../wire/dataRecords.ts';
export { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
export type { MultiOp, MultiResult } from '../wire/multiRecords.ts';
export { AddWatchMode, EventType, WatcherType } from '../wire/watchTypes.ts';
