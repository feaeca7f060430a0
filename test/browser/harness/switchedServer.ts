/** A room server that a test takes away and brings back at the address it had. */

import { type RoomServer, startRoomServer } from '../../../src/node/roomServer.ts';

export interface SwitchedServer {
  /** Of the page, with a slash at its end; the same in every life. */
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** It runs. */
export async function switchedServer(appFolder = 'dist/app'): Promise<SwitchedServer> {
  const listen = (port: number): Promise<RoomServer> =>
    startRoomServer({ appFolder, host: '127.0.0.1', port, nextIfTaken: false, certificate: null });
  let server = await listen(0);
  const { port } = server;
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: () => server.close(),
    start: async () => {
      server = await listen(port);
    },
  };
}
