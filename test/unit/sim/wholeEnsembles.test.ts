/** What went wrong in whole ensembles of ZooKeeper, played again: leaders that are left, frauds, quorums lost in mid-write. */

import { describe, expect, test, vi } from 'vitest';
import { parseQuorumVerifier } from '../../../src/config/configText.ts';
import { makePeerConfig } from '../../../src/config/makePeerConfig.ts';
import type { PeerConfig } from '../../../src/config/peerConfig.ts';
import type { ConnectionHandler, Port } from '../../../src/ports/network.ts';
import { startPeer } from '../../../src/quorum/quorumPeerMain.ts';
import { Ensemble, type EnsembleOptions } from '../../../src/sim/ensemble.ts';
import type { ScriptedClient } from '../../../src/sim/scriptedClient.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import {
  encodeNotification,
  encodePreamble,
  frameElectionMessage,
  PREAMBLE_VERSION_ONE_ADDRESS,
} from '../../../src/wire/electionMessages.ts';
import { epoch, type Sid, sid, zxid } from '../../../src/wire/ids.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const SILENT: ConnectionHandler = {
  opened: () => undefined,
  received: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};

const ONE = new Uint8Array([1]);
const TWO = new Uint8Array([2]);

async function running(options: EnsembleOptions) {
  const ensemble = new Ensemble(options);
  ensemble.startAll();
  await ensemble.untilServing();
  const leader = await ensemble.untilQuorum();
  const others = ensemble.sids.filter((one) => one !== leader);
  return { ensemble, leader, others, one: others[0] ?? leader };
}

/** Whether a write was acknowledged, known at the latest when its connection is gone. */
const outcomeOf = (write: Promise<unknown>): Promise<string> =>
  write.then(
    () => 'acknowledged',
    () => 'unknown',
  );

/** The leader proposes it and has it on its disk, and nobody else ever hears of it. */
async function onlyOnDiskOf(ensemble: Ensemble, leader: Sid, write: () => Promise<unknown>) {
  const logged = ensemble.invariants.history(leader);
  const before = logged.lastZxid;
  const outcome = outcomeOf(write());
  await ensemble.until(() => logged.lastZxid > before, 'the write is on the leader’s disk');
  return outcome;
}

async function dataOf(ensemble: Ensemble, server: Sid, path: string): Promise<number | undefined> {
  const client = await ensemble.connect(server);
  await ensemble.simulation.settle(client.sync(path));
  const { data } = await ensemble.simulation.settle(client.getData(path));
  await ensemble.simulation.settle(client.close());
  return data?.[0];
}

