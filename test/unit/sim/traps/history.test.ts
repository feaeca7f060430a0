/** Histories that part: what a server has that the others have not, or not any more. */

import { expect, vi } from 'vitest';
import { makePeerConfig } from '../../../../src/config/makePeerConfig.ts';
import { databaseOptionsOf } from '../../../../src/quorum/serverOptionsOf.ts';
import { ZKDatabase } from '../../../../src/storage/zkDatabase.ts';
import { Ensemble } from '../../../../src/sim/ensemble.ts';
import { epoch, makeZxid, sid } from '../../../../src/wire/ids.ts';
import { countOf, dieWithTail, fill, fillAt, running } from './scene.ts';
import { trap } from './trap.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

trap(
  'a server that joins late with the highest zxid of all is cut back to what others have (ZOOKEEPER-1154)',
  ['a learner that is ahead is sent a DIFF and not a TRUNC', 'a follower passes TRUNC over'],
  async () => {
    const { ensemble, leader, others, lastSync } = await running({ seed: 1, participantCount: 3 });
    await fillAt(ensemble, leader, '/kept-', 5);
    await dieWithTail(ensemble, leader, 4);
    await ensemble.untilServing(...others);
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(lastSync(leader)?.sync).toBe('TRUNC');
    for (let round = 0; round < 2; round++) {
      const tree = await ensemble.checkTreesEqual();
      expect([countOf(tree, '/kept-'), countOf(tree, '/lost-')]).toEqual([5, 0]);
      // What was cut may not come back with a restart either.
      ensemble.crash(leader);
      ensemble.start(leader);
      await ensemble.untilServing(...ensemble.sids);
    }
  },
);

trap(
  'TRUNC takes snapshots away that are newer than what is left (ZOOKEEPER-1549, 4837)',
  ['TRUNC leaves newer snapshots where they are'],
  async () => {
    const { ensemble, leader, others, lastSync } = await running({ seed: 2, participantCount: 3 });
    await fillAt(ensemble, leader, '/kept-', 5);
    await dieWithTail(ensemble, leader, 4);
    await ensemble.untilServing(...others);
    // As a server of ZooKeeper does that begins to lead: it loads its tail and takes a snapshot of it.
    const machine = ensemble.machine(leader);
    const config = makePeerConfig({ sid: leader, quorumVerifier: null, dataDir: '/data' });
    const database = new ZKDatabase(machine.boot(), databaseOptionsOf(config), () => {});
    let snapshotTaken = false;
    database.load(() => {
      database.takeSnapshot(() => {
        snapshotTaken = true;
      });
    });
    await ensemble.until(() => snapshotTaken, 'a snapshot of the tail is taken');
    machine.crash();
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(lastSync(leader)?.sync).toBe('TRUNC');
    // With what comes after, its log has what its leader has; a snapshot of the tail would lie beneath.
    await fillAt(ensemble, await ensemble.untilQuorum(), '/later-', 5);
    await ensemble.simulation.sleep(100);
    ensemble.crash(leader);
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/lost-')).toBe(0);
  },
);

trap(
  'what a new leader has only logged is in its tree before it reigns (ZOOKEEPER-2845)',
  ['what is only logged is left out of the memory that a reign begins with'],
  async () => {
    const { ensemble, leader } = await running({ seed: 3, participantCount: 3 });
    expect(leader).toBe(sid(3));
    const { network } = ensemble.simulation;
    const client = await ensemble.connect(3);
    await ensemble.simulation.settle(client.create('/before', new Uint8Array()));
    await ensemble.simulation.sleep(50);
    // Server 2 logs the next one, and the leader never hears that it has.
    network.block('server-3', 'server-1');
    network.block('server-2', 'server-3');
    const disk = ensemble.invariants.history(sid(2));
    const before = disk.lastZxid;
    client.create('/logged', new Uint8Array()).catch(() => {});
    await ensemble.until(() => disk.lastZxid > before, 'server 2 has logged it');
    ensemble.crash(3, 'silent');
    client.disconnect();
    network.heal();
    await ensemble.untilServing(1, 2);
    expect(ensemble.leader()).toBe(sid(2));
    expect((await ensemble.checkTreesEqual()).has('/logged')).toBe(true);
  },
);

