/** Real servers in the simulator, for components: what they tell of an election, and clients of them. */

import { onTestFinished } from 'vitest';
import { ZooKeeper } from '../../../src/client/zooKeeper.ts';
import type { ProbeRecord } from '../../../src/ports/probe.ts';
import type { World } from '../../../src/ports/world.ts';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { SERVER_TOPICS } from '../../../src/sim/simWorld.ts';

const SEED = 5;
/** Virtual time that goes by in each step of the real one. */
const STEP_MS = 50;

/** All that three servers tell from their start until they serve: the same at every call. */
export async function electionOfThree(): Promise<readonly ProbeRecord[]> {
  const ensemble = new Ensemble({ seed: SEED, participantCount: 3 });
  const records: ProbeRecord[] = [];
  ensemble.simulation.subscribe(SERVER_TOPICS, (record) => void records.push(record));
  ensemble.startAll();
  await ensemble.untilServing();
  return records;
}

export interface LiveServer {
  /** Of the machine that its clients run on. */
  readonly world: World;
  readonly address: string;
  /** A client with a session of its own. */
  client(): ZooKeeper;
}

/** One of three servers that serve, and whose time goes on by itself until the test ends. */
export async function liveServer(): Promise<LiveServer> {
  const ensemble = new Ensemble({
    seed: SEED,
    participantCount: 3,
    config: { fourLetterWordWhitelist: ['ruok'] },
  });
  ensemble.startAll();
  await ensemble.untilServing();
  keepGoing(ensemble);
  const world = ensemble.clientMachine().boot();
  const address = ensemble.clientAddress(1);
  return {
    world,
    address,
    client: () => new ZooKeeper(world, { addresses: [address], sessionTimeoutMs: 4_000 }),
  };
}

function keepGoing({ simulation }: Ensemble): void {
  let over = false;
  const going = (async () => {
    while (!over) await simulation.sleep(STEP_MS);
  })();
  onTestFinished(async () => {
    over = true;
    await going;
  });
}
