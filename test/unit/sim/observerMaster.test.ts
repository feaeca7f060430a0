import { describe, expect, test, vi } from 'vitest';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { CreateMode } from '../../../src/wire/createModes.ts';
import { sid, type Sid } from '../../../src/wire/ids.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const NO_DATA = new Uint8Array();
const PARTICIPANTS = [1, 2, 3].map(sid);
const OBSERVER = sid(4);

/** Three participants and observers that may follow followers; `masters` is whom each observer registered with last. */
async function running(seed: number, observerCount = 1, observerMasterPort = 2_191) {
  const ensemble = new Ensemble({
    seed,
    participantCount: 3,
    observerCount,
    config: { observerMasterPort, fourLetterWordWhitelist: ['*'] },
  });
  const masters = new Map<Sid, Sid>();
  ensemble.simulation.subscribe(['packet'], (record) => {
    const { event } = record;
    if (event.topic !== 'packet' || event.type !== 'sent') return;
    if (event.packetType === PacketType.OBSERVERINFO) masters.set(record.sid, event.peer);
  });
  ensemble.startAll();
  await ensemble.untilServing();
  const masterOf = (observer: Sid): Sid => masters.get(observer) ?? sid(-1);
  return { ensemble, simulation: ensemble.simulation, masterOf };
}

/** What a four-letter word is answered. */
async function ask(ensemble: Ensemble, server: Sid, word: string): Promise<string> {
  const { network } = ensemble.clientMachine().boot();
  let answer = '';
  let over = false;
  const connection = network.connect(ensemble.clientAddress(server), 'client', {
    opened: () => connection.write(new TextEncoder().encode(word)),
    received: (bytes) => (answer += new TextDecoder().decode(bytes)),
    drained: () => undefined,
    closed: () => (over = true),
  });
  await ensemble.until(() => over, `${word} is answered`);
  return answer;
}

describe('an observer behind a follower', () => {
  test('serves like any other: what is written through it is read everywhere', async () => {
    const { ensemble, simulation, masterOf } = await running(1, 3);
    const leader = await ensemble.untilQuorum();
    for (const observer of [4, 5, 6].map(sid)) {
      expect(PARTICIPANTS).toContain(masterOf(observer));
      expect(masterOf(observer)).not.toBe(leader);
      const client = await ensemble.connect(observer);
      await simulation.settle(client.create(`/through-${observer}`, NO_DATA));
      await simulation.settle(client.sync('/'));
    }
    expect((await ensemble.checkTreesEqual()).has('/through-6')).toBe(true);
  });

  test('goes to another server when its master dies, and misses nothing', async () => {
    const { ensemble, simulation, masterOf } = await running(3);
    const first = masterOf(OBSERVER);
    ensemble.crash(first);
    const leader = await ensemble.untilQuorum();
    const writer = await ensemble.connect(leader);
    await simulation.settle(writer.create('/meanwhile', NO_DATA));
    await ensemble.until(() => masterOf(OBSERVER) !== first, 'it has another master');
    await ensemble.untilServing(OBSERVER);
    expect((await ensemble.tree(OBSERVER)).has('/meanwhile')).toBe(true);
    ensemble.start(first);
    await ensemble.untilServing(...ensemble.sids);
    await ensemble.checkTreesEqual();
  });

  test('goes on when the leader dies: its master may lead now, and takes no observers', async () => {
    const { ensemble, simulation, masterOf } = await running(4);
    for (let reign = 0; reign < 3; reign++) {
      const leader = await ensemble.untilQuorum();
      ensemble.crash(leader);
      await ensemble.untilServing(...ensemble.sids.filter((one) => one !== leader));
      const next = await ensemble.untilQuorum();
      expect(masterOf(OBSERVER)).not.toBe(next);
      const client = await ensemble.connect(OBSERVER);
      await simulation.settle(client.create(`/reign-${reign}`, NO_DATA));
      ensemble.start(leader);
      await ensemble.untilServing(...ensemble.sids);
    }
    expect((await ensemble.checkTreesEqual()).has('/reign-2')).toBe(true);
  });

  test('takes a session over with its ephemerals, keeps it alive, and lets it expire', async () => {
    const { ensemble, simulation } = await running(5);
    const leader = await ensemble.untilQuorum();
    const client = await ensemble.connect(leader, 1_000);
    const id = client.sessionId;
    await simulation.settle(client.create('/mine', NO_DATA, CreateMode.EPHEMERAL));
    client.disconnect();
    // A server that has seen less than a client is none for it.
    const zxidOf = (server: Sid): bigint => ensemble.status(server)?.zxid ?? -1n;
    await ensemble.until(() => zxidOf(OBSERVER) >= zxidOf(leader), 'the observer has caught up');
    await simulation.settle(client.connect(ensemble.clientAddress(OBSERVER)));
    expect(client.sessionId).toBe(id);
    await simulation.sleep(client.negotiatedTimeoutMs * 4);
    expect(await simulation.settle(client.exists('/mine'))).not.toBeNull();
    await simulation.settle(client.create('/mine-too', NO_DATA, CreateMode.EPHEMERAL));
    client.disconnect();
    await simulation.sleep(client.negotiatedTimeoutMs * 3);
    const tree = await ensemble.checkTreesEqual();
    expect(tree.has('/mine')).toBe(false);
    expect(tree.has('/mine-too')).toBe(false);
  });

  test('is counted where it is: by its master, not by the leader', async () => {
    const { ensemble, masterOf } = await running(6);
    const leader = await ensemble.untilQuorum();
    const idle = PARTICIPANTS.find((one) => one !== leader && one !== masterOf(OBSERVER));
    const counts = async (server: Sid): Promise<string | undefined> =>
      /zk_synced_observers\t(\d+)/.exec(await ask(ensemble, server, 'mntr'))?.[1];
    expect(await counts(masterOf(OBSERVER))).toBe('1');
    expect(await counts(idle ?? leader)).toBe('0');
    expect(await counts(leader)).toBe('0');
    expect(await ask(ensemble, OBSERVER, 'mntr')).toContain(
      `zk_observer_master_id\t${masterOf(OBSERVER)}\n`,
    );
  });
});

