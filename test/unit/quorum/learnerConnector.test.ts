/** Dialling a leader that may not listen yet. */

import { describe, expect, it } from 'vitest';
import type { PeerConfig } from '../../../src/config/peerConfig.ts';
import type { ConnectionHandler } from '../../../src/ports/network.ts';
import { connectToLeader } from '../../../src/quorum/learnerConnector.ts';
import { RoleScope } from '../../../src/quorum/roleScope.ts';
import { SendBatch } from '../../../src/quorum/sendBatch.ts';
import { Simulation } from '../../../src/sim/simWorld.ts';
import { sid } from '../../../src/wire/ids.ts';

const LEADER = { sid: sid(2), address: 'tab-2:2888' };
const LIMITS = {
  connectToLearnerMasterLimit: 0,
  initLimit: 10,
  tickTimeMs: 2_000,
  leaderConnectDelayDuringRetryMs: 100,
} as PeerConfig;

const deaf: ConnectionHandler = {
  opened: () => {},
  received: () => {},
  drained: () => {},
  closed: () => {},
};

/** What a follower's dials come to, and when. */
function dial(simulation: Simulation): { readonly outcome: string; readonly atMs: number }[] {
  const told: { outcome: string; atMs: number }[] = [];
  const world = simulation.machine('tab-1', sid(1)).boot();
  const scope = new RoleScope(world, () => {});
  const tell = (outcome: string): void => void told.push({ outcome, atMs: world.clock.now() });
  const owner = { opened: () => {}, packet: () => {}, raw: () => {}, drained: () => {} };
  connectToLeader(
    scope,
    new SendBatch(),
    LIMITS,
    LEADER,
    { ...owner, closed: () => {} },
    {
      connected: () => tell('connected'),
      failed: tell,
    },
  );
  return told;
}

describe('a follower whose leader does not listen yet', () => {
  it('is with it a few milliseconds after it does', () => {
    const simulation = new Simulation(1);
    const leader = simulation.machine('tab-2', sid(2)).boot();
    const told = dial(simulation);
    let listeningMs = Infinity;
    leader.clock.after(12, () => {
      listeningMs = leader.clock.now();
      leader.network.listen(
        'quorum',
        LEADER.address,
        () => deaf,
        () => {},
      );
    });
    simulation.time.runFor(100);
    expect(told.map(({ outcome }) => outcome)).toEqual(['connected']);
    expect((told[0]?.atMs ?? Infinity) - listeningMs).toBeLessThan(30);
  });

  it('waits for it as long as ZooKeeper does: five tries with the configured pause between them', () => {
    const simulation = new Simulation(1);
    simulation.machine('tab-2', sid(2)).boot();
    const told = dial(simulation);
    simulation.time.runFor(4 * LIMITS.leaderConnectDelayDuringRetryMs);
    expect(told).toEqual([]);
    simulation.time.runFor(1_000);
    expect(told.map(({ outcome }) => outcome)).toEqual([
      expect.stringMatching(/server 2 did not answer in 5 tries/),
    ]);
  });
});
