/** What every way to connect has in common: its options, and waiting for the session with a limit. */

import type { Clock } from '../ports/clock.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import type { Session } from './clientCnxn.ts';
import type { ZooKeeper } from './zooKeeper.ts';

/** Long enough for a pause of the client or an election of the servers. */
export const DEFAULT_SESSION_TIMEOUT_MS = 10_000;

export interface ClientOptions {
  /** What to ask for (default 10,000); the servers keep it within their bounds. */
  readonly sessionTimeoutMs?: number;
  /** A session to go on with, as {@link ZooKeeper.session} told it. */
  readonly session?: Session;
  /** After a lost connection the client waits a random time up to this before it tries the next server (default 1,000). */
  readonly maxReconnectPauseMs?: number;
}

/** The client, once its session is open; rejects with `ConnectionLoss`, and why, when there is none within `limitMs`. */
export async function opened<Client extends ZooKeeper>(
  client: Client,
  clock: Clock,
  limitMs: number,
  whereTo: string,
): Promise<Client> {
  const limit = clock.after(limitMs, () => void client.close());
  try {
    await client.connected();
    return client;
  } catch (error) {
    if (client.state !== 'closed') throw error;
    const meaning = `no session with ${whereTo} within ${limitMs} ms: ${client.lossReason ?? 'no server answered'}`;
    throw new KeeperError(ErrorCode.ConnectionLoss, null, meaning);
  } finally {
    limit.cancel();
  }
}
