/**
 * One client's connection: frames in, replies and watch events out, in the session's order. It knows framing, limits and
 * back-pressure, and nothing of what a request means.
 */

import { assert } from '../base/assert.ts';
import { ByteQueue } from '../base/byteQueue.ts';
import type { Timer } from '../ports/clock.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../ports/network.ts';
import { checkACL } from '../tree/acl.ts';
import type { WatchedEvent, Watcher } from '../tree/watcher.ts';
import { Perms, type Id } from '../wire/dataRecords.ts';
import { ErrorCode } from '../wire/errorCodes.ts';
import { sessionId, zxid, type SessionId, type Zxid } from '../wire/ids.ts';
import { JuteError, JuteWriter } from '../wire/jute.ts';
import { Xid } from '../wire/opCodes.ts';
import { writeWatcherEvent } from '../wire/watchRecords.ts';
import { CnxnStats } from './cnxnStats.ts';
import type { ServerCnxnFactory } from './serverCnxnFactory.ts';
import {
  FLUSH_REPLIES_BYTES,
  MAX_PAUSED_RECEIVE_BYTES,
  MAX_REQUESTS_AT_ONCE,
  MAX_SEND_QUEUE_BYTES,
  SESSIONLESS_CNXN_TIMEOUT_MS,
} from './serverLimits.ts';
import { sessionIdToString } from './textFormat.ts';
import type { ZooKeeperServer } from './zooKeeperServer.ts';

/** Writes a reply's body, after the ReplyHeader. */
export type ReplyBody = (writer: JuteWriter) => void;

/** Why a connection ended: ZooKeeper's `DisconnectReason` words and a few of ours, for the probe. */
export type DisconnectReason =
  | 'server_shutdown'
  | 'connection_expired'
  | 'client_closed_connection'
  | 'client_closed_session'
  | 'not_read_only_client'
  | 'client_zxid_ahead'
  | 'info_probe'
  | 'client_reconnect'
  | 'io_exception'
  | 'session_moved'
  | 'session_refused'
  | 'auth_failed'
  | 'unknown_request_type'
  | 'slow_reader'
  | 'malformed_frame'
  | 'not_serving';

const LENGTH_BYTES = 4;
const NO_FRAME = -1;
const NO_SESSION = sessionId(0n);
const NO_ZXID = zxid(-1n);

export class ServerCnxn implements ConnectionHandler, Watcher {
  readonly connection: Connection;
  /** The host part of the remote address, as the `ip` scheme and maxClientCnxns see it. */
  readonly hostAddress: string;
  readonly stats: CnxnStats;
  /** Its ConnectRequest had no readOnly field, so the response has none either. */
  isOldClient = true;
  /** Requests of it that the server is working on; the server counts them. */
  inProcessCount = 0;
  /** Its ConnectRequest named a session, as opposed to asking for a new one. */
  isReattaching = false;

  readonly #factory: ServerCnxnFactory;
  readonly #incoming = new ByteQueue();
  readonly #outgoing = new JuteWriter();
  #server: ZooKeeperServer | null = null;
  #sessionId: SessionId = NO_SESSION;
  #sessionTimeoutMs = SESSIONLESS_CNXN_TIMEOUT_MS;
  #authInfo: readonly Id[];
  /** The length of the frame whose bytes are awaited. */
  #frameLength = NO_FRAME;
  #open = true;
  /** The session is being set up, or the server has too much to do. */
  #throttled = false;
  /** The client does not read its replies fast enough. */
  #congested = false;
  /** The event in which the frames left over are read; until then nothing more is taken in. */
  #rest: Timer | null = null;
  #flushScheduled = false;
  #outstandingCount = 0;

  constructor(factory: ServerCnxnFactory, connection: Connection, hostAddress: string) {
    this.#factory = factory;
    this.connection = connection;
    this.hostAddress = hostAddress;
    this.stats = new CnxnStats(factory.world.clock.wallTime());
    this.#authInfo = [{ scheme: 'ip', id: hostAddress }];
  }

  get id(): number {
    return this.connection.id;
  }

  /** 0 before the ConnectRequest. */
  get sessionId(): SessionId {
    return this.#sessionId;
  }

  /** How long it may be silent: the session's timeout, before that the time it has to ask for one. */
  get sessionTimeoutMs(): number {
    return this.#sessionTimeoutMs;
  }

