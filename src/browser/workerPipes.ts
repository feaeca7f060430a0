/**
 * The Worker's pipes. One to another tab waits until the page has said which way it takes: past the page, over a data
 * channel that moves in here, or through the page where there is no channel or this browser does not move it.
 */

import { DataChannelPipe } from './dataChannelPipe.ts';
import { PendingPipe } from './pendingPipe.ts';
import type { Pipe, PipeHandler } from './pipe.ts';
import { isOfOneServer, type MuxPipe, type PipeHeader, type PipeMux } from './pipeMux.ts';

/** Dials through the page. */
export function openPipe(mux: PipeMux, header: PipeHeader, handler: PipeHandler): Pipe {
  if (isOfOneServer(header)) return mux.open(header, handler);
  const pending = new PendingPipe(handler);
  const through: MuxPipe = mux.open(
    header,
    waitingHandler(pending, () => through),
  );
  return pending;
}

/** Somebody dials through the page; `accept` is given the pipe to send on, and gives who hears. */
export function acceptPipe(
  header: PipeHeader,
  through: MuxPipe,
  accept: (pipe: Pipe) => PipeHandler,
): PipeHandler {
  if (isOfOneServer(header)) return accept(through);
  const pending: PendingPipe = new PendingPipe({
    message: (message) => handler.message(message),
    closed: (reason) => handler.closed(reason),
  });
  const handler = accept(pending);
  return waitingHandler(pending, () => through);
}

function waitingHandler(pending: PendingPipe, through: () => MuxPipe): PipeHandler {
  const { message, closed } = pending.linkHandler;
  let direct: DataChannelPipe | null = null;
  return {
    message,
    closed: (reason) => (direct === null ? closed(reason) : direct.fail(reason)),
    take: (channel) => {
      if (channel === null) {
        pending.attach(through());
        return false;
      }
      direct = new DataChannelPipe(channel, () => through().close());
      direct.start({ message, closed });
      pending.attach(direct);
      return true;
    },
  };
}
