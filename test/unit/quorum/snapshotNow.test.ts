/** A snapshot that somebody asks a running server for. */

import { describe, expect, test } from 'vitest';
import type { RunningPeer, SnapshotAnswer } from '../../../src/quorum/runningPeer.ts';
import { makePeerConfig } from '../../../src/config/makePeerConfig.ts';
import { startPeer } from '../../../src/quorum/quorumPeerMain.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import { sid } from '../../../src/wire/ids.ts';

const config = makePeerConfig({
  sid: null,
  quorumVerifier: null,
  dataDir: '/data',
  clientAddress: 'alone:2181',
});

async function alone(seed: number): Promise<{ simulation: Simulation; peer: RunningPeer }> {
  const simulation = new Simulation(seed);
  const peer = startPeer(config, simulation.machine('alone', sid(0)).boot(), { environment: [] });
  await simulation.until(() => peer.status().serving, 10_000);
  return { simulation, peer };
}

describe('a server that serves', () => {
  test('writes it and says its name and size', async () => {
    const { simulation, peer } = await alone(1);
    const answers: SnapshotAnswer[] = [];
    peer.takeSnapshot((answer) => answers.push(answer));
    expect(answers).toEqual([]);
    await simulation.until(() => answers.length > 0, 10_000);
    expect(answers[0]).toMatchObject({ kind: 'taken', file: 'snapshot.0' });
  });

  test('writes one at a time, and says so to whoever asks for a second', async () => {
    const { simulation, peer } = await alone(2);
    const answers: SnapshotAnswer[] = [];
    peer.takeSnapshot((answer) => answers.push(answer));
    peer.takeSnapshot((answer) => answers.push(answer));
    await simulation.until(() => answers.length === 2, 10_000);
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['refused', 'taken']);
  });

  test('gives it up when told to, and only that one', async () => {
    const { simulation, peer } = await alone(3);
    const answers: SnapshotAnswer[] = [];
    const cancel = peer.takeSnapshot((answer) => answers.push(answer));
    cancel();
    await simulation.until(() => answers.length === 1, 10_000);
    peer.takeSnapshot((answer) => answers.push(answer));
    cancel();
    await simulation.until(() => answers.length === 2, 10_000);
    expect(answers.map(({ kind }) => kind)).toEqual(['abandoned', 'taken']);
  });
});

test('a server that does not serve refuses, with the reason', async () => {
  const { simulation, peer } = await alone(4);
  let stopped = false;
  peer.stop(() => (stopped = true));
  await simulation.until(() => stopped, 10_000);
  const answers: SnapshotAnswer[] = [];
  peer.takeSnapshot((answer) => answers.push(answer));
  await simulation.until(() => answers.length > 0, 10_000);
  expect(answers[0]).toMatchObject({ kind: 'refused' });
});
