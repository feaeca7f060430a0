/** What the traps are made of: an ensemble that runs, writes in bulk, and leaders that die with something untold. */

import { expect } from 'vitest';
import type { ProbeEvent, ZabEvent } from '../../../../src/ports/probe.ts';
import { Ensemble, type EnsembleOptions } from '../../../../src/sim/ensemble.ts';
import type { ScriptedClient } from '../../../../src/sim/scriptedClient.ts';
import type { DiskStep } from '../../../../src/sim/simDisk.ts';
import { type Sid, sid } from '../../../../src/wire/ids.ts';

export type SyncChosen = ZabEvent & { type: 'syncChosen' };

/** A running ensemble; the server with the highest sid leads it, as all begin with nothing. */
export async function running(options: EnsembleOptions) {
  const ensemble = new Ensemble(options);
  const syncs: SyncChosen[] = [];
  ensemble.simulation.subscribe(['zab'], ({ event }) => {
    if (event.topic === 'zab' && event.type === 'syncChosen') syncs.push(event);
  });
  ensemble.startAll();
  await ensemble.untilServing();
  const leader = await ensemble.untilQuorum();
  return {
    ensemble,
    leader,
    others: ensemble.sids.filter((one) => one !== leader),
    lastSync: (learner: number | Sid) => syncs.findLast((sync) => sync.learner === sid(learner)),
  };
}

export async function fill(
  ensemble: Ensemble,
  client: ScriptedClient,
  prefix: string,
  count: number,
): Promise<void> {
  const creates = Array.from({ length: count }, (_, index) =>
    client.create(`${prefix}${index}`, new Uint8Array(20).fill(index)),
  );
  await ensemble.simulation.settle(Promise.all(creates));
}

/** As `fill`, through a client that is gone afterwards; its session stays, so that nothing more is written. */
export async function fillAt(ensemble: Ensemble, at: Sid | number, prefix: string, count: number) {
  const client = await ensemble.connect(at, LONG_SESSION_MS);
  await fill(ensemble, client, prefix, count);
  client.disconnect();
}

/** Nobody expires while a trap is played: expiry is a write. */
const LONG_SESSION_MS = 600_000;

export function countOf(tree: ReadonlyMap<string, unknown>, prefix: string): number {
  return [...tree.keys()].filter((path) => path.startsWith(prefix)).length;
}

/** Whether a write was acknowledged, known at the latest when its connection is gone. */
export const outcomeOf = (write: Promise<unknown>): Promise<string> =>
  write.then(
    () => 'acknowledged',
    () => 'unknown',
  );

/** The leader proposes what reaches no other server, has it on its own disk, and loses power. */
export async function dieWithTail(ensemble: Ensemble, leader: Sid, count: number): Promise<void> {
  const { network } = ensemble.simulation;
  const others = ensemble.sids.filter((other) => other !== leader);
  const client = await ensemble.connect(leader, LONG_SESSION_MS);
  await ensemble.simulation.sleep(50);
  for (const other of others) network.block(`server-${leader}`, `server-${other}`);
  const outcomes = Array.from({ length: count }, (_, index) =>
    outcomeOf(client.create(`/lost-${index}`, new Uint8Array(3))),
  );
  const disk = ensemble.invariants.history(leader);
  const before = disk.lastZxid;
  await ensemble.until(() => disk.lastZxid >= before + BigInt(count), 'the tail is on its disk');
  ensemble.crash(leader, 'silent');
  network.heal();
  client.disconnect();
  expect(await ensemble.simulation.settle(Promise.all(outcomes))).not.toContain('acknowledged');
}

/** Power is lost at the first moment of that kind at that server's disk. */
export function losePowerAt(
  ensemble: Ensemble,
  server: Sid | number,
  strikes: (step: DiskStep) => boolean,
): () => boolean {
  const machine = ensemble.machine(server);
  machine.disk.configure({ unflushed: 'lost' });
  let struck = false;
  machine.disk.stepping = (step) => {
    if (struck || !strikes(step)) return;
    struck = true;
    ensemble.crash(server, 'silent');
  };
  return () => struck;
}

/** Calls `then` at the first event of that server for which `matches` holds. */
export function once(
  ensemble: Ensemble,
  server: Sid | number,
  matches: (event: ProbeEvent) => boolean,
  then: () => void,
): () => boolean {
  let happened = false;
  ensemble.simulation.subscribe(['zab', 'packet', 'txn', 'peer', 'storage'], (record) => {
    if (happened || record.sid !== sid(server) || !matches(record.event)) return;
    happened = true;
    then();
  });
  return () => happened;
}
