import { describe, expect, test } from 'vitest';
import { checkPassword, generatePassword } from '../../../src/server/sessionPassword.ts';
import { initializeNextSessionId } from '../../../src/server/sessionTrackerImpl.ts';
import { writeCreateRequest, writeReadRequest } from '../../../src/wire/clientRequests.ts';
import { readConnectResponse, writeConnectRequest } from '../../../src/wire/connectRecords.ts';
import { CreateMode } from '../../../src/wire/createModes.ts';
import { OPEN_ACL_UNSAFE, readStat } from '../../../src/wire/dataRecords.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import { sessionId, zxid } from '../../../src/wire/ids.ts';
import { JuteReader, type JuteWriter } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { frame, TestClient, TestServer, TICK_MS } from './testServer.ts';

const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex');

const create =
  (path: string, flags: number = CreateMode.PERSISTENT) =>
  (writer: JuteWriter): void => {
    writeCreateRequest(writer, { path, data: null, acl: OPEN_ACL_UNSAFE, flags });
  };
const read =
  (path: string, watch = false) =>
  (writer: JuteWriter): void => {
    writeReadRequest(writer, { path, watch });
  };

describe('passwords', () => {
  test.for([
    [72057861494079488n, '65dfb2d88e0d8f4c4b25ff69878bea5d'],
    [216173049571966977n, 'c54f7050f74ad2e9d5f07a36cc19cf52'],
    [288230643620184064n, '795f632a128e37127f75e4e7ab698c06'],
  ] as const)('session %s has the password a ZooKeeper gave it', ([id, password]) => {
    expect(hex(generatePassword(sessionId(id)))).toBe(password);
  });

  test('only the right one passes, and none for session 0', () => {
    const id = sessionId(-5n);
    expect(checkPassword(id, generatePassword(id))).toBe(true);
    expect(checkPassword(id, generatePassword(sessionId(-6n)))).toBe(false);
    expect(checkPassword(id, new Uint8Array(0))).toBe(false);
    expect(checkPassword(sessionId(0n), generatePassword(sessionId(0n)))).toBe(false);
  });
});

describe('session ids', () => {
  test('begin with the sid, as a signed number, and grow with time', () => {
    const first = initializeNextSessionId(200n, 1_700_000_000_000);
    expect(BigInt.asUintN(64, first) >> 56n).toBe(200n);
    expect(first < 0n).toBe(true);
    expect(initializeNextSessionId(200n, 1_700_000_000_001) - first).toBe(1n << 16n);
  });

  test('do not come again after a restart', () => {
    const testServer = new TestServer();
    const before = testServer.connect().sessionId;
    testServer.restart();
    expect(testServer.connect().sessionId).toBeGreaterThan(before);
  });
});

describe('negotiation', () => {
  test.for([
    [1, 2 * TICK_MS],
    [3_000, 3_000],
    [1_000_000, 20 * TICK_MS],
  ] as const)('a timeout of %i ms becomes %i', ([asked, granted]) => {
    expect(new TestServer().connect(asked).response.timeOut).toBe(granted);
  });

  test('a client that has seen more than this server knows is closed without an answer', () => {
    const testServer = new TestServer();
    expect(() => new TestClient(testServer, 5_000, null, zxid(99n))).toThrow('hung up');
  });

  test('a ConnectRequest without readOnly is answered without it', () => {
    const link = new TestServer().dial();
    link.write(
      frame((writer) => {
        writeConnectRequest(writer, {
          protocolVersion: 0,
          lastZxidSeen: zxid(0n),
          timeOut: 4_000,
          sessionId: sessionId(0n),
          passwd: new Uint8Array(16),
          readOnly: null,
        });
      }),
    );
    const response = readConnectResponse(new JuteReader(link.next() ?? new Uint8Array(0)));
    expect(response.readOnly).toBeNull();
    expect(response.timeOut).toBe(4_000);
  });

  test('requests sent together with the ConnectRequest are answered after it, in order', () => {
    const testServer = new TestServer();
    const link = testServer.dial();
    const connect = frame((writer) => {
      writeConnectRequest(writer, {
        protocolVersion: 0,
        lastZxidSeen: zxid(0n),
        timeOut: 4_000,
        sessionId: sessionId(0n),
        passwd: new Uint8Array(16),
        readOnly: false,
      });
    });
    const request = (xid: number): Uint8Array =>
      frame((writer) => {
        writer.int(xid);
        writer.int(OpCode.exists);
        read('/')(writer);
      });
    link.write(Buffer.concat([connect, request(1), request(2)]));
    expect(readConnectResponse(new JuteReader(link.next() ?? new Uint8Array(0))).timeOut).toBe(
      4_000,
    );
    expect(new JuteReader(link.next() ?? new Uint8Array(0)).int()).toBe(1);
    expect(new JuteReader(link.next() ?? new Uint8Array(0)).int()).toBe(2);
  });
});

