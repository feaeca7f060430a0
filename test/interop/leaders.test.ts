import { expect, test } from 'vitest';
import { withClient } from './frame/client.ts';
import { mixedEnsemble } from './frame/ensemble.ts';
import { RecordedLoad } from './frame/load.ts';
import { expectAllWell } from './frame/lookBack.ts';
import type { Kind } from './frame/serverProcess.ts';

const A: Kind = 'apache';
const T: Kind = 'tabkeeper';

/** Enough that the servers are busy in the moment a leader dies. */
const BUSY_COUNT = 300;
const KILLS = 2;

for (const kinds of [
  { 1: A, 2: A, 3: T },
  { 1: T, 2: T, 3: A },
]) {
  const names = Object.values(kinds).join(', ');
  test(`leaders killed under load, one after another, lose nothing acknowledged (${names})`, async () => {
    const ensemble = await mixedEnsemble(kinds, { startOrder: [3, 1, 2] });
    await ensemble.waitForServing();
    const killed = new Set<Kind>();
    for (let i = 0; i < KILLS; i++) {
      const load = new RecordedLoad(ensemble.servers.map(() => ensemble.addresses()));
      await load.acknowledge(BUSY_COUNT);
      const leader = await ensemble.waitForServing();
      await leader.kill();
      killed.add(leader.kind);
      await load.acknowledge(BUSY_COUNT);
      leader.start();
      await ensemble.waitForServing();
      await load.acknowledge(BUSY_COUNT);
      await load.stop();
      await expectAllWell(ensemble, load);
      // Histories are equal now, so the higher number of the first two leads: the other kind.
      await ensemble.stopAll();
      await ensemble.gather([1, 2, 3]);
    }
    expect(killed).toEqual(new Set([A, T]));
  });
}

for (const kinds of [
  { 1: T, 2: A, 3: A },
  { 1: A, 2: T, 3: T },
]) {
  test(`the ${kinds[1]} server with the newest log leads, though the ${kinds[3]} one has the higher number`, async () => {
    const ensemble = await mixedEnsemble(kinds, { startOrder: [1, 2] });
    await ensemble.waitForServing();
    ensemble.server(3).start();
    await ensemble.waitForServing();
    await withClient(ensemble.addresses(1), (client) => client.create('/seen-by-all', 's'));
    await ensemble.server(3).kill();
    await withClient(ensemble.addresses(1), (client) => client.create('/missed-by-3', 'm'));
    await ensemble.server(2).kill();
    await ensemble.server(1).kill();
    await ensemble.startInOrder([1, 3]);
    const leader = await ensemble.waitForServing(1, 3);
    expect(leader.sid).toBe(1);
    ensemble.server(2).start();
    await ensemble.waitForServing();
    const tree = await expectAllWell(ensemble);
    expect(tree.has('/missed-by-3')).toBe(true);
  });
}

for (const [voter, observer] of [
  [A, T],
  [T, A],
] as const) {
  test(`a ${observer} observer sees, forwards and survives what ${voter} voters do`, async () => {
    const kinds = { 1: observer, 2: voter, 3: voter, 4: observer };
    const ensemble = await mixedEnsemble(kinds, { observers: [4], startOrder: [3, 2, 1, 4] });
    expect((await ensemble.waitForServing()).kind).toBe(voter);
    expect(await ensemble.server(4).mode()).toBe('observer');
    const load = new RecordedLoad([
      ensemble.addresses(4),
      ensemble.addresses(4),
      ensemble.addresses(2),
    ]);
    await load.acknowledge(BUSY_COUNT);
    await ensemble.server(3).kill();
    await load.acknowledge(BUSY_COUNT);
    ensemble.server(3).start();
    await ensemble.server(4).kill();
    await ensemble.waitForServing(1, 2, 3);
    ensemble.server(4).start();
    await ensemble.waitForServing();
    await load.acknowledge(BUSY_COUNT);
    await load.stop();
    await expectAllWell(ensemble, load);
  });
}
