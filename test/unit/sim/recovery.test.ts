import { describe, expect, test, vi } from 'vitest';
import type { ZabEvent } from '../../../src/ports/probe.ts';
import { Ensemble, type EnsembleOptions } from '../../../src/sim/ensemble.ts';
import type { ScriptedClient } from '../../../src/sim/scriptedClient.ts';
import { type Sid, sid } from '../../../src/wire/ids.ts';
import { OpCode } from '../../../src/wire/opCodes.ts';
import { PacketType } from '../../../src/wire/quorumPackets.ts';
import { decodeTxn } from '../../../src/wire/txns.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

type SyncChosen = ZabEvent & { type: 'syncChosen' };

/** A running ensemble with the synchronisations chosen so far. */
async function running(options: EnsembleOptions) {
  const ensemble = new Ensemble(options);
  const syncs: SyncChosen[] = [];
  ensemble.simulation.subscribe(['zab'], ({ event }) => {
    if (event.topic === 'zab' && event.type === 'syncChosen') syncs.push(event);
  });
  ensemble.startAll();
  await ensemble.untilServing();
  const lastSync = (learner: number) => syncs.findLast((sync) => sync.learner === sid(learner));
  return { ensemble, lastSync };
}

async function fill(ensemble: Ensemble, client: ScriptedClient, prefix: string, count: number) {
  const creates = Array.from({ length: count }, (_, index) =>
    client.create(`${prefix}${index}`, new Uint8Array(20).fill(index)),
  );
  await ensemble.simulation.settle(Promise.all(creates));
}

function countOf(tree: ReadonlyMap<string, unknown>, prefix: string): number {
  return [...tree.keys()].filter((path) => path.startsWith(prefix)).length;
}

/** Of three servers one is killed, and comes back when so many writes have been missed by it. */
async function returning(
  missedCount: number,
  seed: number,
  config: NonNullable<EnsembleOptions['config']> = {},
) {
  const { ensemble, lastSync } = await running({ seed, participantCount: 3, config });
  const leader = await ensemble.untilQuorum();
  const stale = ensemble.sids.find((other) => other !== leader) ?? sid(1);
  const client = await ensemble.connect(leader);
  await fill(ensemble, client, '/before-', 20);
  ensemble.crash(stale);
  await fill(ensemble, client, '/missed-', missedCount);
  ensemble.start(stale);
  await ensemble.untilServing(...ensemble.sids);
  return { ensemble, sync: lastSync(Number(stale)) };
}

/** The leader proposes what reaches no other server's disk, and is killed. */
async function leaveUncommittedTail(ensemble: Ensemble, leader: Sid, count: number) {
  const client = await ensemble.connect(leader);
  const others = ensemble.sids.filter((other) => other !== leader);
  for (const other of others) {
    ensemble.simulation.network.block(`server-${leader}`, `server-${other}`);
  }
  const outcomes = Array.from({ length: count }, (_, index) =>
    client.create(`/lost-${index}`, new Uint8Array(3)).then(
      () => 'acknowledged',
      () => 'unknown',
    ),
  );
  const logged = ensemble.invariants.history(leader);
  const before = logged.lastZxid;
  await ensemble.until(
    () => logged.lastZxid >= before + BigInt(count),
    'the tail is on the leader’s disk',
  );
  // Without power: what its kernel had not sent yet is gone, too.
  ensemble.crash(leader, 'silent');
  for (const other of others) {
    ensemble.simulation.network.unblock(`server-${leader}`, `server-${other}`);
  }
  client.disconnect();
  expect(await ensemble.simulation.settle(Promise.all(outcomes))).not.toContain('acknowledged');
}

