/** How the election talks to the other servers, so that it need not know connections. Interfaces only. */

import type { Sid } from '../wire/ids.ts';

export interface ElectionChannel {
  /** Begins to listen; `receiver` gets every message from now on. */
  start(receiver: MessageReceiver): void;
  /**
   * Sends a message (without its length) to a server, connecting to it first if need be. Never fails: a message that
   * cannot be sent yet waits, and a newer one takes its place. To ourselves it comes back soon, never inside this call.
   */
  toSend(sid: Sid, message: Uint8Array): void;
  /** Whether at least one server that was ever written to has nothing waiting. */
  haveDelivered(): boolean;
  /** Connects to every server that was ever written to and is not connected. */
  connectAll(): void;
  /**
   * An election has ended here: the connections that stand are no longer those of servers that dial each other at the
   * same moment, so that one that ends from now on is not replaced by itself.
   */
  electionEnded(): void;
  /**
   * Whether that server was connected for a while or since before the last election ended, is no longer, and has not
   * asked for a connection since.
   */
  hasLost(sid: Sid): boolean;
  /** Closes everything; nothing is called afterwards. */
  halt(): void;
}

export interface MessageReceiver {
  /**
   * A message from the server known as `from`. The answer is null, or why this message cannot have come from an honest
   * server: its connection is closed for that reason.
   */
  received(from: Sid, message: Uint8Array): string | null;
  /** {@link ElectionChannel.hasLost} has become true of that server. May come from within a call of {@link ElectionChannel.toSend}. */
  lost(sid: Sid): void;
}
