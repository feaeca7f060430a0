import { describe, expect, it } from 'vitest';
import { writeGetDataResponse, writePathResponse } from '../../../src/wire/clientResponses.ts';
import { readAuthPacket } from '../../../src/wire/clientRequests.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';
import { OpCode, Xid } from '../../../src/wire/opCodes.ts';
import { SESSION, fakeWorld } from './fakeServer.ts';
import { someStat } from './someStat.ts';

const codeOf = async (promise: Promise<unknown>): Promise<number> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof KeeperError) return error.code;
    throw error;
  }
  return 0;
};

describe('opening a session', () => {
  it('asks for a new one and keeps what the server grants', async () => {
    const { server, zk, states, connected } = fakeWorld({ sessionTimeoutMs: 60_000 });
    expect(zk.state).toBe('connecting');
    await connected();
    expect(server.connection.connectRequest).toMatchObject({
      sessionId: 0n,
      timeOut: 60_000,
      lastZxidSeen: 0n,
      readOnly: false,
    });
    expect(zk.session).toEqual(SESSION);
    expect(zk.sessionTimeoutMs).toBe(6_000);
    expect(states).toEqual(['connected']);
  });

  it('takes up a session of an earlier client', async () => {
    const { server, connected } = fakeWorld({ session: SESSION });
    await connected();
    expect(server.connection.connectRequest).toMatchObject({
      sessionId: SESSION.sessionId,
      passwd: SESSION.password,
    });
  });

  it('that the ensemble refuses has expired, and so have its requests', async () => {
    const { server, zk, simulation, states } = fakeWorld({ session: SESSION });
    server.timeOut = 0;
    const request = codeOf(zk.getData('/a'));
    expect(await codeOf(simulation.settle(zk.connected()))).toBe(ErrorCode.SessionExpired);
    expect(await request).toBe(ErrorCode.SessionExpired);
    expect(states).toEqual(['expired']);
    expect(await codeOf(zk.getData('/a'))).toBe(ErrorCode.SessionExpired);
  });

  it('gives up a server that says nothing and tries again', async () => {
    const { server, until } = fakeWorld();
    server.timeOut = null;
    await until(() => (server.connections[0]?.connectRequest ?? null) !== null);
    server.timeOut = 6_000;
    await until(() => server.connections.length === 2);
    expect(server.connections[0]?.closed).toBe(true);
  });

  it('tries every address', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { connected } = fakeWorld(
        { addresses: ['nobody:2181', 'server:2181', 'none:1'] },
        seed,
      );
      await connected();
    }
  });

  it('fails what waits when no server can be reached for a session timeout', async () => {
    const { zk, simulation } = fakeWorld({ addresses: ['nobody:2181'] });
    const startMs = simulation.time.nowMs;
    const request = zk.getData('/a');
    expect(await codeOf(simulation.settle(request))).toBe(ErrorCode.ConnectionLoss);
    expect(simulation.time.nowMs - startMs).toBeGreaterThanOrEqual(zk.sessionTimeoutMs);
    expect(zk.state).toBe('connecting');
  });
});

describe('a lost connection', () => {
  it('fails what was under way and comes back with the same session and the zxid seen', async () => {
    const { server, zk, states, until, connected, simulation } = fakeWorld();
    await connected();
    server.onRequest = (request, connection) => {
      if (server.requests.length === 1) connection.reply(request.xid, 0, writeNode, 77n);
      else connection.destroy();
    };
    await simulation.settle(zk.getData('/a'));
    const [second, third] = [codeOf(zk.getData('/b')), codeOf(zk.getData('/c'))];
    await until(() => server.connections.length === 2);
    expect([await second, await third]).toEqual([
      ErrorCode.ConnectionLoss,
      ErrorCode.ConnectionLoss,
    ]);
    await connected();
    expect(server.connection.connectRequest).toMatchObject({
      sessionId: SESSION.sessionId,
      lastZxidSeen: 77n,
    });
    expect(states).toEqual(['connected', 'disconnected', 'connected']);
  });

  it('harms nothing that was asked after it: that waits for the next connection', async () => {
    const { server, zk, states, until, connected, simulation } = fakeWorld({
      addresses: ['server:2181', 'nobody:2181'],
    });
    await connected();
    server.onRequest = (request, connection) => connection.reply(request.xid, 0, writeNode, 77n);
    server.connection.destroy();
    await until(() => states.at(-1) === 'disconnected');
    await simulation.settle(zk.getData('/b'));
    expect(states).toEqual(['connected', 'disconnected', 'connected']);
  });

  it('is noticed when the server falls silent for two thirds of the timeout', async () => {
    const { server, states, until, connected, simulation } = fakeWorld();
    await connected();
    const startMs = simulation.time.nowMs;
    server.answersPings = false;
    await until(() => states.includes('disconnected'));
    expect(simulation.time.nowMs - startMs).toBeGreaterThanOrEqual(4_000);
    expect(simulation.time.nowMs - startMs).toBeLessThan(4_200);
  });

  it('does not happen to an idle session: it pings within a third of the timeout', async () => {
    const { server, zk, connected, simulation } = fakeWorld();
    await connected();
    await simulation.sleep(20_500);
    expect(server.connection.pingCount).toBe(10);
    expect(zk.state).toBe('connected');
  });

  it('follows a reply that nobody waits for, or out of order', async () => {
    const { server, zk, until, connected } = fakeWorld();
    await connected();
    server.onRequest = (request, connection) => connection.reply(request.xid + 1, 0, writeNode);
    expect(
      await Promise.all([codeOf(zk.getData('/a')), until(() => server.connections.length > 1)]),
    ).toEqual([ErrorCode.ConnectionLoss, undefined]);
  });

  it('follows bytes that are no frame, or a reply that cannot be read', async () => {
    const { server, zk, until, connected } = fakeWorld();
    await connected();
    server.connection.raw(Uint8Array.of(0x7f, 0xff, 0xff, 0xff));
    await until(() => server.connections.length === 2);
    await connected();
    server.onRequest = (request, connection) => connection.reply(request.xid, 0);
    const failed = zk.getData('/a').catch((error: unknown) => String(error));
    await until(() => server.connections.length === 3);
    expect(await failed).toMatch(/JuteError/);
  });
});

