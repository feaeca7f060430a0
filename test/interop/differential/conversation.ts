/**
 * Plays a script to one server and writes down what it says. After each step every session asks for a `sync`, so that
 * what the step causes has come before the next one begins, on a server and across an ensemble.
 */

import { readConnectResponse, writeConnectRequest } from '../../../src/wire/connectRecords.ts';
import { sessionId, zxid } from '../../../src/wire/ids.ts';
import { JuteReader, toBytes } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { until } from '../frame/patience.ts';
import {
  codeOf,
  encodeFrame,
  framed,
  type Damage,
  type Operation,
  type PathText,
  type Place,
} from './operations.ts';
import { RawConnection, type Ending } from './rawConnection.ts';
import { SESSION_COUNT, type OddConnect, type Step } from './scripts.ts';

const SESSION_TIMEOUT_MS = 30_000;
/** Numbers of the syncs between steps: no request of a script has them. */
const FIRST_BARRIER_XID = 0x4000_0000;
const LARGEST_ZXID = 2n ** 63n - 1n;
const XID_AND_ZXID_BYTES = 12;

/** What one connection said during one step. */
export interface Account {
  readonly who: string;
  /** A greeting is the answer to a connect request; replies have a header. */
  readonly kind: 'greeting' | 'replies';
  readonly frames: readonly Uint8Array[];
  readonly end: Ending;
}

/** What a frame may be the answer to, in the order sent. */
export interface Asked {
  readonly xid: number;
  readonly code: number;
}

export interface Outcome {
  readonly asked: readonly Asked[];
  readonly heard: readonly Account[];
}

interface Session {
  connection: RawConnection;
  id: bigint;
  password: Uint8Array;
  lastZxid: bigint;
  nextXid: number;
}

export class Conversation {
  readonly #addresses: readonly string[];
  readonly #base: string;
  readonly #sessions: (Session | null)[] = Array.from({ length: SESSION_COUNT }, () => null);
  /** Sessions whose connection is gone and that would expire some time: they are ended at the end. */
  readonly #left: { readonly id: bigint; readonly password: Uint8Array; address: string }[] = [];
  #barrierXid = FIRST_BARRIER_XID;

  /** `addresses`: of the servers of one ensemble; session n speaks to the n-th, over again. */
  constructor(addresses: readonly string[], base: string) {
    this.#addresses = addresses;
    this.#base = base;
  }

