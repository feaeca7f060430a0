/** What a serving role needs to be told, with ZooKeeper's defaults. Every field but the first is one of PeerConfig's. */

import { DEFAULT_JUTE_MAX_BUFFER_BYTES } from './serverLimits.ts';

export interface ServerOptions {
  /** The top byte of the session ids given out here; `serverId` in `conf`. */
  readonly serverId: bigint;
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** A snapshot after between half and all of so many logged transactions; at least 2. */
  readonly snapCount: number;
  /** A snapshot after between half and all of so many logged bytes; at most 0: no such limit. */
  readonly snapSizeLimitBytes: number;
  /** Requests in process above which a connection that has any outstanding is no longer read. */
  readonly globalOutstandingLimit: number;
  /** `jute.maxbuffer`: the longest frame a client may send, and the longest transaction that is proposed. */
  readonly juteMaxBufferBytes: number;
  /** Proposals carry the tree's digest (`digest.enabled`). */
  readonly digestEnabled: boolean;
  /** TTL nodes may be created. */
  readonly extendedTypesEnabled: boolean;
  readonly reconfigEnabled: boolean;
  /** Hard quota limits refuse writes. */
  readonly enforceQuota: boolean;
  readonly skipACL: boolean;
  /** `user:base64(sha1(user:password))` of the digest super user; null: there is none. */
  readonly superDigest: string | null;
}

/** ZooKeeper 3.8's defaults for a server whose tick is `tickTimeMs`. */
export function defaultServerOptions(serverId: bigint, tickTimeMs: number): ServerOptions {
  return {
    serverId,
    tickTimeMs,
    minSessionTimeoutMs: 2 * tickTimeMs,
    maxSessionTimeoutMs: 20 * tickTimeMs,
    snapCount: 100_000,
    snapSizeLimitBytes: 4_194_304 * 1024,
    globalOutstandingLimit: 1_000,
    juteMaxBufferBytes: DEFAULT_JUTE_MAX_BUFFER_BYTES,
    digestEnabled: true,
    extendedTypesEnabled: false,
    reconfigEnabled: false,
    enforceQuota: false,
    skipACL: false,
    superDigest: null,
  };
}
