/** What a simulated ensemble tells: an election, a start, writes, a leader's end, and a server that comes back behind. */

import type { ProbeRecord } from '../../../src/ports/probe.ts';
import { Ensemble } from '../../../src/sim/ensemble.ts';
import { SERVER_TOPICS } from '../../../src/sim/simWorld.ts';

const NO_DATA = new Uint8Array();

export function recorded(ensemble: Ensemble): ProbeRecord[] {
  const records: ProbeRecord[] = [];
  ensemble.simulation.subscribe(SERVER_TOPICS, (record) => records.push(record));
  return records;
}

async function write(ensemble: Ensemble, sid: number, paths: readonly string[]) {
  const client = await ensemble.connect(sid);
  for (const path of paths) await ensemble.simulation.settle(client.create(path, NO_DATA));
  await ensemble.simulation.settle(client.close());
}

/** Three servers elect 3, write, lose server 1 for twelve more transactions, and lose their leader. */
export async function wholeStory(): Promise<readonly ProbeRecord[]> {
  const ensemble = new Ensemble({ seed: 7, participantCount: 3 });
  const records = recorded(ensemble);
  ensemble.startAll();
  await ensemble.untilServing();
  await write(ensemble, 1, ['/color', '/shape']);
  ensemble.crash(1);
  await write(
    ensemble,
    2,
    Array.from({ length: 10 }, (_, index) => `/late-${index}`),
  );
  ensemble.start(1);
  await ensemble.untilServing(1, 2, 3);
  ensemble.crash(3);
  await ensemble.untilServing(1, 2);
  return records;
}
