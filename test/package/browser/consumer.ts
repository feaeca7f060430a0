/** A stranger's page over `tabkeeper/client`, as `scripts/checkPackage.mjs` compiles it with the browser's condition. */

import {
  connectToTab,
  type ConnectToTabOptions,
  ErrorCode,
  KeeperError,
  type WatchedEvent,
  type ZooKeeper,
} from 'tabkeeper/client';

export async function useTab(frame: HTMLIFrameElement, origin: string): Promise<string | null> {
  if (frame.contentWindow === null) return null;
  const options: ConnectToTabOptions = { origin, sessionTimeoutMs: 20_000, chroot: '/app' };
  try {
    const zk: ZooKeeper = await connectToTab(frame.contentWindow, options);
    await zk.create('/a', 'text');
    const { data } = await zk.getData('/a', ({ name, path }: WatchedEvent) => {
      document.title = `${name} ${path}`;
    });
    await zk.close();
    return new TextDecoder().decode(data ?? new Uint8Array());
  } catch (error) {
    if (error instanceof KeeperError && error.code === ErrorCode.NoAuth) return null;
    throw error;
  }
}

// @ts-expect-error Whose tab it is has to be said.
export const wrong = (): Promise<ZooKeeper> => connectToTab(window.parent, {});
