/** `tabkeeper/client` in a browser: ZooKeeper's client over the server of a Tabkeeper tab that this page has a window of. */

import { type ClientOptions, DEFAULT_SESSION_TIMEOUT_MS, opened } from '../client/connecting.ts';
import { ZooKeeper } from '../client/zooKeeper.ts';
import { ErrorCode, KeeperError } from '../wire/errorCodes.ts';
import { TabNetwork, type TabWindow } from './tabNetwork.ts';
import { CryptoRandom, WorkerClock } from './workerWorld.ts';

export * from '../client/api.ts';
export type { ClientOptions } from '../client/connecting.ts';
export type { TabWindow } from './tabNetwork.ts';
export { ZooKeeper } from '../client/zooKeeper.ts';

/** A person has to read a question. */
const DEFAULT_CONNECT_TIMEOUT_MS = 60_000;
const WHOLE_TREE = '/';

export interface ConnectToTabOptions extends ClientOptions {
  /** Where the tab's page is from, such as `http://127.0.0.1:8080`: a page from elsewhere hears nothing. */
  readonly origin: string;
  /** A node to take for the root (default `/`). */
  readonly chroot?: string;
  /** How long there may be no session, a person's answer included, before it gives up (default 60,000). */
  readonly connectTimeoutMs?: number;
}

/**
 * A client with an open session over the server of a tab: `tab` is an iframe's `contentWindow`, what `window.open` gave,
 * or `window.opener`. Pages of the tab's own origin are let in at once, others when the person at the tab says yes.
 * Rejects with a `KeeperError`: `NoAuth` for a no, `ConnectionLoss` when there is no session in time, `SessionExpired`
 * when the session to go on with is over.
 */
export async function connectToTab(
  tab: TabWindow,
  options: ConnectToTabOptions,
): Promise<ZooKeeper> {
  const { origin, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, chroot = WHOLE_TREE } = options;
  const { sessionTimeoutMs = DEFAULT_SESSION_TIMEOUT_MS, session, maxReconnectPauseMs } = options;
  const clock = new WorkerClock();
  const network = new TabNetwork(tab, origin, clock, () => void client.close());
  const client = new ZooKeeper(
    { clock, network, random: new CryptoRandom() },
    {
      addresses: [origin],
      chroot,
      sessionTimeoutMs,
      ...(session === undefined ? {} : { session }),
      ...(maxReconnectPauseMs === undefined ? {} : { maxReconnectPauseMs }),
    },
  );
  try {
    return await opened(client, clock, connectTimeoutMs, `the tab at ${origin}`);
  } catch (error) {
    if (network.refusal === null) throw error;
    throw new KeeperError(ErrorCode.NoAuth, null, network.refusal);
  }
}