describe('a leader that all have left', () => {
  test('takes back what it proposed alone when it returns to those who went on', async () => {
    const { ensemble, leader, others } = await running({ seed: 61, participantCount: 3 });
    const client = await ensemble.connect(leader);
    for (const other of others) ensemble.crash(other);
    const lost = onlyOnDiskOf(ensemble, leader, () => client.create('/abandoned', ONE));
    expect(await ensemble.simulation.settle(lost)).toBe('unknown');
    await ensemble.stop(leader);
    ensemble.start(...others);
    await ensemble.untilServing(...others);
    for (const other of others) {
      const writer = await ensemble.connect(other);
      await ensemble.simulation.settle(writer.create(`/kept-${other}`, ONE));
    }
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    const tree = await ensemble.checkTreesEqual();
    expect(tree.has('/abandoned')).toBe(false);
    for (const other of others) expect(tree.has(`/kept-${other}`)).toBe(true);
  });

  test('may have the highest zxid of all: joining late, it takes theirs', async () => {
    const { ensemble, leader, others, one } = await running({ seed: 62, participantCount: 3 });
    const client = await ensemble.connect(leader);
    await ensemble.simulation.settle(client.create('/hers', ONE));
    await ensemble.simulation.settle(client.create('/theirs', ONE));
    for (const other of others) ensemble.crash(other);
    const lost = onlyOnDiskOf(ensemble, leader, () => client.setData('/hers', TWO));
    expect(await ensemble.simulation.settle(lost)).toBe('unknown');
    ensemble.crash(leader);
    ensemble.start(...others);
    await ensemble.untilServing(...others);
    expect(await dataOf(ensemble, one, '/hers')).toBe(1);
    const writer = await ensemble.connect(one);
    await ensemble.simulation.settle(writer.setData('/theirs', TWO));
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(await dataOf(ensemble, leader, '/hers')).toBe(1);
    expect(await dataOf(ensemble, leader, '/theirs')).toBe(2);
    await ensemble.checkTreesEqual();
  });

  test('acknowledges nothing while others reign already, and follows them without it', async () => {
    const { ensemble, leader, others } = await running({ seed: 63, participantCount: 3 });
    const client = await ensemble.connect(leader);
    ensemble.partition([leader], others);
    for (const other of others) ensemble.crash(other);
    ensemble.start(...others);
    await ensemble.until(() => others.every((other) => ensemble.serving(other)), 'others reign');
    expect(ensemble.status(leader)).toMatchObject({ state: 'LEADING', serving: true });
    const lost = onlyOnDiskOf(ensemble, leader, () => client.create('/in-vain', ONE));
    await ensemble.until(() => ensemble.status(leader)?.state !== 'LEADING', 'it steps down');
    expect(await ensemble.simulation.settle(lost)).toBe('unknown');
    ensemble.heal();
    await ensemble.untilServing(...ensemble.sids);
    expect(ensemble.leader()).not.toBe(leader);
    expect((await ensemble.checkTreesEqual()).has('/in-vain')).toBe(false);
    // Nor does a replay of its log bring it back.
    ensemble.crash(leader);
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect((await ensemble.checkTreesEqual()).has('/in-vain')).toBe(false);
  });
});

describe('a follower whose SNAP is cut short', () => {
  const FAR_BEHIND_COUNT = 560;

  /** One server misses more than the committed log holds, and comes back while writes go on. */
  async function snapping(seed: number) {
    const { ensemble, leader, one } = await running({
      seed,
      participantCount: 3,
      config: { snapshotSizeFactor: -1 },
    });
    const chosen: string[] = [];
    ensemble.simulation.subscribe(['zab'], ({ event }) => {
      if (event.topic !== 'zab' || event.type !== 'syncChosen' || event.learner !== one) return;
      chosen.push(event.sync);
    });
    const client = await ensemble.connect(leader);
    await ensemble.simulation.settle(client.create('/value', ONE));
    ensemble.crash(one);
    const missed = Array.from({ length: FAR_BEHIND_COUNT }, (_, index) =>
      client.create(`/missed-${index}`, ONE),
    );
    await ensemble.simulation.settle(Promise.all(missed));
    return { ensemble, leader, one, client, chosen };
  }

  /** Writes go on until the follower has come to that point. */
  async function writeUntil(ensemble: Ensemble, client: ScriptedClient, reached: () => boolean) {
    for (let value = 0; !reached(); value++) {
      await ensemble.simulation.settle(client.setData('/value', new Uint8Array([value % 200])));
    }
  }

  function packetAt(ensemble: Ensemble, server: Sid, type: 'sent' | 'received', of: number) {
    let happened = false;
    ensemble.simulation.subscribe(['packet'], (record) => {
      const { event } = record;
      if (record.sid !== server || event.topic !== 'packet' || event.type !== type) return;
      happened ||= event.packetType === of;
    });
    return () => happened;
  }

  test.each([
    ['when SNAP has come', 'received', PacketType.SNAP],
    ['when NEWLEADER has come', 'received', PacketType.NEWLEADER],
    ['when it has acknowledged NEWLEADER', 'sent', PacketType.ACK],
    ['when it is told that it is up to date', 'received', PacketType.UPTODATE],
  ] as const)(
    'by a crash %s has what its leader has after the restart',
    async (_when, type, of) => {
      const { ensemble, one, client, chosen } = await snapping(64);
      const reached = packetAt(ensemble, one, type, of);
      ensemble.start(one);
      await writeUntil(ensemble, client, reached);
      ensemble.crash(one);
      await ensemble.simulation.settle(client.create('/later', ONE));
      ensemble.start(one);
      await ensemble.untilServing(...ensemble.sids);
      expect(chosen[0]).toBe('SNAP');
      const tree = await ensemble.checkTreesEqual();
      expect(tree.has('/later')).toBe(true);
      expect(tree.has(`/missed-${FAR_BEHIND_COUNT - 1}`)).toBe(true);
    },
  );

  test('by its connection alone synchronises again, and has all of it on its disk', async () => {
    const { ensemble, leader, one, client } = await snapping(65);
    const reached = packetAt(ensemble, one, 'received', PacketType.NEWLEADER);
    ensemble.start(one);
    await writeUntil(ensemble, client, reached);
    ensemble.simulation.network.reset(`server-${leader}`, `server-${one}`);
    await ensemble.untilServing(...ensemble.sids);
    await ensemble.checkTreesEqual();
    await ensemble.simulation.settle(client.create('/later', ONE));
    await ensemble.simulation.sleep(500);
    ensemble.crash(one);
    ensemble.start(one);
    await ensemble.untilServing(...ensemble.sids);
    expect((await ensemble.checkTreesEqual()).has('/later')).toBe(true);
  });
});

