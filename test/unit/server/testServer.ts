/** A standalone server in the simulated world, and clients that see its bytes as they come. */

import { ByteQueue } from '../../../src/base/byteQueue.ts';
import type { Connection } from '../../../src/ports/network.ts';
import type { ProbeEvent, ProbeTopic } from '../../../src/ports/probe.ts';
import { ServerCnxnFactory } from '../../../src/server/serverCnxnFactory.ts';
import { defaultServerOptions, type ServerOptions } from '../../../src/server/serverOptions.ts';
import { StandaloneServer } from '../../../src/server/standaloneServer.ts';
import { Simulation, type Machine, type SimWorld } from '../../../src/sim/simWorld.ts';
import { DEFAULT_DATABASE_OPTIONS } from '../../../src/storage/zkDatabaseOptions.ts';
import { ZKDatabase } from '../../../src/storage/zkDatabase.ts';
import { sessionId, sid, zxid, type SessionId, type Zxid } from '../../../src/wire/ids.ts';
import {
  readConnectResponse,
  writeConnectRequest,
  type ConnectResponse,
} from '../../../src/wire/connectRecords.ts';
import { JuteReader, JuteWriter } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';

export const TICK_MS = 500;
const SERVER_HOST = 'server1';
const CLIENT_ADDRESS = `${SERVER_HOST}:2181`;
const LIMIT_MS = 30_000;

export interface TestServerOptions {
  readonly server?: Partial<ServerOptions>;
  readonly maxClientCnxns?: number;
  readonly whitelist?: readonly string[];
  readonly seed?: number;
  readonly topics?: readonly ProbeTopic[];
  /** False: the client port without a role behind it. */
  readonly serving?: boolean;
}

/** One life of a server after another on the same disk. */
export class TestServer {
  readonly simulation: Simulation;
  readonly machine: Machine;
  readonly clientWorld: SimWorld;
  readonly events: ProbeEvent[] = [];
  readonly failures: string[] = [];
  readonly #options: TestServerOptions;
  #world: SimWorld;
  #factory: ServerCnxnFactory;
  #server: StandaloneServer;

