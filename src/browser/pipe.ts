/**
 * What a socket is made of in a tab: an ordered way for messages, bytes or short texts, that ends once. A data channel, a
 * BroadcastChannel shared by two tabs and the bridge between page and Worker all are one. Interfaces, and no pipe of its own.
 */

export type PipeMessage = Uint8Array | string;

export interface PipeHandler {
  message(message: PipeMessage): void;
  /** The last call. Not called after our own `close`. `reason` is for a person. */
  closed(reason: string): void;
  /**
   * Asked once, before anything is sent or heard, of who may want to carry the messages itself: takes the data channel to
   * where they are used, and says whether it could. Only `closed` is called then. null: there is no channel to take.
   */
  take?(channel: RTCDataChannel | null): boolean;
}

export interface Pipe {
  /** Bytes of at most {@link MAX_PIPE_MESSAGE_BYTES}; they may not be changed afterwards. */
  send(message: PipeMessage): void;
  /** What was sent still arrives; nothing more is said or heard. */
  close(): void;
}

/** A data channel takes 262,144 bytes in Chromium; 64 KiB is what every browser takes and what spares other sockets a wait. */
export const MAX_PIPE_MESSAGE_BYTES = 64 * 1024;

/** The message in a buffer of its own: what is posted takes the whole of its buffer along, which others may share. */
export function ownBuffer(message: PipeMessage): PipeMessage {
  if (typeof message === 'string' || message.length === message.buffer.byteLength) return message;
  return message.slice();
}