describe('a follower whose leader dies as soon as SNAP has come', () => {
  test('synchronises with the next leader, and has all of it on its disk', async () => {
    const { ensemble, leader, one } = await running({
      seed: 69,
      participantCount: 3,
      config: { forceSnapshotSync: true },
    });
    const client = await ensemble.connect(leader);
    ensemble.crash(one);
    for (let count = 0; count < 10; count++) {
      await ensemble.simulation.settle(client.create(`/missed-${count}`, ONE));
    }
    let snapHasCome = false;
    ensemble.simulation.subscribe(['packet'], ({ sid: at, event }) => {
      if (at !== one || event.topic !== 'packet' || event.type !== 'received') return;
      snapHasCome ||= event.packetType === PacketType.NEWLEADER;
    });
    for (const server of ensemble.sids) ensemble.configure(server, { forceSnapshotSync: false });
    ensemble.start(one);
    await ensemble.until(() => snapHasCome, 'NEWLEADER is there');
    ensemble.crash(leader);
    await ensemble.untilServing();
    expect((await ensemble.checkTreesEqual()).has('/missed-9')).toBe(true);
    const writer = await ensemble.connect(one);
    await ensemble.simulation.settle(writer.create('/later', ONE));
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    ensemble.crash(one);
    ensemble.start(one);
    await ensemble.untilServing(...ensemble.sids);
    const tree = await ensemble.checkTreesEqual();
    for (let count = 0; count < 10; count++) expect(tree.has(`/missed-${count}`)).toBe(true);
    expect(tree.has('/later')).toBe(true);
  });
});

