/**
 * One session of a client (`ClientCnxn`): dials servers in turn, opens or takes up the session, keeps it alive, and
 * matches replies to requests in their order. It lives on ports and callbacks; promises are zooKeeper.ts's business.
 */

import type { Clock, Timer } from '../ports/clock.ts';
import type { CloseReason, Connection, Network } from '../ports/network.ts';
import { writeAuthPacket } from '../wire/clientRequests.ts';
import {
  PASSWORD_BYTES,
  type ReplyHeader,
  readConnectResponse,
  readReplyHeader,
  writeConnectRequest,
} from '../wire/connectRecords.ts';
import { ErrorCode } from '../wire/errorCodes.ts';
import { type SessionId, type Zxid, sessionId, zxid } from '../wire/ids.ts';
import { JuteError, JuteReader } from '../wire/jute.ts';
import { OpCode, Xid } from '../wire/opCodes.ts';
import { type WatcherEvent, readWatcherEvent } from '../wire/watchRecords.ts';
import { afterPromises } from './afterPromises.ts';
import { FrameReader } from './frameReader.ts';
import { Heartbeat } from './heartbeat.ts';
import type { HostProvider } from './hostProvider.ts';
import { type ClientRequest, Outstanding } from './outstanding.ts';
import { framed, requestFrame } from './requestFrame.ts';

/** A reply may be larger than a request: the children of a very large node. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
export type ClientState =
  /** The first session is not open yet. */
  | 'connecting'
  | 'connected'
  /** The session may still live; a server is being looked for. */
  | 'disconnected'
  /** Over for good: the ensemble ended the session, its owner did, or a credential was refused. */
  | 'expired'
  | 'closed'
  | 'authFailed';

export type FinalState = 'expired' | 'closed' | 'authFailed';

export interface Session {
  readonly sessionId: SessionId;
  readonly password: Uint8Array;
}

export interface ClientCnxnHandler {
  stateChanged(state: ClientState, reason: string): void;
  watchFired(event: WatcherEvent): void;
  /** What to tell a server about watches when a session continues there; whole requests without xid. */
  watchesToRenew(relativeZxid: Zxid): readonly Pick<ClientRequest, 'type' | 'write'>[];
}

export interface ClientCnxnOptions {
  readonly clock: Clock;
  readonly network: Network;
  readonly hosts: HostProvider;
  /** What to ask for; the server decides. */
  readonly sessionTimeoutMs: number;
  /** A session to go on with. */
  readonly session: Session | null;
  readonly handler: ClientCnxnHandler;
}

interface AuthData {
  readonly scheme: string;
  readonly auth: Uint8Array;
  /** Null once it has been called. */
  done: ((code: number) => void) | null;
}

type Link =
  | { readonly kind: 'idle' }
  | { readonly kind: 'pausing'; readonly timer: Timer }
  | { readonly kind: 'dialling'; readonly connection: Connection; readonly deadline: Timer }
  | { readonly kind: 'connected'; readonly connection: Connection }
  | { readonly kind: 'ended'; readonly state: FinalState };

const NO_SESSION: Session = { sessionId: sessionId(0n), password: new Uint8Array(PASSWORD_BYTES) };
const NO_BODY = (): void => {};

export class ClientCnxn {
  readonly #options: ClientCnxnOptions;
  readonly #heartbeat: Heartbeat;
  readonly #authData: AuthData[] = [];
  #link: Link = { kind: 'idle' };
  #state: ClientState = 'connecting';
  #session: Session;
  #timeoutMs: number;
  #lastZxid = zxid(0n);
  #lossReason: string | null = null;
  /** Since when there is no connection; of no meaning while there is one. */
  #aloneSinceMs: number;
  #closing = false;
  readonly #outstanding = new Outstanding();
  #writable = false;
  #authSent: AuthData[] = [];
  #frames = new FrameReader(MAX_REPLY_BYTES);
  /** An event that waits until whoever got the replies before it has heard of them. */
  #heldEvent: WatcherEvent | null = null;
  #answered = false;

