import { describe, expect, test } from 'vitest';
import { ServerCnxn } from '../../../src/server/serverCnxn.ts';
import { MAX_REQUESTS_AT_ONCE, MAX_SEND_QUEUE_BYTES } from '../../../src/server/serverLimits.ts';
import type { WatchedEvent } from '../../../src/tree/watcher.ts';
import { writeCreateRequest, writeReadRequest } from '../../../src/wire/clientRequests.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import { zxid } from '../../../src/wire/ids.ts';
import { JuteReader, type JuteWriter } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { EventType, KeeperState } from '../../../src/wire/watchTypes.ts';
import { TestServer } from './testServer.ts';

const create =
  (path: string, data: Uint8Array | null = null) =>
  (writer: JuteWriter): void => {
    writeCreateRequest(writer, { path, data, acl: OPEN_ACL_UNSAFE, flags: 0 });
  };
const read =
  (path: string, watch = false) =>
  (writer: JuteWriter): void => {
    writeReadRequest(writer, { path, watch });
  };
const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('frames', () => {
  test('may come byte by byte', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    for (const byte of client.request(OpCode.exists, read('/'))) {
      client.link.write(bytesOf(byte));
      testServer.sleep(1);
    }
    expect(client.reply().err).toBe(0);
  });

  test('many in one piece are logged in one group and answered in one write, in order', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    const writesBefore = client.link.writesReceivedCount;
    const flushesBefore = testServer.server.serverStats.fsyncTime.count;
    const requests = Array.from({ length: 50 }, (_, i) =>
      client.request(OpCode.create, create(`/n${i}`)),
    );
    client.link.write(Buffer.concat(requests));
    for (let i = 0; i < 50; i += 1) expect(client.reply().xid).toBe(i + 1);
    expect(testServer.server.serverStats.fsyncTime.count - flushesBefore).toBe(1);
    expect(client.link.writesReceivedCount - writesBefore).toBe(1);
  });

  test('thousands in one piece leave every other event its turn, and are answered in order', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    const requests = Array.from({ length: 3_000 }, () => client.request(OpCode.exists, read('/')));
    client.link.write(Buffer.concat(requests));
    const { serverStats } = testServer.server;
    const growth = testServer.growthByEvent(
      () => serverStats.packetsReceivedCount,
      () => client.link.frames.length === requests.length,
    );
    expect(Math.max(...growth)).toBe(MAX_REQUESTS_AT_ONCE);
    for (let xid = 1; xid <= requests.length; xid += 1) expect(client.reply().xid).toBe(xid);
  });

  test('that came before the end of their connection count, however many', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    const [cnxn] = testServer.factory.cnxns;
    if (cnxn === undefined) throw new Error('the client has no connection');
    const requests = Array.from({ length: 1_000 }, (_, i) =>
      client.request(OpCode.create, create(`/n${i}`)),
    );
    cnxn.received(Buffer.concat(requests));
    cnxn.closed({ kind: 'broken', message: 'the link is gone' });
    testServer.until(() => testServer.server.db.tree.getNode('/n999') !== null);
    expect(cnxn.isOpen).toBe(false);
  });

  test.for([
    ['a negative length', bytesOf(0xff, 0xff, 0xff, 0xfe)],
    ['a length over jute.maxbuffer', bytesOf(0, 0x10, 0, 0)],
    ['a frame too short for a header', bytesOf(0, 0, 0, 2, 0, 0)],
    ['an empty frame', bytesOf(0, 0, 0, 0)],
    ['an auth packet that ends early', bytesOf(0, 0, 0, 9, 255, 255, 255, 252, 0, 0, 0, 100, 0)],
  ] as const)('%s closes that connection and nothing else', ([, bytes]) => {
    const testServer = new TestServer();
    const [client, other] = [testServer.connect(), testServer.connect()];
    client.link.write(bytes);
    client.link.untilClosed();
    expect(other.call(OpCode.exists, read('/')).err).toBe(0);
    expect(testServer.events).toContainEqual(
      expect.objectContaining({ type: 'closed', reason: 'malformed_frame', by: 'us' }),
    );
  });

  test('a SASL request without a token closes the connection', () => {
    const client = new TestServer().connect();
    client.send(OpCode.sasl, (writer) => writer.buffer(null));
    client.link.untilClosed();
    expect(client.link.frames).toEqual([]);
  });

  test('a null path is a bad argument where paths are validated first, and unreadable elsewhere', () => {
    const client = new TestServer().connect();
    const nowhere = (writer: JuteWriter): void => {
      writer.string(null);
      writer.buffer(null);
      writer.int(-1);
    };
    expect(client.call(OpCode.setData, nowhere).err).toBe(ErrorCode.BadArguments);
    expect(client.call(OpCode.setACL, nowhere).err).toBe(ErrorCode.BadArguments);
    expect(client.call(OpCode.delete, nowhere).err).toBe(ErrorCode.MarshallingError);
  });

  test('an authentication by no scheme is told that it failed before the connection ends', () => {
    const client = new TestServer().connect();
    const packet = (writer: JuteWriter): void => {
      writer.int(0);
      writer.string(null);
      writer.buffer(null);
    };
    expect(client.call(OpCode.auth, packet).err).toBe(ErrorCode.AuthFailed);
    client.link.untilClosed();
  });

  test('a ConnectRequest that is none closes the connection', () => {
    const testServer = new TestServer();
    const link = testServer.dial();
    link.write(bytesOf(0, 0, 0, 4, 0, 0, 0, 0));
    link.untilClosed();
    expect(link.frames).toEqual([]);
  });

  test('a body that cannot be read is a MarshallingError and the connection goes on', () => {
    const client = new TestServer().connect();
    const nonsense = (writer: JuteWriter): void => {
      writer.int(1_000);
    };
    expect(client.call(OpCode.create, nonsense).err).toBe(ErrorCode.MarshallingError);
    expect(client.call(OpCode.getData, nonsense).err).toBe(ErrorCode.MarshallingError);
    expect(client.call(OpCode.multi, nonsense).err).toBe(ErrorCode.MarshallingError);
    expect(client.call(OpCode.exists, read('/')).err).toBe(0);
  });
});

