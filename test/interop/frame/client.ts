/** Our own client over TCP, which speaks to either kind. */

import { onTestFinished } from 'vitest';
import { type Session, ZooKeeper } from '../../../src/client/zooKeeper.ts';
import { nodeClock, nodeRandom } from '../../../src/node/nodeClock.ts';
import { TcpNetwork } from '../../../src/node/tcpNetwork.ts';

const SESSION_TIMEOUT_MS = 60_000;
const MAX_RECONNECT_PAUSE_MS = 50;

const world = { clock: nodeClock, random: nodeRandom, network: new TcpNetwork() };

export interface ClientOptions {
  readonly sessionTimeoutMs?: number;
  /** A session to go on with. */
  readonly session?: Session;
}

/** A client that is closed when the running test is over. It is not connected yet. */
export function newClient(addresses: readonly string[], options: ClientOptions = {}): ZooKeeper {
  const client = unmanagedClient(addresses, options);
  onTestFinished(() => {
    // Its servers may be gone: do not wait for the answer.
    void client.close();
  });
  return client;
}

/** The session ends with `body`. */
export async function withClient<T>(
  addresses: readonly string[],
  body: (client: ZooKeeper) => Promise<T>,
): Promise<T> {
  const client = unmanagedClient(addresses, {});
  try {
    await client.connected();
    return await body(client);
  } finally {
    await client.close();
  }
}

const unmanagedClient = (addresses: readonly string[], options: ClientOptions): ZooKeeper =>
  new ZooKeeper(world, {
    addresses,
    sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    maxReconnectPauseMs: MAX_RECONNECT_PAUSE_MS,
    ...(options.session === undefined ? {} : { session: options.session }),
  });
