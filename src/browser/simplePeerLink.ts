/**
 * A {@link PeerLink} over WebRTC. The only file that knows simple-peer, which negotiates ICE and DTLS. Channel 0 is its own
 * (negotiated, so that `ondatachannel` stays ours) and idle: its stream only opens when its polling of statistics has
 * found the candidate pair. Channel 1 carries the short texts, channel 2 what pages tell each other for their pictures,
 * and every socket is a native data channel of its own.
 */

import SimplePeer from 'simple-peer';
import type { Port } from '../ports/network.ts';
import { parseJson } from '../room/messages.ts';
import { MAX_STORY_LENGTH, type PeerLink, type PeerLinkHandler } from './peerLink.ts';
import { DataChannelPipe } from './dataChannelPipe.ts';
import type { Pipe, PipeHandler } from './pipe.ts';
import { isPort } from './pipeMux.ts';

/** Only asked by tabs that must find each other across NATs; never waited for, since candidates trickle. */
const ICE_SERVERS: RTCIceServer[] = [{ urls: 'stun:stun.l.google.com:19302' }];
const SIMPLE_PEER_CHANNEL = 0;
const CONTROL_CHANNEL = 1;
const STORY_CHANNEL = 2;
/** All channels of a link share its bandwidth: so little waits for pictures that no socket waits for it. */
const MAX_STORY_BUFFER_BYTES = 128 * 1024;
const CLOSED_BY_BROWSER = 'the browser has closed the connection';

export class SimplePeerLink implements PeerLink {
  readonly kind = 'webrtc';
  readonly #peer: SimplePeer.Instance;
  readonly #connection: RTCPeerConnection;
  readonly #control: RTCDataChannel;
  readonly #story: RTCDataChannel;
  readonly #handler: PeerLinkHandler;
  readonly #pipes = new Set<DataChannelPipe>();
  #ended = false;
  #candidateCount = 0;

  constructor(initiator: boolean, handler: PeerLinkHandler) {
    this.#handler = handler;
    this.#peer = new SimplePeer({
      initiator,
      trickle: true,
      channelConfig: { negotiated: true, id: SIMPLE_PEER_CHANNEL },
      config: { iceServers: ICE_SERVERS },
    });
    this.#connection = connectionOf(this.#peer);
    this.#connection.ondatachannel = ({ channel }) => this.#incoming(channel);
    this.#control = this.#connection.createDataChannel('control', {
      negotiated: true,
      id: CONTROL_CHANNEL,
    });
    this.#control.onopen = () => this.#opened();
    this.#control.onclose = () => this.#end('the other tab ended the link');
    this.#control.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string' && !this.#ended) handler.control(data);
    };
    this.#story = this.#connection.createDataChannel('story', {
      negotiated: true,
      id: STORY_CHANNEL,
    });
    this.#story.onopen = () => this.#opened();
    this.#story.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data !== 'string' || data.length > MAX_STORY_LENGTH) this.closeStory();
      else if (!this.#ended) handler.story(data);
    };
    this.#connection.addEventListener('icegatheringstatechange', () => this.#maybeHopeless());
    this.#peer.on('signal', (data) => {
      if ('candidate' in data && data.type === 'candidate') this.#candidateCount++;
      handler.signal(JSON.stringify(data));
    });
    this.#peer.on('error', (error) => this.#end(error.message));
    this.#peer.on('close', () => this.#end('the link was closed'));
  }

  get pipeCount(): number {
    return this.#pipes.size;
  }

  get begun(): boolean {
    return this.#connection.iceConnectionState !== 'new';
  }

  open(port: Port, handler: PipeHandler): Pipe {
    // A browser closes every connection when the machine goes to sleep, and tells nobody on this side.
    if (this.#connection.signalingState === 'closed') return this.#refuse(handler);
    return this.#pipe(this.#connection.createDataChannel(port), () => handler);
  }

  sendControl(text: string): void {
    if (this.#control.readyState === 'open') this.#control.send(text);
  }

  sendStory(text: string): boolean {
    const story = this.#story;
    if (story.readyState !== 'open' || story.bufferedAmount > MAX_STORY_BUFFER_BYTES) return false;
    story.send(text);
    return true;
  }

  closeStory(): void {
    this.#story.onmessage = null;
    this.#story.close();
  }

  signal(data: string): void {
    if (this.#ended) return;
    const signal = parseJson(data);
    if (isSignal(signal)) this.#peer.signal(signal);
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endPipes('the link was closed');
    this.#peer.destroy();
    // simple-peer ends the connection in a microtask, which a page that is going away no longer runs.
    this.#connection.close();
  }

  #refuse(handler: PipeHandler): Pipe {
    queueMicrotask(() => {
      handler.closed(CLOSED_BY_BROWSER);
      this.#end(CLOSED_BY_BROWSER);
    });
    return { send: () => {}, close: () => {} };
  }

  #opened(): void {
    const open = this.#control.readyState === 'open' && this.#story.readyState === 'open';
    if (open && !this.#ended) this.#handler.up();
  }

  #maybeHopeless(): void {
    if (this.#ended || this.#candidateCount > 0) return;
    if (this.#connection.iceGatheringState !== 'complete') return;
    this.#handler.hopeless('this browser has no network that WebRTC could use');
  }

  #incoming(channel: RTCDataChannel): void {
    if (!isPort(channel.label)) {
      channel.close();
      return;
    }
    const port = channel.label;
    this.#pipe(channel, (pipe) => this.#handler.incoming(port, pipe));
  }

  #pipe(channel: RTCDataChannel, handlerOf: (pipe: Pipe) => PipeHandler): Pipe {
    const pipe = new DataChannelPipe(channel, () => this.#pipes.delete(pipe));
    this.#pipes.add(pipe);
    pipe.start(handlerOf(pipe));
    return pipe;
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#endPipes(reason);
    this.#peer.destroy();
    this.#handler.closed(reason);
  }

  #endPipes(reason: string): void {
    const pipes = [...this.#pipes];
    this.#pipes.clear();
    for (const pipe of pipes) pipe.fail(reason);
  }
}

/** simple-peer keeps its connection to itself, but has nothing that opens a further channel. */
function connectionOf(peer: SimplePeer.Instance): RTCPeerConnection {
  if ('_pc' in peer && peer._pc instanceof RTCPeerConnection) return peer._pc;
  throw new Error('this simple-peer has no RTCPeerConnection');
}

function isSignal(value: unknown): value is SimplePeer.SignalData {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  return value.type === 'offer' || value.type === 'answer' || value.type === 'candidate';
}