describe('limits', () => {
  test('one host has maxClientCnxns connections at most', () => {
    const testServer = new TestServer({ maxClientCnxns: 2 });
    const [first] = [testServer.connect(), testServer.connect()];
    const third = testServer.dial();
    third.untilClosed();
    first.call(OpCode.closeSession);
    first.link.untilClosed();
    expect(testServer.connect().response.timeOut).toBeGreaterThan(0);
    expect(testServer.factory.rejectedCount).toBe(1);
  });

  test('a connection that never asks for a session is closed after 10 to 20 seconds', () => {
    const testServer = new TestServer();
    const link = testServer.dial();
    testServer.sleep(9_900);
    expect(link.isClosed).toBe(false);
    testServer.until(() => link.isClosed, 10_200);
  });

  test('with globalOutstandingLimit reached, reading stops until answers leave, and all are answered', () => {
    const testServer = new TestServer({ server: { globalOutstandingLimit: 5 } });
    const client = testServer.connect();
    testServer.machine.disk.stall();
    const requests = Array.from({ length: 40 }, (_, i) =>
      client.request(OpCode.create, create(`/n${i}`)),
    );
    client.link.write(Buffer.concat(requests));
    testServer.sleep(50);
    expect(testServer.server.requestsInProcess).toBe(7);
    testServer.machine.disk.release();
    for (let i = 0; i < 40; i += 1) expect(client.reply()).toMatchObject({ xid: i + 1, err: 0 });
    expect(testServer.server.requestsInProcess).toBe(0);
  });

  test('requests of a connection that is gone no longer count as outstanding', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    testServer.machine.disk.stall();
    client.send(OpCode.create, create('/a'));
    client.send(OpCode.create, create('/b'));
    testServer.sleep(20);
    expect(testServer.server.requestsInProcess).toBe(2);
    client.link.connection.destroy();
    testServer.until(() => testServer.factory.cnxns.size === 0);
    expect(testServer.server.requestsInProcess).toBe(0);
    testServer.machine.disk.release();
    testServer.until(() => testServer.server.db.tree.getNode('/b') !== null);
    expect(testServer.server.requestsInProcess).toBe(0);
  });

  test('a client that does not read its events is no longer read, and closed when too many pile up', () => {
    const testServer = new TestServer();
    const calls: string[] = [];
    let bufferedBytes = 0;
    const cnxn = new ServerCnxn(
      testServer.factory,
      {
        id: 77,
        remoteAddress: '127.0.0.1:9',
        get bufferedBytes() {
          return bufferedBytes;
        },
        write: (bytes) => {
          bufferedBytes += bytes.length;
          return false;
        },
        pause: () => calls.push('pause'),
        resume: () => calls.push('resume'),
        close: () => calls.push('close'),
        destroy: () => calls.push('destroy'),
      },
      '127.0.0.1',
    );
    const event: WatchedEvent = {
      type: EventType.NodeCreated,
      state: KeeperState.SyncConnected,
      path: `/${'p'.repeat(100_000)}`,
      zxid: zxid(1n),
      acl: null,
    };
    cnxn.process(event);
    expect(calls).toEqual(['pause']);
    cnxn.drained();
    expect(calls).toEqual(['pause', 'resume']);
    while (cnxn.isOpen && bufferedBytes < 2 * MAX_SEND_QUEUE_BYTES) cnxn.process(event);
    expect(cnxn.isOpen).toBe(false);
    expect(calls.at(-1)).toBe('destroy');
    expect(bufferedBytes).toBeLessThan(MAX_SEND_QUEUE_BYTES + 200_000);
  });
});