describe('closing', () => {
  it('ends the session after what was asked before', async () => {
    const { server, zk, states, connected, simulation } = fakeWorld();
    await connected();
    server.onRequest = (request, connection) =>
      connection.reply(request.xid, 0, request.type === OpCode.getData ? writeNode : undefined);
    const before = zk.getData('/a');
    const closing = zk.close();
    expect(await codeOf(zk.getData('/b'))).toBe(ErrorCode.SessionExpired);
    await simulation.settle(closing);
    await before;
    expect(server.requests.map(({ type }) => type)).toEqual([OpCode.getData, OpCode.closeSession]);
    expect(states).toEqual(['connected', 'closed']);
    await zk.close();
  });

  it('without a connection is done at once and stops looking for one', async () => {
    const { server, zk, simulation } = fakeWorld({ addresses: ['nobody:2181'] });
    await simulation.settle(zk.close());
    await simulation.sleep(10_000);
    expect(zk.state).toBe('closed');
    expect(server.connections).toHaveLength(0);
  });

  it('is over when the connection breaks first', async () => {
    const { server, zk, connected, simulation } = fakeWorld();
    await connected();
    server.onRequest = (_request, connection) => connection.destroy();
    await simulation.settle(zk.close());
    await simulation.sleep(5_000);
    expect(zk.state).toBe('closed');
    expect(server.connections).toHaveLength(1);
  });
});

describe('authentication', () => {
  it('is told to every server before anything else', async () => {
    const { server, zk, until, connected, simulation } = fakeWorld();
    await connected();
    server.onRequest = (request, connection) => connection.reply(request.xid, 0);
    await simulation.settle(zk.addAuth('digest', 'alice:wonder'));
    server.connection.destroy();
    await until(() => zk.state === 'disconnected');
    server.onRequest = (request, connection) =>
      connection.reply(request.xid, 0, request.xid > 0 ? writeNode : undefined);
    await connected();
    await simulation.settle(zk.getData('/a'));
    expect(server.requests.map(({ xid }) => xid)).toEqual([Xid.AUTH, 1]);
    const packet = server.requests[0];
    if (packet === undefined) throw new Error('no packet');
    expect(readAuthPacket(packet.body)).toMatchObject({ type: 0, scheme: 'digest' });
  });

  it('that is refused ends the session', async () => {
    const { server, zk, states, connected, simulation } = fakeWorld();
    await connected();
    server.onRequest = (request, connection) => {
      if (request.xid === Xid.AUTH) connection.reply(request.xid, ErrorCode.AuthFailed);
    };
    const read = codeOf(zk.getData('/a'));
    expect(await codeOf(simulation.settle(zk.addAuth('digest', 'nonsense')))).toBe(
      ErrorCode.AuthFailed,
    );
    expect(await read).toBe(ErrorCode.AuthFailed);
    expect(states).toEqual(['connected', 'authFailed']);
  });
});

describe('requests', () => {
  it('are all under way at once and answered in order', async () => {
    const { server, zk, connected, simulation } = fakeWorld();
    await connected();
    const answers = Array.from({ length: 500 }, (_, index) => zk.create(`/n${index}`, 'x'));
    await simulation.until(() => server.requests.length === 500, 1_000);
    for (const { xid } of server.requests) {
      server.connection.reply(xid, 0, (writer) => writePathResponse(writer, { path: `/n${xid}` }));
    }
    const paths = await simulation.settle(Promise.all(answers));
    expect(paths[0]).toBe('/n1');
    expect(paths[499]).toBe('/n500');
  });

  it('larger than a server accepts are refused here, and harm no other', async () => {
    const { server, zk, connected, simulation } = fakeWorld();
    await connected();
    server.onRequest = (request, connection) => connection.reply(request.xid, 0, writeNode);
    const tooLarge = zk.create('/large', new Uint8Array(0x100000));
    await expect(tooLarge).rejects.toThrow(/the request takes \d+ bytes/);
    await simulation.settle(zk.getData('/a'));
  });

  it('with a path that cannot be are refused here and say why', async () => {
    const { zk } = fakeWorld();
    await expect(zk.getData('a')).rejects.toThrow('a path must start with /');
    await expect(zk.create('/a/')).rejects.toThrow('a path must not end with /');
  });
});

const writeNode = (writer: Parameters<typeof writeGetDataResponse>[0]): void =>
  writeGetDataResponse(writer, { data: null, stat: someStat });
