/** The server behind `npm start`: the app's files and the signalling relay on one port. It holds no data of any room. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './selfSignedCertificate.ts';
import type { RelayLimits } from './signallingRelay.ts';
import { SignallingRelay } from './signallingRelay.ts';
import { StaticFiles } from './staticFiles.ts';

export interface RoomServerOptions {
  /** The folder of the built app. */
  readonly appFolder: string;
  /** `127.0.0.1`, or `0.0.0.0` for everybody on the network. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Try the next ports when this one is taken. */
  readonly nextIfTaken: boolean;
  /** For https; null: plain http. */
  readonly certificate: Certificate | null;
  readonly relayLimits?: RelayLimits;
  /** Origins whose pages may embed or open the app and ask to be clients of its tabs; none unless said. */
  readonly embedders?: readonly string[];
}

/** How many further ports are tried. */
const MAX_PORT_TRY_COUNT = 20;
const LAST_PORT = 65_535;

export interface RoomServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws Error with what would do, when no port can be had */
export async function startRoomServer(options: RoomServerOptions): Promise<RoomServer> {
  const files = new StaticFiles(options.appFolder, options.embedders);
  const relay = new SignallingRelay(options.relayLimits);
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    files.serve(request, response).catch((error: unknown) => {
      console.error(`${request.url}: ${String(error)}`);
      response.destroy();
    });
  };
  const server =
    options.certificate === null
      ? createServer(handle)
      : createSecureServer(options.certificate, handle);
  server.on('upgrade', (request, socket, head) => relay.upgrade(request, socket, head));
  const port = await listen(server, options);
  return {
    port,
    close: async () => {
      relay.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function listen(server: Server, options: RoomServerOptions): Promise<number> {
  const last = options.nextIfTaken
    ? Math.min(options.port + MAX_PORT_TRY_COUNT, LAST_PORT)
    : options.port;
  for (let port = options.port; port <= last; port++) {
    const result = await tryToListen(server, options.host, port);
    if (typeof result === 'number') return result;
    if (result.code !== 'EADDRINUSE') throw new Error(whyNot(result, options.host, port));
  }
  const ports = last === options.port ? `Port ${last} is` : `Ports ${options.port} to ${last} are`;
  throw new Error(`${ports} taken. Choose another: npm start -- --port 9000`);
}

function tryToListen(
  server: Server,
  host: string,
  port: number,
): Promise<number | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error);
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve(portOf(server.address()));
    });
  });
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port to listen on');
  return address.port;
}

function whyNot(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === 'EACCES') {
    return `Port ${port} needs special rights. Choose one above 1023: npm start -- --port 8080`;
  }
  return `Cannot listen on ${host}:${port}: ${error.message}`;
}