  constructor(options: ClientCnxnOptions) {
    this.#options = options;
    this.#session = options.session ?? NO_SESSION;
    this.#timeoutMs = options.sessionTimeoutMs;
    this.#aloneSinceMs = options.clock.now();
    this.#heartbeat = new Heartbeat(options.clock, {
      ping: () => this.#send(requestFrame(Xid.PING, OpCode.ping, NO_BODY)),
      silent: () => this.#lost('the server said nothing for too long'),
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  get session(): Session {
    return this.#session;
  }

  /** As the server granted it; what is asked for until then. */
  get sessionTimeoutMs(): number {
    return this.#timeoutMs;
  }

  /** The newest zxid seen in a reply. */
  get lastZxid(): Zxid {
    return this.#lastZxid;
  }

  /** Why the last connection broke or did not come up, in words; null if none has. */
  get lossReason(): string | null {
    return this.#lossReason;
  }

  start(): void {
    this.#dialNext();
  }

  /**
   * Sends the request now or as soon as there is a connection; it fails with `ConnectionLoss` if it was under way when
   * one broke, or if there was none for a whole session timeout. Throws if it is too large or too many wait already.
   */
  submit(request: ClientRequest): void {
    if (this.#closing || this.#link.kind === 'ended') {
      return request.done({ ok: false, code: this.#lossCode() });
    }
    this.#outstanding.push(request);
    this.#sendWaiting();
  }

  /** Tells this and every later server who we are. `done` gets the server's answer. */
  addAuth(scheme: string, auth: Uint8Array, done: (code: number) => void): void {
    if (this.#closing || this.#link.kind === 'ended') return done(this.#lossCode());
    const data: AuthData = { scheme, auth, done };
    this.#authData.push(data);
    if (this.#link.kind === 'connected') this.#sendAuth(data);
  }

  /** Ends the session in order where there is a connection; without one it ends here and expires there. */
  close(): void {
    if (this.#closing || this.#link.kind === 'ended') return;
    if (this.#link.kind !== 'connected') return this.#end('closed', 'closed');
    const done = (): void => this.#end('closed', 'closed');
    this.#outstanding.push({ type: OpCode.closeSession, path: null, write: NO_BODY, done });
    this.#closing = true;
    this.#sendWaiting();
  }

  #dialNext(): void {
    const { address, pauseMs } = this.#options.hosts.next();
    if (pauseMs === 0) return this.#dial(address);
    const timer = this.#options.clock.after(pauseMs, () => this.#dial(address));
    this.#link = { kind: 'pausing', timer };
  }

  #dial(address: string): void {
    const { clock, network, hosts } = this.#options;
    this.#frames = new FrameReader(MAX_REPLY_BYTES);
    const connection = network.connect(address, 'client', {
      opened: () => this.#openSession(connection),
      received: (bytes) => this.#received(bytes),
      drained: () => {
        this.#writable = true;
        this.#sendWaiting();
      },
      closed: (reason) => this.#lost(closeText(address, reason)),
    });
    const deadline = clock.after(this.#timeoutMs / hosts.count, () =>
      this.#lost(`${address} did not open a session in time`),
    );
    this.#link = { kind: 'dialling', connection, deadline };
  }

  #openSession(connection: Connection): void {
    const request = {
      protocolVersion: 0,
      lastZxidSeen: this.#lastZxid,
      timeOut: this.#options.sessionTimeoutMs,
      sessionId: this.#session.sessionId,
      passwd: this.#session.password,
      readOnly: false,
    };
    connection.write(framed((writer) => writeConnectRequest(writer, request)));
  }

  #sessionAnswered(frame: Uint8Array, connection: Connection, deadline: Timer): void {
    const response = readConnectResponse(new JuteReader(frame));
    if (response.timeOut <= 0) {
      return this.#end('expired', 'the ensemble has ended the session');
    }
    deadline.cancel();
    this.#session = {
      sessionId: response.sessionId,
      password: (response.passwd ?? NO_SESSION.password).slice(),
    };
    this.#timeoutMs = response.timeOut;
    this.#link = { kind: 'connected', connection };
    this.#writable = true;
    this.#options.hosts.connected();
    this.#heartbeat.start((response.timeOut * 2) / 3);
    this.#tellServer();
    this.#setState('connected', 'the session is open');
    this.#sendWaiting();
  }

  /** Who we are and what we watch, before any request. */
  #tellServer(): void {
    for (const data of this.#authData) this.#sendAuth(data);
    for (const { type, write } of this.#options.handler.watchesToRenew(this.#lastZxid)) {
      this.#send(requestFrame(Xid.SET_WATCHES, type, write));
    }
  }

  /** What is asked while replies and events are told in turns leaves as one message when all have been told. */
  #sendWaiting(): void {
    if (this.#heldEvent !== null) return;
    while (this.#link.kind === 'connected' && this.#writable) {
      const frame = this.#outstanding.nextToSend();
      if (frame === null) return;
      this.#send(frame);
    }
  }

  #sendAuth(data: AuthData): void {
    const { scheme, auth } = data;
    this.#authSent.push(data);
    this.#send(
      requestFrame(Xid.AUTH, OpCode.auth, (writer) =>
        writeAuthPacket(writer, { type: 0, scheme, auth }),
      ),
    );
  }

