/**
 * One ZooKeeper session over a socket, as lean as it can be, so that a benchmark measures the servers: requests are bytes
 * made beforehand, of which only the xid changes, and replies are looked at no further than their header.
 */
import { connect } from 'node:net';

const OpCode = { create: 1, delete: 2, getData: 4, setData: 5, closeSession: -11 };
const NODE_EXISTS = -110;
const NO_WATCH = Buffer.of(0);
const ANY_VERSION = int(-1);
const OPEN_ACL = Buffer.concat([int(1), int(31), string('world'), string('anyone')]);
const PERSISTENT = int(0);
const SESSION_TIMEOUT_MS = 30_000;
const PASSWORD_BYTES = 16;

function int(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function buffer(bytes) {
  return Buffer.concat([int(bytes.length), bytes]);
}

function string(text) {
  return buffer(Buffer.from(text));
}

/** A whole frame with xid 0. */
function frame(op, ...fields) {
  return buffer(Buffer.concat([int(0), int(op), ...fields]));
}

export const requests = {
  create: (path, data) => frame(OpCode.create, string(path), buffer(data), OPEN_ACL, PERSISTENT),
  delete: (path) => frame(OpCode.delete, string(path), ANY_VERSION),
  getData: (path) => frame(OpCode.getData, string(path), NO_WATCH),
  setData: (path, data) => frame(OpCode.setData, string(path), buffer(data), ANY_VERSION),
};

export class ZkSession {
  #socket = null;
  #unread = null;
  #xid = 0;
  #id = 0n;
  #password = Buffer.alloc(PASSWORD_BYTES);
  #answers = new Map();
  #established = null;
  #refused = false;
  /** Called with (replies, errors) after each piece of the stream that had replies to `send` in it. */
  onReplies = () => undefined;
  onClosed = () => undefined;

  /** The same session again when it has one. Rejects when the connection ends first or the session is refused. */
  connect({ host, port }) {
    return new Promise((resolve, reject) => {
      this.#unread = null;
      this.#answers.clear();
      this.#established = resolve;
      const socket = connect({ host, port, noDelay: true }, () => socket.write(this.#hello()));
      this.#socket = socket;
      socket.on('data', (bytes) => {
        if (this.#socket === socket) this.#received(bytes, reject);
      });
      socket.on('error', reject);
      socket.on('close', () => {
        reject(new Error(`${host}:${port} closed the connection`));
        if (this.#socket === socket) this.#closed();
      });
    });
  }

  /** A server has said that it knows no such session (any more). */
  get isRefused() {
    return this.#refused;
  }

  #closed() {
    this.#socket = null;
    const lost = [...this.#answers.values()];
    this.#answers.clear();
    for (const { reject } of lost) reject(new Error('the connection closed'));
    this.onClosed();
  }

  #hello() {
    const body = Buffer.alloc(29);
    body.writeInt32BE(SESSION_TIMEOUT_MS, 12);
    body.writeBigInt64BE(this.#id, 16);
    body.writeInt32BE(PASSWORD_BYTES, 24);
    const readOnly = NO_WATCH;
    return buffer(Buffer.concat([body.subarray(0, 28), this.#password, readOnly]));
  }

  #received(bytes, refuse) {
    const stream = this.#unread === null ? bytes : Buffer.concat([this.#unread, bytes]);
    let at = 0;
    let replies = 0;
    let errors = 0;
    while (stream.length - at >= 4) {
      const next = at + 4 + stream.readInt32BE(at);
      if (stream.length < next) break;
      if (this.#established !== null) this.#welcomed(stream.subarray(at + 4, next), refuse);
      else if (!this.#answered(stream, at + 4)) {
        replies++;
        if (stream.readInt32BE(at + 16) !== 0) errors++;
      }
      at = next;
    }
    this.#unread = at < stream.length ? stream.subarray(at) : null;
    if (replies > 0) this.onReplies(replies, errors);
  }

  #welcomed(response, refuse) {
    this.#id = response.readBigInt64BE(8);
    this.#password = Buffer.from(response.subarray(20, 36));
    const established = this.#established;
    this.#established = null;
    this.#refused = this.#id === 0n;
    if (this.#refused) refuse(new Error('the session was refused'));
    else established();
  }

  #answered(stream, at) {
    const xid = stream.readInt32BE(at);
    const waiting = this.#answers.get(xid);
    // What a server says of itself (a watch event) has a negative xid.
    if (waiting === undefined) return xid < 0;
    this.#answers.delete(xid);
    waiting.resolve(stream.readInt32BE(at + 12));
    return true;
  }

  /** One request; resolves to the error code of its reply. */
  call(request) {
    return new Promise((resolve, reject) => {
      if (this.#socket === null) return reject(new Error('not connected'));
      this.#answers.set(this.#nextXid(request), { resolve, reject });
      this.#socket.write(Buffer.from(request));
    });
  }

  async create(path, data = Buffer.alloc(0)) {
    const err = await this.call(requests.create(path, data));
    if (err !== 0 && err !== NODE_EXISTS) throw new Error(`create ${path}: error ${err}`);
  }

  /** Many at once; their replies are counted in `onReplies`. */
  send(list) {
    const bytes = Buffer.concat(list);
    let at = 0;
    for (const request of list) {
      bytes.writeInt32BE(this.#nextXid(request), at + 4);
      at += request.length;
    }
    this.#socket.write(bytes);
  }

  #nextXid(request) {
    this.#xid = (this.#xid + 1) & 0x7fffffff;
    request.writeInt32BE(this.#xid, 4);
    return this.#xid;
  }

  async closeSession() {
    this.onClosed = () => undefined;
    await this.call(frame(OpCode.closeSession));
    this.destroy();
  }

  destroy() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }
}
