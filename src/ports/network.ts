/**
 * Sockets as the core sees them, since TCP is what WebRTC stands in for: listen, connect, and an ordered byte stream
 * with back-pressure that ends once, with a reason. Interfaces only.
 */

/** Which of a server's three doors; what that is in TCP ports or data channel labels is the world's business. */
export type Port = 'election' | 'quorum' | 'client';

/** `host:port` as it stands in a `server.N` line. Opaque to the core: it is compared, printed and handed back, never parsed. */
export type Address = string;

export interface Network {
  /**
   * Accepts connections on one of this server's own ports. `accept` is called for each and returns who handles it.
   * `failed` is called once if the port cannot be listened on (then nothing is accepted) or listening ends by itself.
   */
  listen(
    port: Port,
    address: Address,
    accept: (connection: Connection) => ConnectionHandler,
    failed: (reason: string) => void,
  ): Listener;
  /**
   * Dials. The answer is `opened` or `closed` on the handler, never inside this call; the network has a deadline of its
   * own (`DIAL_TIMEOUT`) and the caller may close earlier.
   */
  connect(address: Address, port: Port, handler: ConnectionHandler): Connection;
}

export interface Listener {
  /** Accepts nothing more; connections already accepted live on. */
  close(): void;
}

/** Calls come one at a time and never from inside a call on the `Connection`. */
export interface ConnectionHandler {
  /** A dialled connection is up. Not called for accepted ones: they are up when `accept` is called. */
  opened(): void;
  /** The next bytes of the stream, cut anywhere. They belong to the handler from now on. */
  received(bytes: Uint8Array): void;
  /** The send queue is empty again after `write` had answered false. */
  drained(): void;
  /** The last call: the other side ended it, it broke, or it never came up. Not called after our own `close` or `destroy`. */
  closed(reason: CloseReason): void;
}

export interface Connection {
  /** Unique within this server's life; probe events name it. */
  readonly id: number;
  /** Who is at the other end, for logs, `cons` and the `ip` authentication scheme. */
  readonly remoteAddress: Address;
  /** Bytes queued here and not yet handed to the transport. */
  readonly bufferedBytes: number;
  /** Queues bytes (allowed before `opened`). The caller may not change them afterwards. False: wait for `drained` before sending bulk. */
  write(bytes: Uint8Array): boolean;
  /**
   * Stops `received` until `resume`; the other side feels it through its own queue. That it has ended in order is told
   * after `resume` too: until then an answer can still reach somebody who has shut only his half, as over TCP one may.
   */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then ends the stream in order. No handler call follows. */
  close(): void;
  /** Ends at once and drops what is queued. No handler call follows. */
  destroy(): void;
}

export type CloseReason =
  /** The other side closed in order. */
  | { readonly kind: 'ended' }
  /** It broke: reset, link lost, message over a limit. */
  | { readonly kind: 'broken'; readonly message: string }
  /** It never came up: nobody listens, nobody there, or the dial's deadline passed. */
  | { readonly kind: 'refused'; readonly message: string };
