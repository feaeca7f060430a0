/** The bounds of the client side, in one place. Constants only. */

/** `jute.maxbuffer` of ZooKeeper 3.8: the longest frame read from a client. */
export const DEFAULT_JUTE_MAX_BUFFER_BYTES = 0xfffff;
/** A client that lets more than this pile up unread is closed (ours; ZooKeeper has no bound). */
export const MAX_SEND_QUEUE_BYTES = 16 * 1024 * 1024;
/** What may still arrive after reading was paused; more closes the connection (ours). */
export const MAX_PAUSED_RECEIVE_BYTES = 16 * 1024 * 1024;
/** A message, or a flush, can bring thousands of requests: after so many every other event has its turn. */
export const MAX_REQUESTS_AT_ONCE = 128;
/** Replies of one turn are collected up to so much, then they leave. */
export const FLUSH_REPLIES_BYTES = 64 * 1024;
/** `zookeeper.nio.sessionlessCnxnTimeout`: how long a connection may be without a session. */
export const SESSIONLESS_CNXN_TIMEOUT_MS = 10_000;
/** How often ZooKeeper's ContainerManager looks (`znode.container.checkIntervalMs`). */
export const CONTAINER_CHECK_INTERVAL_MS = 60_000;
/** `znode.container.maxPerMinute` */
export const MAX_CONTAINERS_PER_MINUTE = 10_000;
