/** Who counts: voters, and of them only those whose disk is what it was. */

import { expect, vi } from 'vitest';
import { Ensemble } from '../../../../src/sim/ensemble.ts';
import { INITIALIZE_FILE } from '../../../../src/storage/dataDirectory.ts';
import { sid } from '../../../../src/wire/ids.ts';
import { fillAt, once } from './scene.ts';
import { trap } from './trap.ts';

// Virtual time costs real time, and the machine may have other things to do.
vi.setConfig({ testTimeout: 60_000 });

const INIT_LIMIT_MS = 2_000;

/**
 * Servers 2 and 3 of three voters elect 3, with two observers beside them. From that event of the leader on server 2 says
 * nothing: `reached` is what the leader may not come to with observers alone.
 */
async function observersAlone(
  seed: number,
  silencedAt: 'epochProposed' | 'epochAcked' | null,
  reached: 'epochProposed' | 'epochAcked' | 'established',
): Promise<void> {
  const ensemble = new Ensemble({ seed, participantCount: 3, observerCount: 2 });
  if (silencedAt === null) ensemble.simulation.network.refuse('server-2', 'server-3');
  else {
    once(
      ensemble,
      3,
      (event) => event.topic === 'zab' && event.type === silencedAt,
      () => ensemble.machine(2).disk.stall(),
    );
  }
  const registered = new Set<number>();
  const seen: string[] = [];
  ensemble.simulation.subscribe(['zab'], ({ sid: from, event }) => {
    if (from !== sid(3) || event.topic !== 'zab') return;
    seen.push(event.type);
    if (event.type === 'learnerRegistered') registered.add(Number(event.learner));
  });
  ensemble.start(2, 3, 4, 5);
  await ensemble.until(() => ensemble.status(3)?.state === 'LEADING', 'server 3 leads');
  await ensemble.until(() => registered.has(4) && registered.has(5), 'the observers have come');
  await ensemble.simulation.sleep(INIT_LIMIT_MS);
  expect(seen).not.toContain(reached);
  if (silencedAt !== null) expect(seen).toContain(silencedAt);
}

trap(
  'observers do not count among those whose epochs make the new one',
  ['observers count in the quorum that reports its epochs'],
  () => observersAlone(41, null, 'epochProposed'),
);

trap(
  'observers do not count among those who accept the new epoch',
  ['observers count in the quorum that accepts the epoch'],
  () => observersAlone(42, 'epochProposed', 'epochAcked'),
);

trap(
  'observers do not count among those who have the history of the new reign',
  ['observers count in the quorum that has the history'],
  () => observersAlone(43, 'epochAcked', 'established'),
);

trap(
  'a server that comes back without its disk has no vote until it has been synchronised',
  ['an empty disk that has lost its data votes'],
  async () => {
    const ensemble = new Ensemble({
      seed: 44,
      participantCount: 3,
      config: { dbAutocreate: false },
    });
    for (const server of ensemble.sids) {
      ensemble.machine(server).disk.put(INITIALIZE_FILE, new Uint8Array());
    }
    ensemble.startAll();
    await ensemble.untilServing(...ensemble.sids);
    ensemble.crash(1);
    await fillAt(ensemble, 3, '/kept-', 5);
    await ensemble.simulation.sleep(100);
    // Of the two that have it one loses its disk, and the other is away.
    ensemble.crash(2);
    ensemble.invariants.forgive(sid(2));
    ensemble.machine(2).disk.wipe();
    ensemble.crash(3);
    ensemble.start(1, 2);
    await ensemble.simulation.sleep(20_000);
    expect(ensemble.leader()).toBeNull();
    ensemble.start(3);
    await ensemble.untilServing(...ensemble.sids);
    expect((await ensemble.checkTreesEqual()).has('/kept-4')).toBe(true);
  },
);
