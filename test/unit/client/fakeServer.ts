/** A server that says what the test tells it to, and the client under test, in one simulated world. */

import { FrameReader } from '../../../src/client/frameReader.ts';
import { framed } from '../../../src/client/requestFrame.ts';
import { ZooKeeper, type ZooKeeperOptions } from '../../../src/client/zooKeeper.ts';
import type { Connection, Network } from '../../../src/ports/network.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import {
  type ConnectRequest,
  readConnectRequest,
  readRequestHeader,
  writeConnectResponse,
  writeReplyHeader,
} from '../../../src/wire/connectRecords.ts';
import { sessionId, sid, zxid } from '../../../src/wire/ids.ts';
import { JuteReader, type JuteWriter, toBytes } from '../../../src/wire/jute.ts';
import { OpCode, Xid } from '../../../src/wire/opCodes.ts';
import { writeWatcherEvent } from '../../../src/wire/watchRecords.ts';
import { KeeperState } from '../../../src/wire/watchTypes.ts';

const MAX_FRAME_BYTES = 0xfffff;
const PASSWORD = new Uint8Array(16).fill(7);
export const SESSION = { sessionId: sessionId(0x100000abcdef0001n), password: PASSWORD };

export interface FakeRequest {
  readonly xid: number;
  readonly type: number;
  readonly body: JuteReader;
}

/** One connection as the server sees it. Pings are answered by themselves. */
export class FakeConnection {
  connectRequest: ConnectRequest | null = null;
  readonly requests: FakeRequest[] = [];
  pingCount = 0;
  closed = false;
  readonly #connection: Connection;
  readonly #frames = new FrameReader(MAX_FRAME_BYTES);
  readonly #server: FakeServer;
  readonly #held: Uint8Array[] = [];

  constructor(server: FakeServer, connection: Connection) {
    this.#server = server;
    this.#connection = connection;
  }

  received(bytes: Uint8Array): void {
    this.#frames.push(bytes);
    for (let frame = this.#frames.next(); frame !== null; frame = this.#frames.next()) {
      this.#frame(new JuteReader(frame));
    }
  }

  #frame(reader: JuteReader): void {
    if (this.connectRequest === null) {
      this.connectRequest = readConnectRequest(reader);
      if (this.#server.timeOut !== null) this.welcome(this.#server.timeOut);
      return;
    }
    const { xid, type } = readRequestHeader(reader);
    if (type === OpCode.ping) {
      this.pingCount++;
      if (this.#server.answersPings) this.reply(Xid.PING, 0);
      return;
    }
    this.requests.push({ xid, type, body: reader });
    this.#server.onRequest?.({ xid, type, body: reader }, this);
  }

  welcome(timeOut: number): void {
    const refused = timeOut === 0;
    this.#connection.write(
      framed((writer) =>
        writeConnectResponse(writer, {
          protocolVersion: 0,
          timeOut,
          sessionId: refused ? sessionId(0n) : SESSION.sessionId,
          passwd: refused ? new Uint8Array(16) : PASSWORD,
          readOnly: false,
        }),
      ),
    );
  }

  reply(xid: number, err: number, write: (writer: JuteWriter) => void = () => {}, at = 1n): void {
    this.#write(
      framed((writer) => {
        writeReplyHeader(writer, { xid, zxid: zxid(xid === Xid.PING ? -1n : at), err });
        write(writer);
      }),
    );
  }

  event(type: number, path: string): void {
    this.#write(
      framed((writer) => {
        writeReplyHeader(writer, { xid: Xid.NOTIFICATION, zxid: zxid(-1n), err: 0 });
        writeWatcherEvent(writer, { type, state: KeeperState.SyncConnected, path });
      }),
    );
  }

  /** Bytes that are no frame of anything. */
  raw(bytes: Uint8Array): void {
    this.#connection.write(bytes);
  }

  /** Everything `write` says arrives in one piece. */
  together(write: () => void): void {
    this.#server.gathers = this.#held;
    write();
    this.#server.gathers = null;
    const frames = this.#held.splice(0);
    this.#connection.write(
      toBytes((writer) => {
        for (const frame of frames) writer.raw(frame);
      }),
    );
  }

  close(): void {
    this.closed = true;
    this.#connection.close();
  }

  destroy(): void {
    this.closed = true;
    this.#connection.destroy();
  }

  #write(frame: Uint8Array): void {
    if (this.#server.gathers) this.#server.gathers.push(frame);
    else this.#connection.write(frame);
  }
}

export class FakeServer {
  /** Granted to whoever connects; null leaves the test to answer, 0 refuses. */
  timeOut: number | null = 6_000;
  answersPings = true;
  onRequest: ((request: FakeRequest, connection: FakeConnection) => void) | null = null;
  gathers: Uint8Array[] | null = null;
  readonly connections: FakeConnection[] = [];

  /** The newest connection. */
  get connection(): FakeConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('nobody has connected');
    return last;
  }

  get requests(): readonly FakeRequest[] {
    return this.connection.requests;
  }

  accept(connection: Connection) {
    const fake = new FakeConnection(this, connection);
    this.connections.push(fake);
    return {
      opened: () => {},
      received: (bytes: Uint8Array) => fake.received(bytes),
      drained: () => {},
      closed: () => {
        fake.closed = true;
      },
    };
  }
}

/** A client in front of a fake server. */
export function fakeWorld(options: Partial<ZooKeeperOptions> = {}, seed = 1) {
  const simulation = new Simulation(seed);
  const server = new FakeServer();
  const serverWorld = simulation.machine('server', sid(1), 'client').boot();
  const clientWorld = simulation.machine('client', sid(100), 'client').boot();
  serverWorld.network.listen(
    'client',
    'server:2181',
    (connection) => server.accept(connection),
    (reason) => {
      throw new Error(reason);
    },
  );
  /** Told of each of the client's writes. */
  const wire = { written: (): void => {} };
  const network: Network = {
    listen: (...args) => clientWorld.network.listen(...args),
    connect: (...args) => {
      const connection = clientWorld.network.connect(...args);
      const write = connection.write.bind(connection);
      connection.write = (bytes) => {
        wire.written();
        return write(bytes);
      };
      return connection;
    },
  };
  const zk = new ZooKeeper(
    { clock: clientWorld.clock, random: clientWorld.random, network },
    {
      addresses: ['server:2181'],
      sessionTimeoutMs: 6_000,
      maxReconnectPauseMs: 100,
      ...options,
    },
  );
  const states: string[] = [];
  zk.on('state', (state) => states.push(state));
  const until = async (condition: () => boolean, limitMs = 20_000): Promise<void> => {
    if (!(await simulation.until(condition, limitMs))) throw new Error('it did not come to that');
  };
  const connected = (): Promise<void> => simulation.settle(zk.connected());
  return { simulation, server, zk, states, until, connected, clientWorld, wire };
}
