import { expect, test } from 'vitest';
import { newClient, withClient } from './frame/client.ts';
import { mixedEnsemble } from './frame/ensemble.ts';
import { expectAllWell } from './frame/lookBack.ts';
import { until } from './frame/patience.ts';
import { CreateMode } from '../../src/wire/createModes.ts';

const EPHEMERAL = { mode: CreateMode.EPHEMERAL };

for (const [from, to] of [
  ['apache', 'tabkeeper'],
  ['tabkeeper', 'apache'],
] as const) {
  test(`a session moves from a ${from} to a ${to} server and keeps its ephemerals and watches`, async () => {
    const ensemble = await mixedEnsemble({ 1: from, 2: to, 3: from }, { startOrder: [3, 1, 2] });
    await ensemble.waitForServing();
    const client = newClient(ensemble.addresses(1, 2));
    await client.connected();
    await client.create('/owner', 'o', EPHEMERAL);
    const { sessionId } = client;
    const seen: string[] = [];
    await client.exists('/awaited', ({ path }) => seen.push(path));

    await ensemble.server(1).kill();
    await until('the session goes on at server 2', () => client.state === 'connected');
    await until(
      'it answers',
      async () => (await client.exists('/owner').catch(() => null)) !== null,
    );
    expect(client.sessionId).toBe(sessionId);
    expect((await client.exists('/owner'))?.ephemeralOwner).toBe(sessionId);
    await withClient(ensemble.addresses(3), (other) => other.create('/awaited', 'a'));
    await until('the watch fires', () => seen.includes('/awaited'));

    ensemble.server(1).start();
    await ensemble.waitForServing();
    // Back by hand: another client with the id and password of the session.
    const successor = newClient(ensemble.addresses(1), { session: client.session });
    await successor.connected();
    expect(successor.sessionId).toBe(sessionId);
    await successor.create('/owner-2', 'o', EPHEMERAL);
    const during = await expectAllWell(ensemble);
    expect([...during.keys()].filter((path) => path.startsWith('/owner'))).toEqual([
      '/owner',
      '/owner-2',
    ]);
    await successor.close();
    const after = await expectAllWell(ensemble);
    expect([...after.keys()].filter((path) => path.startsWith('/owner'))).toEqual([]);
  });

  test(`a session of a ${from} server that died expires under a ${to} leader, and its ephemerals go`, async () => {
    const ensemble = await mixedEnsemble({ 1: from, 2: to, 3: to }, { startOrder: [3, 1, 2] });
    expect((await ensemble.waitForServing()).kind).toBe(to);
    const client = newClient(ensemble.addresses(1), { sessionTimeoutMs: 1_000 });
    await client.connected();
    await client.create('/owner', 'o', EPHEMERAL);
    await ensemble.server(1).kill();
    await withClient(ensemble.addresses(2), (other) =>
      until('the ephemeral node goes', async () => (await other.exists('/owner')) === null),
    );
    ensemble.server(1).start();
    await ensemble.waitForServing();
    await until('the client hears that its session has expired', () => client.state === 'expired');
    await expectAllWell(ensemble);
  });
}
