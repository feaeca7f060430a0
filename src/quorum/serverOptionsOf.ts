/** A server's configuration as the parts that serve and store want it. Pure. */

import type { PeerConfig } from '../config/peerConfig.ts';
import { defaultServerOptions, type ServerOptions } from '../server/serverOptions.ts';
import type { ZKDatabaseOptions } from '../storage/zkDatabase.ts';
import type { Sid } from '../wire/ids.ts';

/** `sid` is 0 where the server stands alone and has none. */
export function serverOptionsOf(config: PeerConfig, sid: Sid): ServerOptions {
  return {
    ...defaultServerOptions(sid, config.tickTimeMs),
    minSessionTimeoutMs: config.minSessionTimeoutMs,
    maxSessionTimeoutMs: config.maxSessionTimeoutMs,
    snapCount: config.snapCount,
    snapSizeLimitBytes: config.snapSizeLimitBytes,
    globalOutstandingLimit: config.globalOutstandingLimit,
    juteMaxBufferBytes: config.juteMaxBufferBytes,
    digestEnabled: config.digestEnabled,
    extendedTypesEnabled: config.extendedTypesEnabled,
    reconfigEnabled: config.reconfigEnabled,
    enforceQuota: config.enforceQuota,
    skipACL: config.skipACL,
    superDigest: config.superDigest,
  };
}

export const databaseOptionsOf = (config: PeerConfig): ZKDatabaseOptions => ({
  commitLogCount: config.commitLogCount,
  snapshotSizeFactor: config.snapshotSizeFactor,
  snapshotTrustEmpty: config.snapshotTrustEmpty,
  dbAutocreate: config.dbAutocreate,
  initialZxidCounter: config.initialZxidCounter,
  digestEnabled: config.digestEnabled,
  extendedTypesEnabled: config.extendedTypesEnabled,
});
