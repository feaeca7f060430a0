import { describe, expect, it } from 'vitest';
import {
  MultiError,
  Op,
  type WatchedEvent,
  ZooKeeper,
  type ZooKeeperOptions,
} from '../../../src/client/zooKeeper.ts';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { CreateMode } from '../../../src/wire/createModes.ts';
import { CREATOR_ALL_ACL } from '../../../src/wire/dataRecords.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';
import { AddWatchMode } from '../../../src/wire/watchTypes.ts';

/** Thousands of writes take their time on a busy machine. */
const SLOW_TEST_LIMIT_MS = 60_000;

/** Real servers, and clients of all or some of them. */
async function ensembleOf(participantCount: number, seed = 1) {
  const ensemble = new Ensemble({ seed, participantCount });
  const { simulation } = ensemble;
  ensemble.startAll();
  await ensemble.untilServing();
  const client = async (
    sids: readonly number[] = [1],
    options: Partial<ZooKeeperOptions> = {},
  ): Promise<ZooKeeper> => {
    const zk = new ZooKeeper(ensemble.clientMachine().boot(), {
      addresses: sids.map((sid) => ensemble.clientAddress(sid)),
      sessionTimeoutMs: 4_000,
      maxReconnectPauseMs: 50,
      ...options,
    });
    await simulation.settle(zk.connected());
    return zk;
  };
  const settle = <T>(promise: Promise<T>): Promise<T> => simulation.settle(promise);
  const codeOf = (promise: Promise<unknown>): Promise<number> =>
    settle(
      promise.then(
        () => 0,
        (error: unknown) => {
          if (error instanceof KeeperError) return error.code;
          throw error;
        },
      ),
    );
  return { ensemble, simulation, client, settle, codeOf };
}

const text = (data: Uint8Array | null): string | null =>
  data === null ? null : new TextDecoder().decode(data);

describe('the client and a real server', () => {
  it('create, read, write and delete nodes', async () => {
    const { client, settle, codeOf } = await ensembleOf(3);
    const zk = await client();
    expect(await settle(zk.create('/a', 'eins'))).toBe('/a');
    expect(await codeOf(zk.create('/a'))).toBe(ErrorCode.NodeExists);
    const created = await settle(zk.create2('/a/b', null));
    expect(created).toMatchObject({ path: '/a/b', stat: { version: 0, dataLength: 0 } });
    const { data, stat } = await settle(zk.getData('/a'));
    expect(text(data)).toBe('eins');
    expect(stat).toMatchObject({ version: 0, numChildren: 1 });
    expect(await codeOf(zk.setData('/a', 'zwei', 5))).toBe(ErrorCode.BadVersion);
    expect(await settle(zk.setData('/a', 'zwei', 0))).toMatchObject({ version: 1 });
    expect(await codeOf(zk.delete('/a'))).toBe(ErrorCode.NotEmpty);
    expect((await settle(zk.getChildren('/a'))).children).toEqual(['b']);
    await settle(zk.delete('/a/b', 0));
    expect(await settle(zk.exists('/a/b'))).toBeNull();
    expect(await settle(zk.exists('/a'))).toMatchObject({ cversion: 2, numChildren: 0 });
    await settle(zk.sync('/a'));
    expect(await codeOf(zk.getData('/none'))).toBe(ErrorCode.NoNode);
  });

  it('number sequential nodes, and drop ephemeral ones with their session', async () => {
    const { client, settle } = await ensembleOf(3);
    const [one, two] = [await client(), await client()];
    const mode = CreateMode.EPHEMERAL_SEQUENTIAL;
    expect(await settle(one.create('/e-', null, { mode }))).toBe('/e-0000000000');
    expect(await settle(one.getEphemerals())).toEqual(['/e-0000000000']);
    expect(await settle(two.exists('/e-0000000000'))).toMatchObject({
      ephemeralOwner: one.sessionId,
    });
    await settle(one.close());
    expect(await settle(two.exists('/e-0000000000'))).toBeNull();
  });

  it('do several things at once or none of them', async () => {
    const { client, settle } = await ensembleOf(3);
    const zk = await client();
    await settle(zk.transaction().create('/m', '0').create('/m/a').setData('/m', '1').commit());
    expect(await settle(zk.getAllChildrenNumber('/m'))).toBe(1);
    const ops = [Op.create('/m/b'), Op.check('/m', 7), Op.delete('/m/a')];
    const error = await settle(zk.multi(ops).catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(MultiError);
    expect(error).toMatchObject({ code: ErrorCode.BadVersion, path: '/m' });
    expect((await settle(zk.getChildren('/m'))).children).toEqual(['a']);
  });

  it('guard nodes by identity', async () => {
    const { client, settle, codeOf } = await ensembleOf(3);
    const [alice, bob] = [await client(), await client()];
    await settle(alice.addAuth('digest', 'alice:wonder'));
    await settle(alice.create('/secret', 'x', { acl: CREATOR_ALL_ACL }));
    expect(await codeOf(bob.getData('/secret'))).toBe(ErrorCode.NoAuth);
    expect(text((await settle(alice.getData('/secret'))).data)).toBe('x');
    const { acl } = await settle(alice.getACL('/secret'));
    expect(acl?.[0]?.id.scheme).toBe('digest');
    await settle(alice.setACL('/secret', [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }]));
    expect(text((await settle(bob.getData('/secret'))).data)).toBe('x');
    const schemes = (await settle(alice.whoAmI())).map(({ authScheme }) => authScheme);
    expect(schemes).toContain('digest');
  });

  it('tell watchers what changed, in the order of the changes and before the replies', async () => {
    const { client, settle } = await ensembleOf(3);
    const zk = await client();
    const heard: string[] = [];
    const hear = ({ name, path }: WatchedEvent): void => void heard.push(`${name} ${path}`);
    await settle(zk.exists('/w', hear));
    await settle(zk.create('/w').then(() => heard.push('created')));
    await settle(zk.getData('/w', hear));
    await settle(zk.getChildren('/w', hear));
    await settle(zk.addWatch('/w/x', AddWatchMode.PERSISTENT_RECURSIVE, hear));
    await settle(zk.create('/w/x').then(() => heard.push('child')));
    await settle(zk.setData('/w', '1').then(() => heard.push('set')));
    await settle(zk.create('/w/x/y'));
    expect(heard).toEqual([
      'NodeCreated /w',
      'created',
      'NodeCreated /w/x',
      'NodeChildrenChanged /w',
      'child',
      'NodeDataChanged /w',
      'set',
      'NodeCreated /w/x/y',
    ]);
    await settle(zk.removeWatches('/w/x'));
    await settle(zk.delete('/w/x/y'));
    expect(heard).toHaveLength(8);
  });

  it('live below a chroot', async () => {
    const { client, settle } = await ensembleOf(3);
    const whole = await client();
    await settle(whole.create('/app'));
    const zk = await client([1], { chroot: '/app' });
    expect(await settle(zk.create('/a', 'x'))).toBe('/a');
    expect((await settle(zk.getChildren('/'))).children).toEqual(['a']);
    expect(text((await settle(whole.getData('/app/a'))).data)).toBe('x');
  });

  it('expire a session whose client fell silent', async () => {
    const { ensemble, simulation, client, settle } = await ensembleOf(3);
    const witness = await client();
    const machine = ensemble.clientMachine();
    const silent = new ZooKeeper(machine.boot(), {
      addresses: [ensemble.clientAddress(1)],
      sessionTimeoutMs: 2_000,
      maxReconnectPauseMs: 50,
    });
    await settle(silent.create('/e', null, { mode: CreateMode.EPHEMERAL }));
    const states: string[] = [];
    silent.on('state', (state) => states.push(state));
    machine.freeze();
    await simulation.sleep(10_000);
    expect(await settle(witness.exists('/e'))).toBeNull();
    machine.thaw();
    await simulation.until(() => silent.state === 'expired', 20_000);
    expect(states.at(-1)).toBe('expired');
  });
});

