/**
 * Keeps `/zookeeper/config` what this server's own configuration says. No transaction ever wrote the first configuration,
 * so every server sets it for itself (`ZKDatabase.initConfigInZKDatabase`).
 */

import type { QuorumVerifier } from '../config/quorumVerifier.ts';
import type { ZKDatabase } from '../storage/zkDatabase.ts';
import { CONFIG_NODE } from '../tree/paths.ts';
import { zxid } from '../wire/ids.ts';
import { encodeUtf8 } from '../wire/utf8.ts';
import type { RolePeer } from './role.ts';

/** The version ZooKeeper gives the node. */
const CONFIG_DATA_VERSION = -1;
/** ZooKeeper takes the time at which each server happens to start; here all servers show the same. */
const CONFIG_TIME_MS = 0;

export function initConfigInZKDatabase(db: ZKDatabase, verifier: QuorumVerifier): void {
  db.tree.addConfigNode();
  const text = encodeUtf8(verifier.toString());
  db.tree.setData(CONFIG_NODE, text, CONFIG_DATA_VERSION, zxid(verifier.version), CONFIG_TIME_MS);
}

/** The newest configuration that this server has heard of, as NEWLEADER carries it. */
export const lastSeenConfigBytes = (peer: RolePeer): Uint8Array =>
  encodeUtf8((peer.lastSeenQuorumVerifier() ?? peer.quorumVerifier()).toString());