  constructor(options: TestServerOptions = {}) {
    this.#options = options;
    this.simulation = new Simulation(options.seed ?? 1);
    this.simulation.subscribe(options.topics ?? ['session', 'connection'], ({ event }) => {
      this.events.push(event);
    });
    this.machine = this.simulation.machine(SERVER_HOST, sid(1));
    this.clientWorld = this.simulation.machine('127.0.0.1', sid(100)).boot();
    [this.#world, this.#factory, this.#server] = this.#boot();
  }

  get world(): SimWorld {
    return this.#world;
  }

  get factory(): ServerCnxnFactory {
    return this.#factory;
  }

  get server(): StandaloneServer {
    return this.#server;
  }

  #boot(): [SimWorld, ServerCnxnFactory, StandaloneServer] {
    const world = this.machine.boot();
    const factory = new ServerCnxnFactory(world, {
      clientAddress: CLIENT_ADDRESS,
      maxClientCnxns: this.#options.maxClientCnxns ?? 60,
      fourLetterWordWhitelist: this.#options.whitelist ?? ['*'],
      version: '3.8.0-tabkeeper-0.0.0, built on 2026-11-23 18:00 UTC',
      dataDir: '/data/version-2',
      dataLogDir: '/data/version-2',
      environment: [['host.name', SERVER_HOST]],
    });
    const options = { ...defaultServerOptions(1n, TICK_MS), ...this.#options.server };
    const { digestEnabled, extendedTypesEnabled } = options;
    const db = new ZKDatabase(
      world,
      { ...DEFAULT_DATABASE_OPTIONS, digestEnabled, extendedTypesEnabled },
      (error) => this.failures.push(error.message),
    );
    const listener = {
      diskFailed: (error: { message: string }) => this.failures.push(error.message),
    };
    const server = new StandaloneServer(world, db, options, listener, factory);
    factory.start((reason) => this.failures.push(reason));
    if (this.#options.serving === false) return [world, factory, server];
    let started = false;
    server.start((result) => {
      if (!result.ok) throw new Error(result.error.message);
      started = true;
    });
    this.until(() => started);
    return [world, factory, server];
  }

  /** The process dies and starts again on what its disk kept. */
  restart(): void {
    this.machine.crash();
    [this.#world, this.#factory, this.#server] = this.#boot();
  }

  until(condition: () => boolean, limitMs = LIMIT_MS): void {
    if (this.simulation.time.runUntil(condition, limitMs)) return;
    throw new Error(`it did not come true within ${limitMs} ms: ${String(condition)}`);
  }

  sleep(durationMs: number): void {
    this.simulation.time.runFor(durationMs);
  }

  /** By how much `count` grows with each event until `condition` holds. */
  growthByEvent(count: () => number, condition: () => boolean): readonly number[] {
    const growth: number[] = [];
    while (!condition()) {
      const before = count();
      if (!this.simulation.time.step()) throw new Error('nothing happens any more');
      growth.push(count() - before);
    }
    return growth;
  }

  dial(): TestConnection {
    return new TestConnection(this);
  }

  /** A connection with a session. */
  connect(timeoutMs = 10_000): TestClient {
    return new TestClient(this, timeoutMs);
  }
}

/** Bytes to the client port and frames from it. */
export class TestConnection {
  readonly testServer: TestServer;
  readonly connection: Connection;
  readonly #input = new ByteQueue();
  /** Frames not looked at yet, without their lengths. */
  readonly frames: Uint8Array[] = [];
  writesReceivedCount = 0;
  text = '';
  isClosed = false;

  constructor(testServer: TestServer) {
    this.testServer = testServer;
    this.connection = testServer.clientWorld.network.connect(CLIENT_ADDRESS, 'client', {
      opened: () => undefined,
      drained: () => undefined,
      received: (bytes) => {
        this.writesReceivedCount += 1;
        this.text += new TextDecoder().decode(bytes);
        this.#input.push(bytes);
        while (this.#input.length >= 4 && this.#input.length >= 4 + this.#input.peekInt()) {
          const length = this.#input.peekInt();
          this.#input.take(4);
          this.frames.push(this.#input.take(length));
        }
      },
      closed: () => {
        this.isClosed = true;
      },
    });
  }

  /** Whole frames, with their lengths. */
  write(bytes: Uint8Array): void {
    if (!this.isClosed) this.connection.write(bytes);
  }

  /** The next frame; null if the connection ends instead. */
  next(): Uint8Array | null {
    this.testServer.until(() => this.frames.length > 0 || this.isClosed);
    return this.frames.shift() ?? null;
  }

  untilClosed(): void {
    this.testServer.until(() => this.isClosed);
  }
}

export interface TestReply {
  readonly xid: number;
  readonly zxid: Zxid;
  readonly err: number;
  readonly body: JuteReader;
}

/** A session whose requests are made by hand. */
export class TestClient {
  readonly link: TestConnection;
  readonly response: ConnectResponse;
  #xid = 0;

  constructor(
    testServer: TestServer,
    timeoutMs: number,
    session: { id: SessionId; password: Uint8Array } | null = null,
    lastZxidSeen: Zxid = zxid(0n),
  ) {
    this.link = testServer.dial();
    this.link.write(
      frame((writer) => {
        writeConnectRequest(writer, {
          protocolVersion: 0,
          lastZxidSeen,
          timeOut: timeoutMs,
          sessionId: session?.id ?? sessionId(0n),
          passwd: session?.password ?? new Uint8Array(16),
          readOnly: false,
        });
      }),
    );
    const bytes = this.link.next();
    if (bytes === null) throw new Error('the server hung up');
    this.response = readConnectResponse(new JuteReader(bytes));
  }

  get sessionId(): SessionId {
    return this.response.sessionId;
  }

  /** The request's bytes, to be sent together with others. */
  request(type: number, body: (writer: JuteWriter) => void = () => undefined): Uint8Array {
    this.#xid += 1;
    const xid = this.#xid;
    return frame((writer) => {
      writer.int(xid);
      writer.int(type);
      body(writer);
    });
  }

  send(type: number, body?: (writer: JuteWriter) => void): void {
    this.link.write(this.request(type, body));
  }

  /** Sends it and waits for the next frame, whatever that is. */
  call(type: number, body?: (writer: JuteWriter) => void): TestReply {
    this.send(type, body);
    return this.reply();
  }

  reply(): TestReply {
    const bytes = this.link.next();
    if (bytes === null) throw new Error('the server hung up');
    const body = new JuteReader(bytes);
    return { xid: body.int(), zxid: zxid(body.long()), err: body.int(), body };
  }

  ping(): void {
    this.link.write(
      frame((writer) => {
        writer.int(-2);
        writer.int(OpCode.ping);
      }),
    );
  }
}

export function frame(body: (writer: JuteWriter) => void): Uint8Array {
  const writer = new JuteWriter();
  writer.int(0);
  body(writer);
  writer.patchInt(0, writer.length - 4);
  return writer.toBytes();
}