trap(
  'a server whose disk has failed does not go on in memory (ZOOKEEPER-4882)',
  ['a server whose disk fails goes on'],
  async () => {
    const { ensemble, leader, others } = await running({ seed: 4, participantCount: 3 });
    const client = await ensemble.connect(others[0] ?? 1);
    await fill(ensemble, client, '/before-', 5);
    ensemble.machine(leader).disk.failNext('failed', (operation) => operation === 'flush');
    // The followers' acknowledgements are a quorum without the leader's own.
    const writing = client.create('/after', new Uint8Array()).catch(() => {});
    await ensemble.until(() => ensemble.endedBecause(leader) !== null, 'the leader stops');
    await ensemble.simulation.settle(writing);
    await ensemble.untilServing(...others);
    ensemble.start(leader);
    await ensemble.untilServing(...ensemble.sids);
    for (const server of ensemble.sids) ensemble.crash(server, 'silent');
    ensemble.startAll();
    await ensemble.untilServing(...ensemble.sids);
    expect(countOf(await ensemble.checkTreesEqual(), '/before-')).toBe(5);
  },
);

trap(
  'a leader hands on nothing of a history that a SNAP has replaced',
  ['SNAP leaves the logs it replaces'],
  async () => {
    const ensemble = new Ensemble({
      seed: 5,
      participantCount: 5,
      config: { snapshotSizeFactor: 0 },
    });
    ensemble.configure(4, { snapshotSizeFactor: 0, forceSnapshotSync: true });
    ensemble.startAll();
    await ensemble.untilServing();
    expect(ensemble.leader()).toBe(sid(5));
    await fillAt(ensemble, 4, '/old-', 5);
    ensemble.crash(1);
    await fillAt(ensemble, 4, '/older-', 3);
    await dieWithTail(ensemble, sid(5), 4);
    await ensemble.untilServing(2, 3, 4);
    // Sent before anything is written in the new reign, so that its log seems to go on where the old one ends.
    ensemble.start(5);
    await ensemble.untilServing(2, 3, 4, 5);
    expect(ensemble.invariants.history(sid(5)).snapshotZxid).toBe(makeZxid(epoch(2), 0n));
    await fillAt(ensemble, 2, '/new-', 25);
    await ensemble.simulation.sleep(100);
    ensemble.crash(4);
    await ensemble.untilServing(2, 3, 5);
    expect(ensemble.leader()).toBe(sid(5));
    // Far behind: it is older than all that server 5 has in memory.
    ensemble.start(1);
    await ensemble.untilServing(1, 2, 3, 5);
    const tree = await ensemble.checkTreesEqual();
    expect([countOf(tree, '/lost-'), countOf(tree, '/new')]).toEqual([0, 25]);
  },
);

trap(
  'a history of a later epoch wins over a longer one (ZOOKEEPER-335)',
  ['votes pass the epoch over'],
  async () => {
    const { ensemble, leader, others } = await running({ seed: 6, participantCount: 3 });
    await fillAt(ensemble, leader, '/kept-', 5);
    await dieWithTail(ensemble, leader, 4);
    // Their reign begins, and nothing is written in it.
    await ensemble.untilServing(...others);
    const reign = ensemble.status(others[0] ?? 1)?.epoch;
    ensemble.crash(others[1] ?? 2);
    ensemble.start(leader);
    await ensemble.untilServing(leader, others[0] ?? 1);
    expect(ensemble.leader()).toBe(others[0]);
    expect(ensemble.status(leader)?.epoch).toBe((reign ?? 0n) + 1n);
    expect(countOf(await ensemble.checkTreesEqual(), '/lost-')).toBe(0);
  },
);
