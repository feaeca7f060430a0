/** The configuration of a tab's server: made from values, since a page has no zoo.cfg and should not load its reader. */

import { parseQuorumVerifier } from '../config/configText.ts';
import { makePeerConfig } from '../config/makePeerConfig.ts';
import type { PeerConfig } from '../config/peerConfig.ts';
import { sid } from '../wire/ids.ts';
import type { StartServer } from './workerMessages.ts';

/** All that only tell; those that reset figures, or list every watch of a large tree, stay out. */
const READING_WORDS = [
  'conf',
  'cons',
  'dump',
  'envi',
  'isro',
  'mntr',
  'ruok',
  'srvr',
  'stat',
  'wchs',
];

/**
 * The room's configuration of one server. A room of one is a quorum of one rather than a standalone server, so that it
 * can have observers like any other.
 */
export function roomConfig(
  start: Pick<StartServer, 'sid' | 'members'>,
  trustEmptyDisk: boolean,
): PeerConfig {
  return makePeerConfig({
    sid: sid(start.sid),
    quorumVerifier: parseQuorumVerifier(start.members),
    dataDir: '/data',
    tickTimeMs: 2_000,
    initLimit: 10,
    syncLimit: 5,
    standaloneEnabled: false,
    // Tabs come and go, and links with them: who looks asks again within seconds, not within ZooKeeper's minute.
    maxNotificationIntervalMs: 4_000,
    // The page's own client and its tests share one address.
    maxClientCnxns: 0,
    fourLetterWordWhitelist: READING_WORDS,
    snapRetainCount: 3,
    purgeIntervalHours: 1,
    // A disk that was empty from its first day on is a new server's; any other empty one has lost its data.
    dbAutocreate: trustEmptyDisk,
  });
}