describe.each([
  ['a follower', 2_191],
  ['the leader', 0],
] as const)('an observer behind %s', (_master, observerMasterPort) => {
  test('sees commits in order while it and a follower are written through at once', async () => {
    const { ensemble, simulation } = await running(2, 1, observerMasterPort);
    const clients = [await ensemble.connect(OBSERVER), await ensemble.connect(1)];
    // More than the committed log holds, with a SYNC among every hundred.
    const writes = clients.flatMap((client, index) =>
      Array.from({ length: 600 }, async (_, count) => {
        const created = client.create(`/n-${index}-${count}`, NO_DATA);
        if (count % 100 === 0) await client.sync(`/n-${index}-0`);
        await created;
      }),
    );
    await simulation.settle(Promise.all(writes));
    const tree = await ensemble.checkTreesEqual();
    expect([...tree.keys()].filter((path) => path.startsWith('/n-'))).toHaveLength(1_200);
  });

  test('serves nobody without a quorum, and its client’s session goes on when there is one again', async () => {
    const { ensemble, simulation } = await running(7, 1, observerMasterPort);
    const client = await ensemble.connect(OBSERVER, 4_000);
    const id = client.sessionId;
    await simulation.settle(client.create('/mine', NO_DATA, CreateMode.EPHEMERAL));
    for (const one of [1, 2]) ensemble.crash(one);
    await ensemble.until(() => !client.connected, 'its client is hung up on');
    expect(ensemble.serving(OBSERVER)).toBe(false);
    ensemble.start(1, 2);
    await ensemble.untilServing(...ensemble.sids);
    await simulation.settle(client.connect(ensemble.clientAddress(OBSERVER)));
    expect(client.sessionId).toBe(id);
    expect(await simulation.settle(client.exists('/mine'))).not.toBeNull();
    await simulation.settle(client.setData('/mine', new Uint8Array([2])));
    await simulation.settle(client.sync('/'));
    expect(await simulation.settle(client.getChildren('/'))).toContain('mine');
  });

  test('takes over a session of the leader’s', async () => {
    const { ensemble, simulation } = await running(8, 1, observerMasterPort);
    const leader = await ensemble.untilQuorum();
    const client = await ensemble.connect(leader);
    const id = client.sessionId;
    await simulation.settle(client.create('/mine', NO_DATA, CreateMode.EPHEMERAL));
    client.disconnect();
    const zxidOf = (server: Sid): bigint => ensemble.status(server)?.zxid ?? -1n;
    await ensemble.until(() => zxidOf(OBSERVER) >= zxidOf(leader), 'the observer has caught up');
    await simulation.settle(client.connect(ensemble.clientAddress(OBSERVER)));
    expect(client.sessionId).toBe(id);
    expect(await simulation.settle(client.exists('/mine'))).not.toBeNull();
  });
});
