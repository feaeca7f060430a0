import { describe, expect, it } from 'vitest';
import type { WatchedEvent } from '../../../src/client/zooKeeper.ts';
import {
  writeGetChildren2Response,
  writeGetDataResponse,
} from '../../../src/wire/clientResponses.ts';
import { writeStat } from '../../../src/wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';
import type { JuteWriter } from '../../../src/wire/jute.ts';
import { OpCode, Xid } from '../../../src/wire/opCodes.ts';
import { readSetWatches, readSetWatches2 } from '../../../src/wire/watchRecords.ts';
import { AddWatchMode, EventType, WatcherType } from '../../../src/wire/watchTypes.ts';
import { type FakeConnection, type FakeRequest, fakeWorld } from './fakeServer.ts';
import { someStat } from './someStat.ts';

const bodies = new Map<number, (writer: JuteWriter) => void>([
  [OpCode.getData, (writer) => writeGetDataResponse(writer, { data: null, stat: someStat })],
  [
    OpCode.getChildren2,
    (writer) => writeGetChildren2Response(writer, { children: [], stat: someStat }),
  ],
  [OpCode.exists, (writer) => writeStat(writer, someStat)],
]);

/** Answers everything; nodes with `missing` in their name are not there. */
function answer({ xid, type, body }: FakeRequest, connection: FakeConnection): void {
  const missing = type === OpCode.exists && body.string()?.includes('missing') === true;
  if (missing) connection.reply(xid, ErrorCode.NoNode, undefined, 50n);
  else connection.reply(xid, 0, bodies.get(type), 50n);
}

async function watching(options = {}) {
  const world = fakeWorld(options);
  await world.connected();
  world.server.onRequest = answer;
  const heard: string[] = [];
  const hear =
    (name: string) =>
    (event: WatchedEvent): void =>
      void heard.push(`${name}: ${event.name} ${event.path}`);
  return { ...world, heard, hear };
}

describe('a one-shot watch', () => {
  it('fires once, for what it watches', async () => {
    const { server, zk, heard, hear, simulation } = await watching();
    await simulation.settle(zk.getData('/a', hear('data')));
    await simulation.settle(zk.getChildren('/a', hear('children')));
    server.connection.event(EventType.NodeChildrenChanged, '/a');
    server.connection.event(EventType.NodeDataChanged, '/b');
    server.connection.event(EventType.NodeDataChanged, '/a');
    server.connection.event(EventType.NodeDataChanged, '/a');
    await simulation.sleep(100);
    expect(heard).toEqual(['children: NodeChildrenChanged /a', 'data: NodeDataChanged /a']);
  });

  it('on a missing node is set by exists only', async () => {
    const { server, zk, heard, hear, simulation } = await watching();
    expect(await simulation.settle(zk.exists('/missing', hear('exists')))).toBeNull();
    expect(await simulation.settle(zk.exists('/there'))).toEqual(someStat);
    server.onRequest = (request, connection) => connection.reply(request.xid, ErrorCode.NoNode);
    await expect(simulation.settle(zk.getData('/missing', hear('data')))).rejects.toThrow('NoNode');
    server.connection.event(EventType.NodeCreated, '/missing');
    await simulation.sleep(100);
    expect(heard).toEqual(['exists: NodeCreated /missing']);
  });

  it('that one function set twice fires once', async () => {
    const { server, zk, heard, hear, simulation } = await watching();
    const watcher = hear('one');
    await simulation.settle(zk.getData('/a', watcher));
    await simulation.settle(zk.getChildren('/a', watcher));
    server.connection.event(EventType.NodeDeleted, '/a');
    await simulation.sleep(100);
    expect(heard).toEqual(['one: NodeDeleted /a']);
  });

  it('set with true is told to the listeners of watch', async () => {
    const { server, zk, heard, hear, simulation } = await watching();
    const stop = zk.on('watch', hear('listener'));
    await simulation.settle(zk.getData('/a', true));
    await simulation.settle(zk.getData('/b', true));
    server.connection.event(EventType.NodeDataChanged, '/a');
    await simulation.sleep(100);
    stop();
    server.connection.event(EventType.NodeDataChanged, '/b');
    await simulation.sleep(100);
    expect(heard).toEqual(['listener: NodeDataChanged /a']);
  });
});

