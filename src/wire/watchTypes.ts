/** The vocabulary of watches: what happened, in which state the client is, and what kind of watch is meant. */

/** `Watcher.Event.EventType`. */
export const EventType = {
  None: -1,
  NodeCreated: 1,
  NodeDeleted: 2,
  NodeDataChanged: 3,
  NodeChildrenChanged: 4,
  DataWatchRemoved: 5,
  ChildWatchRemoved: 6,
  PersistentWatchRemoved: 7,
} as const;
export type EventType = (typeof EventType)[keyof typeof EventType];

/** `Watcher.Event.KeeperState`. */
export const KeeperState = {
  Disconnected: 0,
  SyncConnected: 3,
  AuthFailed: 4,
  ConnectedReadOnly: 5,
  SaslAuthenticated: 6,
  Expired: -112,
  Closed: 7,
} as const;
export type KeeperState = (typeof KeeperState)[keyof typeof KeeperState];

/** `Watcher.WatcherType`: which watches `removeWatches` and `checkWatches` mean. */
export const WatcherType = { Children: 1, Data: 2, Any: 3 } as const;
export type WatcherType = (typeof WatcherType)[keyof typeof WatcherType];

/** `AddWatchMode`. */
export const AddWatchMode = { PERSISTENT: 0, PERSISTENT_RECURSIVE: 1 } as const;
export type AddWatchMode = (typeof AddWatchMode)[keyof typeof AddWatchMode];

const eventTypes = new Map<number, EventType>(Object.values(EventType).map((type) => [type, type]));
const eventNames = new Map<number, string>(
  Object.entries(EventType).map(([name, type]) => [type, name]),
);

/** Null for a number that is none. */
export const eventTypeFromInt = (value: number): EventType | null => eventTypes.get(value) ?? null;
/** `NodeCreated`, ... as ZooKeeper prints it. */
export const eventTypeName = (type: number): string => eventNames.get(type) ?? `event ${type}`;
