/**
 * Cuts a tab off from the others, without the app's help: before the page's own scripts run, the browser's ways out
 * (WebRTC, BroadcastChannel, WebSocket) are wrapped so that a test can close them.
 */

import type { ChaosTab } from './chaosTab.ts';

/** `nothing`: every way is open again. */
export type Isolation = 'nothing' | 'webrtc' | 'everything';

declare global {
  var chaosIsolate: ((isolation: Isolation) => void) | undefined;
}

export async function isolate(tab: ChaosTab, isolation: Isolation): Promise<void> {
  await tab.ask((wanted) => globalThis.chaosIsolate?.(wanted), isolation);
}

/** Ends the WebRTC connections that there are. */
export async function unlink(tab: ChaosTab): Promise<void> {
  await tab.ask(() => {
    globalThis.chaosIsolate?.('webrtc');
    globalThis.chaosIsolate?.('nothing');
  }, null);
}

/** Runs in every page before its own scripts. */
export function installIsolation(): void {
  let isolation: Isolation = 'nothing';
  const connections = new Set<RTCPeerConnection>();
  const sockets = new Set<WebSocket>();
  const channels = new Set<Channel>();

  class Connection extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      // With nothing but relays allowed and none known there is not one candidate: as on a machine without a network.
      super(
        isolation === 'nothing'
          ? configuration
          : { ...configuration, iceServers: [], iceTransportPolicy: 'relay' },
      );
      connections.add(this);
    }
  }

  class Channel extends BroadcastChannel {
    /** A link's channel is a stream: what has lost a piece of it must never go on. */
    dead = false;

    constructor(name: string) {
      super(name);
      channels.add(this);
      // The first listener: it hears before the page's own.
      this.addEventListener('message', (event) => {
        if (this.dead || isolation === 'everything') event.stopImmediatePropagation();
      });
    }

    override postMessage(message: unknown): void {
      if (!this.dead && isolation !== 'everything') super.postMessage(message);
    }

    override close(): void {
      channels.delete(this);
      super.close();
    }
  }

  class Socket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(isolation === 'everything' ? new URL('/cut-off', url) : url, protocols);
      sockets.add(this);
      this.addEventListener('close', () => sockets.delete(this));
    }
  }

  globalThis.RTCPeerConnection = Connection;
  globalThis.BroadcastChannel = Channel;
  globalThis.WebSocket = Socket;
  globalThis.chaosIsolate = (wanted) => {
    isolation = wanted;
    if (wanted === 'nothing') return;
    for (const connection of connections) connection.close();
    connections.clear();
    if (wanted === 'webrtc') return;
    for (const socket of sockets) socket.close();
    for (const channel of channels) channel.dead ||= channel.name.startsWith('tabkeeper/link/');
  };
}