  async play(steps: readonly Step[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [await this.#open()];
    for (const step of steps) outcomes.push(await this.#step(step));
    outcomes.push(await this.#look());
    await this.#end();
    return outcomes;
  }

  /** The node that the script works below, and one in it. */
  async #open(): Promise<Outcome> {
    const create = (path: PathText): Operation => ({
      op: 'create',
      path,
      data: '',
      acl: [{ perms: 31, scheme: 'world', id: 'anyone' }],
      flags: 0,
    });
    return this.#step({ kind: 'batch', session: 0, operations: [create('~'), create('~/a')] });
  }

  async #step(step: Step): Promise<Outcome> {
    switch (step.kind) {
      case 'request':
        return this.#send(step.session, [step.operation], step.xid, step.damage);
      case 'batch':
        return this.#send(step.session, step.operations, null, { kind: 'none' });
      case 'reattach':
        return this.#reattach(step);
      case 'connect':
        return { asked: [], heard: [await this.#connectOddly(step.request, step.damage)] };
    }
  }

  async #send(
    index: number,
    operations: readonly Operation[],
    xid: number | null,
    damage: Damage,
  ): Promise<Outcome> {
    const { session, greeting } = await this.#session(index);
    const asked = operations.map((operation) => ({
      xid: xid ?? session.nextXid++,
      code: codeOf(operation),
    }));
    const place: Place = { base: this.#base, lastZxid: session.lastZxid };
    const frames = operations.map((operation, i) =>
      encodeFrame(operation, asked[i]?.xid ?? 0, damage, place),
    );
    session.connection.send(Buffer.concat(frames));
    const ends = asked.some(({ code }) => endsConnection(code));
    return { asked, heard: [...greeting, ...(await this.#settle(index, ends))] };
  }

  /** Own session first: its sync follows the step's requests, the others' follow what those did. */
  async #settle(first: number, ends = false): Promise<Account[]> {
    const heard = [ends ? await this.#farewell(first) : await this.#barrier(first)];
    const others = this.#sessions.map((_, index) => index).filter((index) => index !== first);
    heard.push(...(await Promise.all(others.map((index) => this.#barrier(index)))));
    return heard.filter(({ frames, end }) => frames.length > 0 || end !== 'answer');
  }

  /** Whoever hangs up may read a frame more before, or not: nothing is sent. */
  async #farewell(index: number): Promise<Account> {
    const who = `session ${index}`;
    const session = this.#sessions[index];
    if (session === null || session === undefined) throw new Error(`${who} has no connection`);
    const end = await session.connection.until(() => false);
    const frames = session.connection.takeFrames();
    this.#leave(index, session);
    return { who, kind: 'replies', frames, end };
  }

  async #barrier(index: number): Promise<Account> {
    const who = `session ${index}`;
    const session = this.#sessions[index];
    if (session === null || session === undefined)
      return { who, kind: 'replies', frames: [], end: 'answer' };
    const xid = this.#barrierXid++;
    session.connection.send(
      encodeFrame(
        { op: 'sync', path: '/' },
        xid,
        { kind: 'none' },
        {
          base: this.#base,
          lastZxid: 0n,
        },
      ),
    );
    const isBarrier = (frame: Buffer): boolean => frame.length >= 4 && frame.readInt32BE(0) === xid;
    const end = await session.connection.until(isBarrier);
    const taken = session.connection.takeFrames();
    for (const frame of taken) noteZxid(session, frame);
    if (end !== 'answer') this.#leave(index, session);
    return { who, kind: 'replies', frames: taken.filter((frame) => !isBarrier(frame)), end };
  }

  #leave(index: number, session: Session): void {
    session.connection.hangUp();
    this.#sessions[index] = null;
    this.#left.push({ id: session.id, password: session.password, address: this.#address(index) });
  }

  #address(index: number): string {
    return this.#addresses[index % this.#addresses.length] ?? '';
  }

  async #session(index: number): Promise<{ session: Session; greeting: Account[] }> {
    const known = this.#sessions[index];
    if (known !== null && known !== undefined) return { session: known, greeting: [] };
    const { heard, session } = await this.#openSession(index);
    this.#sessions[index] = session;
    return { session, greeting: [heard] };
  }

  /** A server between two roles closes the connection instead of answering: it is asked again. */
  #openSession(index: number): Promise<{ heard: Account; session: Session }> {
    const address = this.#address(index);
    return until(`${address} gives a session`, async () => {
      const connection = new RawConnection(address);
      const { heard, session } = await this.#greet(connection, `session ${index} opens`, {
        id: 0n,
        password: new Uint8Array(16),
        lastZxid: 0n,
        nextXid: 1,
      });
      if (session !== null) return { heard, session };
      connection.hangUp();
      return null;
    });
  }

  async #greet(
    connection: RawConnection,
    who: string,
    as: Omit<Session, 'connection'>,
  ): Promise<{ heard: Account; session: Session | null }> {
    connection.send(
      connectFrame({
        protocolVersion: 0,
        lastZxidSeen: as.lastZxid,
        timeoutMs: SESSION_TIMEOUT_MS,
        id: as.id,
        password: as.password,
        readOnly: false,
      }),
    );
    const end = await connection.until(() => true);
    const frames = connection.takeFrames();
    const heard: Account = { who, kind: 'greeting', frames, end };
    const [frame] = frames;
    if (frame === undefined) return { heard, session: null };
    const response = readConnectResponse(new JuteReader(frame));
    if (response.sessionId === 0n) return { heard, session: null };
    const { sessionId: id, passwd } = response;
    return { heard, session: { ...as, connection, id, password: passwd ?? as.password } };
  }

  async #reattach({
    session: index,
    password,
    twice,
  }: Step & { kind: 'reattach' }): Promise<Outcome> {
    const { session, greeting } = await this.#session(index);
    if (!twice) session.connection.hangUp();
    const right = session.password;
    const passwords = {
      right,
      wrong: right.map((byte) => byte ^ 1),
      short: right.slice(0, 8),
      none: null,
    };
    const connection = new RawConnection(this.#address(index));
    const { heard, session: again } = await this.#greet(connection, `session ${index} again`, {
      ...session,
      password: passwords[password] ?? new Uint8Array(),
    });
    if (twice && again !== null) {
      await session.connection.until(() => false);
      session.connection.takeFrames();
    }
    session.connection.hangUp();
    if (again === null) {
      connection.hangUp();
      this.#leave(index, session);
    } else this.#sessions[index] = { ...again, password: right };
    return { asked: [], heard: [...greeting, heard, ...(await this.#settle(index))] };
  }

  async #connectOddly(request: OddConnect, damage: Damage): Promise<Account> {
    const { protocolVersion, seen, timeoutMs, sessionId: id, passwordLength, readOnly } = request;
    const bytes = connectFrame({
      protocolVersion,
      lastZxidSeen: seen === 'none' ? 0n : seen === 'largest' ? LARGEST_ZXID : -1n,
      timeoutMs,
      id,
      password: passwordLength === null ? null : new Uint8Array(passwordLength),
      readOnly,
    });
    const content = bytes.slice(4);
    const frame =
      damage.kind === 'length'
        ? framed(content, damage.value)
        : framed(damage.kind === 'cut' ? content.slice(0, damage.at) : content);
    const connection = new RawConnection(this.#address(0));
    connection.send(frame);
    const end = await connection.until(() => true);
    const frames = connection.takeFrames();
    const [first] = frames;
    if (first !== undefined) {
      const response = readConnectResponse(new JuteReader(first));
      if (response.sessionId !== 0n && response.passwd !== null) {
        connection.send(
          encodeFrame({ op: 'closeSession' }, 1, { kind: 'none' }, { base: '', lastZxid: 0n }),
        );
        await connection.until(() => false);
      }
    }
    connection.hangUp();
    return { who: 'somebody', kind: 'greeting', frames, end };
  }

  /** Everything below the base, as a client sees it. */
  async #look(): Promise<Outcome> {
    const asked: Asked[] = [];
    const heard: Account[] = [];
    // What every script may touch, then what is its own.
    const paths = ['/', '/zookeeper', '/zookeeper/quota', this.#base];
    const sharedCount = paths.length - 1;
    for (const [i, path] of paths.entries()) {
      const outcome = await this.#send(
        0,
        [
          { op: 'getData', path, watch: false },
          { op: 'getACL', path },
          { op: 'getChildren2', path, watch: false },
        ],
        null,
        { kind: 'none' },
      );
      asked.push(...outcome.asked);
      heard.push(...outcome.heard.map((one) => ({ ...one, who: `walk ${path}` })));
      if (i >= sharedCount) paths.push(...childrenIn(outcome).map((child) => `${path}/${child}`));
    }
    return { asked, heard };
  }

  /** No session is left to expire at a moment of its own. */
  async #end(): Promise<void> {
    for (const [index, session] of this.#sessions.entries()) {
      if (session !== null) await this.#close(session.connection, session.nextXid, index);
    }
    for (const { id, password, address } of this.#left) {
      const connection = new RawConnection(address);
      const { session } = await this.#greet(connection, '', {
        id,
        password,
        lastZxid: 0n,
        nextXid: 1,
      });
      if (session === null) connection.hangUp();
      else await this.#close(connection, 1, -1);
    }
  }

  async #close(connection: RawConnection, xid: number, index: number): Promise<void> {
    connection.send(
      encodeFrame({ op: 'closeSession' }, xid, { kind: 'none' }, { base: '', lastZxid: 0n }),
    );
    await connection.until(() => false);
    connection.hangUp();
    if (index >= 0) this.#sessions[index] = null;
  }
}