describe('a watch that stays', () => {
  it('fires every time, a recursive one for everything below but no lists of children', async () => {
    const { server, zk, heard, hear, simulation } = await watching();
    await simulation.settle(zk.addWatch('/a', AddWatchMode.PERSISTENT, hear('node')));
    await simulation.settle(zk.addWatch('/', AddWatchMode.PERSISTENT_RECURSIVE, hear('tree')));
    server.connection.event(EventType.NodeDataChanged, '/a');
    server.connection.event(EventType.NodeChildrenChanged, '/a');
    server.connection.event(EventType.NodeCreated, '/a/b/c');
    await simulation.sleep(100);
    expect(heard).toEqual([
      'node: NodeDataChanged /a',
      'tree: NodeDataChanged /a',
      'node: NodeChildrenChanged /a',
      'tree: NodeCreated /a/b/c',
    ]);
  });

  it('goes when it is removed; the server is only told when nobody else watches', async () => {
    const { server, zk, heard, hear, simulation } = await watching();
    const [one, two] = [hear('one'), hear('two')];
    await simulation.settle(zk.addWatch('/a', AddWatchMode.PERSISTENT, one));
    await simulation.settle(zk.addWatch('/a', AddWatchMode.PERSISTENT, two));
    await simulation.settle(zk.removeWatches('/a', WatcherType.Any, one));
    server.connection.event(EventType.NodeDataChanged, '/a');
    await simulation.settle(zk.removeWatches('/a', WatcherType.Any, two));
    server.connection.event(EventType.NodeDataChanged, '/a');
    await simulation.sleep(100);
    expect(heard).toEqual(['two: NodeDataChanged /a']);
    expect(server.requests.map(({ type }) => type).slice(2)).toEqual([
      OpCode.checkWatches,
      OpCode.removeWatches,
    ]);
    await expect(zk.removeWatches('/a')).rejects.toMatchObject({ code: ErrorCode.NoWatcher });
  });
});

describe('the order of what is heard', () => {
  it('is that of the wire: a reply before the event after it, even in one piece', async () => {
    const { server, zk, heard, hear, simulation } = await watching();
    await simulation.settle(zk.getData('/a', hear('first')));
    server.onRequest = null;
    const read = zk.getData('/b', hear('second')).then(async () => {
      await Promise.resolve();
      heard.push('read');
    });
    const again = zk.getData('/c').then(() => heard.push('again'));
    await simulation.until(() => server.requests.length === 3, 1_000);
    const [, second, third] = server.requests;
    server.connection.together(() => {
      server.connection.event(EventType.NodeDataChanged, '/a');
      if (second) answer(second, server.connection);
      server.connection.event(EventType.NodeDataChanged, '/b');
      if (third) answer(third, server.connection);
    });
    await simulation.settle(Promise.all([read, again]));
    expect(heard).toEqual([
      'first: NodeDataChanged /a',
      'read',
      'second: NodeDataChanged /b',
      'again',
    ]);
  });
});

describe('events between replies', () => {
  it('wait for the promises before them and for no turn of the clock', async () => {
    const { server, zk, heard, hear, simulation } = await watching();
    await simulation.settle(zk.addWatch('/', AddWatchMode.PERSISTENT_RECURSIVE, hear('event')));
    server.onRequest = null;
    const read = async (path: string): Promise<void> => {
      await zk.getData(path);
      heard.push(`read ${path}`);
    };
    const paths = Array.from({ length: 50 }, (_, index) => `/n${index}`);
    const reads = paths.map(read);
    await simulation.until(() => server.requests.length === 51, 1_000);
    server.connection.together(() => {
      for (const [index, request] of server.requests.slice(1).entries()) {
        answer(request, server.connection);
        server.connection.event(EventType.NodeDataChanged, `/n${index}`);
      }
    });
    await simulation.until(() => heard.length > 0, 1_000);
    await Promise.all(reads);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(heard).toEqual(
      paths.flatMap((path) => [`read ${path}`, `event: NodeDataChanged ${path}`]),
    );
  });

  it('do not take apart what is asked in answer: it leaves together when all is told', async () => {
    const { server, zk, simulation, wire } = await watching();
    const order: string[] = [];
    const noteEvent = (): void => void order.push('event');
    await simulation.settle(zk.addWatch('/', AddWatchMode.PERSISTENT_RECURSIVE, noteEvent));
    server.onRequest = null;
    const readTwice = (path: string): Promise<unknown> =>
      zk.getData(path).then(() => zk.getData(path));
    const reads = Array.from({ length: 20 }, (_, index) => readTwice(`/n${index}`));
    await simulation.until(() => server.requests.length === 21, 1_000);
    wire.written = () => order.push('request');
    server.connection.together(() => {
      for (const request of server.requests.slice(1)) {
        answer(request, server.connection);
        server.connection.event(EventType.NodeDataChanged, '/a');
      }
    });
    await simulation.until(() => server.requests.length === 41, 1_000);
    expect(order).toEqual([...Array(20).fill('event'), ...Array(20).fill('request')]);
    for (const request of server.requests.slice(21)) answer(request, server.connection);
    await simulation.settle(Promise.all(reads));
  });
});

