import { describe, expect, test } from 'vitest';
import { writeCreateRequest, writeReadRequest } from '../../../src/wire/clientRequests.ts';
import { MAX_REQUESTS_AT_ONCE } from '../../../src/server/serverLimits.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import type { JuteWriter } from '../../../src/wire/jute.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { TestServer, type TestClient } from './testServer.ts';

const create =
  (path: string) =>
  (writer: JuteWriter): void => {
    writeCreateRequest(writer, { path, data: null, acl: OPEN_ACL_UNSAFE, flags: 0 });
  };
const read = (writer: JuteWriter): void => {
  writeReadRequest(writer, { path: '/', watch: false });
};
const createMany = (client: TestClient, from: number, count: number): void => {
  const requests = Array.from({ length: count }, (_, i) =>
    client.request(OpCode.create, create(`/n${from + i}`)),
  );
  client.link.write(Buffer.concat(requests));
};

describe('group commit', () => {
  test('what comes during a flush is flushed together by the next one', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    const { fsyncTime, syncBatchSize } = testServer.server.serverStats;
    const [flushes, logged] = [fsyncTime.count, syncBatchSize.sum];
    testServer.machine.disk.stall();
    for (let i = 0; i < 10; i += 1) {
      createMany(client, i, 1);
      testServer.sleep(3);
    }
    expect(client.link.frames).toEqual([]);
    testServer.machine.disk.release();
    for (let i = 0; i < 10; i += 1) expect(client.reply()).toMatchObject({ xid: i + 1, err: 0 });
    expect(fsyncTime.count - flushes).toBe(2);
    expect(syncBatchSize.sum - logged).toBe(10);
  });

  test('a large group is answered in order, and leaves every other event its turn', () => {
    const testServer = new TestServer();
    const [client, other] = [testServer.connect(), testServer.connect()];
    testServer.machine.disk.stall();
    createMany(client, 0, 900);
    client.send(OpCode.exists, read);
    other.send(OpCode.exists, read);
    testServer.sleep(100);
    testServer.machine.disk.release();
    const { tree } = testServer.server.db;
    const growth = testServer.growthByEvent(
      () => tree.nodeCount,
      () => client.link.frames.length === 901,
    );
    expect(Math.max(...growth)).toBe(MAX_REQUESTS_AT_ONCE);
    for (let xid = 1; xid <= 901; xid += 1) expect(client.reply()).toMatchObject({ xid, err: 0 });
    expect(other.reply()).toMatchObject({ xid: 1, err: 0 });
  });

  test('nothing is answered before it is durable, not even a read behind the write', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    testServer.machine.disk.stall();
    createMany(client, 0, 1);
    client.send(OpCode.exists, read);
    testServer.sleep(100);
    expect(client.link.frames).toEqual([]);
    testServer.machine.disk.release();
    expect(client.reply().xid).toBe(1);
    expect(client.reply().xid).toBe(2);
  });

  test('every acknowledged write is there after a crash', () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const testServer = new TestServer({ seed });
      const client = testServer.connect();
      createMany(client, 0, 20);
      testServer.sleep(2);
      createMany(client, 20, 20);
      testServer.until(() => client.link.frames.length >= 20 + (seed % 5));
      const acknowledgedCount = client.link.frames.length;
      testServer.restart();
      const { tree } = testServer.server.db;
      for (let i = 0; i < acknowledgedCount; i += 1) expect(tree.getNode(`/n${i}`)).not.toBeNull();
    }
  });
});

describe('snapshots', () => {
  test('are taken after between half and all of snapCount transactions, and writes go on meanwhile', () => {
    const testServer = new TestServer({ server: { snapCount: 40 }, topics: ['storage'] });
    const client = testServer.connect();
    for (let i = 0; i < 20; i += 1) {
      createMany(client, i * 10, 10);
      for (let j = 0; j < 10; j += 1) expect(client.reply().err).toBe(0);
    }
    testServer.sleep(1_000);
    const taken = testServer.events.flatMap((event) =>
      event.topic === 'storage' && event.type === 'snapshotTaken' ? [event.zxid] : [],
    );
    expect(taken.length).toBeGreaterThanOrEqual(4);
    expect(taken.length).toBeLessThanOrEqual(11);
    expect(testServer.machine.disk.names().filter((name) => name.startsWith('log.')).length).toBe(
      testServer.machine.disk.names().filter((name) => name.startsWith('snapshot.')).length,
    );
    testServer.restart();
    expect(testServer.server.db.tree.nodeCount).toBe(205);
  });
});

describe('a disk that fails', () => {
  test('is told, and what was not durable is never answered, nor anything after it', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    testServer.machine.disk.failNext('full', (kind) => kind === 'flush');
    createMany(client, 0, 5);
    testServer.sleep(100);
    expect(client.link.frames).toEqual([]);
    expect(testServer.failures.length).toBeGreaterThanOrEqual(1);
    createMany(client, 5, 1);
    testServer.sleep(100);
    expect(client.link.frames).toEqual([]);
  });
});

describe('shutdown', () => {
  test('in the middle of a large group passes none of the rest on', () => {
    const testServer = new TestServer();
    createMany(testServer.connect(), 0, 900);
    const { tree } = testServer.server.db;
    testServer.until(() => tree.getNode('/n0') !== null);
    const { nodeCount } = tree;
    let stopped = false;
    testServer.server.shutdown(() => {
      stopped = true;
    });
    testServer.until(() => stopped);
    testServer.sleep(100);
    expect(tree.nodeCount).toBe(nodeCount);
    expect(tree.getNode('/n899')).toBeNull();
  });

  test('waits for the flush in flight and passes nothing on afterwards', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    testServer.machine.disk.stall();
    createMany(client, 0, 3);
    testServer.sleep(10);
    let stopped = false;
    testServer.server.shutdown(() => {
      stopped = true;
    });
    expect(stopped).toBe(false);
    testServer.machine.disk.release();
    testServer.until(() => stopped);
    testServer.sleep(100);
    expect(client.link.frames).toEqual([]);
    expect(testServer.server.db.tree.getNode('/n0')).toBeNull();
  });
});