describe('a follower that is made to believe that it is elected', () => {
  /** Votes for `server` as if it were each of `others`: the newest connection of a sid counts. */
  function forgeVotes(ensemble: Ensemble, server: Sid, others: readonly Sid[]) {
    const forger = ensemble.clientMachine();
    const world = forger.boot();
    for (const other of others) {
      const connection = world.network.connect(`server-${server}:3888`, 'election', SILENT);
      const preamble = { sid: other, addresses: [`server-${other}:3888`] };
      connection.write(encodePreamble(preamble, PREAMBLE_VERSION_ONE_ADDRESS));
      const said = encodeNotification({
        version: 2,
        state: 'LOOKING',
        leader: server,
        zxid: zxid(0x7fffffffn << 32n),
        electionEpoch: 50n,
        peerEpoch: epoch(99),
        config: ensemble.verifier.toString(),
      });
      connection.write(frameElectionMessage(said));
    }
    return forger;
  }

  test('leads nobody, gives up and follows, while the true leader reigns on', async () => {
    const { ensemble, leader } = await running({ seed: 70, participantCount: 3 });
    const fooled = sid(1);
    expect(leader).not.toBe(fooled);
    const states: string[] = [];
    ensemble.simulation.subscribe(['peer'], (record) => {
      const { event } = record;
      if (record.sid !== fooled || event.topic !== 'peer' || event.type !== 'state') return;
      states.push(event.state);
    });
    const reign = ensemble.status(leader)?.epoch;
    const client = await ensemble.connect(leader);
    ensemble.partition([fooled], [2, 3]);
    await ensemble.until(() => ensemble.status(fooled)?.state === 'LOOKING', 'it looks');
    const forger = forgeVotes(ensemble, fooled, [sid(2), sid(3)]);
    await ensemble.until(() => states.includes('LEADING'), 'it believes it');
    await ensemble.simulation.settle(client.create('/meanwhile', ONE));
    expect(ensemble.serving(fooled)).toBe(false);
    await ensemble.until(() => states.at(-1) === 'LOOKING', 'it gives up');
    forger.crash();
    ensemble.heal();
    await ensemble.untilServing(...ensemble.sids);
    expect(states).toEqual(['LOOKING', 'LEADING', 'LOOKING', 'FOLLOWING']);
    expect(ensemble.status(leader)).toMatchObject({ state: 'LEADING', epoch: reign });
    expect((await ensemble.checkTreesEqual()).has('/meanwhile')).toBe(true);
  });
});

describe('one of two servers alone', () => {
  test('looks for the other as long as it takes, says whom it cannot reach, and serves nobody', async () => {
    const ensemble = new Ensemble({ seed: 71, participantCount: 2 });
    const failures: string[] = [];
    ensemble.simulation.subscribe(['connection'], ({ event }) => {
      if (event.topic === 'connection' && event.type === 'closed') failures.push(event.reason);
    });
    ensemble.start(2);
    await ensemble.simulation.sleep(30_000);
    expect(ensemble.status(2)).toMatchObject({ state: 'LOOKING', serving: false });
    expect(failures).toContainEqual(expect.stringContaining('server-1:3888'));
  });

  test('stops at once when it is told to, however long it waits between two tries by then', async () => {
    const ensemble = new Ensemble({ seed: 72, participantCount: 2 });
    ensemble.start(2);
    await ensemble.simulation.sleep(30_000);
    const beginMs = ensemble.simulation.time.nowMs;
    await ensemble.stop(2);
    expect(ensemble.simulation.time.nowMs - beginMs).toBeLessThan(100);
  });
});

describe('a quorum of one', () => {
  test('leads by itself and is followed by observers, who are nothing without it', async () => {
    const ensemble = new Ensemble({
      seed: 73,
      participantCount: 1,
      observerCount: 2,
      config: { standaloneEnabled: false },
    });
    ensemble.start(2, 3);
    await ensemble.simulation.sleep(10_000);
    expect([2, 3].map((one) => ensemble.status(one)?.state)).toEqual(['LOOKING', 'LOOKING']);
    ensemble.start(1);
    await ensemble.untilServing(1, 2, 3);
    expect(ensemble.status(1)).toMatchObject({ state: 'LEADING', leader: 1n });
    const client = await ensemble.connect(3);
    await ensemble.simulation.settle(client.create('/through-an-observer', ONE));
    ensemble.crash(1);
    await ensemble.until(
      () => ensemble.running.every((one) => !ensemble.serving(one)),
      'no leader',
    );
    ensemble.start(1);
    await ensemble.untilServing(1, 2, 3);
    expect((await ensemble.checkTreesEqual()).has('/through-an-observer')).toBe(true);
  });
});

