/** What a database is told, each under ZooKeeper's name for it. */

export interface ZKDatabaseOptions {
  /** ZooKeeper takes no less than 500. */
  readonly commitLogCount: number;
  /** How large a DIFF from the log may be, as a part of the snapshot; negative: no DIFF from the log on disk. */
  readonly snapshotSizeFactor: number;
  /** `snapshot.trust.empty`: logs without any snapshot are replayed from nothing. */
  readonly snapshotTrustEmpty: boolean;
  /** `db.autocreate`: an empty disk is a new server's. Otherwise its zxid is -1 and it may not vote until it is synced. */
  readonly dbAutocreate: boolean;
  /** `testingonly.initialZxid`: the counter new leaders begin at, so that replay expects a reign to begin there; null: 0. */
  readonly initialZxidCounter: bigint | null;
  /** `digest.enabled` */
  readonly digestEnabled: boolean;
  readonly extendedTypesEnabled: boolean;
}

export const DEFAULT_DATABASE_OPTIONS: ZKDatabaseOptions = {
  commitLogCount: 500,
  snapshotSizeFactor: 0.33,
  snapshotTrustEmpty: false,
  dbAutocreate: true,
  initialZxidCounter: null,
  digestEnabled: true,
  extendedTypesEnabled: false,
};
