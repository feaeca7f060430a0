/**
 * Two servers' networks in one page, over the whole way that bytes take between two tabs: out of one "Worker" by a
 * message port, over a link, and into the other by a message port.
 */

import { BroadcastLink } from '../../../src/browser/broadcastLink.ts';
import { LinkPair } from '../../../src/browser/linkPair.ts';
import { makePeerLink } from '../../../src/browser/makePeerLink.ts';
import type { PeerLink, PeerLinkHandler } from '../../../src/browser/peerLink.ts';
import type { Pipe, PipeHandler } from '../../../src/browser/pipe.ts';
import { PipeMux, type MuxPipe, type PipeHeader } from '../../../src/browser/pipeMux.ts';
import { PipeNetwork } from '../../../src/browser/pipeNetwork.ts';
import { acceptPipe, openPipe } from '../../../src/browser/workerPipes.ts';
import { WorkerClock } from '../../../src/browser/workerWorld.ts';
import type { Port } from '../../../src/ports/network.ts';
import type { LinkSignal } from '../../../src/room/messages.ts';
import type { NetworkHarness } from '../../acceptance/network.ts';
import { pause, settle, until } from './waiting.ts';

type Dial = (port: Port, handler: PipeHandler) => Pipe;

/** One tab: a network as in a Worker, its bridge, and a link that is given later. */
class Tab {
  readonly network: PipeNetwork;
  readonly #page: PipeMux;
  readonly #sid: number;
  readonly #moves: boolean;
  movedCount = 0;
  dial: Dial = () => {
    throw new Error('no link yet');
  };

  /** `moves`: data channels go past the page, as they do where the browser can move them. */
  constructor(sid: number, moves: boolean) {
    this.#sid = sid;
    this.#moves = moves;
    const { port1, port2 } = new MessageChannel();
    this.#page = mux(port1, 'first', (header, pipe) => {
      const way = this.dial(header.port, this.#through(pipe));
      return { message: (message) => way.send(message), closed: () => way.close() };
    });
    const worker: PipeMux = mux(port2, 'second', (header, pipe) =>
      acceptPipe(header, pipe, (accepted) => this.network.incoming(header, accepted)),
    );
    this.network = new PipeNetwork(
      sid,
      (header, handler) => openPipe(worker, header, handler),
      new WorkerClock(),
    );
  }

  readonly incoming = (port: Port, pipe: Pipe): PipeHandler => {
    const header = { port, to: this.#sid, from: 3 - this.#sid };
    const inner = this.#page.open(header, {
      message: (message) => pipe.send(message),
      closed: () => pipe.close(),
    });
    return this.#through(inner);
  };

  #through(pipe: MuxPipe): PipeHandler {
    return {
      message: (message) => pipe.send(message),
      closed: (reason) => pipe.fail(reason),
      take: (channel) => {
        const moved = pipe.move(this.#moves ? channel : null);
        if (moved) this.movedCount += 1;
        return moved;
      },
    };
  }
}

function mux(
  port: MessagePort,
  side: 'first' | 'second',
  incoming: (header: PipeHeader, pipe: MuxPipe) => PipeHandler | null,
): PipeMux {
  const made = new PipeMux(
    { post: (frames, transfer) => port.postMessage(frames, transfer) },
    side,
    incoming,
  );
  port.onmessage = ({ data }: MessageEvent<unknown>) => made.received(data);
  return made;
}

/** Through the page: the way of browsers that cannot move a data channel. */
export const makeWebRtcHarness = (): Promise<NetworkHarness> => makeLinked(false);

/** Past the page, with nothing of it left in the way. */
export const makeMovedHarness = (): Promise<NetworkHarness> => makeLinked(true);

async function makeLinked(moves: boolean): Promise<NetworkHarness> {
  const near = new Tab(2, moves);
  const far = new Tab(1, moves);
  const clock = new WorkerClock();
  let links = 0;
  const makePair = (tab: Tab, opens: boolean, other: () => LinkPair) =>
    new LinkPair(opens, {
      clock,
      newLinkId: () => (++links).toString(16).padStart(32, '0'),
      signal: (signal: LinkSignal) => clock.soon(() => other().signalled(signal)),
      makeLink: makePeerLink,
      sameBrowser: () => false,
      incoming: tab.incoming,
      control: () => {},
      story: () => {},
      changed: () => {},
    });
  const nearPair: LinkPair = makePair(near, true, () => farPair);
  const farPair: LinkPair = makePair(far, false, () => nearPair);
  near.dial = (port, handler) => nearPair.dial(port, handler);
  far.dial = (port, handler) => farPair.dial(port, handler);
  nearPair.connect();
  await until(() => nearPair.state === 'up' && farPair.state === 'up', 'a WebRTC link');
  return harness(near, far, () => {
    nearPair.end('the test is over');
    farPair.end('the test is over');
    if (moves && near.movedCount + far.movedCount === 0) throw new Error('no channel was moved');
  });
}

export async function makeBroadcastHarness(): Promise<NetworkHarness> {
  const near = new Tab(2, false);
  const far = new Tab(1, false);
  const name = `acceptance/${Math.random()}`;
  const nearLink: PeerLink = new BroadcastLink(name, 'first', handlerOf(near));
  const farLink: PeerLink = new BroadcastLink(name, 'second', handlerOf(far));
  near.dial = (port, handler) => nearLink.open(port, handler);
  far.dial = (port, handler) => farLink.open(port, handler);
  return harness(near, far, () => {
    nearLink.close();
    farLink.close();
  });
}

function handlerOf(tab: Tab): PeerLinkHandler {
  return {
    up: () => {},
    incoming: tab.incoming,
    control: () => {},
    story: () => {},
    signal: () => {},
    hopeless: () => {},
    closed: () => {},
  };
}

function harness(near: Tab, far: Tab, stop: () => void): NetworkHarness {
  return {
    near: near.network,
    far: far.network,
    farAddress: () => 'tab-1',
    until,
    settle,
    stop: async () => {
      stop();
      await pause(0);
    },
  };
}