describe('a voter that changes its mind once the votes are cast', () => {
  /** How long it takes until these serve after server 1, which could not reach whom it voted for, looks again. */
  async function servingAfterMs(started: readonly number[], config: Partial<PeerConfig>) {
    const ensemble = new Ensemble({
      seed: 66,
      participantCount: 5,
      config: { connectToLearnerMasterLimit: 1, ...config },
    });
    const stateOf = (one: number) => ensemble.status(one)?.state;
    ensemble.start(...started);
    await ensemble.until(() => stateOf(1) === 'FOLLOWING', 'server 1 follows');
    ensemble.partition([1], [Math.max(...started)]);
    await ensemble.until(() => stateOf(1) === 'LOOKING', 'server 1 looks again');
    ensemble.heal();
    const beginMs = ensemble.simulation.time.nowMs;
    await ensemble.untilServing(...started);
    return ensemble.simulation.time.nowMs - beginMs;
  }

  test('keeps its leader waiting for initLimit ticks where nothing else is said', async () => {
    expect(await servingAfterMs([1, 2, 3], {})).toBeGreaterThan(1_000);
  });

  test('does so no longer than leader.maxTimeToWaitForEpoch', async () => {
    expect(await servingAfterMs([1, 2, 3], { maxTimeToWaitForEpochMs: 100 })).toBeLessThan(1_000);
  });

  test('stops nobody where the others are a quorum', async () => {
    expect(await servingAfterMs([1, 2, 3, 4, 5], {})).toBeLessThan(1_000);
  });
});

test('a server whose member list lacks the leader neither follows it nor leads', async () => {
  const simulation = new Simulation(67);
  const lineOf = (one: number) => `server.${one}=server-${one}:2888:3888;server-${one}:2181`;
  const start = (one: number, members: readonly number[]) => {
    const config = makePeerConfig({
      sid: sid(one),
      quorumVerifier: parseQuorumVerifier(members.map(lineOf).join('\n')),
      dataDir: '/data',
      tickTimeMs: 200,
      initLimit: 10,
      syncLimit: 5,
    });
    const world = simulation.machine(`server-${one}`, sid(one)).boot();
    return startPeer(config, world, { environment: [] });
  };
  const first = start(1, [1, 2]);
  const third = start(3, [1, 2, 3]);
  await simulation.sleep(1_000);
  const second = start(2, [1, 2, 3]);
  const led = () => second.status().serving && third.status().serving;
  expect(await simulation.until(led, 20_000)).toBe(true);
  for (let i = 0; i < 100; i++) {
    await simulation.sleep(100);
    // It may take server 2 for the leader of both, for as long as it takes to find out.
    expect(['LOOKING', 'FOLLOWING']).toContain(first.status().state);
    expect(first.status().leader).not.toBe(3n);
    expect(first.status().serving).toBe(false);
  }
  expect(third.status()).toMatchObject({ state: 'LEADING', serving: true });
  expect(second.status()).toMatchObject({ state: 'FOLLOWING', leader: 3n, serving: true });
});

test('garbage on the election and quorum ports of all servers disturbs nobody', async () => {
  const { ensemble, leader, one } = await running({ seed: 68, participantCount: 3 });
  const { epoch } = ensemble.status(leader) ?? {};
  const stranger = ensemble.clientMachine().boot();
  let closedCount = 0;
  const handler: ConnectionHandler = {
    opened: () => undefined,
    received: () => undefined,
    drained: () => undefined,
    closed: () => void closedCount++,
  };
  const ports: readonly (readonly [Port, number])[] = [
    ['quorum', 2888],
    ['election', 3888],
  ];
  let dialledCount = 0;
  for (const server of ensemble.sids) {
    for (const [port, number] of ports) {
      const connection = stranger.network.connect(`server-${server}:${number}`, port, handler);
      // The length of what follows: one gigabyte.
      connection.write(new Uint8Array([0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0]));
      dialledCount++;
    }
  }
  await ensemble.until(() => closedCount === dialledCount, 'all of them are hung up on');
  const client = await ensemble.connect(one);
  await ensemble.simulation.settle(client.create('/undisturbed', ONE));
  expect(ensemble.status(leader)).toMatchObject({ state: 'LEADING', serving: true, epoch });
  await ensemble.checkTreesEqual();
});