describe('the client port without a role', () => {
  test('closes who wants a session and answers words', () => {
    const testServer = new TestServer({ serving: false });
    expect(() => testServer.connect()).toThrow('hung up');
    const link = testServer.dial();
    link.write(new TextEncoder().encode('stat'));
    link.untilClosed();
    expect(link.text).toBe('This ZooKeeper instance is not currently serving requests\n');
  });

  test('closes the sessions of a role that ends', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    testServer.factory.setServer(null);
    let stopped = false;
    testServer.server.shutdown(() => {
      stopped = true;
    });
    client.link.untilClosed();
    expect(stopped).toBe(true);
  });
});

describe('order', () => {
  test("the event of the client's own write comes before its reply", () => {
    const client = new TestServer().connect();
    client.call(OpCode.exists, read('/a', true));
    const event = client.call(OpCode.create, create('/a'));
    expect(event.xid).toBe(-1);
    expect(client.reply()).toMatchObject({ xid: 2, err: 0 });
  });

  test('a read behind a write of the same session sees it', () => {
    const client = new TestServer().connect();
    client.link.write(
      Buffer.concat([
        client.request(OpCode.create, create('/a', bytesOf(7))),
        client.request(OpCode.getData, read('/a')),
      ]),
    );
    expect(client.reply().xid).toBe(1);
    const reply = client.reply();
    expect(reply.err).toBe(0);
    expect([...(reply.body.buffer() ?? [])]).toEqual([7]);
  });

  test('reply zxids never go back, and an event of zxid z comes before any reply with z or more', () => {
    const testServer = new TestServer();
    const [writer, reader] = [testServer.connect(), testServer.connect()];
    let lastZxid = 0n;
    for (let i = 0; i < 20; i += 1) {
      reader.send(OpCode.exists, read(`/n${i}`, true));
      testServer.sleep(2);
      writer.send(OpCode.create, create(`/n${i}`));
      reader.send(OpCode.exists, read('/'));
      testServer.sleep(5);
      reader.send(OpCode.exists, read(`/n${i}`));
      testServer.sleep(5);
      const frames = reader.link.frames.splice(0).map((bytes) => new JuteReader(bytes));
      const kinds = frames.map((one) => {
        const [xid, replyZxid, err] = [one.int(), one.long(), one.int()];
        if (xid === -1) return 'event';
        expect(replyZxid >= lastZxid).toBe(true);
        lastZxid = replyZxid;
        return err === 0 ? 'ok' : 'missing';
      });
      expect(kinds.indexOf('event')).toBeLessThan(kinds.lastIndexOf('ok'));
      expect(kinds.indexOf('event')).toBeGreaterThan(kinds.indexOf('missing'));
      writer.reply();
    }
  });
});