const KNOWN_CODES: ReadonlySet<number> = new Set(Object.values(OpCode));

/** A server answers these and hangs up. */
const endsConnection = (code: number): boolean =>
  code === OpCode.closeSession ||
  code === OpCode.error ||
  code === OpCode.notification ||
  !KNOWN_CODES.has(code);

function childrenIn({ asked, heard }: Outcome): string[] {
  const xid = asked.findLast(({ code }) => code === OpCode.getChildren2)?.xid;
  for (const frame of heard.flatMap(({ frames }) => frames)) {
    const reader = new JuteReader(frame);
    if (reader.int() !== xid) continue;
    reader.long();
    if (reader.int() !== 0) return [];
    const children: string[] = [];
    for (let left = reader.int(); left > 0; left--) children.push(reader.requiredString());
    return children.sort();
  }
  return [];
}

function noteZxid(session: Session, frame: Buffer): void {
  if (frame.length < XID_AND_ZXID_BYTES) return;
  const seen = frame.readBigInt64BE(4);
  if (seen > session.lastZxid) session.lastZxid = seen;
}

interface ConnectFields {
  readonly protocolVersion: number;
  readonly lastZxidSeen: bigint;
  readonly timeoutMs: number;
  readonly id: bigint;
  readonly password: Uint8Array | null;
  readonly readOnly: boolean | null;
}

const connectFrame = (fields: ConnectFields): Uint8Array =>
  framed(
    toBytes((writer) => {
      writeConnectRequest(writer, {
        protocolVersion: fields.protocolVersion,
        lastZxidSeen: zxid(fields.lastZxidSeen),
        timeOut: fields.timeoutMs,
        sessionId: sessionId(fields.id),
        passwd: fields.password,
        readOnly: fields.readOnly,
      });
    }),
  );
