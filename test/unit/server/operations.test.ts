import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../../src/wire/utf8.ts';
import {
  writeCheckVersionRequest,
  writeCreateRequest,
  writeCreateTTLRequest,
  writeDeleteRequest,
  writeReadRequest,
  writeSetACLRequest,
  writeSetDataRequest,
} from '../../../src/wire/clientRequests.ts';
import { readPathResponse } from '../../../src/wire/clientResponses.ts';
import { CreateMode } from '../../../src/wire/createModes.ts';
import { OPEN_ACL_UNSAFE, Perms, readStat, type ACL } from '../../../src/wire/dataRecords.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import type { JuteWriter } from '../../../src/wire/jute.ts';
import {
  readMultiResponse,
  writeMultiRequest,
  type MultiOp,
} from '../../../src/wire/multiRecords.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { writeAddWatchRequest } from '../../../src/wire/watchRecords.ts';
import { AddWatchMode } from '../../../src/wire/watchTypes.ts';
import { TestServer, type TestClient } from './testServer.ts';

const node = (
  path: string,
  flags: number = CreateMode.PERSISTENT,
  acl: readonly ACL[] = OPEN_ACL_UNSAFE,
) => ({
  path,
  data: null,
  acl,
  flags,
});
const create =
  (...args: Parameters<typeof node>) =>
  (writer: JuteWriter): void => {
    writeCreateRequest(writer, node(...args));
  };
const read =
  (path: string, watch = false) =>
  (writer: JuteWriter): void => {
    writeReadRequest(writer, { path, watch });
  };
const multi = (client: TestClient, ops: readonly MultiOp[]) => {
  const reply = client.call(OpCode.multi, (writer) => {
    writeMultiRequest(writer, ops);
  });
  expect(reply.err).toBe(0);
  return readMultiResponse(reply.body);
};
const createOp = (path: string, flags: number = CreateMode.PERSISTENT): MultiOp => ({
  type: OpCode.create,
  ...node(path, flags),
});
const childrenOf = (testServer: TestServer, path: string): string[] =>
  [...(testServer.server.db.tree.getNode(path)?.children ?? [])].sort();

describe('multi', () => {
  test('that fails leaves nothing behind: the next sequence number is as if it had not been', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    client.call(OpCode.create, create('/q'));
    const failed = multi(client, [
      createOp('/q/n-', CreateMode.PERSISTENT_SEQUENTIAL),
      createOp('/q/n-', CreateMode.PERSISTENT_SEQUENTIAL),
      { type: OpCode.check, path: '/q', version: 9 },
      createOp('/z'),
    ]);
    expect(failed.map((one) => (one.type === OpCode.error ? one.err : null))).toEqual([
      0,
      0,
      ErrorCode.BadVersion,
      ErrorCode.RuntimeInconsistency,
    ]);
    const reply = client.call(OpCode.create, create('/q/n-', CreateMode.PERSISTENT_SEQUENTIAL));
    expect(readPathResponse(reply.body).path).toBe('/q/n-0000000000');
    expect(testServer.server.db.tree.digestMismatchCount).toBe(0);
  });

  test('that fails restores what requests still on their way had changed before it', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    client.call(OpCode.create, create('/q'));
    client.link.write(
      Buffer.concat([
        client.request(OpCode.create, create('/q/n-', CreateMode.PERSISTENT_SEQUENTIAL)),
        client.request(OpCode.multi, (writer) => {
          writeMultiRequest(writer, [
            createOp('/q/n-', CreateMode.PERSISTENT_SEQUENTIAL),
            { type: OpCode.delete, path: '/none', version: -1 },
          ]);
        }),
        client.request(OpCode.create, create('/q/n-', CreateMode.PERSISTENT_SEQUENTIAL)),
        client.request(OpCode.delete, (writer) => {
          writeDeleteRequest(writer, { path: '/q', version: -1 });
        }),
      ]),
    );
    const errors = [client.reply(), client.reply(), client.reply(), client.reply()];
    expect(errors.map(({ err }) => err)).toEqual([0, 0, 0, ErrorCode.NotEmpty]);
    expect(childrenOf(testServer, '/q')).toEqual(['n-0000000000', 'n-0000000001']);
    expect(testServer.server.db.tree.digestMismatchCount).toBe(0);
  });

  test('sees its own earlier parts', () => {
    const testServer = new TestServer();
    const results = multi(testServer.connect(), [
      createOp('/a'),
      createOp('/a/b'),
      { type: OpCode.setData, path: '/a/b', data: encodeUtf8('x'), version: 0 },
      { type: OpCode.delete, path: '/a/b', version: 1 },
      { type: OpCode.delete, path: '/a', version: 0 },
    ]);
    expect(results.some(({ type }) => type === OpCode.error)).toBe(false);
    expect(childrenOf(testServer, '/')).toEqual(['zookeeper']);
  });

  test('with a read in it fails as a whole', () => {
    const client = new TestServer().connect();
    const reply = client.call(OpCode.multi, (writer) => {
      writeMultiRequest(writer, [
        createOp('/a'),
        { type: OpCode.getData, path: '/', watch: false },
      ]);
    });
    expect(reply.err).toBe(ErrorCode.MarshallingError);
    expect(client.call(OpCode.exists, read('/a')).err).toBe(ErrorCode.NoNode);
  });

  test('fires no watch when it fails', () => {
    const client = new TestServer().connect();
    client.call(OpCode.exists, read('/a', true));
    multi(client, [createOp('/a'), createOp('/none/x')]);
    expect(client.link.frames).toEqual([]);
  });
});

