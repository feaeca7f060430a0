import { describe, expect, it } from 'vitest';
import { MultiError, Op } from '../../../src/client/zooKeeper.ts';
import { readCreateTTLRequest } from '../../../src/wire/clientRequests.ts';
import { writeCreate2Response, writePathResponse } from '../../../src/wire/clientResponses.ts';
import { CreateMode } from '../../../src/wire/createModes.ts';
import { OPEN_ACL_UNSAFE } from '../../../src/wire/dataRecords.ts';
import { ErrorCode } from '../../../src/wire/errorCodes.ts';
import { readMultiRequest, writeMultiResponse } from '../../../src/wire/multiRecords.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { fakeWorld } from './fakeServer.ts';
import { someStat } from './someStat.ts';

describe('multi', () => {
  it('sends all operations as one and gives their results', async () => {
    const { server, zk, connected, simulation } = fakeWorld({ chroot: '/app' });
    await connected();
    server.onRequest = ({ xid, body }, connection) => {
      expect(readMultiRequest(body)).toEqual([
        {
          type: OpCode.create,
          path: '/app/a',
          data: new TextEncoder().encode('1'),
          acl: OPEN_ACL_UNSAFE,
          flags: 2,
        },
        { type: OpCode.setData, path: '/app/b', data: null, version: 3 },
        { type: OpCode.check, path: '/app', version: 4 },
        { type: OpCode.delete, path: '/app/c', version: -1 },
      ]);
      connection.reply(xid, 0, (writer) =>
        writeMultiResponse(writer, [
          { type: OpCode.create, path: '/app/a0000000001' },
          { type: OpCode.setData, stat: someStat },
          { type: OpCode.check },
          { type: OpCode.delete },
        ]),
      );
    };
    const transaction = zk
      .transaction()
      .create('/a', '1', { mode: CreateMode.PERSISTENT_SEQUENTIAL })
      .setData('/b', null, 3)
      .check('/', 4)
      .delete('/c');
    expect(await simulation.settle(transaction.commit())).toEqual([
      { type: OpCode.create, path: '/a0000000001' },
      { type: OpCode.setData, stat: someStat },
      { type: OpCode.check },
      { type: OpCode.delete },
    ]);
  });

  it('that fails rejects with the error of the operation that failed', async () => {
    const { server, zk, connected, simulation } = fakeWorld();
    await connected();
    const results = [
      { type: OpCode.error, err: 0 },
      { type: OpCode.error, err: ErrorCode.BadVersion },
      { type: OpCode.error, err: ErrorCode.RuntimeInconsistency },
    ] as const;
    server.onRequest = ({ xid }, connection) =>
      connection.reply(xid, 0, (writer) => writeMultiResponse(writer, results));
    const failed = zk.multi([Op.delete('/a'), Op.check('/b', 1), Op.create('/c')]);
    const error = await simulation.settle(failed.catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(MultiError);
    expect(error).toMatchObject({ code: ErrorCode.BadVersion, path: '/b', results });
  });
});

describe('create', () => {
  it('picks the request that the mode needs', async () => {
    const { server, zk, connected, simulation } = fakeWorld();
    await connected();
    server.onRequest = ({ xid, type }, connection) =>
      connection.reply(xid, 0, (writer) => {
        if (type === OpCode.create) writePathResponse(writer, { path: '/n' });
        else writeCreate2Response(writer, { path: '/n', stat: someStat });
      });
    const modes = [CreateMode.EPHEMERAL, CreateMode.CONTAINER, CreateMode.PERSISTENT_WITH_TTL];
    for (const mode of modes) {
      expect(await simulation.settle(zk.create('/n', 'x', { mode, ttlMs: 500 }))).toBe('/n');
    }
    expect(await simulation.settle(zk.create2('/n'))).toEqual({ path: '/n', stat: someStat });
    expect(server.requests.map(({ type }) => type)).toEqual([
      OpCode.create,
      OpCode.createContainer,
      OpCode.createTTL,
      OpCode.create2,
    ]);
    const withTTL = server.requests[2];
    if (withTTL === undefined) throw new Error('no request');
    expect(readCreateTTLRequest(withTTL.body)).toMatchObject({ flags: 5, ttl: 500n });
  });
});
