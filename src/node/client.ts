/** `tabkeeper/client` in Node: ZooKeeper's client over TCP, for Tabkeeper's servers and Apache ZooKeeper's alike. */

import { parseConnectString } from '../client/connectString.ts';
import type { Session } from '../client/clientCnxn.ts';
import { ZooKeeper as Client } from '../client/zooKeeper.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { nodeClock, nodeRandom } from './nodeClock.ts';
import { TcpNetwork } from './tcpNetwork.ts';

export * from '../client/api.ts';

/** Long enough for a pause of the client or an election of the servers. */
const DEFAULT_SESSION_TIMEOUT_MS = 10_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 15_000;

export interface ClientOptions {
  /** What to ask for (default 10,000); the servers keep it within their bounds. */
  readonly sessionTimeoutMs?: number;
  /** A session to go on with, as {@link ZooKeeper.session} told it. */
  readonly session?: Session;
  /** After a lost connection the client waits a random time up to this before it tries the next server (default 1,000). */
  readonly maxReconnectPauseMs?: number;
}

export interface ConnectOptions extends ClientOptions {
  /** How long there may be no session before `connect` gives up (default 15,000). */
  readonly connectTimeoutMs?: number;
}

export class ZooKeeper extends Client {
  /**
   * Begins to connect at once and goes on until there is a server; `connected()` waits for it, {@link connect} with a
   * limit. `connectString` is ZooKeeper's: `host:port,host2:port2/chroot`. Throws for what is none.
   */
  constructor(connectString: string, options: ClientOptions = {}) {
    const { sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS, session, maxReconnectPauseMs } = options;
    super(
      { clock: nodeClock, network: new TcpNetwork(), random: nodeRandom },
      {
        ...parseConnectString(connectString),
        sessionTimeoutMs,
        ...(session === undefined ? {} : { session }),
        ...(maxReconnectPauseMs === undefined ? {} : { maxReconnectPauseMs }),
      },
    );
  }

  /** As {@link close}: `await using zk = await connect(...)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * A client with an open session. Rejects with a `KeeperError`: `ConnectionLoss` when there is none in time,
 * `SessionExpired` when the session to go on with is over.
 */
export async function connect(
  connectString: string,
  options: ConnectOptions = {},
): Promise<ZooKeeper> {
  const { connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, ...rest } = options;
  const client = new ZooKeeper(connectString, rest);
  const limit = nodeClock.after(connectTimeoutMs, () => void client.close());
  let lastReason = 'no server answered';
  client.on('state', (_state, reason) => (lastReason = reason));
  try {
    await client.connected();
    return client;
  } catch (error) {
    if (client.state !== 'closed') throw error;
    const meaning = `no session with ${connectString} within ${connectTimeoutMs} ms: ${lastReason}`;
    throw new KeeperError(ErrorCode.ConnectionLoss, null, meaning);
  } finally {
    limit.cancel();
  }
}