describe('checks against what is on its way', () => {
  test('of two creates of one node sent together the second fails', () => {
    const client = new TestServer().connect();
    const one = create('/a');
    client.link.write(
      Buffer.concat([client.request(OpCode.create, one), client.request(OpCode.create, one)]),
    );
    expect([client.reply().err, client.reply().err]).toEqual([0, ErrorCode.NodeExists]);
  });

  test('of two conditional writes sent together the second fails', () => {
    const client = new TestServer().connect();
    client.call(OpCode.create, create('/a'));
    const set = (writer: JuteWriter): void => {
      writeSetDataRequest(writer, { path: '/a', data: null, version: 0 });
    };
    client.link.write(
      Buffer.concat([client.request(OpCode.setData, set), client.request(OpCode.setData, set)]),
    );
    expect([client.reply().err, client.reply().err]).toEqual([0, ErrorCode.BadVersion]);
  });

  test('an ACL set just before guards the next write', () => {
    const client = new TestServer().connect();
    client.call(OpCode.create, create('/a'));
    const acl = [{ perms: Perms.READ, id: { scheme: 'world', id: 'anyone' } }];
    client.link.write(
      Buffer.concat([
        client.request(OpCode.setACL, (writer) => {
          writeSetACLRequest(writer, { path: '/a', acl, version: -1 });
        }),
        client.request(OpCode.create, create('/a/b')),
      ]),
    );
    expect([client.reply().err, client.reply().err]).toEqual([0, ErrorCode.NoAuth]);
  });

  test('a failed write takes a zxid and is answered with it', () => {
    const client = new TestServer().connect();
    const before = client.call(OpCode.create, create('/a')).zxid;
    const failed = client.call(OpCode.create, create('/a'));
    expect(failed).toMatchObject({ err: ErrorCode.NodeExists, zxid: before + 1n });
  });

  test('with a create that has a TTL by its flags and none in its record is unreadable, once its turn comes', () => {
    const testServer = new TestServer({ server: { extendedTypesEnabled: true } });
    const client = testServer.connect();
    const send = (ops: readonly MultiOp[]): number =>
      client.call(OpCode.multi, (writer) => writeMultiRequest(writer, ops)).err;
    const odd = createOp('/odd', CreateMode.PERSISTENT_WITH_TTL);
    expect(send([createOp('/a'), odd])).toBe(ErrorCode.MarshallingError);
    expect(childrenOf(testServer, '/')).toEqual(['zookeeper']);
    expect(send([createOp('/none/x'), odd])).toBe(ErrorCode.Ok);
  });
});

test('the id of the auth scheme may be null, as kazoo writes it', () => {
  const client = new TestServer().connect();
  const creatorOnly = (writer: JuteWriter): void => {
    writer.string('/mine');
    writer.buffer(null);
    writer.int(1);
    writer.int(Perms.ALL);
    writer.string('auth');
    writer.string(null);
    writer.int(CreateMode.PERSISTENT);
  };
  expect(client.call(OpCode.create, creatorOnly).err).toBe(ErrorCode.InvalidACL);
  const alice = (writer: JuteWriter): void => {
    writer.int(0);
    writer.string('digest');
    writer.buffer(encodeUtf8('alice:secret'));
  };
  expect(client.call(OpCode.auth, alice).err).toBe(ErrorCode.Ok);
  expect(client.call(OpCode.create, creatorOnly).err).toBe(ErrorCode.Ok);
});

