import { describe, expect, test } from 'vitest';
import type { ProbeEvent } from '../../../src/ports/probe.ts';
import { makePeerConfig } from '../../../src/config/makePeerConfig.ts';
import { startPeer } from '../../../src/quorum/quorumPeerMain.ts';
import type { RunningPeer } from '../../../src/quorum/runningPeer.ts';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { ScriptedClient } from '../../../src/sim/scriptedClient.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import { sid } from '../../../src/wire/ids.ts';

const NO_BYTES = new Uint8Array(0);

/** All events of one kind that the servers tell, with who told them. */
function listen<T extends ProbeEvent['type']>(ensemble: Ensemble, type: T) {
  const heard: { sid: bigint; event: Extract<ProbeEvent, { type: T }> }[] = [];
  ensemble.simulation.subscribe(['peer', 'zab', 'txn', 'storage', 'election'], (record) => {
    if (record.event.type === type) {
      heard.push({ sid: record.sid, event: record.event as Extract<ProbeEvent, { type: T }> });
    }
  });
  return heard;
}

describe('a member of an ensemble', () => {
  test('says who leads, which epoch it is and who belongs to it', async () => {
    const ensemble = new Ensemble({ seed: 11, participantCount: 3 });
    ensemble.startAll();
    expect(ensemble.status(1)).toMatchObject({ state: 'LOOKING', leader: null, serving: false });
    await ensemble.untilServing();
    const leader = ensemble.leader();
    for (const one of ensemble.sids) {
      expect(ensemble.status(one)).toMatchObject({ sid: one, leader, epoch: 1n, serving: true });
      expect(ensemble.status(one)?.servers).toHaveLength(3);
    }
  });

  test('that led and stopped in good order is replaced without waiting for any timeout', async () => {
    const ensemble = new Ensemble({ seed: 12, participantCount: 3 });
    ensemble.startAll();
    await ensemble.untilServing();
    const leader = await ensemble.untilQuorum();
    const startMs = ensemble.simulation.time.nowMs;
    await ensemble.stop(leader);
    await ensemble.until(() => ensemble.leader() !== null, 'another leads');
    expect(ensemble.simulation.time.nowMs - startMs).toBeLessThan(400);
  });

  test('keeps its memory from one leader to the next: nothing is loaded again', async () => {
    const ensemble = new Ensemble({ seed: 13, participantCount: 3 });
    ensemble.startAll();
    await ensemble.untilServing();
    const client = await ensemble.connect(1);
    await ensemble.simulation.settle(client.create('/a', NO_BYTES));
    await ensemble.simulation.sleep(100);
    const loads = listen(ensemble, 'loaded');
    const leader = await ensemble.untilQuorum();
    ensemble.crash(leader);
    await ensemble.until(
      () => ensemble.leader() !== null && ensemble.leader() !== leader,
      'another leads',
    );
    expect(loads).toEqual([]);
  });

  test('whose counter runs out elects anew and goes on in the next epoch (ZOOKEEPER-1277)', async () => {
    const ensemble = new Ensemble({
      seed: 14,
      participantCount: 3,
      config: { initialZxidCounter: 0xfffffff0n },
    });
    const states = listen(ensemble, 'state');
    ensemble.startAll();
    await ensemble.untilServing();
    for (let i = 0; i < 40; i++) {
      // A write that meets the change of epochs loses its connection and is simply tried again.
      await ensemble.untilServing();
      const client = ensemble.client();
      const write = async (): Promise<void> => {
        await client.connect(ensemble.clientAddress(1 + (i % 3)));
        await client.create(`/rollover-${i}`, NO_BYTES);
        await client.close();
      };
      await ensemble.simulation.settle(write().catch(() => undefined));
    }
    const exhausted = states.filter(({ event }) => event.cause.kind === 'counterExhausted');
    expect(exhausted.length).toBeGreaterThan(1);
    await ensemble.checkTreesEqual();
  });

  test('that lost its disk has no vote until it is synchronised (db.autocreate=false)', async () => {
    const ensemble = new Ensemble({
      seed: 15,
      participantCount: 3,
      config: { dbAutocreate: false },
    });
    for (const one of ensemble.sids) ensemble.machine(one).disk.put('initialize', NO_BYTES);
    ensemble.startAll();
    await ensemble.untilServing();
    const client = await ensemble.connect(1);
    await ensemble.simulation.settle(client.create('/precious', NO_BYTES));
    await ensemble.simulation.sleep(100);
    for (const one of [2, 3]) ensemble.crash(one);
    ensemble.invariants.forgive(sid(3));
    ensemble.machine(3).disk.wipe();
    ensemble.start(3);
    await ensemble.simulation.sleep(20_000);
    expect(ensemble.leader()).toBeNull();
    ensemble.start(2);
    await ensemble.untilServing();
    expect((await ensemble.checkTreesEqual()).has('/precious')).toBe(true);
    // Now its vote is worth what the others' are.
    ensemble.crash(2);
    await ensemble.untilServing(1, 3);
  });
});

test('a server without an ensemble stands alone', async () => {
  const simulation = new Simulation(17);
  const machine = simulation.machine('alone', sid(0));
  const config = makePeerConfig({
    sid: null,
    quorumVerifier: null,
    dataDir: '/data',
    clientAddress: 'alone:2181',
  });
  const clients = simulation.machine('client', sid(0), 'client').boot();
  const begin = async (): Promise<RunningPeer> => {
    const peer = startPeer(config, machine.boot(), { environment: [] });
    await simulation.until(() => peer.status().serving, 10_000);
    expect(peer.status()).toMatchObject({ state: 'LEADING', leader: 0n, serving: true });
    return peer;
  };
  const connect = async (): Promise<ScriptedClient> => {
    const client = new ScriptedClient(clients, 10_000);
    await simulation.settle(client.connect('alone:2181'));
    return client;
  };

  const peer = await begin();
  await simulation.settle((await connect()).create('/alone', NO_BYTES));
  let stopped = false;
  peer.stop(() => (stopped = true));
  await simulation.until(() => stopped, 10_000);
  expect(peer.status().serving).toBe(false);
  machine.crash();
  await begin();
  expect(await simulation.settle((await connect()).exists('/alone'))).not.toBeNull();
});
