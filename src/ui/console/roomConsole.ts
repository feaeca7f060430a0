/** A console's world in a room: its servers by the names `tab-1`, `tab-2`, over the links of this tab. */

import { parseConnectString } from '../../client/connectString.ts';
import { askFourLetterWord } from '../../client/fourLetterWord.ts';
import { ZooKeeper } from '../../client/zooKeeper.ts';
import type { World } from '../../ports/world.ts';
import type { Admin } from '../../room/admin.ts';
import { hostOf, sidOfAddress } from '../../room/seats.ts';
import { CommandError } from './commandLine.ts';
import type { ConsoleWorld } from './console.ts';

/** As the page's own: what a closed tab leaves behind is gone soon. */
const SESSION_TIMEOUT_MS = 10_000;
const MAX_RECONNECT_PAUSE_MS = 500;

export type ConsoleServer = Pick<Admin, 'status' | 'members'> & {
  readonly clientWorld: Pick<World, 'clock' | 'network' | 'random'>;
};

export function roomConsole(server: ConsoleServer): ConsoleWorld {
  const addressOf = (sid: number): string => `${hostOf(sid)}:2181`;
  return {
    home: addressOf(Number(server.status().sid)),
    connect: (address) =>
      new ZooKeeper(server.clientWorld, {
        ...connectString(address),
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        maxReconnectPauseMs: MAX_RECONNECT_PAUSE_MS,
      }),
    servers: () =>
      server
        .members()
        .filter(({ presence }) => presence === 'here')
        .map(({ sid }) => addressOf(Number(sid))),
    ask: (address, word) => askFourLetterWord(server.clientWorld, address, word),
  };
}

function connectString(text: string): ReturnType<typeof parseConnectString> {
  const parsed = parsedOrRefused(text);
  const stranger = parsed.addresses.find((address) => sidOfAddress(address) === null);
  if (stranger === undefined) return parsed;
  throw new CommandError(
    `"${stranger}" is no server of a room; they are tab-1:2181, tab-2:2181, ...`,
  );
}

function parsedOrRefused(text: string): ReturnType<typeof parseConnectString> {
  try {
    return parseConnectString(text);
  } catch (error) {
    if (error instanceof Error) throw new CommandError(error.message);
    throw error;
  }
}