describe('a leader killed', () => {
  test.each([3, 5])('in the middle of writes loses no acknowledged one (%i servers)', async (n) => {
    const { ensemble } = await running({ seed: 20 + n, participantCount: n });
    const leader = await ensemble.untilQuorum();
    const follower = ensemble.sids.find((other) => other !== leader) ?? sid(1);
    const client = await ensemble.connect(follower);
    const acknowledged: string[] = [];
    const writeInTurn = async (name: string): Promise<void> => {
      for (let count = 0; count < 30; count++) {
        acknowledged.push(await client.create(`/${name}-${count}`, new Uint8Array(10)));
      }
    };
    const writes = Array.from({ length: 10 }, (_, index) =>
      writeInTurn(`w${index}`).catch(() => {}),
    );
    await ensemble.until(() => acknowledged.length > 50, 'some writes acknowledged');
    ensemble.crash(leader);
    await ensemble.simulation.settle(Promise.all(writes));
    expect(acknowledged.length).toBeLessThan(300);
    await ensemble.untilServing();
    expect(ensemble.leader()).not.toBe(leader);
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    const tree = await ensemble.checkTreesEqual();
    for (const path of acknowledged) expect(tree.has(path), path).toBe(true);
  });

  test('and all others too: every acknowledged write is there after the restart', async () => {
    const { ensemble } = await running({ seed: 31, participantCount: 3 });
    const client = await ensemble.connect(1);
    await fill(ensemble, client, '/w-', 100);
    for (const server of ensemble.sids) ensemble.crash(server, 'silent');
    await ensemble.simulation.sleep(1000);
    ensemble.startAll();
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/w-')).toBe(100);
  });

  test('by a power cut is missed by its silence alone', async () => {
    const { ensemble } = await running({ seed: 32, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    ensemble.crash(leader, 'silent');
    await ensemble.until(
      () => ensemble.leader() !== null && ensemble.leader() !== leader,
      'another leader',
    );
    const client = await ensemble.connect(ensemble.running[0] ?? 1);
    await ensemble.simulation.settle(client.create('/after', new Uint8Array()));
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/after')).toBe(1);
  });
});

test('a server back from a power cut is dialled at once, whatever dials to it still wait', async () => {
  const { ensemble } = await running({ seed: 33, participantCount: 3 });
  for (const server of ensemble.sids) ensemble.crash(server, 'silent');
  // The highest sid dials the two others, who are not there to refuse.
  ensemble.start(3);
  await ensemble.simulation.sleep(1_500);
  ensemble.start(1);
  const beginMs = ensemble.simulation.time.nowMs;
  await ensemble.untilServing(1, 3);
  expect(ensemble.simulation.time.nowMs - beginMs).toBeLessThan(1_000);
});

describe('a follower that comes back', () => {
  test('with a stale log gets what it missed: DIFF', async () => {
    const { ensemble, sync } = await returning(50, 41);
    expect(sync).toMatchObject({ sync: 'DIFF', proposalCount: 50 });
    expect(countOf(await ensemble.checkTreesEqual(), '/missed-')).toBe(50);
  });

  test('with the same log gets an empty DIFF', async () => {
    const { ensemble, lastSync } = await running({ seed: 42, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    const other = ensemble.sids.find((server) => server !== leader) ?? sid(1);
    await fill(ensemble, await ensemble.connect(leader), '/a-', 10);
    await ensemble.simulation.sleep(100);
    await ensemble.stop(other);
    ensemble.start(other);
    await ensemble.untilServing(...ensemble.sids);
    expect(lastSync(Number(other))).toMatchObject({ sync: 'DIFF', proposalCount: 0 });
  });

  test('with more than anybody agreed to is cut back: TRUNC', async () => {
    const { ensemble, lastSync } = await running({ seed: 43, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    await fill(ensemble, await ensemble.connect(leader), '/kept-', 5);
    await ensemble.simulation.sleep(100);
    await leaveUncommittedTail(ensemble, leader, 4);
    await ensemble.untilServing();
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(lastSync(Number(leader))?.sync).toMatch(/^TRUNC/);
    const tree = await ensemble.checkTreesEqual();
    expect(countOf(tree, '/kept-')).toBe(5);
    expect(countOf(tree, '/lost-')).toBe(0);
  });

  test('with a tail of an epoch that others have left behind loses it', async () => {
    const { ensemble, lastSync } = await running({ seed: 44, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    await fill(ensemble, await ensemble.connect(leader), '/kept-', 5);
    await ensemble.simulation.sleep(100);
    await leaveUncommittedTail(ensemble, leader, 4);
    await ensemble.untilServing();
    await fill(ensemble, await ensemble.connect(ensemble.running[0] ?? 1), '/later-', 30);
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(lastSync(Number(leader))?.sync).not.toBe('DIFF');
    const tree = await ensemble.checkTreesEqual();
    expect(countOf(tree, '/later-')).toBe(30);
    expect(countOf(tree, '/lost-')).toBe(0);
    // What was cut may not come back with a restart either.
    ensemble.crash(leader);
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/lost-')).toBe(0);
  });

  test('far behind gets the whole tree: SNAP', async () => {
    const { ensemble, sync } = await returning(700, 45, { snapshotSizeFactor: -1 });
    expect(sync).toMatchObject({ sync: 'SNAP' });
    expect(countOf(await ensemble.checkTreesEqual(), '/missed-')).toBe(700);
    // The snapshot is on its disk, not only in its memory.
    for (const server of ensemble.sids) ensemble.crash(server);
    ensemble.startAll();
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/missed-')).toBe(700);
  });

  test('far behind, but within the log on disk, gets a DIFF from there', async () => {
    const { ensemble, sync } = await returning(700, 46, { snapshotSizeFactor: 0 });
    expect(sync).toMatchObject({ sync: 'DIFF', proposalCount: 700 });
    expect(countOf(await ensemble.checkTreesEqual(), '/missed-')).toBe(700);
  });

  test('while writes go on misses none of them', async () => {
    const { ensemble } = await running({
      seed: 47,
      participantCount: 3,
      config: { snapCount: 60 },
    });
    const leader = await ensemble.untilQuorum();
    const other = ensemble.sids.find((server) => server !== leader) ?? sid(1);
    const client = await ensemble.connect(leader);
    for (let round = 0; round < 4; round++) {
      ensemble.crash(other);
      const writing = fill(ensemble, client, `/round${round}-`, 150);
      ensemble.start(other);
      await writing;
      await ensemble.untilServing(...ensemble.sids);
    }
    expect(countOf(await ensemble.checkTreesEqual(), '/round')).toBe(600);
  });
});

test('every transaction carries the digest of its leader’s tree, which all others check', async () => {
  const { ensemble } = await running({ seed: 48, participantCount: 3 });
  const digests: boolean[] = [];
  ensemble.simulation.subscribe(['packet'], ({ event }) => {
    if (event.topic !== 'packet' || event.type !== 'sent' || event.data === null) return;
    if (event.packetType !== PacketType.PROPOSAL) return;
    const { header, digest } = decodeTxn(event.data);
    if (header.type === OpCode.create) digests.push(digest !== null);
  });
  await fill(ensemble, await ensemble.connect(1), '/a-', 10);
  expect(digests).toEqual(new Array(20).fill(true));
});

describe('observers', () => {
  test('follow every write, serve clients, and never count', async () => {
    const { ensemble } = await running({ seed: 51, participantCount: 3, observerCount: 2 });
    expect(ensemble.status(4)?.state).toBe('OBSERVING');
    const atObserver = await ensemble.connect(5);
    await fill(ensemble, atObserver, '/o-', 30);
    expect(countOf(await ensemble.checkTreesEqual(), '/o-')).toBe(30);
    // Two observers and one participant are no quorum.
    ensemble.crash(1);
    ensemble.crash(2);
    await ensemble.until(
      () => ensemble.running.every((server) => !ensemble.serving(server)),
      'nobody serves',
    );
    await ensemble.simulation.sleep(10_000);
    expect(ensemble.leader()).toBeNull();
    ensemble.start(1);
    await ensemble.untilServing(1, 3, 4, 5);
    expect(countOf(await ensemble.checkTreesEqual(), '/o-')).toBe(30);
  });

  test('catch up after a crash, with a log of their own and without', async () => {
    for (const syncEnabled of [true, false]) {
      const { ensemble } = await running({
        seed: 52,
        participantCount: 3,
        observerCount: 1,
        config: { syncEnabled },
      });
      const client = await ensemble.connect(1);
      await fill(ensemble, client, '/a-', 10);
      ensemble.crash(4);
      await fill(ensemble, client, '/b-', 40);
      ensemble.start(4);
      await ensemble.untilServing(1, 2, 3, 4);
      const tree = await ensemble.checkTreesEqual();
      expect(countOf(tree, '/a-') + countOf(tree, '/b-')).toBe(50);
    }
  });

  test('outlive the change of leaders', async () => {
    const { ensemble } = await running({ seed: 53, participantCount: 3, observerCount: 1 });
    const leader = await ensemble.untilQuorum();
    ensemble.crash(leader);
    await ensemble.untilServing();
    await fill(ensemble, await ensemble.connect(4), '/a-', 10);
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/a-')).toBe(10);
  });
});

describe('links that fail', () => {
  test('a leader cut off from all others steps down; they go on without it', async () => {
    const { ensemble } = await running({ seed: 61, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    const others = ensemble.sids.filter((other) => other !== leader);
    ensemble.partition([leader], others);
    await ensemble.until(() => !ensemble.serving(leader), 'the old leader serves nobody');
    await ensemble.untilServing(...others);
    const [first = sid(1)] = others;
    await fill(ensemble, await ensemble.connect(first), '/a-', 10);
    ensemble.heal();
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/a-')).toBe(10);
  });

  test('a follower that hears nothing leaves; healed, it comes back', async () => {
    const { ensemble } = await running({ seed: 62, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    const other = ensemble.sids.find((server) => server !== leader) ?? sid(1);
    ensemble.simulation.network.block(`server-${leader}`, `server-${other}`);
    await ensemble.until(() => !ensemble.serving(other), 'the follower serves nobody');
    expect(ensemble.leader()).toBe(leader);
    ensemble.heal();
    await ensemble.untilServing(...ensemble.sids);
    await ensemble.checkTreesEqual();
  });

  test('a leader frozen for long finds itself replaced when it thaws', async () => {
    const { ensemble } = await running({ seed: 63, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    const others = ensemble.sids.filter((other) => other !== leader);
    ensemble.machine(leader).freeze();
    await ensemble.until(
      () => others.some((server) => ensemble.status(server)?.state === 'LEADING'),
      'another leader',
    );
    const [first = sid(1)] = others;
    await ensemble.until(() => ensemble.serving(first), 'the other serves');
    await fill(ensemble, await ensemble.connect(first), '/a-', 10);
    ensemble.machine(leader).thaw();
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/a-')).toBe(10);
  });
});

describe('disks that fail', () => {
  test('a server whose disk is full stops; the others go on; it comes back with room', async () => {
    const { ensemble } = await running({ seed: 71, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    const other = ensemble.sids.find((server) => server !== leader) ?? sid(1);
    ensemble.machine(other).disk.failNext('full', (operation) => operation === 'append');
    const client = await ensemble.connect(leader);
    await fill(ensemble, client, '/a-', 20);
    await ensemble.until(() => ensemble.endedBecause(other) !== null, 'the server stops');
    await fill(ensemble, client, '/b-', 20);
    ensemble.start(other);
    await ensemble.untilServing(...ensemble.sids);
    const tree = await ensemble.checkTreesEqual();
    expect(countOf(tree, '/a-') + countOf(tree, '/b-')).toBe(40);
  });

  test('a leader whose disk fails makes room for another', async () => {
    const { ensemble } = await running({ seed: 72, participantCount: 3 });
    const leader = await ensemble.untilQuorum();
    const other = ensemble.sids.find((server) => server !== leader) ?? sid(1);
    const client = await ensemble.connect(other);
    ensemble.machine(leader).disk.failNext('failed', (operation) => operation === 'flush');
    await ensemble.simulation.settle(client.create('/x', new Uint8Array()).catch(() => {}));
    await ensemble.until(() => ensemble.endedBecause(leader) !== null, 'the leader stops');
    await ensemble.untilServing();
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    await ensemble.checkTreesEqual();
  });
});