  #send(frame: Uint8Array): void {
    if (this.#link.kind !== 'connected') return;
    this.#heartbeat.sent();
    if (!this.#link.connection.write(frame)) this.#writable = false;
  }

  #received(bytes: Uint8Array): void {
    this.#heartbeat.heard();
    this.#frames.push(bytes);
    this.#answered = false;
    this.#understand();
  }

  /** Frames as far as they have come; first of all an event that was held back. */
  #understand(heldEvent: WatcherEvent | null = null): void {
    try {
      if (heldEvent !== null) {
        this.#heldEvent = null;
        this.#options.handler.watchFired(heldEvent);
      }
      while (this.#heldEvent === null && this.#understandFrame());
      if (heldEvent !== null) this.#sendWaiting();
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#lost(`the server sent what cannot be read: ${error.message}`);
    }
  }

  /** False if no whole frame is there, or no connection any more. */
  #understandFrame(): boolean {
    const link = this.#link;
    if (link.kind !== 'dialling' && link.kind !== 'connected') return false;
    const frame = this.#frames.next();
    if (frame === null) return false;
    if (link.kind === 'connected') this.#frameCame(new JuteReader(frame));
    else this.#sessionAnswered(frame, link.connection, link.deadline);
    return true;
  }

  #frameCame(reader: JuteReader): void {
    const header = readReplyHeader(reader);
    switch (header.xid) {
      case Xid.NOTIFICATION:
        return this.#eventCame(readWatcherEvent(reader));
      case Xid.PING:
        return;
      case Xid.AUTH:
        return this.#authAnswered(header.err);
      case Xid.SET_WATCHES:
        if (header.err !== 0) this.#lost('the server refused to renew the watches');
        return;
      default:
        return this.#requestAnswered(header, reader);
    }
  }

  /** Promises hear of their replies a little later, and must still hear of them before an event that came after. */
  #eventCame(event: WatcherEvent): void {
    if (!this.#answered) return this.#options.handler.watchFired(event);
    this.#heldEvent = event;
    afterPromises(() => {
      this.#answered = false;
      this.#understand(event);
    });
  }

  #authAnswered(code: number): void {
    const data = this.#authSent.shift();
    if (code !== 0) return this.#end('authFailed', `${data?.scheme ?? 'a credential'} was refused`);
    data?.done?.(0);
    if (data !== undefined) data.done = null;
  }

  #requestAnswered(header: ReplyHeader, body: JuteReader): void {
    if (header.zxid > 0n) this.#lastZxid = header.zxid;
    this.#answered = true;
    if (!this.#outstanding.answered(header, body)) {
      this.#lost(`reply ${header.xid} came, which is not the one that was next`);
    }
  }

  /** The connection is gone; the session may live on. */
  #lost(reason: string): void {
    if (this.#link.kind === 'ended') return;
    this.#lossReason = reason;
    if (this.#closing) return this.#end('closed', reason);
    if (this.#link.kind === 'connected') this.#aloneSinceMs = this.#options.clock.now();
    this.#drop();
    this.#dialNext();
    this.#setState(this.#state === 'connecting' ? 'connecting' : 'disconnected', reason);
    const aloneMs = this.#options.clock.now() - this.#aloneSinceMs;
    if (aloneMs < this.#timeoutMs) this.#outstanding.failSent(this.#lossCode());
    else this.#outstanding.failAll(this.#lossCode());
  }

  #end(state: FinalState, reason: string): void {
    this.#drop();
    this.#link = { kind: 'ended', state };
    this.#setState(state, reason);
    this.#outstanding.failAll(this.#lossCode());
    for (const data of this.#authData.splice(0)) data.done?.(this.#lossCode());
  }

  /** Nothing of this connection is heard any more. */
  #drop(): void {
    const link = this.#link;
    if (link.kind === 'pausing') link.timer.cancel();
    if (link.kind === 'dialling') link.deadline.cancel();
    if (link.kind === 'dialling' || link.kind === 'connected') link.connection.destroy();
    this.#heartbeat.stop();
    this.#authSent = [];
    this.#writable = false;
    this.#link = { kind: 'idle' };
  }

  #lossCode(): number {
    if (this.#state === 'authFailed') return ErrorCode.AuthFailed;
    const over = this.#closing || this.#state === 'closed' || this.#state === 'expired';
    return over ? ErrorCode.SessionExpired : ErrorCode.ConnectionLoss;
  }

  #setState(state: ClientState, reason: string): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.handler.stateChanged(state, reason);
  }
}

const closeText = (address: string, reason: CloseReason): string =>
  reason.kind === 'ended'
    ? `${address} closed the connection`
    : `the connection to ${address} ${reason.kind === 'refused' ? 'did not come up' : 'broke'}: ${reason.message}`;