  get authInfo(): readonly Id[] {
    return this.#authInfo;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Requests that have not been answered. */
  get outstandingCount(): number {
    return this.#outstandingCount;
  }

  addAuthInfo(id: Id): void {
    const known = this.#authInfo.some((one) => one.scheme === id.scheme && one.id === id.id);
    // A new list: requests on their way keep the one they came with.
    if (!known) this.#authInfo = [...this.#authInfo, id];
  }

  setSessionId(id: SessionId): void {
    this.#sessionId = id;
    this.#factory.addSession(id, this);
  }

  setSessionTimeout(timeoutMs: number): void {
    this.#sessionTimeoutMs = timeoutMs;
    this.#factory.touch(this);
  }

  /** The ConnectResponse is out: requests are read from now on. */
  sessionEstablished(): void {
    this.enableReceive();
  }

  opened(): void {
    assert(false, 'an accepted connection is open from the beginning');
  }

  received(bytes: Uint8Array): void {
    if (!this.#open) return;
    this.#incoming.push(bytes);
    const mustWait = this.#isPaused || this.#rest !== null;
    if (mustWait && this.#incoming.length > MAX_PAUSED_RECEIVE_BYTES) {
      this.close('io_exception');
      return;
    }
    this.#factory.touch(this);
    if (!mustWait) this.#readFrames();
  }

  drained(): void {
    this.#congested = false;
    this.#readOn();
  }

  closed(reason: CloseReason): void {
    // What came before the end counts.
    if (this.#rest !== null) this.#readFrames(Infinity);
    this.#end(reason.kind === 'ended' ? 'client_closed_connection' : 'io_exception', 'them');
  }

  get #isPaused(): boolean {
    return this.#throttled || this.#congested;
  }

  /** Reads what is there, `limit` frames at most now and the others as events of their own. */
  #readFrames(limit = MAX_REQUESTS_AT_ONCE): void {
    this.#runTurn(() => {
      let count = 0;
      while (this.#open && !this.#isPaused && count < limit && this.#readNext()) count += 1;
      if (count === limit && this.#incoming.length > 0) this.#readRestSoon();
    });
  }

  #runTurn(task: () => void): void {
    if (this.#server === null) this.#factory.turn.run(task);
    else this.#server.coalesceReplies(task);
  }

  #readRestSoon(): void {
    if (!this.#open || this.#isPaused || this.#rest !== null) return;
    this.connection.pause();
    this.#rest = this.#factory.world.clock.soon(() => {
      this.#rest = null;
      this.#readFrames();
      if (this.#open && !this.#isPaused && this.#rest === null) this.connection.resume();
    });
  }