describe('check outside a multi', () => {
  test('answers like a read and logs nothing', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    const { zxid } = client.call(OpCode.create, create('/a'));
    const check = (version: number): ReturnType<TestClient['call']> =>
      client.call(OpCode.check, (writer) => {
        writeCheckVersionRequest(writer, { path: '/a', version });
      });
    const right = check(0);
    expect(right).toMatchObject({ err: 0, zxid });
    expect(readStat(right.body).version).toBe(0);
    expect(check(3)).toMatchObject({ err: ErrorCode.BadVersion, zxid });
    expect(testServer.server.hzxid).toBe(zxid);
  });
});

describe('op codes nobody knows', () => {
  test.for([999, 0, -5, 10])(
    'op %i is answered -6 with zxid -1, then the connection ends',
    (op) => {
      const client = new TestServer().connect();
      expect(client.call(op)).toMatchObject({ err: ErrorCode.Unimplemented, zxid: -1n });
      client.link.untilClosed();
    },
  );
});

describe('limits of a transaction', () => {
  test('a session with more ephemeral nodes than a transaction can name ends all the same', () => {
    const testServer = new TestServer({ server: { juteMaxBufferBytes: 5_000 } });
    const client = testServer.connect();
    const paths = Array.from({ length: 150 }, (_, i) => `/${'x'.repeat(80)}${i}`);
    for (const path of paths) {
      client.call(OpCode.create, create(path, CreateMode.EPHEMERAL));
    }
    expect(client.call(OpCode.closeSession).err).toBe(0);
    expect(childrenOf(testServer, '/')).toEqual(['zookeeper']);
    testServer.restart();
    expect(childrenOf(testServer, '/')).toEqual(['zookeeper']);
    expect(testServer.server.db.tree.digestMismatchCount).toBe(0);
  });

  test('a multi that grows beyond what can be read back is refused before it is logged', () => {
    const testServer = new TestServer({ server: { juteMaxBufferBytes: 3_000 } });
    const client = testServer.connect();
    for (let i = 0; i < 40; i += 1) {
      client.link.write(authFrame(`user${i}:secret`));
      client.reply();
    }
    const acl = [{ perms: Perms.ALL, id: { scheme: 'auth', id: '' } }];
    const ops: MultiOp[] = Array.from({ length: 20 }, (_, i) => ({
      type: OpCode.create,
      path: `/n${i}`,
      data: null,
      acl,
      flags: 0,
    }));
    const reply = client.call(OpCode.multi, (writer) => {
      writeMultiRequest(writer, ops);
    });
    expect(reply.err).toBe(ErrorCode.BadArguments);
    expect(childrenOf(testServer, '/')).toEqual(['zookeeper']);
    expect(client.call(OpCode.create, create('/n1')).err).toBe(0);
    expect(testServer.server.db.tree.digestMismatchCount).toBe(0);
  });
});

function authFrame(credential: string): Uint8Array {
  const auth = encodeUtf8(credential);
  const bytes = Buffer.alloc(4 + 8 + 4 + 4 + 6 + 4 + auth.length);
  bytes.writeInt32BE(bytes.length - 4, 0);
  bytes.writeInt32BE(-4, 4);
  bytes.writeInt32BE(100, 8);
  bytes.writeInt32BE(0, 12);
  bytes.writeInt32BE(6, 16);
  bytes.write('digest', 20);
  bytes.writeInt32BE(auth.length, 26);
  bytes.set(auth, 30);
  return bytes;
}

describe('watch events', () => {
  test('about nodes the client may not read are not sent', () => {
    const testServer = new TestServer();
    const [spy, owner] = [testServer.connect(), testServer.connect()];
    spy.call(OpCode.addWatch, (writer) => {
      writeAddWatchRequest(writer, { path: '/', mode: AddWatchMode.PERSISTENT_RECURSIVE });
    });
    const closed: ACL[] = [{ perms: Perms.READ, id: { scheme: 'ip', id: '10.1.2.3' } }];
    owner.call(OpCode.create, create('/secret', CreateMode.PERSISTENT, closed));
    owner.call(OpCode.create, create('/open'));
    testServer.sleep(10);
    const events = spy.link.frames.map((bytes) => Buffer.from(bytes).toString('latin1'));
    expect(events.length).toBe(1);
    expect(events[0]).toContain('/open');
  });
});