describe('after a reconnect', () => {
  it('watches are told to the new server before any request, relative to what was seen', async () => {
    const { server, zk, hear, until, simulation } = await watching();
    await simulation.settle(zk.getData('/data', hear('')));
    await simulation.settle(zk.exists('/missing', hear('')));
    await simulation.settle(zk.getChildren('/children', hear('')));
    server.connection.destroy();
    await until(() => zk.state === 'disconnected');
    await simulation.settle(zk.connected());
    await simulation.settle(zk.getData('/x'));
    const [renewal, request] = server.requests;
    expect(renewal?.xid).toBe(Xid.SET_WATCHES);
    expect(renewal?.type).toBe(OpCode.setWatches);
    expect(request?.type).toBe(OpCode.getData);
    expect(renewal && readSetWatches(renewal.body)).toEqual({
      relativeZxid: 50n,
      dataWatches: ['/data'],
      existWatches: ['/missing'],
      childWatches: ['/children'],
    });
  });

  it('persistent ones go by the newer request, and many watches in several', async () => {
    const { server, zk, until, simulation } = await watching();
    await simulation.settle(zk.addWatch('/tree', AddWatchMode.PERSISTENT_RECURSIVE));
    await simulation.settle(zk.addWatch('/node', AddWatchMode.PERSISTENT));
    const long = 'x'.repeat(1_000);
    const paths = Array.from({ length: 300 }, (_, index) => `/${long}${index}`);
    await simulation.settle(Promise.all(paths.map((path) => zk.exists(path, true))));
    server.connection.destroy();
    await until(() => zk.state === 'disconnected');
    await simulation.settle(zk.connected());
    await until(() => server.requests.length === 3);
    const renewals = server.requests.map(({ type, body }) =>
      type === OpCode.setWatches2 ? readSetWatches2(body) : readSetWatches(body),
    );
    expect(server.requests.map(({ type }) => type)).toEqual([
      OpCode.setWatches,
      OpCode.setWatches,
      OpCode.setWatches2,
    ]);
    expect(renewals.flatMap(({ dataWatches }) => dataWatches)).toEqual(paths);
    expect(new Set(renewals.map(({ relativeZxid }) => relativeZxid)).size).toBe(1);
    expect(renewals[2]).toMatchObject({
      persistentWatches: ['/node'],
      persistentRecursiveWatches: ['/tree'],
    });
  });
});

describe('below a chroot', () => {
  it('paths are translated both ways, in events too', async () => {
    const { server, zk, heard, hear, until, simulation } = await watching({ chroot: '/app' });
    await simulation.settle(zk.getData('/a', hear('below')));
    await simulation.settle(zk.getChildren('/', hear('root')));
    expect(server.requests.map(({ body }) => body.string())).toEqual(['/app/a', '/app']);
    server.connection.event(EventType.NodeDataChanged, '/app/a');
    server.connection.event(EventType.NodeChildrenChanged, '/app');
    await until(() => heard.length === 2);
    expect(heard).toEqual(['below: NodeDataChanged /a', 'root: NodeChildrenChanged /']);
  });
});

it('an event of an unknown type ends the connection', async () => {
  const { server, until } = await watching();
  server.connection.event(99, '/a');
  await until(() => server.connections.length === 2);
});

it('errors name the path as the client knows it', async () => {
  const { server, zk, simulation } = await watching({ chroot: '/app' });
  server.onRequest = (request, connection) => connection.reply(request.xid, ErrorCode.NoNode);
  const error = await simulation.settle(zk.getData('/a').catch((reason: unknown) => reason));
  expect(error).toBeInstanceOf(KeeperError);
  expect(error).toMatchObject({ code: ErrorCode.NoNode, path: '/a' });
});