  /** False if the next frame is not whole yet, or there is to be none. */
  #readNext(): boolean {
    if (this.#frameLength === NO_FRAME && !this.#readLength()) return false;
    if (this.#incoming.length < this.#frameLength) return false;
    const frame = this.#incoming.take(this.#frameLength);
    this.#frameLength = NO_FRAME;
    this.#readFrame(frame);
    return true;
  }

  /** False while it is not there, or when it is no length: the connection is closed or belongs to a four-letter word then. */
  #readLength(): boolean {
    if (this.#incoming.length < LENGTH_BYTES) return false;
    const length = this.#incoming.peekInt();
    if (this.#server === null && this.#factory.answerFourLetterWord(this, length)) return false;
    const server = this.#server ?? this.#factory.server;
    if (server === null) {
      this.close('not_serving');
      return false;
    }
    if (length < 0 || length > server.options.juteMaxBufferBytes) {
      this.close('malformed_frame');
      return false;
    }
    this.#incoming.take(LENGTH_BYTES);
    this.#frameLength = length;
    return true;
  }

  #readFrame(frame: Uint8Array): void {
    this.packetReceived(LENGTH_BYTES + frame.length);
    try {
      if (this.#server !== null) {
        this.#server.processPacket(this, frame);
        return;
      }
      const server = this.#factory.server;
      if (server === null) {
        this.close('not_serving');
        return;
      }
      this.#server = server;
      server.processConnectRequest(this, frame);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.close('malformed_frame');
    }
  }

  packetReceived(sizeBytes: number): void {
    this.stats.packetsReceivedCount += 1;
    const { server } = this.#factory;
    if (server === null) return;
    server.serverStats.packetsReceivedCount += 1;
    server.serverStats.bytesReceivedCount += sizeBytes;
  }

  /** A request has come; while the server has too much to do, no further one is read. */
  requestArrived(xid: number): void {
    if (xid <= 0) return;
    this.#outstandingCount += 1;
    if (this.#server?.shouldThrottle(this.#outstandingCount) === true) this.disableReceive();
  }

  disableReceive(): void {
    if (this.#throttled || !this.#open) return;
    this.#throttled = true;
    this.connection.pause();
  }

  enableReceive(): void {
    if (!this.#throttled || !this.#open) return;
    this.#throttled = false;
    this.#readOn();
  }

  /** Frames that came before reading was paused are read as an event of their own, never inside an answer. */
  #readOn(): void {
    if (!this.#open || this.#isPaused || this.#rest !== null) return;
    if (this.#incoming.length === 0) this.connection.resume();
    else this.#readRestSoon();
  }

  /** Queues a framed reply and counts the request as answered. The body goes only with success. */
  sendReply(xid: number, replyZxid: Zxid, err: number, body: ReplyBody | null): void {
    this.#sendFrame((writer) => {
      writer.int(xid);
      writer.long(replyZxid);
      writer.int(err);
      if (err === ErrorCode.Ok) body?.(writer);
    });
    if (xid <= 0) return;
    this.#outstandingCount -= 1;
    if (this.#server?.shouldThrottle(this.#outstandingCount) === false) this.enableReceive();
  }

  /** Queues a frame without a ReplyHeader: the ConnectResponse. */
  sendRecord(body: ReplyBody): void {
    this.#sendFrame(body);
  }

  /** A watch has fired. Who may not READ the node does not hear of it (CVE-2024-23944). */
  process(event: WatchedEvent): void {
    if (!this.#open || !this.#mayHearOf(event)) return;
    const sizeBytes = this.#sendFrame((writer) => {
      writer.int(Xid.NOTIFICATION);
      writer.long(NO_ZXID);
      writer.int(ErrorCode.Ok);
      writeWatcherEvent(writer, event);
    });
    if (this.#server !== null) this.#server.serverStats.watchBytesCount += sizeBytes;
    const { probe } = this.#factory.world;
    if (!probe.watches('request')) return;
    probe.emit({
      topic: 'request',
      type: 'watchFired',
      sessionId: this.#sessionId,
      connection: this.id,
      eventType: event.type,
      path: event.path,
    });
  }

  #mayHearOf(event: WatchedEvent): boolean {
    if (event.acl === null || this.#server?.options.skipACL === true) return true;
    return checkACL(event.acl, Perms.READ, this.#authInfo);
  }

  #sendFrame(body: ReplyBody): number {
    if (!this.#open) return 0;
    const writer = this.#outgoing;
    const start = writer.length;
    writer.int(0);
    body(writer);
    const sizeBytes = writer.length - start - LENGTH_BYTES;
    writer.patchInt(start, sizeBytes);
    this.#packetSent(sizeBytes);
    if (writer.length >= FLUSH_REPLIES_BYTES) this.#flush();
    else if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      this.#factory.turn.atEnd(this.#flush);
    }
    return sizeBytes;
  }

  #packetSent(sizeBytes: number): void {
    this.stats.packetsSentCount += 1;
    if (this.#server === null) return;
    const { serverStats } = this.#server;
    serverStats.packetsSentCount += 1;
    serverStats.responseBytesCount += sizeBytes;
    serverStats.clientResponse.add(sizeBytes);
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    if (!this.#open || this.#outgoing.length === 0) return;
    const bytes = this.#outgoing.toBytes();
    this.#outgoing.reset();
    if (this.connection.bufferedBytes > MAX_SEND_QUEUE_BYTES) {
      this.close('slow_reader');
      return;
    }
    if (this.connection.write(bytes)) return;
    this.#congested = true;
    this.connection.pause();
  };

  /** Plain text, as four-letter words are answered; then the connection ends. */
  sendTextAndClose(text: Uint8Array): void {
    if (!this.#open) return;
    this.stats.packetsSentCount += 1;
    const { server } = this.#factory;
    if (server !== null) server.serverStats.packetsSentCount += 1;
    this.connection.write(text);
    this.closeAfterReplies('info_probe');
  }

  /** Ends the connection once what is queued has left. */
  closeAfterReplies(reason: DisconnectReason): void {
    if (!this.#open) return;
    this.#flush();
    if (!this.#open) return;
    this.connection.close();
    this.#end(reason, 'us');
  }

  /** Ends it at once. */
  close(reason: DisconnectReason): void {
    if (!this.#open) return;
    this.connection.destroy();
    this.#end(reason, 'us');
  }

  #end(reason: DisconnectReason, by: 'us' | 'them'): void {
    if (!this.#open) return;
    this.#open = false;
    this.#rest?.cancel();
    this.#rest = null;
    this.#factory.removeCnxn(this, reason, by);
    this.#server?.cnxnClosed(this, reason);
  }

  /** Its line in `stat` (brief) and `cons`. */
  infoText(brief: boolean): string {
    const { packetsReceivedCount, packetsSentCount, establishedMs, lastOp } = this.stats;
    const counts = `queued=${this.#outstandingCount},recved=${packetsReceivedCount},sent=${packetsSentCount}`;
    const head = ` /${this.connection.remoteAddress}[${this.#interestOps}](${counts}`;
    if (brief || this.#sessionId === NO_SESSION) return `${head})`;
    const session = `,sid=${sessionIdToString(this.#sessionId)},lop=${lastOp},est=${establishedMs},to=${this.#sessionTimeoutMs}`;
    return `${head}${session}${this.stats.latencyText()})`;
  }

  /** Its line in `dump`. */
  dumpText(): string {
    return `ip: /${this.connection.remoteAddress} sessionId: ${sessionIdToString(this.#sessionId)}`;
  }

  /** ZooKeeper prints what its selector waits for: 1 to read, 4 to write; 0 for a four-letter word. */
  get #interestOps(): number {
    if (this.#server === null) return 0;
    return (this.#isPaused ? 0 : 1) + (this.connection.bufferedBytes > 0 ? 4 : 0);
  }
}
