import { expect, test, vi } from 'vitest';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { sid } from '../../../src/wire/ids.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const NO_DATA = new Uint8Array();

test('leaderServes=no: the leader leads and answers no clients, the others do', async () => {
  const ensemble = new Ensemble({ seed: 1, participantCount: 3, config: { leaderServes: false } });
  ensemble.startAll();
  const { simulation } = ensemble;
  const followers = () =>
    ensemble.sids.filter(
      (one) => ensemble.status(one)?.state === 'FOLLOWING' && ensemble.serving(one),
    );
  await ensemble.until(() => followers().length === 2, 'the followers serve');
  const leader = ensemble.sids.find((one) => ensemble.status(one)?.state === 'LEADING') ?? sid(0);
  await simulation.sleep(1_000);
  expect(ensemble.status(leader)).toMatchObject({ state: 'LEADING', serving: false });
  const refused = ensemble.connect(leader).then(
    () => 'served',
    () => 'refused',
  );
  expect(await simulation.settle(refused)).toBe('refused');
  const client = await ensemble.connect(followers()[0] ?? leader);
  await simulation.settle(client.create('/a', NO_DATA));
});

test('a server of weight 0 never leads, and nobody waits for it', async () => {
  const ensemble = new Ensemble({
    seed: 2,
    participantCount: 3,
    memberLines: ['group.1=1:2:3', 'weight.3=0'],
  });
  ensemble.start(2, 3);
  await ensemble.simulation.sleep(3_000);
  expect(ensemble.leader()).toBeNull();
  ensemble.start(1);
  await ensemble.untilServing(1, 2, 3);
  expect(ensemble.leader()).toBe(2n);
  ensemble.crash(3);
  const client = await ensemble.connect(1);
  await ensemble.simulation.settle(client.create('/without-it', NO_DATA));
});

test('servers in groups go on with a majority of a majority of groups, and stop without', async () => {
  const ensemble = new Ensemble({
    seed: 3,
    participantCount: 9,
    memberLines: ['group.1=1:2:3', 'group.2=4:5:6', 'group.3=7:8:9'],
  });
  ensemble.start(1, 2, 4, 5);
  await ensemble.untilServing(1, 2, 4, 5);
  const client = await ensemble.connect(1);
  await ensemble.simulation.settle(client.create('/four-of-nine', NO_DATA));
  ensemble.crash(2);
  await ensemble.until(() => ensemble.leader() === null, 'nobody leads');
  // Six servers, but only one group has a majority of its own.
  ensemble.start(3, 7);
  ensemble.crash(5);
  await ensemble.until(() => ensemble.running.every((one) => !ensemble.serving(one)), 'all look');
  ensemble.start(8);
  await ensemble.untilServing(1, 3, 4, 7, 8);
  expect((await ensemble.checkTreesEqual()).has('/four-of-nine')).toBe(true);
});

test('a group that weighs nothing changes nothing: five clients write while its servers come and go', async () => {
  const ensemble = new Ensemble({
    seed: 4,
    participantCount: 5,
    memberLines: ['group.1=1:2:3', 'group.2=4:5', 'weight.4=0', 'weight.5=0'],
  });
  ensemble.startAll();
  await ensemble.untilServing();
  expect([1n, 2n, 3n]).toContain(ensemble.leader());
  const { simulation } = ensemble;
  const writeInTurn = async (server: number): Promise<void> => {
    const client = ensemble.client();
    await client.connect(ensemble.clientAddress(server));
    for (let count = 0; count < 50; count++) {
      await client.create(`/c${server}-${count}`, NO_DATA);
      await client.setData(`/c${server}-${count}`, new Uint8Array([count]));
    }
  };
  const writes = Promise.all([1, 2, 3].map(writeInTurn));
  for (let round = 0; round < 5; round++) {
    for (const light of [4, 5]) ensemble.crash(light);
    await simulation.sleep(20);
    ensemble.start(4, 5);
    await simulation.sleep(50);
  }
  await simulation.settle(writes);
  await ensemble.untilServing(...ensemble.sids);
  await simulation.settle(Promise.all([4, 5].map(writeInTurn)));
  const tree = await ensemble.checkTreesEqual();
  expect([...tree.keys()].filter((path) => path.startsWith('/c'))).toHaveLength(250);
  // Two of the group that counts are enough, and not without them.
  for (const one of [4, 5, 3]) ensemble.crash(one);
  await ensemble.untilServing(1, 2);
  ensemble.start(4, 5);
  ensemble.crash(2);
  await ensemble.until(() => ensemble.running.every((one) => !ensemble.serving(one)), 'all look');
});
