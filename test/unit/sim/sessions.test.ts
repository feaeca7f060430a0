import { describe, expect, test, vi } from 'vitest';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { CreateMode } from '../../../src/wire/createModes.ts';
import { ErrorCode, KeeperError } from '../../../src/wire/errorCodes.ts';
import { sid } from '../../../src/wire/ids.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const NO_DATA = new Uint8Array();

async function running(seed: number): Promise<Ensemble> {
  const ensemble = new Ensemble({ seed, participantCount: 3 });
  ensemble.startAll();
  await ensemble.untilServing();
  return ensemble;
}

function codeOf(error: unknown): number {
  if (error instanceof KeeperError) return error.code;
  throw error;
}

describe('a session', () => {
  test('moves to another server with its password, and keeps its ephemerals', async () => {
    const ensemble = await running(1);
    const { simulation } = ensemble;
    const client = await ensemble.connect(1);
    const id = client.sessionId;
    await simulation.settle(client.create('/mine', NO_DATA, CreateMode.EPHEMERAL));
    for (const server of [2, 3, 1, 2]) {
      client.disconnect();
      await simulation.settle(client.connect(ensemble.clientAddress(server)));
      expect(client.sessionId).toBe(id);
      expect(await simulation.settle(client.exists('/mine'))).not.toBeNull();
      await simulation.settle(
        client.create(`/at-${server}-`, NO_DATA, CreateMode.PERSISTENT_SEQUENTIAL),
      );
    }
    const tree = await ensemble.checkTreesEqual();
    expect(tree.get('/mine')?.stat.ephemeralOwner).toBe(id);
  });

  test('survives the death of the server it was on, and of the leader', async () => {
    const ensemble = await running(2);
    const { simulation } = ensemble;
    const leader = await ensemble.untilQuorum();
    const client = await ensemble.connect(leader);
    await simulation.settle(client.create('/mine', NO_DATA, CreateMode.EPHEMERAL));
    ensemble.crash(leader);
    await ensemble.untilServing();
    const other = ensemble.running[0] ?? sid(1);
    await simulation.settle(client.connect(ensemble.clientAddress(other)));
    expect(await simulation.settle(client.exists('/mine'))).not.toBeNull();
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect((await ensemble.checkTreesEqual()).has('/mine')).toBe(true);
  });

  test('that nobody hears of expires, with its ephemerals, on every server', async () => {
    const ensemble = await running(3);
    const { simulation } = ensemble;
    const client = await ensemble.connect(2, 1_000);
    await simulation.settle(client.create('/mine', NO_DATA, CreateMode.EPHEMERAL));
    await simulation.settle(client.create('/stays', NO_DATA));
    client.disconnect();
    await simulation.sleep(client.negotiatedTimeoutMs * 0.9);
    expect((await ensemble.checkTreesEqual()).has('/mine')).toBe(true);
    await simulation.sleep(client.negotiatedTimeoutMs * 3);
    const tree = await ensemble.checkTreesEqual();
    expect(tree.has('/mine')).toBe(false);
    expect(tree.has('/stays')).toBe(true);
    const refused = await simulation.settle(
      client.connect(ensemble.clientAddress(1)).catch(codeOf),
    );
    expect(refused).toBe(ErrorCode.SessionExpired);
  });

  test('that pings a follower does not expire', async () => {
    const ensemble = await running(4);
    const leader = await ensemble.untilQuorum();
    const follower = ensemble.sids.find((other) => other !== leader) ?? sid(1);
    const client = await ensemble.connect(follower, 1_000);
    await ensemble.simulation.settle(client.create('/mine', NO_DATA, CreateMode.EPHEMERAL));
    await ensemble.simulation.sleep(30_000);
    expect(client.connected).toBe(true);
    expect((await ensemble.checkTreesEqual()).has('/mine')).toBe(true);
  });

  test('closed in order takes its ephemerals along at once', async () => {
    const ensemble = await running(5);
    const { simulation } = ensemble;
    const client = await ensemble.connect(1);
    await simulation.settle(client.create('/mine', NO_DATA, CreateMode.EPHEMERAL));
    await simulation.settle(client.close());
    expect((await ensemble.checkTreesEqual()).has('/mine')).toBe(false);
  });

  test('refuses a wrong password', async () => {
    const ensemble = await running(6);
    const { simulation } = ensemble;
    const client = await ensemble.connect(1);
    const thief = ensemble.client();
    thief.claimSession(client.sessionId, new Uint8Array(16).fill(9));
    const refused = await simulation.settle(thief.connect(ensemble.clientAddress(2)).catch(codeOf));
    expect(refused).toBe(ErrorCode.SessionExpired);
    await simulation.settle(client.create('/still-mine', NO_DATA));
  });

  test('that moved can no longer write through its old connection', async () => {
    const ensemble = await running(7);
    const { simulation } = ensemble;
    const old = await ensemble.connect(1);
    const moved = ensemble.client();
    moved.claimSession(old.sessionId, old.password);
    await simulation.settle(moved.connect(ensemble.clientAddress(2)));
    const outcome = await simulation.settle(old.create('/from-old', NO_DATA).catch(codeOf));
    expect([ErrorCode.SessionMoved, ErrorCode.ConnectionLoss]).toContain(outcome);
    await simulation.settle(moved.create('/from-new', NO_DATA));
    const tree = await ensemble.checkTreesEqual();
    expect(tree.has('/from-old')).toBe(false);
    expect(tree.has('/from-new')).toBe(true);
  });

  test('is not let onto a server that has seen less than it', async () => {
    const ensemble = await running(8);
    const { simulation } = ensemble;
    const leader = await ensemble.untilQuorum();
    const [first = sid(1), second = sid(2)] = ensemble.sids.filter((other) => other !== leader);
    const client = await ensemble.connect(first);
    // The second follower hears nothing of the next write, and does not know yet that it is cut off.
    simulation.network.block(`server-${leader}`, `server-${second}`);
    await simulation.settle(client.create('/new', NO_DATA));
    client.disconnect();
    const refused = await simulation.settle(
      client.connect(ensemble.clientAddress(second)).catch(codeOf),
    );
    expect(refused).toBe(ErrorCode.ConnectionLoss);
  });
});

test('a watch fires before its client can see the new state, also across servers', async () => {
  const ensemble = await running(9);
  const { simulation } = ensemble;
  const watcher = await ensemble.connect(1);
  const writer = await ensemble.connect(2);
  await simulation.settle(writer.create('/a', new Uint8Array([1])));
  await simulation.settle(watcher.sync('/a'));
  await simulation.settle(watcher.getData('/a', true));
  await simulation.settle(writer.setData('/a', new Uint8Array([2])));
  let seenWithoutEvent = false;
  for (let count = 0; count < 200 && watcher.events.length === 0; count++) {
    const { data } = await simulation.settle(watcher.getData('/a'));
    if (data?.[0] === 2 && watcher.events.length === 0) seenWithoutEvent = true;
  }
  expect(watcher.events.map(({ path }) => path)).toEqual(['/a']);
  expect(seenWithoutEvent).toBe(false);
});
