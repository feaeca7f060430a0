/** The `mntr` command: what is measured here, under ZooKeeper's names and in its order. */

import { doubleText } from './textFormat.ts';
import type { ServerCnxnFactory } from './serverCnxnFactory.ts';
import type { Summary } from './serverStats.ts';
import type { MonitorValue, ZooKeeperServer } from './zooKeeperServer.ts';

/**
 * ZooKeeper's order, as far as we have its metrics. What it measures of Java (threads, garbage, file descriptors), of
 * TLS, of throttling that is not built here, and percentiles are left out rather than made up.
 */
const ORDER: readonly string[] = [
  'version',
  'server_state',
  'peer_state',
  'ephemerals_count',
  'num_alive_connections',
  'avg_latency',
  'min_proposal_size',
  'outstanding_requests',
  'znode_count',
  'global_sessions',
  'last_client_response_size',
  'packets_sent',
  'packets_received',
  'max_proposal_size',
  'max_client_response_size',
  'synced_followers',
  'watch_count',
  'synced_non_voting_followers',
  'synced_observers',
  'auth_failed_count',
  'min_latency',
  'approximate_data_size',
  'last_proposal_size',
  'pending_syncs',
  'leader_uptime',
  'local_sessions',
  'uptime',
  'max_latency',
  'learners',
  'min_client_response_size',
  'quorum_size',
  'watch_bytes',
  'outstanding_changes_removed',
  'connection_rejected',
  'sessionless_connections_expired',
  'connection_drop_count',
  'digest_mismatches_count',
  'bytes_received_count',
  'prep_processor_request_queued',
  'connection_request_count',
  'response_bytes',
  'connection_revalidate_count',
  'stale_sessions_expired',
  'sync_processor_request_queued',
  'outstanding_changes_queued',
];

/** `zk_<name><tab><value>`, a line each. Metrics of the role that {@link ORDER} does not name come last. */
export function monitorText(factory: ServerCnxnFactory, server: ZooKeeperServer): string {
  const values = new Map<string, string>([
    ...commonValues(factory, server),
    ...server.monitorValues(),
  ]);
  const ranks = new Map(ORDER.map((name, index) => [name, index]));
  const rank = (name: string): number => ranks.get(name) ?? ORDER.length;
  return [...values]
    .sort(([left], [right]) => rank(left) - rank(right))
    .map(([name, value]) => `zk_${name}\t${value}\n`)
    .join('');
}

function commonValues(factory: ServerCnxnFactory, server: ZooKeeperServer): MonitorValue[] {
  const { serverStats: stats, outstandingChanges, db } = server;
  const { tree } = db;
  const uptimeMs = Math.floor(server.world.clock.now() - stats.startTimeMs);
  const counts: Readonly<Record<string, number>> = {
    ephemerals_count: tree.ephemeralsCount,
    num_alive_connections: factory.cnxns.size,
    outstanding_requests: server.requestsInProcess,
    znode_count: tree.nodeCount,
    global_sessions: db.sessionsWithTimeouts.size,
    // Every session is the whole ensemble's: local ones are not offered.
    local_sessions: 0,
    last_client_response_size: stats.clientResponse.last,
    min_client_response_size: stats.clientResponse.min,
    max_client_response_size: stats.clientResponse.max,
    packets_sent: stats.packetsSentCount,
    packets_received: stats.packetsReceivedCount,
    watch_count: tree.watchCount,
    auth_failed_count: stats.authFailedCount,
    min_latency: stats.latency.min,
    max_latency: stats.latency.max,
    approximate_data_size: tree.approximateDataSize,
    uptime: uptimeMs,
    watch_bytes: stats.watchBytesCount,
    outstanding_changes_removed: outstandingChanges.removedCount,
    outstanding_changes_queued: outstandingChanges.queuedCount,
    connection_rejected: factory.rejectedCount,
    sessionless_connections_expired: factory.expiredCount,
    connection_drop_count: stats.connectionDropCount,
    digest_mismatches_count: tree.digestMismatchCount,
    bytes_received_count: stats.bytesReceivedCount,
    prep_processor_request_queued: stats.prepRequestCount,
    connection_request_count: stats.connectionRequestCount,
    connection_revalidate_count: stats.connectionRevalidateCount,
    response_bytes: stats.responseBytesCount,
    stale_sessions_expired: stats.staleSessionsExpiredCount,
    sync_processor_request_queued: stats.syncRequestCount,
  };
  return [
    ['version', factory.options.version],
    ['server_state', server.mode],
    ['avg_latency', doubleText(stats.latency.average)],
    ...Object.entries(counts).map(([name, value]) => [name, String(value)] as const),
    ...summaryValues('sync_processor_batch_size', stats.syncBatchSize),
    ...summaryValues('fsynctime', stats.fsyncTime),
    ...summaryValues('snapshottime', stats.snapshotTime),
    ...summaryValues('readlatency', stats.readLatency),
    ...summaryValues('updatelatency', stats.updateLatency),
    ...summaryValues('propagation_latency', stats.propagationLatency),
  ];
}

const summaryValues = (name: string, summary: Summary): MonitorValue[] => [
  [`avg_${name}`, doubleText(summary.average)],
  [`min_${name}`, String(summary.min)],
  [`max_${name}`, String(summary.max)],
  [`cnt_${name}`, String(summary.count)],
  [`sum_${name}`, String(summary.sum)],
];