describe('expiry', () => {
  test('a silent session goes within one tick after its timeout, with its nodes, and watchers hear of it', () => {
    const testServer = new TestServer();
    const silent = testServer.connect(2_000);
    silent.call(OpCode.create, create('/e', CreateMode.EPHEMERAL));
    const watcher = testServer.connect(10_000);
    watcher.call(OpCode.exists, read('/e', true));
    const startMs = testServer.simulation.time.nowMs;
    testServer.until(() => watcher.link.frames.length > 0);
    const tookMs = testServer.simulation.time.nowMs - startMs;
    expect(tookMs).toBeGreaterThan(1_900);
    expect(tookMs).toBeLessThan(2_000 + TICK_MS + 50);
    expect(watcher.reply().xid).toBe(-1);
    expect(watcher.call(OpCode.exists, read('/e')).err).toBe(ErrorCode.NoNode);
    silent.link.untilClosed();
    expect(testServer.events).toContainEqual({
      topic: 'session',
      type: 'expired',
      sessionId: silent.sessionId,
      timeoutMs: 2_000,
    });
  });

  test('a session that pings lives on', () => {
    const testServer = new TestServer();
    const client = testServer.connect(2_000);
    for (let i = 0; i < 10; i += 1) {
      testServer.sleep(1_500);
      client.ping();
    }
    expect(client.call(OpCode.exists, read('/')).xid).toBe(-2);
    expect(client.link.isClosed).toBe(false);
  });

  test('a session whose connection broke keeps its nodes until it expires, and can come back before', () => {
    const testServer = new TestServer();
    const client = testServer.connect(4_000);
    client.call(OpCode.create, create('/e', CreateMode.EPHEMERAL));
    client.link.connection.destroy();
    testServer.sleep(2_000);
    const again = new TestClient(testServer, 4_000, {
      id: client.sessionId,
      password: client.response.passwd ?? new Uint8Array(0),
    });
    expect(again.sessionId).toBe(client.sessionId);
    const stat = again.call(OpCode.exists, read('/e'));
    expect(readStat(stat.body).ephemeralOwner).toBe(client.sessionId);
  });

  test('sessions are known after a restart, start with a whole timeout, and expire', () => {
    const testServer = new TestServer();
    const client = testServer.connect(4_000);
    client.call(OpCode.create, create('/e', CreateMode.EPHEMERAL));
    testServer.sleep(2_000);
    testServer.restart();
    testServer.sleep(3_900);
    const { tree } = testServer.server.db;
    expect(tree.getNode('/e')).not.toBeNull();
    testServer.until(() => tree.getNode('/e') === null, TICK_MS + 200);
  });
});

describe('attaching again', () => {
  test('with a wrong password, or after the session has ended, is refused with zeros', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    const wrong = new TestClient(testServer, 5_000, {
      id: client.sessionId,
      password: new Uint8Array(16),
    });
    expect(wrong.response).toMatchObject({ timeOut: 0, sessionId: 0n });
    expect(hex(wrong.response.passwd)).toBe('00'.repeat(16));
    wrong.link.untilClosed();
    const other = testServer.connect();
    other.call(OpCode.closeSession);
    const closed = new TestClient(testServer, 5_000, {
      id: other.sessionId,
      password: other.response.passwd ?? new Uint8Array(0),
    });
    expect(closed.response.timeOut).toBe(0);
  });

  test('closes the connection the session had before', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    const again = new TestClient(testServer, 5_000, {
      id: client.sessionId,
      password: client.response.passwd ?? new Uint8Array(0),
    });
    client.link.untilClosed();
    expect(again.call(OpCode.exists, read('/')).err).toBe(0);
  });
});

test("closeSession deletes the session's nodes, also those still on their way, is answered, and ends the connection", () => {
  const testServer = new TestServer();
  const client = testServer.connect();
  client.link.write(
    Buffer.concat([
      client.request(OpCode.create, create('/a', CreateMode.EPHEMERAL)),
      client.request(OpCode.create, create('/b', CreateMode.EPHEMERAL_SEQUENTIAL)),
      client.request(OpCode.closeSession),
      client.request(OpCode.create, create('/c')),
    ]),
  );
  expect([client.reply().err, client.reply().err, client.reply().err]).toEqual([0, 0, 0]);
  client.link.untilClosed();
  const { tree } = testServer.server.db;
  expect([...(tree.getNode('/')?.children ?? [])]).toEqual(['zookeeper']);
  expect(testServer.server.outstandingChanges.size).toBe(0);
  expect(tree.digestMismatchCount).toBe(0);
});

test("the probe hears a session's life: opened, attached again, closing, closed with its nodes", () => {
  const testServer = new TestServer({ topics: ['session'] });
  const client = testServer.connect(4_000);
  client.call(OpCode.create, create('/e', CreateMode.EPHEMERAL));
  const { sessionId: id } = client;
  const password = client.response.passwd ?? new Uint8Array(0);
  const again = new TestClient(testServer, 4_000, { id, password });
  again.call(OpCode.closeSession);
  again.link.untilClosed();
  const told = testServer.events.flatMap((event) => (event.topic === 'session' ? [event] : []));
  expect(told.map(({ type }) => type)).toEqual([
    'opened',
    'disconnected',
    'reattached',
    'closing',
    'closed',
    'disconnected',
  ]);
  expect(told.at(0)).toMatchObject({ sessionId: id, timeoutMs: 4_000 });
  expect(told.at(4)).toMatchObject({ sessionId: id, ephemerals: ['/e'] });
});