describe('the client and servers that come and go', () => {
  it('keep one session when its server dies, with its ephemeral nodes and watches', async () => {
    const { ensemble, simulation, client, settle } = await ensembleOf(3);
    const zk = await client([1, 2, 3]);
    const other = await client([1, 2, 3]);
    const heard: string[] = [];
    await settle(zk.create('/e', null, { mode: CreateMode.EPHEMERAL }));
    await settle(zk.exists('/w', ({ name, path }) => heard.push(`${name} ${path}`)));
    const leader = await ensemble.untilQuorum();
    ensemble.crash(leader);
    await ensemble.untilQuorum();
    await simulation.until(() => zk.state === 'connected' && other.state === 'connected', 30_000);
    await settle(other.create('/w'));
    await simulation.until(() => heard.length > 0, 10_000);
    expect(heard).toEqual(['NodeCreated /w']);
    expect(await settle(other.exists('/e'))).toMatchObject({ ephemeralOwner: zk.sessionId });
    expect(zk.state).toBe('connected');
  });

  it(
    'never lose an acknowledged write, nor go back in time, while servers come and go',
    async () => {
      const { ensemble, simulation, client, settle } = await ensembleOf(3, 7);
      const zk = await client([1, 2, 3]);
      await settle(zk.create('/n', '0'));
      const acknowledged: number[] = [];
      let stop = false;
      const writer = (async () => {
        for (let value = 1; !stop; value++) {
          try {
            await zk.setData('/n', String(value));
            acknowledged.push(value);
          } catch (error) {
            if (!(error instanceof KeeperError)) throw error;
            expect(error.code).toBe(ErrorCode.ConnectionLoss);
          }
        }
      })();
      for (const sid of [1, 2, 3]) {
        await simulation.sleep(100);
        ensemble.crash(sid);
        await simulation.sleep(600);
        ensemble.start(sid);
        await ensemble.untilServing();
      }
      await simulation.until(() => zk.state === 'connected', 30_000);
      stop = true;
      await settle(writer);
      await settle(zk.sync('/n'));
      const { data } = await settle(zk.getData('/n'));
      expect(acknowledged.length).toBeGreaterThan(100);
      expect(Number(text(data))).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? 0);
    },
    SLOW_TEST_LIMIT_MS,
  );
});
