/** `tabkeeper/client` in Node: ZooKeeper's client over TCP, for Tabkeeper's servers and Apache ZooKeeper's alike. */

import { type ClientOptions, DEFAULT_SESSION_TIMEOUT_MS, opened } from '../client/connecting.ts';
import { parseConnectString } from '../client/connectString.ts';
import { ZooKeeper as Client } from '../client/zooKeeper.ts';
import { nodeClock, nodeRandom } from './nodeClock.ts';
import { TcpNetwork } from './tcpNetwork.ts';

export * from '../client/api.ts';
export type { ClientOptions } from '../client/connecting.ts';

const DEFAULT_CONNECT_TIMEOUT_MS = 15_000;

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
  return opened(new ZooKeeper(connectString, rest), nodeClock, connectTimeoutMs, connectString);
}