describe('containers and TTL nodes', () => {
  const MINUTE_MS = 60_000;

  test('a container goes after its last child, not before its first', () => {
    const testServer = new TestServer();
    const client = testServer.connect();
    client.call(OpCode.createContainer, create('/unused', CreateMode.CONTAINER));
    client.call(OpCode.createContainer, create('/used', CreateMode.CONTAINER));
    client.call(OpCode.create, create('/used/child'));
    testServer.sleep(MINUTE_MS + 10);
    expect(childrenOf(testServer, '/')).toEqual(['unused', 'used', 'zookeeper']);
    testServer.connect().call(OpCode.delete, (writer) => {
      writeDeleteRequest(writer, { path: '/used/child', version: -1 });
    });
    testServer.sleep(MINUTE_MS + 10);
    expect(childrenOf(testServer, '/')).toEqual(['unused', 'zookeeper']);
  });

  test('a TTL node goes when it has not been changed for its time and has no children', () => {
    const testServer = new TestServer({ server: { extendedTypesEnabled: true } });
    const client = testServer.connect();
    for (const [path, ttl] of [
      ['/short', 30_000n],
      ['/long', 90_000n],
      ['/parent', 30_000n],
    ] as const) {
      client.call(OpCode.createTTL, (writer) => {
        const flags = CreateMode.PERSISTENT_WITH_TTL;
        writeCreateTTLRequest(writer, { ...node(path, flags), ttl });
      });
    }
    client.call(OpCode.create, create('/parent/child'));
    testServer.sleep(MINUTE_MS + 10);
    expect(childrenOf(testServer, '/')).toEqual(['long', 'parent', 'zookeeper']);
    testServer.sleep(MINUTE_MS + 10);
    expect(childrenOf(testServer, '/')).toEqual(['parent', 'zookeeper']);
  });

  test('a client cannot ask for such a deletion', () => {
    const client = new TestServer().connect();
    client.call(OpCode.create, create('/a'));
    const reply = client.call(OpCode.deleteContainer, (writer) => {
      writer.raw(encodeUtf8('/a'));
    });
    expect(reply.err).toBe(ErrorCode.BadArguments);
    expect(client.call(OpCode.exists, read('/a')).err).toBe(0);
  });
});

describe('quotas', () => {
  const limits = (client: TestClient, text: string): void => {
    client.call(OpCode.create, create('/k'));
    client.call(OpCode.create, create('/zookeeper/quota/k'));
    for (const [name, value] of [
      ['zookeeper_limits', text],
      ['zookeeper_stats', 'count=1,bytes=0'],
    ] as const) {
      client.call(OpCode.create, (writer) => {
        const data = encodeUtf8(value);
        writeCreateRequest(writer, { ...node(`/zookeeper/quota/k/${name}`), data });
      });
    }
  };
  const HARD = 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2';

  test('a hard limit refuses the write where quotas are enforced', () => {
    const client = new TestServer({ server: { enforceQuota: true } }).connect();
    limits(client, HARD);
    expect(client.call(OpCode.create, create('/k/1')).err).toBe(0);
    expect(client.call(OpCode.create, create('/k/2')).err).toBe(ErrorCode.QuotaExceeded);
  });

  test('nothing is refused where they are not', () => {
    const client = new TestServer().connect();
    limits(client, HARD);
    expect(client.call(OpCode.create, create('/k/1')).err).toBe(0);
    expect(client.call(OpCode.create, create('/k/2')).err).toBe(0);
  });

  test('a soft limit warns', () => {
    const testServer = new TestServer({ server: { enforceQuota: true }, topics: ['peer'] });
    const client = testServer.connect();
    limits(client, 'count=1,bytes=-1');
    expect(client.call(OpCode.create, create('/k/1')).err).toBe(0);
    expect(testServer.events).toContainEqual({
      topic: 'peer',
      type: 'warning',
      message: 'quota of /k exceeded: count 2, soft limit 1',
    });
  });
});

describe('reconfig', () => {
  test.for([
    [false, ErrorCode.ReconfigDisabled],
    [true, ErrorCode.Unimplemented],
  ] as const)('with reconfigEnabled %s answers %i', ([reconfigEnabled, err]) => {
    const client = new TestServer({ server: { reconfigEnabled } }).connect();
    const reply = client.call(OpCode.reconfig, (writer) => {
      writer.string(null);
      writer.string('3');
      writer.string(null);
      writer.long(-1n);
    });
    expect(reply.err).toBe(err);
  });
});
