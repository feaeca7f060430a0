/** Somebody's page that is a client of a tab's server: it shows a room in a frame or opens one, and tests ask the rest. */

import { connectToTab } from '../../../src/browser/client.ts';

let tab: Window = window;

const guest = {
  connectToTab,
  /** The room's window. */
  get tab() {
    return tab;
  },
  /** Opens a room in a frame of this page. */
  embed(url: string): void {
    const frame = document.createElement('iframe');
    frame.src = url;
    frame.width = '1000';
    frame.height = '800';
    document.body.append(frame);
    if (frame.contentWindow === null) throw new Error('a frame without a window');
    tab = frame.contentWindow;
  },
  /** Opens a room in a tab of its own. */
  open(url: string): void {
    const opened = window.open(url);
    if (opened === null) throw new Error('no window was opened');
    tab = opened;
  },
  /** Writes a node and reads it back; gives the text, or the name of what went wrong. */
  async writeAndRead(origin: string, path: string, connectTimeoutMs = 60_000): Promise<string> {
    try {
      const zk = await connectToTab(tab, { origin, connectTimeoutMs });
      await zk.create(path, 'from the guest');
      const { data } = await zk.getData(path);
      await zk.close();
      return new TextDecoder().decode(data ?? new Uint8Array());
    } catch (error) {
      return String(error);
    }
  },
};

declare global {
  var tabkeeperGuest: typeof guest | undefined;
}

globalThis.tabkeeperGuest = guest;
